#!/usr/bin/env python3
"""./rung docs: builds the site, with the chapters as its pages in order, into build/docs/html.

What is wrong fails: a warning of Doxygen's, a public function that says nothing about itself, a stale quote, a link
that leads nowhere, a page that would need the network. Needs doxygen (1.9.4 or newer) and MathJax 2 (Debian:
doxygen, libjs-mathjax); else the standard library only.
"""

import argparse
import html
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from pages import Translator, Wrong, find_pages

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("core", "chapters", "cuda", "cli")  # whose headers are public
# Of the executor: CUDA's own names, which are CUDA's to document, what says the same once more for nvcc, and its inside.
HIDDEN = tuple(f"cuda/simt/{name}.h" for name in (
    "atomics", "bfloat16", "half", "keywords", "math_functions", "vector_types", "on_gpu",
    "collective", "crash", "executor", "fiber", "launch_bounds", "launch_request", "report", "rounding"))
MATHJAX = ("/usr/share/javascript/mathjax", "/usr/share/mathjax2", "/usr/share/mathjax")
# What the pages' formulas need of it: 5 of its 60 MB.
MATHJAX_PARTS = ("MathJax.js", "extensions", "jax/input/TeX", "jax/element", "jax/output/SVG")
MATHJAX_FONTS = "TeX"
INSTALL = "apt-get update && apt-get install -y --no-install-recommends doxygen libjs-mathjax"
# A field of a struct may speak for itself, and so may a constant; a function may not.
MAY_BE_UNDOCUMENTED = re.compile(r"\((?:variable|enumvalue)\).* is not documented\.|operator==.*=default \((?:function|friend)\).* is not documented")

# A newer Doxygen on a setting that it no longer has, and that an older one needs.
OBSOLETE = re.compile(r"has become obsolete|^\s*To avoid this warning please")


class Failure(Exception):
    """What is wrong, in one line or several, and the exit status."""

    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


def find_tools():
    """Doxygen's version as numbers, and MathJax's folder."""
    mathjax = next((Path(path) for path in MATHJAX if (Path(path) / "jax/output/SVG/jax.js").is_file()), None)
    try:
        said = subprocess.run(["doxygen", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        said = ""
    missing = [name for name, found in (("doxygen", said), ("libjs-mathjax", mathjax)) if not found]
    if missing:
        raise Failure(f"docs: {' and '.join(missing)} missing; as root: {INSTALL}")
    return tuple(int(number) for number in re.findall(r"\d+", said)[:3]), mathjax


def check_quotes(root):
    """Every quote of code says what the file says now."""
    ran = subprocess.run([sys.executable, "-B", root / "docs/quote.py", "--check"], capture_output=True, text=True, check=False)
    return (ran.stdout + ran.stderr).splitlines() if ran.returncode else []


def check_namespaces(root):
    """Doxygen looks at functions of documented namespaces only."""
    documented = set(re.findall(r"^namespace ([\w:]+)", (root / "docs/namespaces.dox").read_text(), re.MULTILINE))
    problems = []
    for folder in FOLDERS:
        for header in sorted(root.glob(f"{folder}/**/*.h")):
            for name in re.findall(r"^namespace (rung[\w:]*) \{", header.read_text(), re.MULTILINE):
                if name not in documented and not name.endswith("::detail"):
                    problems.append(f"{header.relative_to(root)}: docs/namespaces.dox says nothing about namespace {name}")
    return problems


def pager(before, after):
    """The way to the page before and the one after."""
    links = [f'<a rel="{rel}" href="{page.file}">{arrow(page)}</a>' if page else "<span></span>"
             for rel, page, arrow in (("prev", before, lambda p: f"← {html.escape(p.title)}"),
                                      ("next", after, lambda p: f"{html.escape(p.title)} →"))]
    return f'\\htmlonly\n<nav class="pager" aria-label="Pages in order">{"".join(links)}</nav>\n\\endhtmlonly'


def write_pages(root, staging):
    """Writes the pages. @return the pages, and the translator that knows what they use."""
    pages = find_pages(root)
    translator = Translator(pages)
    course = [page for page in pages if page.label == "index" or page.chapter]
    (staging / "pages").mkdir(parents=True)
    (staging / "figures").mkdir()
    for page in pages:
        after = ""
        if page in course:
            i = course.index(page)
            if page.chapter and not page.is_exercises:
                own = [other for other in course if other.is_exercises and other.chapter == page.chapter]
                after += "".join(f"@subpage {other.label} \"{other.title}\"\n\n" for other in own)
            after += pager(course[i - 1] if i else None, course[i + 1] if i + 1 < len(course) else None)
        (staging / "pages" / f"{page.label}.md").write_text(translator.translate(page, after=after))
    return pages, translator


def write_layout(pages, staging):
    """The menu. @return its path"""
    def tab(page):
        return f'<tab type="user" visible="yes" url="@ref {page.label}" title={quoted(page.title)}/>'

    def quoted(text):
        return '"' + html.escape(text) + '"'

    chapters = [page for page in pages if page.chapter and not page.is_exercises]
    exercises = [page for page in pages if page.is_exercises]
    guides = [page for page in pages if not page.chapter and page.label != "index" and not page.label.startswith("folder_")]
    groups = "".join(f'<tab type="usergroup" visible="yes" url="{group[0].file}" title="{title}">{"".join(map(tab, group))}</tab>'
                     for title, group in (("Chapters", chapters), ("Exercises", exercises), ("Guides", guides)) if group)
    path = staging / "layout.xml"
    path.write_text(
        '<doxygenlayout version="1.0"><navindex>'
        f'<tab type="mainpage" visible="yes" title="Start"/>{groups}'
        '<tab type="usergroup" visible="yes" url="annotated.html" title="Code">'
        '<tab type="namespacemembers" visible="yes" title="Functions"/>'
        '<tab type="classlist" visible="yes" title="Classes"/>'
        '<tab type="filelist" visible="yes" title="Headers"/></tab>'
        '</navindex></doxygenlayout>\n')
    return path


def write_header_list(root, staging):
    """Says of every header that it is a page of its own; what stands on top of it in comments is the page's text."""
    lines = []
    for folder in FOLDERS:
        lines += [f"/** @file {path.relative_to(root)} */\n" for path in sorted(root.glob(f"{folder}/**/*.h"))
                  if "exercises" not in path.parts and str(path.relative_to(root)) not in HIDDEN]
    (staging / "headers.dox").write_text("".join(lines))


def run_doxygen(root, staging, output, settings):
    """@return what it warned of, without what may be undocumented"""
    log = staging / "warnings.log"
    inputs = [root / folder for folder in FOLDERS if (root / folder).is_dir()]
    inputs += [root / "docs/namespaces.dox", staging / "headers.dox", staging / "pages"]
    settings = {
        "OUTPUT_DIRECTORY": output, "HTML_OUTPUT": "html", "WARN_LOGFILE": log, "STRIP_FROM_PATH": root,
        "STRIP_FROM_INC_PATH": root, "INPUT": " ".join(f'"{path}"' for path in inputs),
        # Chapters' own Markdown comes as pages, translated.
        "EXCLUDE": " ".join(f'"{path}"' for path in [*(path for folder in inputs[:-3] for path in folder.glob("**/*.md")),
                                                     *(root / name for name in HIDDEN)]),
        "GENERATE_TAGFILE": staging / "tags.xml", **settings,
    }
    quoted = {key: value if str(value).startswith('"') or key == "INPUT" else f'"{value}"' for key, value in settings.items()}
    quoted["EXCLUDE"] = settings["EXCLUDE"]
    text = (ROOT / "docs/Doxyfile").read_text() + "".join(f"{key} = {value}\n" for key, value in quoted.items())
    ran = subprocess.run(["doxygen", "-"], input=text, cwd=root, capture_output=True, text=True, errors="replace", check=False)
    said = (log.read_text(errors="replace") if log.is_file() else "") + ran.stderr
    warnings = [line.replace(f"{root}/", "").replace(f"{staging}/", "") for line in dict.fromkeys(said.splitlines())
                if line.strip() and not MAY_BE_UNDOCUMENTED.search(line) and not OBSOLETE.search(line)]
    if ran.returncode:
        warnings.append(f"doxygen ended with {ran.returncode}")
    return warnings


def copy_mathjax(mathjax, target):
    for part in MATHJAX_PARTS:
        source = mathjax / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=lambda folder, names: [
                name for name in names if folder.endswith("SVG/fonts") and name != MATHJAX_FONTS])
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / part)


def link_sources(root, site, staging, sources):
    """Lets links to files of the repository lead somewhere: a header to its page, anything else to a copy of it."""
    tags = ElementTree.parse(staging / "tags.xml").getroot()
    own_page = {}
    for compound in tags.iter("compound"):
        if compound.get("kind") == "file":
            path = compound.findtext("path", "") + compound.findtext("name", "")
            own_page[path.removeprefix(f"{root}/")] = compound.findtext("filename", "").removesuffix(".html") + ".html"
    targets = {}
    for source in sources:
        name = source.relative_to(root).as_posix()
        targets[name] = own_page.get(name)
        if targets[name] is None:
            targets[name] = f"files/{name}" + ("" if source.suffix in (".txt", ".svg", ".png") else ".txt")
            (site / targets[name]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, site / targets[name])
    return targets


def finish_pages(site, targets):
    """Links to sources get their targets. @return links that lead nowhere, and what would come over the network"""
    problems = []
    files = {path.relative_to(site).as_posix() for path in site.glob("**/*") if path.is_file()}
    for page in sorted(site.glob("*.html")):
        text = page.read_text()
        changed = re.sub(r'href="source:([^"#]+)"', lambda match: f'href="{html.escape(targets[match[1]])}"', text)
        if changed != text:
            page.write_text(changed)
        for tag, where in re.findall(r'<(\w+)[^>]*? (?:href|src|data)="([^"]*)"', changed):
            where = html.unescape(where)
            if re.match(r"https?:|//", where):
                if tag in ("script", "link", "img", "object", "iframe"):
                    problems.append(f"{page.name}: {where} would come over the network")
            elif not re.match(r"[a-z]+:|#|$", where) and where.split("#")[0].split("?")[0] not in files:
                problems.append(f"{page.name}: {where} is not there")
    return problems


def build(root, output):
    """@return the path of the site's first page"""
    version, mathjax = find_tools()
    staging, site = output / "staging", output / "html"
    for folder in (staging, site):
        shutil.rmtree(folder, ignore_errors=True)
    output.mkdir(parents=True, exist_ok=True)

    problems = check_quotes(root) + check_namespaces(root)
    pages, translator = write_pages(root, staging)
    write_header_list(root, staging)
    site.mkdir()
    for figure, name in translator.figures.items():
        shutil.copy(figure, site / name)
    copy_mathjax(mathjax, site / "mathjax")
    settings = {"LAYOUT_FILE": write_layout(pages, staging), "HTML_EXTRA_STYLESHEET": ROOT / "docs/site.css"}
    if version >= (1, 9, 5):
        settings["HTML_COLORSTYLE"] = "AUTO_LIGHT"
    problems += translator.wrong
    problems += run_doxygen(root, staging, output, settings)
    if not problems:
        problems += finish_pages(site, link_sources(root, site, staging, translator.sources))
    if problems:
        shutil.rmtree(site, ignore_errors=True)  # a site with errors is none
        raise Failure("\n".join(problems) + f"\ndocs: {len(problems)} things are wrong, see above")
    return site / "index.html"


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Failure(f"docs: {message}; ./rung docs --help tells more", 2)


def main():
    parser = Parser(prog="./rung docs", description="Builds the site: the chapters in order, and every public function. "
                    "Prints the path of its first page. Fails on any warning, undocumented public function, stale quote or dead link.")
    parser.add_argument("--output", type=Path, default=ROOT / "build/docs", help="the folder to build in (default: build/docs)")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)  # another tree, for tests
    try:
        options = parser.parse_args()
        print(build(options.root.resolve(), options.output.resolve()))
    except (Failure, Wrong, OSError) as failure:
        print("\n".join(f"rung: {line}" for line in str(failure).splitlines()), file=sys.stderr)
        return getattr(failure, "status", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
