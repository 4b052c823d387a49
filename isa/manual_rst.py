"""The manual's own roles and directives for docutils.

Roles name rows of isa/ and become links; a name that no table has is an error:

  :insn:`vmenter`  :csr:`satp`  :msr:`tls`  :exit:`HALT`  :trap:`IO`  :field:`gptbr`
  :qual:`HOSTFAULT.walk`  :const:`POOL`  :lat:`trap`  :exc:`ILLEGAL`  :irq:`SSI`
  :rule:`EN-1`  :chapter:`vmcs`

Directives:

  .. rule:: EN-1         a numbered rule of the architecture, with an anchor
  .. drawing:: title     a plain-text drawing (manual_draw.py)
  .. entry:: id ...      the body gets these anchors
  .. encoding:: vmenter  the bit diagram of an instruction
  .. fragment:: vmenter  the hand-written text of an Xvisa instruction
  .. listing:: file      a file of examples/, or a part of it
  .. cycles:: title      a cycle diagram: `instruction | F D X M W`
  .. latencies::         the table of isa/latency.isa
"""

import re

from docutils import nodes
from docutils.parsers.rst import Directive, directives, roles
from docutils.statemachine import StringList

import manual_draw
import manual_ref


def slug(text):
    return re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-")


class Names:
    """Anchor and label of everything that a role may name: names[role][name]."""

    def __init__(self, isa):
        self.isa = isa
        table = {r: {} for r in ("insn", "csr", "msr", "exit", "trap", "field", "qual", "const",
                                 "lat", "exc", "irq", "rule", "chapter")}
        for i in isa.insns:
            table["insn"][i.name] = (i.name, i.name)
        for c in isa.csrs:
            table["csr"][c.name] = (f"csr-{c.name}", c.name)
            if c.cr != "-":
                table["csr"][c.cr] = (f"csr-{c.name}", c.cr)
        for m in isa.msrs:
            table["msr"][m.name] = (f"msr-{m.name}", m.name)
        for c in isa.causes:
            table["exit"][c.name] = (f"exit-{c.name}", c.name)
        for b in isa.trapcfg:
            table["trap"][b.name] = (f"trap-{b.name}", f"VMTRAPCFG.{b.name}")
        for f in isa.vmcs:
            table["field"][f.name] = (f"vmcs-{f.name}", f"VMCS.{f.name}")
        for q in isa.vmqual:
            table["qual"][f"{q.cause}.{q.name}"] = (f"qual-{q.cause}-{q.name}", f"VMQUAL.{q.name}")
        for c in isa.consts:
            table["const"][c.name] = (f"const-{c.name}", c.name)
        for l in isa.latencies:
            table["lat"][l.name] = (f"lat-{l.name}", l.name)
        for e in isa.exceptions:
            role = "exc" if e.kind == "exception" else "irq"
            table[role][e.name] = (f"{role}-{e.name}", e.name)
        self.table = table

    def find(self, role, name):
        """(anchor, label), or None."""
        return self.table[role].get(name)


def name_role(role, rawtext, text, lineno, inliner, options=None, content=None):
    build = inliner.document.settings.manual
    if role in ("rule", "chapter"):
        return [later_reference(build, role, text, lineno, inliner)], []
    found = build.names.find(role, text)
    if not found:
        message = inliner.reporter.error(f"'{text}' is no {ROLE_WORDS[role]} of isa/", line=lineno)
        return [inliner.problematic(rawtext, rawtext, message)], [message]
    return [build.link(found[0], nodes.literal(found[1], found[1], classes=[role]))], []


ROLE_WORDS = {"insn": "instruction", "csr": "CSR", "msr": "MSR", "exit": "exit cause",
              "trap": "VMTRAPCFG bit", "field": "VMCS field", "qual": "VMQUAL field (CAUSE.name)",
              "const": "constant", "lat": "latency", "exc": "exception", "irq": "interrupt"}


def later_reference(build, role, text, lineno, inliner):
    """Rules and chapters may stand further down: resolved by Build.resolve()."""
    node = nodes.inline(text, text, classes=[f"ref-{role}"])
    node["manual_ref"] = (role, text, *inliner.reporter.get_source_and_line(lineno))
    return node


class Rule(Directive):
    """A numbered rule. Its name is unique in the whole manual."""
    required_arguments = 1
    has_content = True

    def run(self):
        build, name = self.state.document.settings.manual, self.arguments[0]
        source, line = self.state.document.reporter.get_source_and_line(self.lineno)
        if not re.fullmatch(r"[A-Z]+-\d+", name):
            raise self.error(f"'{name}' is no rule name, expected letters, a dash and a number")
        if name in build.rules:
            first = build.rules[name]
            raise self.error(f"rule {name} is already defined at {first[0]}:{first[1]}")
        build.rules[name] = (source, line)
        box = nodes.container(classes=["rule"], ids=[f"rule-{name}"])
        self.state.nested_parse(self.content, self.content_offset, box)
        if not box.children:
            raise self.error(f"rule {name} says nothing")
        label = build.link(f"rule-{name}", nodes.strong(name, name), ["rule-name"])
        if build.target == "man":
            first = box.children[0]
            if isinstance(first, nodes.paragraph):
                first.insert(0, nodes.Text(" "))
                first.insert(0, nodes.strong("", f"[{name}]"))
            return box.children
        box.insert(0, nodes.paragraph("", "", label, classes=["rule-label"]))
        return [box]


class Drawing(Directive):
    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self):
        text = "\n".join(self.content)
        if self.state.document.settings.manual.target == "man":
            return [nodes.literal_block(text, text)]
        title = self.arguments[0]
        figure = f"<figure>{manual_draw.svg(text, title)}<figcaption>{title}</figcaption></figure>"
        return [nodes.raw("", figure, format="html")]


class Entry(Directive):
    """Anchors for what follows inside it."""
    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self):
        box = nodes.container(classes=["entry"], ids=self.arguments[0].split())
        self.state.nested_parse(self.content, self.content_offset, box)
        return box.children if self.state.document.settings.manual.target == "man" else [box]


class Encoding(Directive):
    required_arguments = 1

    def run(self):
        build = self.state.document.settings.manual
        insn = build.isa.insn(self.arguments[0])
        if not insn:
            raise self.error(f"'{self.arguments[0]}' is no instruction of isa/")
        if build.target == "man":
            text = manual_draw.encoding_text(insn)
            return [nodes.literal_block(text, text)]
        return [nodes.raw("", manual_draw.encoding_html(insn), format="html")]


class Cycles(Directive):
    """A cycle diagram. First the cycles; then a line for each instruction, `text | cells`. A
    cell is a stage's letter, upper case in its first cycle, or `.` for none; `..` leaves
    cycles out."""
    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self):
        rows = [manual_draw.cycle_row(line) for line in self.content if line.strip()]
        for row in rows:
            if len(row.cells) != len(rows[0].cells):
                raise self.error(f"'{row.text}' has {len(row.cells)} cells, expected {len(rows[0].cells)}")
        if self.state.document.settings.manual.target == "man":
            text = manual_draw.cycles_text(rows)
            return [nodes.paragraph("", self.arguments[0] + ":"), nodes.literal_block(text, text)]
        return [nodes.raw("", manual_draw.cycles_html(rows, self.arguments[0]), format="html")]


class Latencies(Directive):
    """The rows of latency.isa; their anchors are in the chapter of the numbers."""

    def run(self):
        build = self.state.document.settings.manual
        box = nodes.container()
        lines = manual_ref.latency_lines(build.isa)
        self.state.nested_parse(StringList(lines, source="isa/latency.isa"), 0, box)
        return box.children


class Fragment(Directive):
    """Another file's text in this place; its errors name that file and its lines."""
    required_arguments = 1

    def run(self):
        fragment = self.state.document.settings.manual.fragments[self.arguments[0]]
        lines = fragment.path.read_text().splitlines()
        box = nodes.container(classes=["fragment"])
        shown = self.state.document.settings.manual.shown(fragment.path)
        reporter = self.state.document.reporter
        outer = reporter.get_source_and_line
        reporter.get_source_and_line = lambda line=None: (shown, line)
        self.state.nested_parse(StringList(lines, source=shown), 0, box)
        reporter.get_source_and_line = outer
        return box.children


class Listing(Directive):
    """A file of examples/ as it is, so that what is read is what is tested. With options a part: from
    the line that has the text `from` to the one before the next that has the text `to`."""
    required_arguments = 1
    option_spec = {"from": directives.unchanged_required, "to": directives.unchanged_required}

    def find(self, lines, option, start, end):
        """The number of the line that an option names, from start on; end without the option."""
        text = self.options.get(option)
        if text is None:
            return end
        found = [n for n in range(start, len(lines)) if text in lines[n]]
        if not found:
            raise self.error(f"no line of examples/{self.arguments[0]} has '{text}'")
        return found[0]

    def run(self):
        build, name = self.state.document.settings.manual, self.arguments[0]
        path = build.source.parent.parent / "examples" / name
        if not path.is_file():
            raise self.error(f"there is no examples/{name}")
        lines = path.read_text().splitlines()
        first = self.find(lines, "from", 0, 0)
        text = "\n".join(lines[first:self.find(lines, "to", first + 1, len(lines))]).rstrip()
        label = nodes.paragraph("", "", nodes.strong(name, name), classes=["listing-name"])
        return [label, nodes.literal_block(text, text, classes=["listing"])]


def register():
    """Makes the roles and directives known to docutils."""
    for role in list(ROLE_WORDS) + ["rule", "chapter"]:
        def function(*args, _role=role, **options):
            return name_role(_role, *args[1:], **options)
        roles.register_local_role(role, function)
    for name, directive in (("rule", Rule), ("drawing", Drawing), ("entry", Entry),
                            ("encoding", Encoding), ("fragment", Fragment), ("cycles", Cycles),
                            ("latencies", Latencies), ("listing", Listing)):
        directives.register_directive(name, directive)
