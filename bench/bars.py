"""Groups of bars, panel below panel, as an SVG picture. No library is needed to draw one."""

import math
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, HEIGHT, GAP, TOP = 960, 70, 20, 170, 70, 70
STYLE = ("text{font:12px sans-serif;fill:#222}.title{font-size:14px;font-weight:bold}"
         ".value{font-size:9px;text-anchor:middle}.axis{fill:#666;text-anchor:end}"
         ".group{text-anchor:middle}line{stroke:#ddd}.base{stroke:#222}")


@dataclass
class Panel:
    """values[group][series] >= 0, one bar each; log: the axis is logarithmic, from 1 on."""
    title: str
    values: dict
    log: bool


def short(value):
    """A number in at most six characters: 0, 1.25, 640, 12.3k, 4.5M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def text(x, y, style, what):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(what)}</text>'


def ticks(panel, highest):
    """Values that get a line, the last of them at least the highest."""
    if panel.log:
        return [10 ** n for n in range(max(1, math.ceil(math.log10(max(highest, 1)))) + 1)]
    highest = highest or 1
    step = 10 ** math.floor(math.log10(highest))
    while highest / step < 3:
        step /= 2
    return [step * n for n in range(math.ceil(highest / step) + 1)]


def draw_panel(panel, top, colours):
    marks = ticks(panel, max(v for group in panel.values.values() for v in group.values()))
    bottom, span = top + HEIGHT, WIDTH - LEFT - RIGHT

    def y(value):
        part = math.log10(max(value, 1)) / math.log10(marks[-1]) if panel.log else value / marks[-1]
        return bottom - HEIGHT * part

    out = [text(LEFT, top - 18, "title", panel.title)]
    for m in marks:
        style = ' class="base"' if y(m) == bottom else ""
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(m):.1f}" y2="{y(m):.1f}"{style}/>')
        out.append(text(LEFT - 6, y(m) + 4, "axis", short(m)))
    for i, (group, values) in enumerate(panel.values.items()):
        pitch, width = span / len(panel.values), span / len(panel.values) / (len(values) + 1)
        first = LEFT + i * pitch + width / 2
        out.append(text(LEFT + (i + 0.5) * pitch, bottom + 16, "group", group))
        for n, (series, value) in enumerate(values.items()):
            height = max(bottom - y(value), 1.5 if value else 0)
            out.append(f'<rect x="{first + n * width:.1f}" y="{bottom - height:.1f}" width="{width - 2:.1f}" '
                       f'height="{height:.1f}" fill="{colours[series]}">'
                       f"<title>{escape(f'{group}, {series}: {value:.6g}')}</title></rect>")
            out.append(text(first + (n + 0.5) * width - 1, bottom - height - 3, "value", short(value)))
    return out


def draw(heading, panels, colours):
    """The picture, as text. colours: by series, in the legend's order."""
    height = TOP + len(panels) * (HEIGHT + GAP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">',
           f"<style>{STYLE}</style>", '<rect width="100%" height="100%" fill="#fff"/>',
           text(LEFT, 24, "title", heading)]
    for n, (series, colour) in enumerate(colours.items()):
        x = WIDTH - RIGHT - 110 * (len(colours) - n)
        out += [f'<rect x="{x}" y="14" width="12" height="12" fill="{colour}"/>', text(x + 18, 24, "", series)]
    for n, panel in enumerate(panels):
        out += draw_panel(panel, TOP + n * (HEIGHT + GAP), colours)
    return "\n".join([*out, "</svg>", ""])
