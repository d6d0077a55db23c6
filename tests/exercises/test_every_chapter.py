"""test_every_chapter.py REPOSITORY BUILD NN [--without-profiler]: what holds for the exercises of every chapter.

Stubs compile and get nothing, the chapter's own files get all points, and each slip in tests/exercises/slips/NN, a
task's file as a learner may get it wrong, gets nothing and hears its mistake's name. A slip is a whole file,
softmax-max_not_subtracted.cpp is a softmax.cpp with the known mistake max_not_subtracted, or where only a few lines of the
chapter's own file are wrong, an entry in edits.json: those lines, and what is put in their place. Where its mistake is null
it is none of the known ones: it gets nothing and hears no name. Where the chapter's own file only calls what is elsewhere,
the folder right has one that a learner could hand in, made from the stub; it gets all points, and the edits are of it.
With --without-profiler, for a build whose kernels have none of the profiler's hooks, a slip with "needs_profiler" is left out.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import combined_slips

ROOT, BUILD = (Path(argument) for argument in sys.argv[1:3])
sys.path.append(str(ROOT / "cli"))
import exercise  # noqa: E402

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

    def each_judged(self, texts_of):
        """Builds texts of the learner's files, the first of every file side by side, then the second, and so on.
        @param texts_of  {file: [(text, numbers of the slips in it)]}
        @return of each slip: the file, its number, and what the tasks of the file got"""
        for side_by_side in itertools.zip_longest(*texts_of.values()):
            texts = {name: text for name, text in zip(texts_of, side_by_side) if text}
            for name, (text, _) in texts.items():
                (self.work / name).write_text(text)
            with tempfile.TemporaryDirectory(prefix="rung-slips-") as programs:
                wrong = exercise.build_all(CHAPTER, self.work, BUILD, Path(programs))
                for name, (_, numbers) in texts.items():
                    for number in numbers:
                        with unittest.mock.patch.dict(os.environ, {combined_slips.CHOICE: str(number)}):
                            yield name, number, [
                                exercise.grade(task, Path(programs), wrong, exercise.LONGEST_CASE, ["--stop-at-failure"])
                                for task in TASKS if Path(task["file"]).name == name]
            for name in texts:
                (self.work / name).unlink()

    def expect_named(self, mistake, results):
        self.assertTrue(results)
        self.assertEqual({task["points"] for task in results}, {0}, results)
        self.assertIn(mistake, [(task["known_mistake"] or {}).get("name") for task in results], results)
        for task in results:  # and which case it was
            self.assertRegex(task["message"], " failed, such as |^crashed in ")

    def test_slips_are_named(self):
        of_file = {}
        for name, text, mistake in slips():
            of_file.setdefault(name, []).append((text, mistake))
        alone = {}
        together = {name: combined_slips.combine([text for text, _ in of]) for name, of in of_file.items()}
        for name, number, results in self.each_judged(together):
            text, mistake = of_file[name][number]
            try:
                self.expect_named(mistake, results)
            except AssertionError:  # what is wrong may be how slips were combined
                print(f"{name}: {mistake} is not named; once more, alone", file=sys.stderr)
                alone.setdefault(name, []).append((text, [number]))
        for name, number, results in self.each_judged(alone):
            mistake = of_file[name][number][1]
            with self.subTest(file=name, mistake=mistake):
                self.expect_named(mistake, results)

    def test_the_text_has_every_task(self):
        text = (CHAPTER / "exercises" / "README.md").read_text()
        for task in TASKS:
            points = f"{task['points']} point{'s' if task['points'] > 1 else ''}"
            self.assertIn(f"## {task['id']} {task['title']} ({points})", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
