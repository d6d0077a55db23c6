#!/usr/bin/env python3
"""./rung exercise: take or grade a chapter's exercises.

Each task is a file of the chapter that the learner writes anew. Its program, rung-cli with that file in place of the
chapter's own, is built alone and runs `check` in a process of its own, so that the harness judges it as it judges
everything, and so that a file which does not compile, crashes or never ends costs the points of its own task only.

Uses the standard library only.
"""

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from link_with import (ROOT, DoesNotBuild, Failure, build_lock, build_program, chapters, fill, note, own_name, replaced,
                       shown, tasks)

MOST_SECONDS = 120  # that judging one task may take; a right one takes a few
MOST_LINES = 20     # of a compiler's error

# What would hand the answer over: the oracle, the harness, and the chapters' own code. (To keep one honest.)
ANSWERS = re.compile(r'^\s*#\s*include\s*[<"]([^">]*core/(?:oracle|check)/[^">]*|[^">]*chapters/[^">]*\.cpp)[">]')


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Failure(f"exercise: {message}; ./rung exercise --help tells more", 2)


def parse(arguments):
    parser = Parser(prog="./rung exercise", description="Take or grade a chapter's exercises.")
    parser.add_argument("chapter", metavar="N", help="the chapter, such as 3")
    parser.add_argument("--start", action="store_true", help="copy the files to fill in into work/0N")
    parser.add_argument("--force", action="store_true", help="with --start: start files over that you have changed")
    parser.add_argument("--with", dest="folder", metavar="DIR", type=Path, help="this folder instead of work/0N")
    parser.add_argument("--json", action="store_true", help="for machines: points, message and mistake of each task")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.force and not options.start:
        parser.error("--force: means nothing without --start")
    if options.json and options.start:
        parser.error("--json: means nothing with --start")
    return options


def find_chapter(text):
    """The number and the folder that `3` or `03` means."""
    known = chapters()
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise Failure(f'exercise: expected the number of a chapter, found "{text}"; ./rung exercise --help tells more', 2)
    if int(text) not in known:
        numbers = ", ".join(map(str, known))
        raise Failure(f"exercise: chapter {int(text)} has no exercises; chapters with exercises: {numbers}", 2)
    return int(text), known[int(text)]


def start(number, chapter, folder, force):
    """Copies the pristine files; what the learner has changed is kept, unless force."""
    folder.mkdir(parents=True, exist_ok=True)
    for task in tasks(chapter):
        stub = chapter / "exercises" / own_name(task)
        target = folder / own_name(task)
        if not target.exists():
            said = "new"
        elif target.read_bytes() == stub.read_bytes():
            said = "as it was: nothing written yet"
        elif force:
            said = "started over"
        else:
            said = "kept, for you have changed it (--force starts it over)"
        if said in ("new", "started over"):
            shutil.copyfile(stub, target)
        print(f"{shown(target)}  {said}")
    print(f"The tasks and hints stand in {shown(chapter / 'exercises' / 'README.md')}; ./rung exercise {number} grades.")


def answers_included(file):
    """The first include that would hand the answer over, as `line 3 includes core/oracle/softmax.h`, or None."""
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        if found := ANSWERS.match(line):
            return f"line {number} includes {found[1]}"
    return None


def functions_of(library_object):
    """The names of the functions that an object has for others to call; none where it cannot be looked into."""
    ran = subprocess.run(["nm", "--defined-only", "--extern-only", "--demangle", library_object], capture_output=True,
                         text=True, check=False)
    return {line.split(" T ", 1)[1] for line in ran.stdout.splitlines() if " T " in line}


def left_out(build, target, source):
    """A function that the source defines and the learner's file does not, or None. Without this a file that defines
    nothing would get all points: the linker would take the chapter's own."""
    object_of = f"{source.name}.o"
    own = list((build / "cli/CMakeFiles" / f"{target}.dir").glob(f"**/{object_of}"))
    library = list((build / source.parent.relative_to(ROOT) / "CMakeFiles").glob(f"*.dir/{object_of}"))
    missing = functions_of(library[0]) - functions_of(own[0]) if own and library else None
    return min(missing) if missing else None


def judge(program, checks):
    """Runs the harness on a check, or on each of a list until one fails. Returns (passed, message, mistake or None)."""
    for check in [checks] if isinstance(checks, str) else checks:
        verdict = judge_one(program, check)
        if not verdict[0]:
            return verdict
    return True, "ok", None


def judge_one(program, check):
    try:
        ran = subprocess.run([program, "check", check, "--json"], stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, errors="replace", timeout=MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False, f"did not end within {MOST_SECONDS} s; is there a loop that never ends?", None
    last_words = (ran.stderr.strip().splitlines() or ["it says nothing"])[-1]
    if ran.returncode < 0:
        return False, f"crashed ({signal.Signals(-ran.returncode).name}): {last_words}", None
    try:
        verdict = json.loads(ran.stdout)
        failed = [report for report in verdict["ops"] + verdict["functions"] + verdict["stages"] if not report["passed"]]
        if ran.returncode == 0 and verdict["passed"] and not failed:
            return True, "ok", None
        return False, message_of(failed[0]), failed[0].get("known_mistake")
    except (ValueError, KeyError, IndexError):
        return False, f"there is no verdict: {last_words}", None


def message_of(report):
    """What to look at first: cases come in the order from small to large. A stage has checks instead."""
    cases = report["cases"] if "cases" in report else [
        {**check, "case": check["name"], "description": check["what"] or check["name"]} for check in report["checks"]]
    wrong = [case for case in cases if not case["passed"]]
    message = wrong[0]["message"]
    if len(wrong) > 1 and all(case["message"] == message for case in wrong):
        return message  # such as "not written yet"
    return (f"{len(wrong)} of {len(cases)} cases failed, such as {wrong[0]['case']}\n"
            f"{wrong[0]['description']}: {message}")


def grade(task, chapter, folder, build):
    """The task's result as --json prints it."""
    result = {"id": task["id"], "title": task["title"], "points": 0, "of": task["points"], "passed": False,
              "message": "", "known_mistake": None}
    file = folder / own_name(task)
    if not file.is_file():
        result["message"] = f"{shown(file)} is missing; ./rung exercise {int(chapter.name[:2])} --start brings it back"
        return result
    if found := answers_included(file):
        result["message"] = f"{shown(file)}: {found}, which an exercise must do without"
        return result

    exercise = build / "exercises" / task["id"]
    with tempfile.TemporaryDirectory(prefix="rung-exercise-") as own:
        program = Path(own) / "rung"
        try:
            with build_lock():
                fill(exercise / chapter.name / own_name(task), file)
                build_program(build, f"rung-exercise-{task['id']}")
                missing = left_out(build, f"rung-exercise-{task['id']}", replaced(chapter, task))
                shutil.copy(exercise / f"rung-exercise-{task['id']}", program)  # the next one may build it again
        except DoesNotBuild as error:
            result["message"] = f"{shown(file)} does not compile\n{error}"
            return result
        if missing:
            result["message"] = f"{shown(file)} must define every function that the chapter's own does; {missing} is missing"
            return result
        result["passed"], result["message"], result["known_mistake"] = judge(program, task["check"])
    if result["passed"]:
        result["points"] = task["points"]
    return result


def print_result(result):
    """One line, then what explains it."""
    first, *more = result["message"].splitlines()
    if len(more) > MOST_LINES:
        more[MOST_LINES:] = [f"… and {len(more) - MOST_LINES} lines more (--json has them)"]
    if mistake := result["known_mistake"]:
        more.append(f'it matches a known mistake: "{mistake["sentence"]}"')
    print(f"{result['id']:<5}{result['title']:<20} {result['points']:>2} / {result['of']:<3} {first}")
    for line in more:
        print(f"{'':<5}{line}")
    sys.stdout.flush()


def run(arguments):
    options = parse(arguments)
    number, chapter = find_chapter(options.chapter)
    folder = options.folder or ROOT / "work" / f"{number:02}"
    if options.start:
        start(number, chapter, folder, options.force)
        return 0
    if not folder.is_dir():
        raise Failure(f"exercise: there is no {shown(folder)} yet; ./rung exercise {number} --start puts the files there", 2)

    results = []
    for task in tasks(chapter):
        if sys.stderr.isatty() and not options.json:
            note(f"building and judging {task['id']} …")
        results.append(grade(task, chapter, folder, options.build))
        if not options.json:
            print_result(results[-1])
    points, of = (sum(result[key] for result in results) for key in ("points", "of"))
    if options.json:
        print(json.dumps({"chapter": number, "tasks": results, "points": points, "of": of}, indent=2))
    else:
        print(f"{'':<5}{'sum':<20} {points:>2} / {of}")
    return 0 if points == of else 1


def main():
    try:
        return run(sys.argv[1:])
    except (Failure, OSError) as failure:
        note(failure)
        return getattr(failure, "status", 1)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
