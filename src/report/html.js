/* What a reader can do with the report's pictures: read a value, pick a VM, zoom the timeline.
 *
 * All of it is in the page already (html_charts.c): a part of a picture has its numbers as its
 * <title>, and what is of a VM has the class v1, v2, ...; v0 is Ring -1. */
"use strict";
(() => {
const all = (where, what) => [...where.querySelectorAll(what)];
const make = (name, set, ...inside) => {
  const e = Object.assign(document.createElement(name), set);
  e.append(...inside);
  return e;
};
const draw = (where, name, set, text = "") => {
  const e = document.createElementNS(where.namespaceURI, name);
  for (const key in set) e.setAttribute(key, set[key]);
  e.textContent = text;
  where.append(e);
  return e;
};
const grouped = n => Math.round(n).toLocaleString("en");
const clamp = (n, low, high) => Math.max(low, Math.min(n, high));
const vmOf = e => e && (/\bv\d+\b/.exec(e.getAttribute("class")) || [""])[0];

/* Values ------------------------------------------------------------------------------ */

const tip = make("div", {className: "tip", hidden: true});
tip.setAttribute("role", "status");

function tell(text, x, y) {
  tip.textContent = text;
  tip.hidden = !text;
  const {width, height} = tip.getBoundingClientRect();
  tip.style.left = clamp(x + 12, 4, Math.max(4, document.documentElement.clientWidth - width - 4)) + "px";
  tip.style.top = (y - height - 12 < 4 ? y + 20 : y - height - 12) + "px";
}

/* The browser would show a title as well, later and elsewhere. */
function takeTitles() {
  for (const title of all(document, "figure title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  for (const kind of ["pointermove", "pointerdown"])  // a finger only does the latter
    document.addEventListener(kind, e => {
      const part = e.target.closest("[data-tip]");
      if (!e.target.closest(".time")) tell(part ? part.dataset.tip : "", e.clientX, e.clientY);
    });
  document.addEventListener("scroll", () => tell(""), {passive: true});
  document.documentElement.addEventListener("pointerleave", () => tell(""));
}

/* Picking a VM ------------------------------------------------------------------------ */

const vms = new Map();  // class to the cells of its row in the table of VMs
const chooser = make("select"), told = make("span", {className: "told"});
let picked = "";

function pick(vm) {
  picked = vm === picked ? "" : vm;
  for (const mark of all(document, "main :is(.vm, .part)")) mark.classList.toggle("dim", picked && vmOf(mark) !== picked);
  chooser.value = picked;
  told.textContent = picked && `${vms.get(picked)[3].textContent} of all cycles, ${vms.get(picked)[6].textContent} exits`;
  for (const chip of all(document, ".vms [aria-pressed]")) chip.setAttribute("aria-pressed", vmOf(chip) === picked);
}

function makePicker() {
  for (const name of all(document, "#tables th.vm"))
    if (!vms.has(vmOf(name))) {
      vms.set(vmOf(name), name.parentNode.cells);
      chooser.append(make("option", {value: vmOf(name)}, name.textContent));
    }
  chooser.prepend(make("option", {value: ""}, "nothing"));
  chooser.value = "";
  chooser.addEventListener("change", () => pick(chooser.value || picked));
  document.querySelector("header").after(make("div", {className: "picker"}, make("label", {}, "Highlight ", chooser), told));
  for (const chip of all(document, "#time .vms li")) {
    chip.tabIndex = 0;
    chip.setAttribute("role", "button");
    chip.setAttribute("aria-pressed", false);
    chip.addEventListener("keydown", e => [" ", "Enter"].includes(e.key) && (e.preventDefault(), pick(vmOf(chip))));
  }
  document.addEventListener("click", e => {
    const part = e.target.closest(".vm, .part");
    if (vmOf(part) && !part.closest(".time")) pick(vmOf(part));
  });
  document.addEventListener("keydown", e => {
    if (e.key === "Escape" && tip.hidden && picked) pick(picked);
    if (e.key === "Escape") tell("");
  });
}

/* Keys: a picture is one stop, arrows go from part to part ------------------------------ */

function walk(figure, seen = () => {}) {
  const parts = all(figure, "[data-tip]");
  let at = -1;
  const leave = () => parts[at] && parts[at].classList.remove("at");
  figure.tabIndex = 0;
  figure.addEventListener("blur", () => (leave(), tell("")));
  figure.addEventListener("keydown", e => {
    const to = {ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0,
                End: parts.length - 1}[e.key];
    if (e.key === "Enter" && vmOf(parts[at])) pick(vmOf(parts[at]));
    if (to === undefined || e.target !== figure || e.altKey || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    leave();
    at = clamp(to, 0, parts.length - 1);
    parts[at].classList.add("at");
    seen(at);
    const {left, width, top} = parts[at].getBoundingClientRect();
    tell(parts[at].dataset.tip, left + width / 2, top);
  });
}

/* The timeline: `from` to `to` of it are seen, in intervals ----------------------------- */

function timeline(figure) {
  const over = figure.querySelector(".over"), svg = figure.querySelector(".time"), ticks = figure.querySelector(".ticks");
  const [, , end, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const interval = Number(svg.dataset.interval), [top, shares] = svg.dataset.shares.split(" ").map(Number);
  const rows = all(svg, "path").map(p => ({name: p.dataset.name, vm: vmOf(p), n: p.dataset.n.split(",").map(Number)}));
  const exits = rows.pop(), titles = all(svg, ".hit").map(e => e.dataset.tip);
  const shown = make("output"), buttons = {};
  let from = 0, to = end, drag = null;

  /* Of a tick, as short as it can be and still differ from the next one. */
  function brief(n, step) {
    const power = n ? clamp(Math.floor(Math.log10(n) / 3), 0, 6) : 0;
    return (n / 1000 ** power).toFixed(clamp(Math.ceil(Math.log10(1000 ** power / step) - 1e-9), 0, 9)) + " kMGTPE".charAt(power).trim();
  }

  function drawTicks() {
    const span = (to - from) * interval, least = span / clamp(over.clientWidth / 110, 2, 10);
    const power = 10 ** Math.floor(Math.log10(least));
    const step = Math.max(1, power * [1, 2, 5, 10].find(k => power * k >= least * 0.999));
    ticks.replaceChildren();
    for (let n = Math.ceil(from * interval / step - 1e-9) * step; n <= to * interval; n += step) {
      const x = 100 * (n - from * interval) / span, ends = x < 4 ? "s" : x > 92 ? "s e" : "s m";
      draw(ticks, "line", {class: "ax", x1: x + "%", x2: x + "%", y1: height, y2: height + 5});
      draw(ticks, "text", {class: ends, x: x + "%", y: height + 19}, brief(n, step));
    }
  }

  function view(a, b) {
    const span = clamp(b - a, Math.min(2, end), end);
    from = clamp((a + b - span) / 2, 0, end - span);
    to = from + span;
    svg.setAttribute("viewBox", `${from} 0 ${span} ${height}`);
    drawTicks();
    shown.value = `cycles ${grouped(from * interval)} to ${grouped(to * interval)}`;
    buttons.out.disabled = buttons.whole.disabled = span >= end;
    buttons.in.disabled = span <= Math.min(2, end);
    buttons.back.disabled = from <= 0;
    buttons.on.disabled = to >= end;
  }

  const zoom = (by, at = (from + to) / 2) => view(at - (at - from) * by, at + (to - at) * by);
  const pan = by => view(from + by * (to - from), to + by * (to - from));
  const place = x => {
    const {left, width} = svg.getBoundingClientRect();
    return from + clamp((x - left) / width, 0, 1) * (to - from);
  };

  /* The interval at a point, and whose its share there is: none above the exits. */
  function under(e) {
    const i = clamp(Math.floor(place(e.clientX)), 0, titles.length - 1);
    const sum = rows.reduce((n, r) => n + r.n[i], 0);
    let left = (top + shares - (e.clientY - svg.getBoundingClientRect().top)) / shares * sum;
    const row = left >= 0 && left <= sum ? rows.find(r => r.n[i] && (left -= r.n[i]) <= 0) : undefined;
    return {i, row, sum};
  }

  function value({i, row, sum}) {
    if (!row) return titles[i];
    return `${row.name}: ${grouped(row.n[i])} cycles, ${(100 * row.n[i] / sum).toFixed(1)} %\n`
      + `in cycles ${grouped(i * interval)} to ${grouped((i + 1) * interval - 1)}, exits: ${grouped(exits.n[i])}`;
  }

  function dragging(e) {
    if (drag.pan) return view(drag.from - (e.clientX - drag.x) * drag.scale, drag.to - (e.clientX - drag.x) * drag.scale);
    const [a, b] = [drag.place, place(e.clientX)].sort((p, q) => p - q).map(p => 100 * (p - from) / (to - from));
    drag.mark.setAttribute("x", a + "%");
    drag.mark.setAttribute("width", b - a + "%");
  }

  function dropped(e) {
    const moved = Math.abs(e.clientX - drag.x) > 5, {mark, pan: shifted, place: start} = drag;
    drag = null;
    mark.remove();
    if (!moved) tell(value(under(e)), e.clientX, e.clientY);
    if (!moved && under(e).row) pick(under(e).row.vm);
    if (moved && !shifted) view(...[start, place(e.clientX)].sort((p, q) => p - q));
  }

  function listen() {
    svg.addEventListener("pointermove", e => drag ? dragging(e) : tell(value(under(e)), e.clientX, e.clientY));
    svg.addEventListener("pointerdown", e => {
      if (e.button) return;
      figure.focus({preventScroll: true});
      svg.setPointerCapture(e.pointerId);
      drag = {x: e.clientX, place: place(e.clientX), pan: e.shiftKey, from, to, scale: (to - from) / svg.getBoundingClientRect().width,
              mark: draw(over, "rect", {class: "mark", y: top, height: height - top, width: 0})};
    });
    svg.addEventListener("pointerup", e => drag && dropped(e));
    svg.addEventListener("pointercancel", () => drag && (drag.mark.remove(), drag = null));
    svg.addEventListener("dblclick", () => view(0, end));
    svg.addEventListener("wheel", e => {
      if (!e.ctrlKey && document.activeElement !== figure) return;  // the page's own
      e.preventDefault();
      zoom(e.deltaY < 0 ? 0.8 : 1.25, place(e.clientX));
    }, {passive: false});
    figure.addEventListener("keydown", e => {
      const act = {"+": () => zoom(0.5), "-": () => zoom(2), 0: () => view(0, end)}[e.key];
      if (act && !e.ctrlKey && !e.metaKey) act();
    });
    addEventListener("resize", drawTicks);
  }

  for (const [key, text, act] of [["in", "Zoom in", () => zoom(0.5)], ["out", "Zoom out", () => zoom(2)],
                                  ["back", "Earlier", () => pan(-0.5)], ["on", "Later", () => pan(0.5)],
                                  ["whole", "Whole run", () => view(0, end)]])
    buttons[key] = make("button", {type: "button", onclick: act}, text);
  figure.after(make("div", {className: "zoom"}, ...Object.values(buttons), shown),
               make("p", {className: "soft zoom"}, "Drag over a stretch to see it larger, with Shift to move; the wheel zooms after a click."));
  walk(figure, i => (i < from || i + 1 > to) && i < end && view(i - (to - from) / 2, i + (to - from) / 2));
  listen();
  view(0, end);
}

takeTitles();
makePicker();
document.body.append(tip);
document.body.classList.add("live");
for (const figure of all(document, ".chart"))
  if (figure.querySelector(".time")) timeline(figure);
  else walk(figure);
})();
