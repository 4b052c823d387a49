#!/usr/bin/env python3
"""Makes the architecture manual from man/arch/ and the tables of isa/.

    manual.py html -o FILE         one browsable page, everything inside
    manual.py man -o DIR           man pages visa-*(7), one per chapter
    manual.py page NAME.N.rst -o NAME.N    one hand-written man page
    manual.py list                 names of the man pages that `man` makes

Needs docutils and jinja2. The output depends on the sources alone.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

import jinja2
from docutils import core, io, nodes
from docutils.readers import doctree as doctree_reader, standalone
from docutils.writers import html5_polyglot, manpage

import manual_ref
import manual_rst
import manual_search
import tables
from manual_ref import Chapter, ManualError

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {"doctitle_xform": False, "sectsubtitle_xform": False, "report_level": 5, "halt_level": 5,
            "initial_header_level": 2, "input_encoding": "utf-8", "output_encoding": "unicode",
            "embed_stylesheet": False, "stylesheet_path": [], "math_output": "HTML", "datestamp": None,
            "generator": None, "source_link": None, "syntax_highlight": "none", "smart_quotes": False,
            "table_style": "", "_disable_config": True}


class Build:
    """What roles and directives need to know while chapters are read."""

    def __init__(self, isa, target, source):
        self.isa, self.target, self.source = isa, target, source
        self.names = manual_rst.Names(isa)
        self.rules = {}     # name: (file, line)
        self.chapters = {}  # short name: (anchor, title)
        self.errors = []
        self.fragments = {}

    def __deepcopy__(self, memo):
        return self  # docutils copies its settings

    def shown(self, path):
        """A path as errors name it: from the top of the tree if it is inside."""
        try:
            return str(path.resolve().relative_to(self.source.resolve().parent.parent))
        except ValueError:
            return str(path)

    def link(self, anchor, child, classes=()):
        """A link to an anchor; in a man page the child alone."""
        if self.target == "man":
            return child
        return nodes.reference("", "", child, refuri=f"#{anchor}", internal=True, classes=list(classes))

    def observe(self, message):
        if message["level"] >= 2:
            text = " ".join(message.astext().split("\n")[0].split(") ", 1)[-1].split())
            self.errors.append(f"{message.get('source')}:{message.get('line', 1)}: error: {text}")

    def check(self):
        if self.errors:
            raise ManualError("\n".join(dict.fromkeys(self.errors)))

    def resolve(self, tree):
        """Rules and chapters that are referred to before they are defined."""
        for node in list(tree.findall(nodes.inline)):
            if "manual_ref" not in node:
                continue
            kind, name, source, line = node["manual_ref"]
            known = self.rules if kind == "rule" else self.chapters
            if name not in known:
                self.errors.append(f"{source}:{line}: error: there is no {kind} '{name}'")
                continue
            if kind == "rule":
                child, anchor = nodes.inline(name, name), f"rule-{name}"
            else:
                anchor, title = self.chapters[name]
                shown = f"visa-{name}(7)" if self.target == "man" else title
                child = nodes.strong(shown, shown) if self.target == "man" else nodes.inline(shown, shown)
            node.replace_self(self.link(anchor, child, [f"to-{kind}"]))


def read_chapter(path, shown):
    """A hand-written chapter: comments at its head name the man page and its line."""
    text = path.read_text()
    head = text.splitlines()[:2] + ["", ""]
    page = re.fullmatch(r"\.\. page: (visa-[a-z]+)", head[0])
    summary = re.fullmatch(r"\.\. summary: (.+)", head[1])
    if not page:
        raise ManualError(f"{shown(path)}:1: error: expected `.. page: visa-NAME`")
    if not summary:
        raise ManualError(f"{shown(path)}:2: error: expected `.. summary: text`")
    return Chapter(page[1], summary[1], text, shown(path))


class ObservedReader(standalone.Reader):
    """docutils' reader; what it complains of goes to build."""

    def __init__(self, build):
        super().__init__()
        self.build = build

    def new_document(self):
        document = super().new_document()
        document.reporter.attach_observer(self.build.observe)
        return document


def read_tree(build, chapter):
    """The chapter as a docutils tree; errors are collected in build."""
    short = chapter.page.removeprefix("visa-")

    tree = core.publish_doctree(chapter.text, source_path=chapter.source, reader=ObservedReader(build),
                                settings_overrides={**SETTINGS, "manual": build, "id_prefix": f"ch-{short}-",
                                                    "auto_id_prefix": "s"})
    sections = [n for n in tree.children if isinstance(n, nodes.section)]
    if len(sections) != 1:
        build.errors.append(f"{chapter.source}:1: error: {len(sections)} top sections, expected one")
        return tree
    sections[0]["ids"] = [f"ch-{short}"]
    build.chapters[short] = (f"ch-{short}", sections[0][0].astext())
    return tree


def load(isa_dir, source, target):
    """(build, [(chapter, tree)]) of the whole manual; raises at the first kind of fault."""
    isa = tables.load(isa_dir)
    build = Build(isa, target, source)
    build.fragments = manual_ref.fragments(isa, source / "insn", build.shown)
    paths = sorted(source.glob("[0-9]*.rst"))
    if not paths:
        raise ManualError(f"{build.shown(source)}:1: error: no chapters (NN-name.rst) here")
    chapters = [read_chapter(p, build.shown) for p in paths]
    chapters += manual_ref.chapters(isa, build.fragments, target)
    trees = [(c, read_tree(build, c)) for c in chapters]
    for _, tree in trees:
        build.resolve(tree)
    build.check()
    return build, trees


# --- HTML ------------------------------------------------------------------------

def number_sections(tree, number):
    """Puts 4, 4.1, 4.2 before the titles; returns the chapter's contents."""
    chapter = tree.children[tree.first_child_matching_class(nodes.section)]
    contents = {"id": chapter["ids"][0], "number": str(number), "title": chapter[0].astext(), "parts": []}
    chapter[0].insert(0, nodes.inline("", f"{number} ", classes=["secno"]))
    parts = [n for n in chapter.children if isinstance(n, nodes.section)]
    for count, part in enumerate(parts, 1):
        label = f"{number}.{count}"
        names = [i for box in part.findall(nodes.container) if "entry" in box["classes"]
                 for i in box["ids"][:1]] if chapter["ids"][0] in ("ch-insn", "ch-base") else []
        contents["parts"].append({"id": part["ids"][0], "number": label, "title": part[0].astext(),
                                  "names": names})
        part[0].insert(0, nodes.inline("", f"{label} ", classes=["secno"]))
    return contents


def name_terms(tree, chapter):
    """Anchors for the terms of a chapter's lists, so that a search can lead to them."""
    seen = set()
    for term in tree.findall(nodes.term):
        anchor = f"term-{chapter}-{manual_rst.slug(term.astext())}"
        if anchor not in seen:
            term["ids"] = [anchor]
            seen.add(anchor)


def body_of(tree):
    writer = html5_polyglot.Writer()
    publisher = core.Publisher(reader=doctree_reader.Reader(parser_name="null"), writer=writer,
                               source=io.DocTreeInput(tree), destination_class=io.StringOutput)
    publisher.process_programmatic_settings(None, SETTINGS, None)
    publisher.set_destination(None, None)
    publisher.publish()
    return writer.parts["body"]


def check_links(page, name):
    """Every link inside the page has its anchor, and no anchor stands twice."""
    ids = re.findall(r'\bid="([^"]+)"', page)
    known = set()
    for anchor in ids:
        if anchor in known:
            raise ManualError(f"{name}:1: error: the anchor '{anchor}' stands twice")
        known.add(anchor)
    for target in re.findall(r'\bhref="#([^"]*)"', page):
        if target not in known:
            raise ManualError(f"{name}:1: error: the link '#{target}' leads nowhere")


def make_html(isa_dir, source):
    _, trees = load(isa_dir, source, "html")
    contents, bodies = [], []
    for number, (chapter, tree) in enumerate(trees, 1):
        contents.append(number_sections(tree, number))
        name_terms(tree, chapter.page.removeprefix("visa-"))
        bodies.append(body_of(tree))
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(str(source)), autoescape=True,
                             undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    index = json.dumps(manual_search.index(bodies), separators=(",", ":")).replace("</", "<\\/")
    page = env.get_template("page.html").render(contents=contents, bodies=bodies, index=index,
                                                style=(source / "style.css").read_text())
    check_links(page, "visa-arch.html")
    return page


# --- Man pages -------------------------------------------------------------------

MAN_ROOM = 64  # columns that text as it is has at least, indented, on a terminal of 80


class ManTranslator(manpage.Translator):
    """docutils' own, with a page's name and section given instead of read."""

    def __init__(self, document):
        super().__init__(document)
        page, summary, section = document.settings.man_head
        self._docinfo.update(title=page, title_upper=page.upper(), subtitle=summary,
                             manual_section=section, manual_group="V-ISA")
        self.defs["literal_block"] = (".sp\n.nf\n", "\n.fi\n")

    def header(self):
        """The page's head, which docutils' versions write in different ways."""
        return ('.TH "%(title_upper)s" "%(manual_section)s" "" "" "%(manual_group)s"\n'
                ".SH NAME\n%(title)s \\- %(subtitle)s\n") % self._docinfo

    def visit_document(self, node):
        super().visit_document(node)
        self.append_header()
        self.head.append(".nh\n.ad l\n")  # names are not to be broken

    def visit_literal_block(self, node):
        super().visit_literal_block(node)
        if self.is_wide(node):
            self.body.append(".in 0\n")

    def depart_literal_block(self, node):
        super().depart_literal_block(node)
        if self.is_wide(node):
            self.body.append(".in\n")

    @staticmethod
    def is_wide(node):
        """Does it stand at the left margin? It cannot be wrapped."""
        return max(map(len, node.astext().splitlines()), default=0) > MAN_ROOM

    def visit_raw(self, node):
        raise nodes.SkipNode

    def visit_inline(self, node):
        pass

    def depart_inline(self, node):
        pass


def man_text(tree, page, summary, section):
    writer = manpage.Writer()
    writer.translator_class = ManTranslator
    publisher = core.Publisher(reader=doctree_reader.Reader(parser_name="null"), writer=writer,
                               source=io.DocTreeInput(tree), destination_class=io.StringOutput)
    publisher.process_programmatic_settings(None, {**SETTINGS, "man_head": (page, summary, section)}, None)
    publisher.set_destination(None, None)
    text = publisher.publish()
    return clean_man(text)


def clean_man(text):
    """What groff warns about in docutils' output: blank lines, and 0.21's hint for tbl: no page has a table."""
    return re.sub(r"\n\.\n", "\n", text).removeprefix("'\\\" t\n")


def cell_inline(entry):
    """The inline contents of a table cell of one paragraph."""
    return [n.deepcopy() for p in entry.findall(nodes.paragraph) for n in p.children]


def row_item(heads, cells):
    """A row as an item of a list: the first cell, and what the others say under it. A table of
    more than two columns has heads."""
    text = nodes.paragraph()
    for head, cell in zip(heads[1:] or [""] * len(cells), cells[1:]):
        content = cell_inline(cell)
        if not content:
            continue
        if text.children:
            text += nodes.Text("; ")
        if len(cells) > 2 and not head.startswith("What"):
            text += [nodes.emphasis(head, head), nodes.Text(": ")]
        text += content
    return nodes.definition_list_item("", nodes.term("", "", *cell_inline(cells[0])),
                                      nodes.definition("", text))


def tables_to_lists(tree):
    """A list wraps on every terminal and breaks where a page ends, a table does not."""
    for table in list(tree.findall(nodes.table)):
        rows = [list(r.findall(nodes.entry)) for r in table.findall(nodes.row)]
        heads = []
        if table.next_node(nodes.thead):
            heads = [e.astext() for e in rows.pop(0)]
        out = []
        for cells in rows:
            if len(cells) > 1 and not any(c.astext() for c in cells[1:]):
                out.append(nodes.paragraph("", "", *cell_inline(cells[0])))
                continue
            if not out or not isinstance(out[-1], nodes.definition_list):
                out.append(nodes.definition_list())
            out[-1] += row_item(heads, cells)
        table.replace_self(out)


def lift_chapter(tree, extra):
    """The chapter's section gives way to its contents: its title is the page's name."""
    index = tree.first_child_matching_class(nodes.section)
    chapter = tree.children[index]
    intro = nodes.section("", nodes.title("", "Description"))
    rest = []
    for child in chapter.children[1:]:
        (rest if isinstance(child, nodes.section) else intro).append(child)
    tree.children[:] = []
    tree.extend([intro] + rest + extra)


def see_also(trees):
    items = nodes.definition_list()
    for chapter, _ in trees[1:]:
        items += nodes.definition_list_item("", nodes.term("", f"{chapter.page}(7)"),
                                            nodes.definition("", nodes.paragraph("", chapter.summary)))
    return nodes.section("", nodes.title("", "Pages"), items)


def make_man(isa_dir, source):
    """{file name: text} of every page of section 7."""
    _, trees = load(isa_dir, source, "man")
    pages = {}
    for number, (chapter, tree) in enumerate(trees):
        tables_to_lists(tree)
        lift_chapter(tree, [see_also(trees)] if number == 0 else [])
        pages[f"{chapter.page}.7"] = man_text(tree, chapter.page, chapter.summary, "7")
    return pages


def make_page(isa_dir, path):
    """One hand-written page NAME.N.rst, in docutils' form for man pages: title, subtitle,
    `:Manual section: N`, sections. The manual's roles work in it."""
    name = re.fullmatch(r"([\w.-]+)\.(\d)\.rst", path.name)
    if not name:
        raise ManualError(f"{path}:1: error: the file name is '{path.name}', expected NAME.SECTION.rst")
    build = Build(tables.load(isa_dir), "man", path.parent)
    tree = core.publish_doctree(
        path.read_text(), source_path=str(path), reader=ObservedReader(build),
        settings_overrides={**SETTINGS, "manual": build, "doctitle_xform": True})
    build.resolve(tree)
    build.check()
    if tree.get("title") != name[1]:
        raise ManualError(f"{path}:1: error: the title is '{tree.get('title')}', expected '{name[1]}'")
    subtitle = tree.next_node(nodes.subtitle)
    if not subtitle:
        raise ManualError(f"{path}:1: error: no subtitle that says what {name[1]} is")
    summary = subtitle.astext()
    for node in list(tree.findall(lambda n: isinstance(n, (nodes.title, nodes.subtitle, nodes.docinfo)))):
        if node.parent is tree:
            tree.remove(node)
    tables_to_lists(tree)
    return man_text(tree, name[1], summary, name[2])


# --- Command line ----------------------------------------------------------------

def write(path, text):
    """Replaces the file at once, so that no half of it is ever seen."""
    tmp = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    tmp.write_text(text)
    tmp.replace(path)


def run(args):
    if args.kind == "html":
        text = make_html(args.isa, args.source)
    elif args.kind == "page":
        if not args.file:
            raise ManualError("manual.py: error: `page` needs the file to convert")
        text = make_page(args.isa, args.file)
    else:
        pages = make_man(args.isa, args.source)
        if args.kind == "man":
            args.output.mkdir(parents=True, exist_ok=True)
            for name, page in pages.items():
                write(args.output / name, page)
            return
        text = "".join(f"{name}\n" for name in pages)
    if args.output:
        write(args.output, text)
    else:
        sys.stdout.write(text)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("kind", choices=["html", "man", "page", "list"])
    ap.add_argument("file", nargs="?", type=Path, help="page: the NAME.N.rst to convert")
    ap.add_argument("-o", "--output", type=Path, help="file or directory to write (default: standard output)")
    ap.add_argument("--isa", type=Path, default=ROOT / "isa", help="directory of the tables")
    ap.add_argument("--source", type=Path, default=ROOT / "man" / "arch", help="directory of the chapters")
    args = ap.parse_args()
    if args.kind == "man" and not args.output:
        ap.error("man needs a directory: -o DIR")
    manual_rst.register()
    try:
        run(args)
    except (ManualError, tables.IsaError, OSError) as e:
        sys.exit(str(e))


if __name__ == "__main__":
    main()
