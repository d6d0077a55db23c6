"""test_site.py REPOSITORY FOLDER: the site builds, and what is wrong in a tutorial or a header keeps it from building."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY, FOLDER = Path(sys.argv[1]), Path(sys.argv[2])
SMALL = FOLDER / "small"
failures = 0

README = """# Small

Read [chapter 01](chapters/01_one), [its idea](chapters/01_one/README.md#the-idea-a--b), [one.h](chapters/01_one/one.h)
and [one.cpp](chapters/01_one/one.cpp).
"""
CHAPTER = """# 01 one

With $a_1 < 2$ and $x \\in \\mathbb{R}^D$ it is `<|a|>`, 5 % @home, std::vector, #1, --with, $5 and `it's`.

$$
y = \\frac{1}{n} \\sum_i x_i
$$

![two bars](figures/bars.svg)

## The idea: `a` & b

| symbol | what |
|---|---|
| $W$ | `a \\| b` of [exercise 1.1](exercises/README.md#11-one-2-points) |

<!-- code: chapters/01_one/one.cpp one -->
```cpp
/// Says $one$.
int one() { return 1; }  // @param
```
"""
HEADER = """#pragma once

namespace rung {

/// Gives 1.
int one();

}  // namespace rung
"""
TREE = {
    "README.md": README,
    "chapters/01_one/README.md": CHAPTER,
    "chapters/01_one/exercises/README.md": "# Exercises of chapter 01\n\n## 1.1 One (2 points)\n\nBack to [it](../README.md).\n",
    "chapters/01_one/one.h": HEADER,
    "chapters/01_one/one.cpp": "// [one]\n/// Says $one$.\nint one() { return 1; }  // @param\n// [one]\n",
    "chapters/01_one/figures/bars.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    "docs/namespaces.dox": "/// The project.\nnamespace rung {}\n",
}


def expect(what, right, shown=""):
    global failures
    if not right:
        failures += 1
    print(f"{'ok' if right else 'FAILED'}: {what}{'' if right else f': {shown}'}", flush=True)


def build(root, output):
    ran = subprocess.run([sys.executable, "-B", REPOSITORY / "docs/build_site.py", "--root", root, "--output", output],
                         capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def build_small(**changed):
    """Builds the small tree, in which `changed` names files by their ends."""
    shutil.rmtree(SMALL, ignore_errors=True)
    for name, text in TREE.items():
        (SMALL / name).parent.mkdir(parents=True, exist_ok=True)
        (SMALL / name).write_text(changed.get(Path(name).stem if name != "chapters/01_one/README.md" else "chapter", text)
                                  if not name.endswith((".cpp", "exercises/README.md")) else text)
    shutil.copy(REPOSITORY / "docs/quote.py", SMALL / "docs")
    return build(SMALL, FOLDER / "small-site")


def refused(what, pattern, **changed):
    status, said = build_small(**changed)
    expect(f"refused: {what}", status == 1 and re.search(pattern, said), f"status {status}\n{said}")
    expect(f"… and there is no site with {what}", not (FOLDER / "small-site/html").exists())


shutil.rmtree(FOLDER, ignore_errors=True)
FOLDER.mkdir(parents=True)

# The repository itself.
status, said = build(REPOSITORY, FOLDER / "site")
site = FOLDER / "site/html"
expect("the site builds without a warning, and every public function is documented", status == 0 and said.strip() == str(site / "index.html"), said)
if status == 0:
    for readme in sorted(REPOSITORY.glob("chapters/[0-9][0-9]_*/README.md")):
        number = readme.parent.name[:2]
        page = (site / f"chapter_{number}.html").read_text()
        expect(f"chapter {number} is a page with the way to its neighbours", page.count('rel="prev"') == 1 and "chapters/" not in
               "".join(re.findall(r'href="([^"]*README[^"]*)"', page)))
        figures = re.findall(r"!\[.*?\]\(", re.sub(r"^```.*?^```", "", readme.read_text(), flags=re.M | re.S))
        expect(f"chapter {number} shows its figures", page.count('<img class="figure"') == len(figures))
    expect("MathJax is part of the site", (site / "mathjax/MathJax.js").is_file() and (site / "mathjax/jax/output/SVG/fonts/TeX").is_dir())

# What becomes of Markdown.
status, said = build_small()
expect("a small tree builds", status == 0, said)
if status == 0:
    page = (FOLDER / "small-site/html/chapter_01.html").read_text()
    index = (FOLDER / "small-site/html/index.html").read_text()
    text = re.sub(r"<[^>]*>", "", page)
    for part in (r"\(a_1 &lt; 2\)", r"\(x \in \mathbb{R}^D\)", r"\[y = \frac{1}{n} \sum_i x_i\]", r"\(W\)",
                 "5 % @home, std::vector, #1, --with, $5 and", "The idea: a &amp; b", "Says $one$.", "// @param", "a | b"):
        expect(f"the page says {part}", part in text, text)
    for part in ("<code>&lt;|a|&gt;</code>", "<code>it's</code>", '<img class="figure" src="chapter_01_bars.svg" alt="two bars"',
                 'href="chapter_01_exercises.html#chapter_01_exercises-11-one-2-points"', 'rel="next" href="chapter_01_exercises.html"'):
        expect(f"the page has {part}", part in page, page)
    for part in ('href="chapter_01.html"', 'href="chapter_01.html#chapter_01-the-idea-a--b"', 'href="one_8h.html"',
                 'href="files/chapters/01_one/one.cpp.txt"', 'rel="next" href="chapter_01.html"'):
        expect(f"the main page has {part}", part in index, index)
    anchor = 'id="chapter_01-the-idea-a--b"'
    expect(f"there is {anchor}", anchor in page, page)
    expect("no comment of a quote is left", "<!-- code" not in page)

# And what must not become a site.
refused("a function that says nothing about itself", r"one\.h:6: .*one.* is not documented", one=HEADER.replace("/// Gives 1.\n", "\n"))
refused("a namespace that Doxygen would pass over", "says nothing about namespace rung::two", one=HEADER.replace("namespace rung {", "namespace rung::two {"))
refused("a comment that refers to nothing", "nowhere", one=HEADER.replace("Gives 1", "Gives @ref nowhere"))
refused("a link that leads nowhere", r"chapters/02_two is not there", README=README.replace("01_one)", "02_two)"))
refused("a link to a heading that is not there", "there is no such heading", README=README.replace("#the-idea-", "#no-idea-"))
refused("a stale quote", "says something else now", chapter=CHAPTER.replace("return 1", "return 2"))
refused("a figure that is not there", r"figures/lines\.svg is not there", chapter=CHAPTER.replace("bars", "lines"))
refused("a formula without its end", r"a \$\$ without its partner", chapter=CHAPTER.replace("$$\n\n!", "\n\n!"))
refused("a page without a title", "expected a title", chapter="No title.\n")

print(f"{failures} expectations failed" if failures else "all expectations met")
sys.exit(1 if failures else 0)
