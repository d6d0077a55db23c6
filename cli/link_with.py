#!/usr/bin/env python3
"""Links rung's program anew with a learner's files in place of the chapters' own.

    link_with.py --build FOLDER DIR

builds the program rung-with of the build FOLDER, which has every file of DIR in it that an exercise knows by name,
and prints that program's path. `./rung generate "…" --with work/03` runs it. cli/exercise.py uses the functions.

How a file stands in for another is told in cmake/RungExercises.cmake.
"""

import argparse
import contextlib
import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Failure(Exception):
    """What is wrong, in one line, and the exit status: 1 a run failed, 2 wrong usage."""

    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


class DoesNotBuild(Exception):
    """What the compiler or the linker says."""


def note(text):
    print(f"rung: {text}", file=sys.stderr, flush=True)


def shown(path):
    """A path as the reader would write it: from the top of the repository if it is in there."""
    path = Path(os.path.abspath(path))
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def chapters():
    """Chapters with exercises: {3: the folder chapters/03_attention}."""
    lists = sorted(ROOT.glob("chapters/[0-9][0-9]_*/exercises/tasks.json"))
    return {int(path.parts[-3][:2]): path.parent.parent for path in lists}


def tasks(chapter):
    """The exercises of a chapter's folder, as its tasks.json has them: id, title, file, points, check.

    `check` is one op, stage or function of ./rung check, or a list of them, which all have to pass. `crash`, where there
    is one, tells the usual cause of a crash in this task. `also_in`, where there is one, lists other files that do what is
    asked for: a copy for a class leaves them out."""
    return json.loads((chapter / "exercises" / "tasks.json").read_text())["tasks"]


def replaced(chapter, task):
    """The source that a task's file takes the place of: one of the chapter, or of core/ where `file` begins with it."""
    return ROOT / task["file"] if task["file"].startswith("core/") else chapter / task["file"]


def own_name(task):
    """What the learner's file is called."""
    return Path(task["file"]).name


@contextlib.contextmanager
def build_lock():
    """One rung at a time builds: the same lock as the `rung` script's."""
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build" / "lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("another rung is building; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fill(slot, file):
    """Puts `file` into a slot, or leaves it empty for None. One that already has it is not made newer."""
    text = ""
    if file:
        path = os.path.abspath(file)
        if '"' in path or "\n" in path:
            raise Failure(f"{path}: a path with a quotation mark cannot be included; move the folder elsewhere")
        text = f'#include "{path}"\n'
    if not slot.exists() or slot.read_text() != text:
        slot.parent.mkdir(parents=True, exist_ok=True)
        slot.write_text(text)


def what_went_wrong(output):
    """The compiler's words alone: no progress, no command lines, no slots."""
    lines = output.splitlines()
    kept = []
    for i, line in enumerate(lines):
        is_command = i > 0 and lines[i - 1].startswith("FAILED:")
        if is_command or re.match(r"\[\d+/\d+\] |FAILED:|ninja: |In file included from .*/exercises/", line):
            continue
        kept.append(line.replace(f"{ROOT}/", ""))
    text = "\n".join(kept)
    if re.search(r"multiple definition of [`']main'", text):  # each linker has its own quotation marks
        text += "\nThe program has a main already; leave yours out of this file."
    elif "multiple definition" in text:
        text += "\nThe file must define every function that the chapter's own file does, with the same arguments."
    return text


def build_program(build, *targets):
    """One or several, side by side.
    @raises DoesNotBuild when one does not; the others are built all the same"""
    command = ["cmake", "--build", str(build), "--parallel", str(os.cpu_count() or 1), "--target", *targets]
    if len(targets) > 1:
        command += ["--", "-k", "0"]  # Ninja's: go on after what fails
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, errors="replace", check=False)
    if ran.returncode != 0:
        raise DoesNotBuild(what_went_wrong(ran.stdout))


def link_with(build, folder):
    """Builds rung-with and returns its path. It is to be run with the lock given up: another may build it again."""
    if not folder.is_dir():
        raise Failure(f"--with: expected a folder with files of an exercise, found no folder {folder}", 2)
    exercises = build / "exercises" / "with"
    known, used = [], []
    for chapter in chapters().values():
        for file, source in {own_name(task): replaced(chapter, task) for task in tasks(chapter)}.items():
            known.append(file)
            own = folder / file
            written = own.is_file() and own.read_bytes() != (chapter / "exercises" / file).read_bytes()
            if written:
                used.append(file)
                note(f"{shown(own)} runs in place of {shown(source)}")
            elif own.is_file():
                note(f"{shown(own)} is not written yet; {shown(source)} runs")
            fill(exercises / chapter.name / file, own if written else None)
    if not used:
        raise Failure(f"--with: expected a file in {folder} that you have written ({', '.join(known)}), found none", 2)
    try:
        build_program(build, "rung-with")
    except DoesNotBuild as error:
        print(error, file=sys.stderr)
        raise Failure(f"--with: {folder} does not compile; the compiler's error stands above") from error
    return exercises / "rung-with"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--build", type=Path, required=True)
    arguments.add_argument("folder", type=Path)
    options = arguments.parse_args()
    try:
        with build_lock():
            print(link_with(options.build, options.folder))
    except Failure as failure:
        note(failure)
        return failure.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
