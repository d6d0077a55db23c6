"""test_every_chapter.py REPOSITORY BUILD NN [--without-profiler]: what holds for the exercises of every chapter.

Stubs compile and get nothing, the chapter's own files get all points, and each slip in tests/exercises/slips/NN, a
task's file as a learner may get it wrong, gets nothing and hears its mistake's name. A slip is a whole file,
softmax-max_not_subtracted.cpp is a softmax.cpp with the known mistake max_not_subtracted, or where only a few lines of the
chapter's own file are wrong, an entry in edits.json: those lines, and what is put in their place. Where its mistake is null
it is none of the known ones: it gets nothing and hears no name. Where the chapter's own file only calls what is elsewhere,
the folder right has one that a learner could hand in, made from the stub; it gets all points, and the edits are of it.
With --without-profiler, for a build whose kernels have none of the profiler's hooks, a slip with "needs_profiler" is left out.
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT, BUILD = (Path(argument) for argument in sys.argv[1:3])
NUMBER = sys.argv[3]
WITHOUT_PROFILER = "--without-profiler" in sys.argv[4:]
CHAPTER = next(ROOT.glob(f"chapters/{NUMBER}_*"))
TASKS = json.loads((CHAPTER / "exercises" / "tasks.json").read_text())["tasks"]
SLIPS = ROOT / "tests" / "exercises" / "slips" / NUMBER


def source(task):
    return ROOT / task["file"] if task["file"].startswith("core/") else CHAPTER / task["file"]


def right_answer(task):
    """The text of a right answer."""
    own = SLIPS / "right" / Path(task["file"]).name
    return (own if own.exists() else source(task)).read_text()


def slips():
    """(the learner's file, its text, the mistake to be named) of each."""
    for path in sorted(SLIPS.glob("*.cpp")):
        name, _, mistake = path.stem.partition("-")
        yield f"{name}.cpp", path.read_text(), mistake
    own = {Path(task["file"]).name: right_answer(task) for task in TASKS}
    edited = SLIPS / "edits.json"
    for slip in json.loads(edited.read_text()) if edited.exists() else []:
        if slip.get("needs_profiler") and WITHOUT_PROFILER:
            continue
        text = own[slip["file"]]
        for edit in slip["edits"]:
            find, put = ("\n".join(edit[key]) for key in ("find", "put"))
            if text.count(find) != 1:
                raise AssertionError(f"{edited}, {slip['mistake']}: these lines of {slip['file']} stand there {text.count(find)} times, not once:\n{find}")
            text = text.replace(find, put)
        yield slip["file"], text, slip["mistake"]


class EveryChapter(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rung-exercises-")
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)

    def exercise(self, *arguments):
        command = [sys.executable, "-B", ROOT / "cli" / "exercise.py", "--build", BUILD, str(int(NUMBER)), "--with", self.work, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def grade(self, *arguments):
        ran = self.exercise("--json", *arguments)
        self.assertIn(ran.returncode, (0, 1), ran.stderr)
        return {task["id"]: task for task in json.loads(ran.stdout)["tasks"]}

    def test_stubs_get_nothing(self):
        self.assertGreaterEqual(len(TASKS), 3)
        self.assertEqual(self.exercise("--start").returncode, 0)
        for task in self.grade().values():
            self.assertEqual(task["points"], 0, task)
            self.assertIn("not written yet", task["message"])
            self.assertIsNone(task["known_mistake"])

    def test_empty_files_get_nothing(self):
        for task in TASKS:
            (self.work / Path(task["file"]).name).write_text("// nothing at all\n")
        for task in self.grade().values():
            self.assertEqual(task["points"], 0, task)
            self.assertIn("is missing", task["message"])

    def test_the_chapters_own_files_get_everything(self):
        for task in TASKS:
            (self.work / Path(task["file"]).name).write_text(source(task).read_text())
        for task in self.grade().values():
            self.assertEqual((task["points"], task["message"]), (task["of"], "ok"))

    def test_right_answers_get_everything(self):
        right = [task for task in TASKS if right_answer(task) != source(task).read_text()]
        for task in right:
            (self.work / Path(task["file"]).name).write_text(right_answer(task))
        graded = self.grade() if right else {}
        for task in right:
            found = graded[task["id"]]
            self.assertEqual((found["points"], found["message"]), (found["of"], "ok"))

    def test_slips_are_named(self):
        # The first slip of every file together, then the second of every file, and so on: tasks are built side by side.
        rounds = []
        of_file = {}
        for name, text, mistake in slips():
            number = of_file[name] = of_file.get(name, -1) + 1
            if number == len(rounds):
                rounds.append([])
            rounds[number].append((name, text, mistake))
        for together in rounds:
            for name, text, _ in together:
                (self.work / name).write_text(text)
            graded = self.grade("--stop-at-failure")
            for name, _, mistake in together:
                with self.subTest(file=name, mistake=mistake):
                    found = [graded[task["id"]] for task in TASKS if Path(task["file"]).name == name]
                    self.assertTrue(found)
                    self.assertEqual({task["points"] for task in found}, {0}, found)
                    self.assertIn(mistake, [(task["known_mistake"] or {}).get("name") for task in found], found)
                    for task in found:  # and which case it was
                        self.assertRegex(task["message"], " failed, such as |^crashed in ")
                (self.work / name).unlink()

    def test_the_text_has_every_task(self):
        text = (CHAPTER / "exercises" / "README.md").read_text()
        for task in TASKS:
            points = f"{task['points']} point{'s' if task['points'] > 1 else ''}"
            self.assertIn(f"## {task['id']} {task['title']} ({points})", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
