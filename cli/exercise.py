#!/usr/bin/env python3
"""./rung exercise: take or grade a chapter's exercises.

Each task is a file of the chapter that the learner writes anew. Its program, rung-cli with that file in place of the
chapter's own, is built alone and runs `check` in a process of its own, so that the harness judges it as it judges
everything, and so that a file which does not compile, crashes or never ends costs the points of its own task only.

Uses the standard library only.
"""

import argparse
import contextlib
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from link_with import (ROOT, DoesNotBuild, Failure, build_lock, build_program, chapters, fill, note, own_name, replaced,
                       shown, tasks)

# Limits are seconds of processor time, of all threads together, so that a busy machine is nobody's fault. By the clock
# it may be PATIENCE times as long: what computes nothing waits for something that never comes.
MOST_SECONDS = 120    # that all cases of one task may take; of a right one they take a few
MOST_SECONDS_OF_HARNESS = 480  # for what it does between the cases: the oracle, comparing, a known mistake
LONGEST_CASE = 20     # that one case may take; a right one takes milliseconds, of a stage less than a second
PATIENCE = 5
MOST_BYTES = 8 << 30  # of memory
MOST_WORDS = 1 << 16  # bytes that are kept of what it prints on stderr
MOST_LINES = 20       # of a compiler's error

# What a signal means to whoever wrote the code.
SIGNALS = {
    "SIGSEGV": "it touched memory that is not its own, such as an index far outside, a null pointer, or endless recursion",
    "SIGBUS": "it touched memory that is not its own",
    "SIGFPE": "it divided a whole number by zero",
    "SIGILL": "it ran into what is no code, such as the end of a function that returns nothing",
    "SIGTRAP": "it ran into what is no code, such as the end of a function that returns nothing",
    "SIGKILL": "it was killed from outside, as happens when the memory is used up",
}

# What assertions of Eigen's and of the standard library ask for, by a part of their condition: the first that fits.
ASSERTIONS = (
    ("invalid matrix product", "two matrices whose shapes do not fit were multiplied: "),
    ("lhs.cols() == rhs.rows()", "two matrices whose shapes do not fit were multiplied: "),
    ("aLhs.rows() == aRhs.rows()", "two arrays of different shapes were combined: "),
    ("rows() == other.rows()", "an array of one shape was put into one of another: "),
    ("dst.rows() == src.rows()", "an array of one shape was put into one of another: "),
    ("startRow", "a block reaches outside its matrix: "),
    ("startCol", "a block reaches outside its matrix: "),
    ("start >= 0", "a segment reaches outside its vector: "),
    ("row >= 0 && row < rows()", "a row or column outside the matrix was asked for: "),
    ("(i>=0) &&", "a row, column or segment outside the array was asked for: "),
    ("index >= 0 && index < size()", "an index outside the array was used: "),
    ("__n < this->size()", "an index outside the vector was used: "),
    ("__pos <", "an index outside the string was used: "),
    ("_idx < size()", "an index outside the span was used: "),
    ("!this->empty()", "the first or last element of something empty was asked for: "),
    ("_M_is_engaged()", "the value of an empty optional was asked for: "),
)

# What the C library says when it finds its notes on the memory written over.
HEAP = re.compile(r"^(?:(?:malloc|free|realloc|munmap_chunk|malloc_consolidate)\(\): |corrupted |double free).*", re.MULTILINE)

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
    parser.add_argument("--longest-case", type=float, default=LONGEST_CASE, help=argparse.SUPPRESS)  # for tests
    parser.add_argument("--stop-at-failure", action="store_true", help=argparse.SUPPRESS)
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


def start(number, chapter, folder, force, named):
    """Copies the pristine files; what the learner has changed is kept, unless force. `named`: --with says the folder."""
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
    own = f" --with {shlex.quote(str(folder))}" if named else ""
    print(f"The tasks and hints stand in {shown(chapter / 'exercises' / 'README.md')}; ./rung exercise {number}{own} grades.")


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


def last_part(pipe, kept):
    """Reads a pipe to its end and keeps the last of it, so that a program which prints without end fills no memory."""
    for piece in iter(lambda: pipe.read1(MOST_WORDS), b""):
        kept[:] = (kept + piece)[-MOST_WORDS:]


def cpu_seconds(process):
    """What it has computed so far, in all its threads; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0


class Journal:
    """What `check --journal` has told so far."""

    def __init__(self, path):
        self.path, self.told, self.case, self.verdict = path, 0, None, None

    def read(self):
        """Reads on. @return whether there was something new"""
        if not self.path.exists():
            return False
        with open(self.path, "rb") as file:
            file.seek(self.told)
            new = file.read()
        new = new[:new.rfind(b"\n") + 1]  # the line that is being written comes next time
        self.told += len(new)
        for line in new.splitlines():
            entry = json.loads(line)
            self.case = entry if "begins" in entry else None
            self.verdict = entry.get("verdict", self.verdict)
        return bool(new)

    def where(self):
        """The case that runs, named as in an ordinary failure."""
        if self.case:
            return f"in {self.case['begins']}\n{self.case['description']}"
        if not self.path.exists():
            return "before the harness began"  # in what stands outside functions
        return "before the first case" if not self.told else "between two cases"


class Spent:
    """How long something has taken: by the clock, and of processor time."""

    def __init__(self):
        self.waited = self.computed = 0

    def add(self, waited, computed):
        self.waited += waited
        self.computed += computed

    def exceeds(self, limit):
        return self.computed > limit or self.waited > PATIENCE * limit


def watch(process, journal, longest):
    """Waits until it ends, or kills it. @return why it was killed, or None"""
    checked, computed = time.monotonic(), 0
    this, cases, harness = Spent(), Spent(), Spent()  # this: the case that runs, or the harness's work after one
    while True:
        try:
            process.wait(timeout=0.1)
            return None
        except subprocess.TimeoutExpired:
            now, computed_now = time.monotonic(), max(cpu_seconds(process), computed)
        step = (now - checked, computed_now - computed)
        checked, computed = now, computed_now
        # The learner's code runs in a case, and before the journal is begun: what stands outside functions.
        learners = journal.case or not journal.path.exists()
        (cases if learners else harness).add(*step)
        this.add(*step)
        if journal.read():
            this = Spent()
        why = None
        if learners and this.exceeds(longest):
            why = "did not end within "
            if this.computed > longest:
                why += f"{this.computed:.0f} s of computing; is there a loop that never ends? "
            else:
                why += (f"{this.waited:.0f} s, of which it computed {this.computed:.0f}; "
                        "does it wait for something that never comes? ")
            why += "The chapter's own file takes less than a second"
        elif cases.exceeds(MOST_SECONDS):
            why = f"has computed {MOST_SECONDS} s for all cases so far; the chapter's own file takes a few for all"
            if cases.computed <= MOST_SECONDS:
                why = f"has taken {cases.waited:.0f} s with all cases so far; the chapter's own file takes a few for all"
        elif harness.exceeds(MOST_SECONDS_OF_HARNESS):  # on a busy machine it works for minutes: nobody's loop
            why = f"was not judged within {harness.waited:.0f} s; try again when the machine is less busy"
        if why:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return why


def run_check(program, check, journal, longest, more):
    """Runs the harness. @return (its exit status, why it was killed or None, the last that it printed on stderr)"""
    # Threads that wait for one another must not compute meanwhile: on a busy machine that counts against the limits.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    with subprocess.Popen([program, "check", check, "--journal", journal.path, *more], stdin=subprocess.DEVNULL, env=environment,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True) as process:
        words = bytearray()
        reader = threading.Thread(target=last_part, args=(process.stderr, words), daemon=True)
        reader.start()
        try:
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
            killed = watch(process, journal, longest)
        except ProcessLookupError:  # it has ended already
            killed = watch(process, journal, longest)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whatever it started
            process.wait()
            reader.join()
    journal.read()
    return process.returncode, killed, words.decode(errors="replace")


def assertion_in(words):
    """What an assertion of Eigen's or of the standard library says, or the C library of its memory, for people, or None."""
    if heap := HEAP.search(words):
        return f"memory was written that is not yours, such as behind the end of a vector: {heap[0]}"
    # FILE:LINE: FUNCTION: Assertion `CONDITION' failed.
    found = re.findall(r"^(?:\S+: )?(\S+?):(\d+): (.*): Assertion [`'](.*)' failed", words, re.MULTILINE)
    if not found:
        return None
    file, line, function, condition = found[-1]
    meaning = next((text for part, text in ASSERTIONS if part in condition), "")
    function = re.sub(r" \[with .*", "", function)
    if len(function) > 160:
        function = function[:160] + "…"
    return f"{meaning}{condition} does not hold ({Path(file).name}, line {line}, {function})"


def judge(program, checks, folder, longest, usual_cause, more=()):
    """Runs the harness on a check, or on each of a list. Of several that fail, one that knows the mistake is told, else one
    that tells where a stage first left its budget, else the first. What crashes, hangs or is not written yet is told at
    once. `usual_cause`: of a crash in this task, or "". `more`: arguments of the harness.

    Returns (passed, message, known mistake or None, where a stage first left its budget or None)."""
    failed = []
    for check in [checks] if isinstance(checks, str) else checks:
        verdict, judged = judge_one(program, check, Journal(folder / f"journal-{check}"), longest, usual_cause, more)
        if verdict[0]:
            continue
        failed.append(verdict)
        if not judged or verdict[2] or "is not written yet" in verdict[1]:
            return verdict
    if not failed:
        return True, "ok", None, None
    return next((verdict for verdict in failed if verdict[3]), failed[0])


def judge_one(program, check, journal, longest, usual_cause, more):
    """As judge(), on one check, and whether it came to a verdict."""
    status, killed, words = run_check(program, check, journal, longest, more)
    last_words = (words.strip().splitlines() or [""])[-1].removeprefix("rung: ")
    where, *case = journal.where().splitlines()
    explained = [": ".join([*case, text]) for text in [assertion_in(words) or last_words] if text] or case
    if killed:
        return (False, "\n".join([f"{where} it {killed}", *case]), None, None), False
    if status < 0:
        name = signal.Signals(-status).name
        said = SIGNALS.get(name, "")
        if name in ("SIGSEGV", "SIGBUS") and usual_cause:
            explained.append(usual_cause)
        return (False, "\n".join([f"crashed {where} ({name}{said and ': '}{said})", *explained]), None, None), False
    verdict = journal.verdict
    if verdict is None:
        if status == 0 and not assertion_in(words):
            explained = case
        how = "called exit(0)" if status == 0 else f"ended the program with exit status {status}"
        return (False, "\n".join([f"{how} {where}, so there is no verdict", *explained]), None, None), False
    failed = [report for report in verdict["ops"] + verdict["functions"] + verdict["stages"] if not report["passed"]]
    if status == 0 and verdict["passed"] and not failed:
        return (True, "ok", None, None), True
    if not failed:
        return (False, f"passed every case, but then ended with exit status {status}\n{last_words}", None, None), False
    return (False, message_of(failed[0]), failed[0].get("known_mistake"), failed[0].get("first_outside")), True


def layer_and_op(point):
    """`layers.3.attention.output` for people."""
    found = re.fullmatch(r"layers\.(\d+)\.(.+)", point)
    return f"{point} (layer {found[1]}, {found[2]})" if found else point


def message_of(report):
    """What to look at first: cases come in the order from small to large. A stage has checks instead, and may tell
    where on the way to the logits it went wrong."""
    what = "cases" if "cases" in report else "checks"
    cases = report["cases"] if "cases" in report else [
        {**check, "case": check["name"], "description": check["what"] or check["name"]} for check in report["checks"]]
    wrong = [case for case in cases if not case["passed"]]
    message = wrong[0]["message"]
    if "not written yet" in message and all(case["message"] == message for case in wrong):
        return message
    message = (f"{len(wrong)} of {len(cases)} {what} failed, such as {wrong[0]['case']}\n"
               f"{wrong[0]['description']}: {message}")
    if outside := report.get("first_outside"):
        share = f"{outside['percent']:.0f} % of it" if outside["percent"] is not None else "infinitely more than it"
        message += (f"\nthe first trace point that leaves its budget is {layer_and_op(outside['point'])}: "
                    f"off by {outside['deviation']:.3g}, {share}")
    return message


def not_to_be_built(file, number):
    """Why a learner's file is not even compiled, or None."""
    if not file.is_file():
        return f"{shown(file)} is missing; ./rung exercise {number} --start brings it back"
    if found := answers_included(file):
        return f"{shown(file)}: {found}, which an exercise must do without"
    return None


def build_all(chapter, folder, build, programs):
    """Builds every task's program and copies it to `programs`, a folder, under the task's id.
    @return of each task that has no program, by its id, what is wrong"""
    wrong = {}
    with build_lock():
        to_build = {}
        for task in tasks(chapter):
            file = folder / own_name(task)
            if why := not_to_be_built(file, int(chapter.name[:2])):
                wrong[task["id"]] = why
                continue
            fill(build / "exercises" / task["id"] / chapter.name / own_name(task), file)
            to_build[f"rung-exercise-{task['id']}"] = task
        all_built = True
        if to_build:
            try:
                build_program(build, *to_build)
            except DoesNotBuild:
                all_built = False
        for target, task in to_build.items():
            file = folder / own_name(task)
            try:
                if not all_built:
                    build_program(build, target)  # for its own compiler's words
            except DoesNotBuild as error:
                wrong[task["id"]] = f"{shown(file)} does not compile\n{error}"
                continue
            if missing := left_out(build, target, replaced(chapter, task)):
                wrong[task["id"]] = f"{shown(file)} must define every function that the chapter's own does; {missing} is missing"
                continue
            # The next one may build it again.
            shutil.copy(build / "exercises" / task["id"] / target, programs / task["id"])
    return wrong


def grade(task, programs, wrong, longest, more=()):
    """The task's result as --json prints it. `programs`, `wrong`: as of build_all()."""
    result = {"id": task["id"], "title": task["title"], "points": 0, "of": task["points"], "passed": False,
              "message": wrong.get(task["id"], ""), "known_mistake": None, "first_outside": None}
    if result["message"]:
        return result
    with tempfile.TemporaryDirectory(prefix="rung-exercise-") as own:
        (result["passed"], result["message"], result["known_mistake"],
         result["first_outside"]) = judge(programs / task["id"], task["check"], Path(own), longest, task.get("crash", ""), more)
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
        start(number, chapter, folder, options.force, options.folder is not None)
        return 0
    if not folder.is_dir():
        raise Failure(f"exercise: there is no {shown(folder)} yet; ./rung exercise {number} --start puts the files there", 2)

    said = sys.stderr.isatty() and not options.json
    results = []
    with tempfile.TemporaryDirectory(prefix="rung-exercises-") as programs:
        if said:
            note(f"building {shown(folder)} …")
        wrong = build_all(chapter, folder, options.build, Path(programs))
        for task in tasks(chapter):
            if said:
                note(f"judging {task['id']} …")
            results.append(grade(task, Path(programs), wrong, options.longest_case,
                                 ["--stop-at-failure"] if options.stop_at_failure else []))
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
