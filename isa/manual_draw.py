"""Pictures of the manual: plain-text drawings as SVG, encodings as bit diagrams.

A drawing is made of + - | for lines, > < ^ v for arrow heads and words for the
rest, so that one source serves the man page as it is and the HTML page as SVG.
"""

from dataclasses import dataclass
from html import escape

CELL_W, CELL_H = 8, 17


class Grid:
    """The drawing's characters by row and column; a blank outside."""

    def __init__(self, text):
        self.rows = text.splitlines()
        self.width = max((len(r) for r in self.rows), default=0)

    def at(self, x, y):
        if 0 <= y < len(self.rows) and 0 <= x < len(self.rows[y]):
            return self.rows[y][x]
        return " "

    def is_line(self, x, y):
        """Is this character a line or an arrow head, and not part of a word?"""
        c = self.at(x, y)
        left, right, above, below = (self.at(x - 1, y), self.at(x + 1, y),
                                     self.at(x, y - 1), self.at(x, y + 1))
        if c == "-":
            return left in "-+<" or right in "-+>"
        if c == "|":
            return above in "|+^" or below in "|+v" or (left + right).isspace()
        if c == "+":
            return (left in "-<" or right in "->" or above in "|^" or below in "|v") and \
                not (left.isalnum() or right.isalnum())
        if c in "<>":
            return (left if c == ">" else right) == "-"
        if c in "^v":
            return (above if c == "v" else below) in "|+" and not (left.isalnum() or right.isalnum()) or \
                (left + right).isspace()
        return False


def line_path(grid, x, y):
    """SVG path commands of one line character."""
    cx, cy = x * CELL_W + CELL_W / 2, y * CELL_H + CELL_H / 2
    left, right, top, bottom = x * CELL_W, (x + 1) * CELL_W, y * CELL_H, (y + 1) * CELL_H
    c = grid.at(x, y)
    if c == "-":
        return f"M{left} {cy}H{right}"
    if c == "|":
        return f"M{cx} {top}V{bottom}"
    if c == "+":
        sides = ((x - 1, y, "-<", f"H{left}"), (x + 1, y, "->", f"H{right}"),
                 (x, y - 1, "|^", f"V{top}"), (x, y + 1, "|v", f"V{bottom}"))
        plus = ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1))
        return "".join(f"M{cx} {cy}{to}" for (sx, sy, ok, to), at in zip(sides, plus)
                       if grid.at(sx, sy) in ok + ("+" if grid.is_line(*at) else ""))
    tips = {">": f"M{left} {cy}H{right}M{right - 5} {cy - 4}L{right} {cy}L{right - 5} {cy + 4}",
            "<": f"M{right} {cy}H{left}M{left + 5} {cy - 4}L{left} {cy}L{left + 5} {cy + 4}",
            "v": f"M{cx} {top}V{bottom - 2}M{cx - 4} {bottom - 7}L{cx} {bottom - 2}L{cx + 4} {bottom - 7}",
            "^": f"M{cx} {bottom}V{top + 2}M{cx - 4} {top + 7}L{cx} {top + 2}L{cx + 4} {top + 7}"}
    return tips[c]


def words(grid, y):
    """(column, text) of the runs of words in a row; two blanks end a run."""
    row = "".join(" " if grid.is_line(x, y) else grid.at(x, y) for x in range(grid.width))
    x = 0
    while x < len(row):
        if row[x] == " ":
            x += 1
            continue
        end = row.find("  ", x)
        end = len(row.rstrip()) if end < 0 else end
        yield x, row[x:end]
        x = end


def svg(text, title):
    """The drawing as an inline SVG in the text's colour."""
    grid = Grid(text)
    w, h = grid.width * CELL_W, len(grid.rows) * CELL_H
    path = "".join(line_path(grid, x, y) for y in range(len(grid.rows)) for x in range(grid.width)
                   if grid.is_line(x, y))
    out = [f'<svg class="drawing" role="img" aria-label="{escape(title)}" viewBox="0 0 {w} {h}" '
           f'width="{w}" height="{h}">', f'<path d="{path}"/>']
    for y in range(len(grid.rows)):
        for x, run in words(grid, y):
            out.append(f'<text x="{x * CELL_W}" y="{y * CELL_H + 13}" '
                       f'textLength="{len(run) * CELL_W}">{escape(run)}</text>')
    return "\n".join(out + ["</svg>"])


def bit_cells(insn):
    """(high bit, low bit, text, kind) of an encoding, from the highest bit down."""
    pos = insn.length * 8
    cells = []
    for token in insn.encoding.split():
        name = token.partition("!")[0]
        if set(token) <= set("01"):
            width, kind = len(token), "fixed"
        elif "imm[" in token:
            spans = token[token.index("[") + 1:-1].split("|")
            width, kind = sum(span_width(s) for s in spans), "imm"
        else:
            width = {"aq": 1, "rl": 1, "csr": 12}.get(name, 3 if name.endswith("'") else 5)
            kind = "reg" if name[0] == "r" and name != "rl" else "imm"
        cells.append((pos - 1, pos - width, name, kind))
        pos -= width
    return cells


def span_width(span):
    hi, _, lo = span.partition(":")
    return int(hi) - int(lo or hi) + 1


def encoding_html(insn):
    """The bit diagram as boxes as wide as their bits."""
    out = [f'<div class="enc enc{insn.length * 8}">']
    for hi, lo, text, kind in bit_cells(insn):
        numbers = f"<i>{hi}</i>" + (f"<i>{lo}</i>" if hi != lo else "")
        out.append(f'<span class="{kind}" style="flex:{hi - lo + 1}">'
                   f'<span class="bits">{numbers}</span><b>{escape(text)}</b></span>')
    return "".join(out + ["</div>"])


def encoding_text(insn):
    """The bit diagram as three lines of text under its bit numbers."""
    numbers, rule, body = "", "+", "|"
    for hi, lo, text, _ in bit_cells(insn):
        label = str(hi) if hi == lo else f"{hi}:{lo}"
        width = max(len(text), len(label)) + 2
        numbers += " " + label.center(width)
        rule += "-" * width + "+"
        body += text.center(width) + "|"
    return "\n".join([numbers.rstrip(), rule, body, rule])


@dataclass
class CycleRow:
    text: str    # of the instruction; "" in the head
    cells: list


def cycle_row(line):
    text, _, cells = line.rpartition("|")
    return CycleRow(text.strip(), cells.split())


def cycles_text(rows):
    """A cycle diagram as text: the first row has the cycles' numbers."""
    first = max(len(r.text) for r in rows) + 2
    width = max(len(c) for r in rows for c in r.cells) + 1
    return "\n".join((r.text.ljust(first) + "".join((" " if c == "." else c).rjust(width) for c in r.cells))
                     .rstrip() for r in rows)


def cycles_html(rows, title):
    """The same as a table; a cell's class is its stage, `stays` after the first cycle."""
    out = [f'<figure><table class="cycles"><thead><tr><th>{escape(rows[0].text)}</th>'
           + "".join(f"<th>{escape(c)}</th>" for c in rows[0].cells) + "</tr></thead><tbody>"]
    for row in rows[1:]:
        cells = []
        for c in row.cells:
            known = c.upper() in ("F", "D", "X", "M", "W")
            kind = f' class="{c.upper()}{" stays" if c.islower() else ""}"' if known else ""
            cells.append(f"<td{kind}>{escape('' if c == '.' else c)}</td>")
        out.append(f"<tr><th><code>{escape(row.text)}</code></th>{''.join(cells)}</tr>")
    return "\n".join(out + [f"</tbody></table><figcaption>{escape(title)}</figcaption></figure>"])
