#!/usr/bin/env python3
"""Puts into the tutorials what they quote, or tells what is stale.

    docs/quote.py [FILE.md …]              writes the quoted code anew; all of chapters/*/ and docs/ when no file is given
    docs/quote.py --check                  writes nothing; exit 1 and a line for every quote that is stale
    docs/quote.py --outputs [--check]      the same for outputs that every run prints alike; runs ./rung
    docs/quote.py --measured FILE.md …     runs what was measured again and writes what this machine printed

A quote is a fenced block behind one of these lines; what stands in the block is replaced:

    <!-- code: chapters/03_attention/softmax.cpp softmax -->     lines between the two `// [softmax]` of that file;
                                                                 without a name the whole file
    <!-- output: ./rung chapter 3 softmax -->                    what the command prints, every time the same
    <!-- measured: ./rung chapter 6 speed -->                    what it printed here once: times, rates

A command's output may be cut: `| head -5` or `| tail -5` behind it. Uses the standard library only.
"""

import argparse
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUOTE = re.compile(r"^<!-- (code|output|measured): (.+?) -->\n+(```|~~~)([a-z]*)\n(.*?)^\3$", re.MULTILINE | re.DOTALL)
LEFTOVER = re.compile(r"^<!-- (?:code|output|measured):.*$", re.MULTILINE)
FENCE = {"code": "cpp", "output": "text", "measured": "text"}


class Stale(Exception):
    """A quote of something that is not there."""


def code(what):
    """The lines between the markers, without the markers of other quotes, moved to the left."""
    path, _, name = what.partition(" ")
    file = ROOT / path
    if not file.is_file():
        raise Stale(f"there is no file {path}")
    lines = file.read_text().splitlines()
    if name:
        ends = [i for i, line in enumerate(lines) if line.strip() == f"// [{name}]"]
        if len(ends) != 2:
            raise Stale(f"{path}: expected two lines `// [{name}]`, found {len(ends)}")
        lines = lines[ends[0] + 1:ends[1]]
    lines = [line for line in lines if not re.fullmatch(r"\s*// \[[\w ]+\]", line)]
    return textwrap.dedent("\n".join(lines)).strip("\n") + "\n"


def output(what):
    """What the command prints to stdout, trailing spaces taken off."""
    command, _, cut = what.partition(" | ")
    words = shlex.split(command)
    if words[:1] != ["./rung"]:
        raise Stale(f"expected a command that begins with ./rung, found {command}")
    ran = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 1) or not ran.stdout:
        raise Stale(f"`{command}` failed: {ran.stderr.strip().splitlines()[-1:]}")
    lines = [line.rstrip() for line in ran.stdout.rstrip("\n").splitlines()]
    if found := re.fullmatch(r"(head|tail) -(\d+)", cut):
        count = int(found[2])
        lines = lines[:count] if found[1] == "head" else lines[-count:]
    elif cut:
        raise Stale(f"expected | head -N or | tail -N, found | {cut}")
    return "\n".join(lines) + "\n"


def renew(text, kinds):
    """The text with its quotes of these kinds made anew, and what could not be."""
    problems = []

    def replace(match):
        kind, what, fence, language, old = match.groups()
        if kind not in kinds:
            return match[0]
        try:
            new = code(what) if kind == "code" else output(what)
        except Stale as problem:
            problems.append(str(problem))
            new = old
        return f"<!-- {kind}: {what} -->\n{fence}{language or FENCE[kind]}\n{new}{fence}"

    return QUOTE.sub(replace, text), problems


def main():
    parser = argparse.ArgumentParser(description="Puts into the tutorials what they quote, or tells what is stale.")
    parser.add_argument("files", nargs="*", type=Path, help="Markdown files; all when not given")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a quote is stale")
    parser.add_argument("--outputs", action="store_true", help="outputs of commands instead of code")
    parser.add_argument("--measured", action="store_true", help="what was measured instead of code; needs FILE")
    options = parser.parse_args()
    if options.measured and (options.check or not options.files):
        parser.error("--measured: needs a file, and cannot be checked: it is never the same twice")
    kinds = {"measured"} if options.measured else {"output"} if options.outputs else {"code"}
    files = options.files or [ROOT / "README.md", *sorted(ROOT.glob("chapters/*/**/*.md")), *sorted(ROOT.glob("docs/*.md"))]

    stale = 0
    for file in files:
        old = file.read_text()
        new, problems = renew(old, kinds)
        name = file.resolve().relative_to(ROOT) if file.resolve().is_relative_to(ROOT) else file
        if len(QUOTE.findall(old)) != len(LEFTOVER.findall(old)):
            problems.append("a quote's comment has no fenced block right behind it")
        if options.check and new != old and not problems:
            now, before = (QUOTE.findall(text) for text in (new, old))
            problems = [f"`{after[1]}` prints or says something else now" for was, after in zip(before, now) if was != after]
        for problem in problems:
            print(f"{name}: {problem}")
        stale += len(problems)
        if not options.check and new != old:
            file.write_text(new)
            print(f"{name}: quotes renewed")
    if stale and options.check:
        print(f"{stale} stale; docs/quote.py{' --outputs' if options.outputs else ''} makes them new")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
