"""The repository's Markdown as pages for Doxygen. docs/build_site.py uses it.

The files themselves are plain Markdown, which reads well in the repository. Doxygen's Markdown differs: formulas are
\\f$…\\f$ there, `@`, `#` and `::` mean something in the middle of a sentence, pages and headings have names of their
own, and links lead to pages, not to files. Code, in blocks or in `spans`, stays what it is.

Uses the standard library only.
"""

import html
import os
import re
from pathlib import Path

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
QUOTED = re.compile(r"<!-- (code|output|measured): (\S+?)(?: (.*?))? -->")
FENCE = re.compile(r"^( *)(```+|~~~+) *([\w+-]*)[^`]*$")
SPAN = re.compile(r"(?<!`)(`+)(?!`)((?:(?!\n\s*\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
INLINE = re.compile(r"(?<![\\$\w])\$(?![\s$])((?:\\.|[^$\\]|\n(?!\s*\n))+?)(?<!\s)\$(?![\d$])")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)")
HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
RULE = re.compile(r"^\s*(?:[-*_]\s*){3,}$|^[\s|:-]*\|[\s|:-]*$")

# What Doxygen highlights, by the names that blocks have in Markdown.
LANGUAGES = {"c": "c", "cpp": "cpp", "c++": "cpp", "cuda": "cpp", "python": "py", "py": "py"}


class Wrong(Exception):
    """What cannot become a page, and in which file."""


class Page:
    """A Markdown file on its way to a page."""

    def __init__(self, root, path):
        self.root, self.path = root, path
        self.name = path.relative_to(root).as_posix()
        self.label = label_of(self.name)
        self.text = path.read_text()
        outside = "".join(part for part, is_code in blocks(self.text) if not is_code)
        headings = HEADING.findall(outside)
        if not headings or len(headings[0][0]) != 1 or not self.text.startswith("# "):
            raise Wrong(f"{self.name}: expected a title, `# …`, in the first line")
        self.title = plain(headings[0][1])
        self.anchors = {}  # the name that a link in the repository uses: the one in the site
        self.sections = 0
        seen = {}
        for level, heading in headings:
            slug = github_slug(plain(heading))
            count = seen[slug] = seen.get(slug, -1) + 1
            slug += f"-{count}" if count else ""
            self.anchors[slug] = f"{self.label}-{re.sub(r'[^a-z0-9-]', '', slug) or 'heading'}"
            self.sections += len(level) == 2

    @property
    def file(self):
        """The name of its HTML file."""
        return f"{self.label}.html"

    @property
    def chapter(self):
        """`03` for what belongs to chapter 03, else None."""
        found = re.match(r"chapters/(\d\d)_", self.name)
        return found[1] if found else None

    @property
    def is_exercises(self):
        return self.chapter is not None and self.name.endswith("/exercises/README.md")


def label_of(name):
    """What the page of a file is called: chapter_03, chapter_03_exercises, measuring, folder_core_check."""
    if name == "README.md":
        return "index"
    if found := re.fullmatch(r"chapters/(\d\d)_\w+/(exercises/)?README\.md", name):
        return f"chapter_{found[1]}" + ("_exercises" if found[2] else "")
    if found := re.fullmatch(r"docs/(\w+)\.md", name):
        if found[1] != "README":
            return found[1]
    folder = name.removesuffix(".md").removesuffix("/README")
    return "folder_" + re.sub(r"\W+", "_", folder)


def find_pages(root):
    """All pages, in the order in which they are read: the main page, the chapters, the guides, the rest."""
    found = [path for folder, folders, files in walk(root) for path in (folder / name for name in files)]
    pages = [Page(root, path) for path in found]

    def order(page):
        kind = 0 if page.label == "index" else 1 if page.chapter else 2 if not page.label.startswith("folder_") else 3
        return kind, page.chapter or "", page.is_exercises, page.name

    return sorted(pages, key=order)


def walk(root):
    """Like os.walk, without what is built and what a learner writes; only Markdown files."""
    for folder, folders, files in os.walk(root):
        at_top = Path(folder) == root
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__"
                            and not (at_top and (name.startswith("build") or name == "work")))
        yield Path(folder), folders, sorted(name for name in files if name.endswith(".md"))


def github_slug(text):
    """What a heading's anchor is in the repository's own pages."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def plain(text):
    """A heading without its marks."""
    text = LINK.sub(lambda link: link[2], text)
    return re.sub(r"[`*$]", "", text).strip()


def blocks(text):
    """The text in pieces: (piece, whether it is a fenced block)."""
    piece, end = [], None
    for line in text.splitlines(keepends=True):
        fence = FENCE.match(line.rstrip("\n"))
        if end is None and fence:
            yield "".join(piece), False
            piece, end = [line], fence[2]
        elif end is not None and fence and fence[2].startswith(end) and not fence[3]:
            yield "".join([*piece, line]), True
            piece, end = [], None
        else:
            piece.append(line)
    yield "".join(piece), end is not None


class Translator:
    """Turns pages into Doxygen's Markdown. Collects which other files they use."""

    def __init__(self, pages):
        self.root = pages[0].root
        self.by_path = {page.path: page for page in pages}
        self.figures = {}  # path: its name in the site
        self.sources = set()  # files that are linked to
        self.wrong = []  # links that lead nowhere

    def translate(self, page, before="", after=""):
        """The page's Markdown; `before` and `after` are Doxygen's and stand around the text."""
        # The top level is the page's own, below its title.
        title, _, rest = page.text.partition("\n")
        self.anchors = iter(list(page.anchors.values())[1:])
        body = "".join(self.code(piece) if is_code else self.prose(page, piece) for piece, is_code in blocks(rest))
        contents = "\n[TOC]\n" if page.sections >= 4 else ""
        label = "mainpage" if page.label == "index" else page.label
        return f"# {self.escape(page.title)} {{#{label}}}\n{contents}\n{before}\n{body.strip()}\n\n{after}\n"

    def code(self, block):
        """A fenced block; Doxygen reads the language as a file's ending."""
        first, rest = block.split("\n", 1)
        indent, fence, language = FENCE.match(first).groups()
        return f"{indent}{fence}{{.{LANGUAGES.get(language, 'unparsed')}}}\n{rest}"

    def prose(self, page, text):
        kept = []  # what is not to be touched any more

        def keep(piece):
            kept.append(piece)
            return f"\ue000{len(kept) - 1}\ue001"

        def restore(piece):
            while "\ue000" in piece:
                piece = re.sub(r"\ue000(\d+)\ue001", lambda match: kept[int(match[1])], piece)
            return piece

        def in_table(match):
            line = text_now[text_now.rfind("\n", 0, match.start()) + 1:match.start()]
            return line.lstrip().startswith("|")

        def span(match):
            ticks, content = match[1], match[2]
            if in_table(match) and "|" in content:  # a bar would end the cell
                return keep("<code>" + re.sub(r"[|\\@#%$*_`~<>-]", r"\\\g<0>", content.replace(r"\|", "|")) + "</code>")
            if "'" in content and len(ticks) == 1:  # which Doxygen takes for a quotation's end
                ticks = "``"
            return keep(ticks + content + ticks)

        def displayed(match):
            if "`" in match[1]:
                raise Wrong(f"{page.name}: code inside $$…$$: {match[1].strip()[:60]}")
            return keep("\n\\f[" + match[1].strip() + "\\f]\n")

        def inline(match):
            return keep("\\f$" + match[1] + "\\f$")

        def link(match):
            is_picture, words, target = match.groups()
            if is_picture:
                return keep(self.picture(page, words, target))
            if re.match(r"[a-z]+:", target):
                return f"{keep(f'<a href={html.escape(target)!r}>')}{words}{keep('</a>')}".replace("'", '"')
            to = self.resolve(page, target)
            return words if to is None else keep(f'<a href="{to}">') + words + keep("</a>")

        def heading(match):
            level = max(1, len(match[1]) - 1)
            words = plain(restore(match[2]).replace("\\f$", ""))  # Doxygen shows no code and no formulas in headings
            return keep("#" * level + " ") + words + keep(f" {{#{next(self.anchors)}}}")

        text_now = QUOTED.sub(lambda quote: keep(caption(*quote.groups())), text)
        text_now = SPAN.sub(span, COMMENT.sub("", text_now))
        text_now = DISPLAYED.sub(displayed, re.sub(r"\$(\ue000\d+\ue001)\$", lambda m: code_formula(m, kept), text_now))
        if "$$" in text_now:
            raise Wrong(f"{page.name}: a $$ without its partner")
        text_now = INLINE.sub(inline, text_now)
        text_now = LINK.sub(link, text_now)
        text_now = HEADING.sub(heading, text_now)
        text_now = "\n".join(line if RULE.match(line) else self.escape(line) for line in text_now.split("\n"))
        return restore(text_now)

    @staticmethod
    def escape(text):
        """What would be a command, a tag or a reference of Doxygen's, as text."""
        text = re.sub(r"\\(?![!-/:-@\[-`{-~])", r"\\\\", text)
        text = re.sub(r"(?<!\\)@", r"\\@", text)
        text = re.sub(r"(?<!\\)<(?!https?:)", r"\\<", text)
        text = re.sub(r"(?<![\\&])#(?=\w)", r"\\#", text)
        text = re.sub(r"(?<!\\)%(?=\w)", r"\\%", text)
        text = re.sub(r"(?<!\\)::", r"\\::", text)
        return re.sub(r"(?<![\\-])(-{2,3})(?!-)", r"\\\1", text)

    def resolve(self, page, target):
        """Where a relative link leads in the site; None where to nothing."""
        path, _, anchor = target.partition("#")
        file = (page.path.parent / path).resolve() if path else page.path
        if file.is_dir() and (file / "README.md").is_file():
            file = file / "README.md"
        if other := self.by_path.get(file):
            if anchor and anchor not in other.anchors:
                self.wrong.append(f"{page.name}: {target}: there is no such heading")
            return other.file + (f"#{other.anchors.get(anchor, '')}" if anchor else "")
        if not file.exists() or not file.is_relative_to(self.root):
            self.wrong.append(f"{page.name}: {target} is not there")
            return None
        if file.is_dir():
            return None  # there is nothing to show of it
        self.sources.add(file)
        return "source:" + file.relative_to(self.root).as_posix()

    def picture(self, page, words, target):
        """A figure. As an <img> it follows the reader's dark or light mode by itself."""
        file = (page.path.parent / target).resolve()
        if not file.is_file():
            self.wrong.append(f"{page.name}: {target} is not there")
            return words
        name = f"{page.label}_{file.name}"
        self.figures[file] = name
        return ("\\htmlonly\n"
                f'<div class="figure"><img class="figure" src="{html.escape(name)}" alt="{html.escape(plain(words))}"></div>\n'
                "\\endhtmlonly")


def code_formula(match, kept):
    """GitHub's other way to write a formula: $`…`$."""
    inside = kept[int(match[1][1:-1])]
    if not inside.startswith("`"):
        return match[0]
    kept.append("\\f$" + inside.strip("`") + "\\f$")
    return f"\ue000{len(kept) - 1}\ue001"


def caption(kind, first, rest):
    """Where a quote comes from, above it."""
    what = first if kind == "code" else f"{first} {rest or ''}".strip()
    said = {"code": "", "output": "", "measured": ", measured"}[kind]
    return f'\\htmlonly\n<p class="quoted"><code>{html.escape(what)}</code>{said}</p>\n\\endhtmlonly\n'
