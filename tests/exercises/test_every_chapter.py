"""test_every_chapter.py REPOSITORY BUILD NN: what holds for the exercises of every chapter.

Stubs compile and get nothing, the chapter's own files get all points, and each file in tests/exercises/slips/NN, a
task's file as a learner may get it wrong, gets nothing and hears its mistake's name:
slips/03/softmax-max_not_subtracted.cpp is a softmax.cpp with the known mistake max_not_subtracted.
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT, BUILD = (Path(argument) for argument in sys.argv[1:3])
NUMBER = sys.argv[3]
CHAPTER = next(ROOT.glob(f"chapters/{NUMBER}_*"))
TASKS = json.loads((CHAPTER / "exercises" / "tasks.json").read_text())["tasks"]
SLIPS = sorted((ROOT / "tests" / "exercises" / "slips" / NUMBER).glob("*.cpp"))


def source(task):
    return ROOT / task["file"] if task["file"].startswith("core/") else CHAPTER / task["file"]


class EveryChapter(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rung-exercises-")
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)

    def exercise(self, *arguments):
        command = [sys.executable, "-B", ROOT / "cli" / "exercise.py", "--build", BUILD, str(int(NUMBER)), "--with", self.work, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def grade(self):
        ran = self.exercise("--json")
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

    def test_slips_are_named(self):
        for slip in SLIPS:
            name, _, mistake = slip.stem.partition("-")
            with self.subTest(slip=slip.name):
                (self.work / f"{name}.cpp").write_text(slip.read_text())
                found = [task for task in self.grade().values()
                         if any(listed["id"] == task["id"] and Path(listed["file"]).stem == name for listed in TASKS)]
                self.assertTrue(found)
                self.assertIn(mistake, [(task["known_mistake"] or {}).get("name") for task in found], found)
                (self.work / f"{name}.cpp").unlink()

    def test_the_text_has_every_task(self):
        text = (CHAPTER / "exercises" / "README.md").read_text()
        for task in TASKS:
            points = f"{task['points']} point{'s' if task['points'] > 1 else ''}"
            self.assertIn(f"## {task['id']} {task['title']} ({points})", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
