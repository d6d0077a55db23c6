"""test_exercises.py REPOSITORY BUILD: takes, grades and runs the exercises of chapter 03, as a learner would; and chapter 09's in a mixture."""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT, BUILD = (Path(argument) for argument in sys.argv[1:3])
CHAPTER = ROOT / "chapters" / "03_attention"
PLAIN_ATTENTION = (ROOT / "tests" / "exercises" / "plain_attention.cpp").read_text()
FILES = ["softmax.cpp", "rope.cpp", "causal_attention.cpp"]


def run(script, *arguments):
    command = [sys.executable, "-B", str(ROOT / "cli" / script), "--build", str(BUILD), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Exercises(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rung a learner's ")
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name) / "03"

    def exercise(self, *arguments):
        return run("exercise.py", *arguments, "--with", self.work)

    def start(self, *arguments):
        ran = self.exercise("3", "--start", *arguments)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        return ran.stdout

    def write(self, file, text):
        self.work.mkdir(exist_ok=True)
        (self.work / file).write_text(text)

    def solve(self, *files):
        """Puts the chapter's own files there."""
        for file in files:
            self.write(file, (CHAPTER / file).read_text())

    def grade(self):
        """The JSON, whose sums are right, and the results by file."""
        ran = self.exercise("3", "--json")
        graded = json.loads(ran.stdout)
        self.assertEqual(graded["chapter"], 3)
        self.assertEqual(graded["of"], 10)
        self.assertEqual(graded["points"], sum(task["points"] for task in graded["tasks"]))
        self.assertEqual(ran.returncode, 0 if graded["points"] == graded["of"] else 1)
        for task in graded["tasks"]:
            self.assertEqual(task["passed"], task["points"] == task["of"])
        return graded["points"], dict(zip(FILES, graded["tasks"]))

    def test_stubs_compile_and_get_nothing(self):
        self.start()
        points, tasks = self.grade()
        self.assertEqual(points, 0)
        for file in FILES:
            self.assertIn("is not written yet: chapters/03_attention/exercises/README.md", tasks[file]["message"])
            self.assertIsNone(tasks[file]["known_mistake"])

    def test_the_chapters_own_files_get_all_points(self):
        self.solve(*FILES)
        ran = self.exercise("3")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertRegex(ran.stdout, r"^3\.1  Softmax +2 / 2   ok\n3\.2  .* 3 / 3   ok\n3\.3  .* 5 / 5   ok\n +sum +10 / 10\n$")

    def test_each_file_is_judged_alone_and_a_mistake_is_named(self):
        no_maximum = """#include "chapters/03_attention/softmax.h"
            #include <cmath>
            void rung::softmax(Eigen::Ref<Eigen::RowVectorXf> scores) {
              float sum = 0;
              for (Eigen::Index i = 0; i < scores.size(); ++i) sum += scores[i] = std::exp(scores[i]);
              scores /= sum;
            }"""
        self.write("softmax.cpp", no_maximum)
        self.write("rope.cpp", (CHAPTER / "rope.cpp").read_text() + "\nint f() { return not_declared; }\n")
        self.write("causal_attention.cpp", PLAIN_ATTENTION.replace("newest + 1", "newest + 2"))
        points, tasks = self.grade()
        self.assertEqual(points, 0)
        self.assertEqual(tasks["softmax.cpp"]["known_mistake"]["name"], "max_not_subtracted")
        self.assertEqual(tasks["causal_attention.cpp"]["known_mistake"]["name"], "next_key_seen")
        self.assertIn("does not compile", tasks["rope.cpp"]["message"])
        self.assertRegex(tasks["rope.cpp"]["message"], r"rope\.cpp:\d+:\d+: error: .*not_declared")
        self.assertIn('it matches a known mistake: "mask off by one: a query sees the position after', self.exercise("3").stdout)

    def test_what_is_not_there_cannot_be_judged_or_cheats(self):
        self.write("rope.cpp", '#include "chapters/03_attention/rope.h"\n#include <cstdlib>\n'
                               "void rung::rope(MatrixView, const Rotations&, RopeLayout) { std::abort(); }\n")
        self.write("causal_attention.cpp", '# include "core/oracle/attention.h"\n')
        points, tasks = self.grade()
        self.assertEqual(points, 0)
        self.assertIn("softmax.cpp is missing; ./rung exercise 3 --start", tasks["softmax.cpp"]["message"])
        self.assertIn("multiple definition", tasks["rope.cpp"]["message"])
        self.assertIn("must define every function", tasks["rope.cpp"]["message"])
        self.assertIn("line 1 includes core/oracle/attention.h", tasks["causal_attention.cpp"]["message"])

        self.write("causal_attention.cpp", f'#include "{CHAPTER}/causal_attention.cpp"\n')
        self.write("softmax.cpp", '#include "chapters/03_attention/softmax.h"\n'
                                  "void rung::softmax(Eigen::Ref<Eigen::RowVectorXf> scores) { scores(scores.size()) = 1; }\n")
        (self.work / "rope.cpp").unlink()
        points, tasks = self.grade()
        self.assertRegex(tasks["causal_attention.cpp"]["message"], r"line 1 includes .*causal_attention\.cpp")
        self.assertIn("crashed in softmax-f32-", tasks["softmax.cpp"]["message"])
        self.assertRegex(tasks["softmax.cpp"]["message"], r"\nrows=.*: an index outside the array was used: index >= 0 && index < size\(\) does not hold")

    def test_plain_loops_get_the_points(self):
        self.write("causal_attention.cpp", PLAIN_ATTENTION)
        points, tasks = self.grade()
        self.assertEqual((points, tasks["causal_attention.cpp"]["message"]), (5, "ok"))

    def test_start_keeps_what_was_written(self):
        said = self.start()
        self.assertEqual(said.count("  new\n"), 3)
        self.assertIn(f"; ./rung exercise 3 --with {shlex.quote(str(self.work))} grades.\n", said)
        self.assertEqual(self.start().count("nothing written yet"), 3)
        self.write("rope.cpp", "// an hour's work\n")
        (self.work / "softmax.cpp").unlink()
        said = self.start()
        self.assertRegex(said, r"softmax.cpp  new\n.*rope.cpp  kept, .*--force")
        self.assertEqual((self.work / "rope.cpp").read_text(), "// an hour's work\n")
        self.assertIn("rope.cpp  started over", self.start("--force"))
        for file in FILES:
            self.assertEqual((self.work / file).read_text(), (CHAPTER / "exercises" / file).read_text())

    def test_wrong_usage(self):
        for arguments, word in [(["77"], "chapter 77 has no exercises; chapters with exercises: "), (["three"], '"three"'),
                                ([], "N"), (["3"], "--start"), (["3", "--force"], "--force"),
                                (["3", "--start", "--json"], "--json"), (["3", "--fast"], "--fast")]:
            ran = self.exercise(*arguments)
            self.assertEqual((ran.returncode, ran.stdout, ran.stderr.count("\n")), (2, "", 1), ran.stderr)
            self.assertIn(word, ran.stderr)

    def generate(self, program, *arguments):
        """Of tiny, unless the arguments name another model."""
        environment = {**os.environ, "RUNG_WITH": str(self.work)}
        model = [] if "-m" in arguments else ["-m", "tiny"]
        command = [program, "generate", "In the beginning", "-n", "24", *model, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def test_the_whole_model_runs_with_the_learners_files(self):
        self.assertEqual(run("link_with.py", self.work).returncode, 2)  # no folder
        self.start()
        self.assertEqual(run("link_with.py", self.work).returncode, 2)  # nothing written
        plain = self.generate(BUILD / "cli" / "rung-cli")
        self.assertEqual(plain.returncode, 0, plain.stderr)

        self.solve("softmax.cpp", "causal_attention.cpp")
        linked = run("link_with.py", self.work)
        self.assertEqual(linked.returncode, 0, linked.stderr)
        self.assertIn("rope.cpp is not written yet; chapters/03_attention/rope.cpp runs", linked.stderr)
        self.assertIn("softmax.cpp runs in place of chapters/03_attention/softmax.cpp", linked.stderr)
        own = self.generate(linked.stdout.strip(), "--with", self.work)
        self.assertEqual((own.returncode, own.stdout), (0, plain.stdout), own.stderr)

        # And it is the learner's that runs: one that throws in a thread of OpenMP ends the program with its line.
        self.write("softmax.cpp", (CHAPTER / "exercises" / "softmax.cpp").read_text() + "// begun\n")
        linked = run("link_with.py", self.work)
        begun = self.generate(linked.stdout.strip(), "--with", self.work)
        self.assertEqual((begun.returncode, begun.stderr.count("\n")), (1, 1), begun.stderr)
        self.assertIn("rung: softmax is not written yet", begun.stderr)

    def test_a_mixture_runs_with_the_learners_router(self):
        program = BUILD / "cli" / "rung-cli"
        self.work.mkdir()
        model = self.work.parent / "mixture.gguf"
        made = subprocess.run([program, "synthesize", "mixtral-8x7b", model, "--shrink", "32", "--layers", "1"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        arguments = ["-m", model, "--stage", "moe"]
        plain = self.generate(program, *arguments)
        self.assertEqual(plain.returncode, 0, plain.stderr)

        chapter = ROOT / "chapters" / "09_mixture_of_experts"
        own = (chapter / "routing.cpp").read_text()
        self.assertIn("of_a > of_b ||", own)
        self.write("segments.cpp", (chapter / "segments.cpp").read_text())
        # The same router, another one (the lowest scores instead of the highest), and one that is not written yet.
        stub = (chapter / "exercises" / "routing.cpp").read_text()
        for text, same in [(own, True), (own.replace("of_a > of_b ||", "of_a < of_b ||"), False), (stub + "// begun\n", None)]:
            self.write("routing.cpp", text)
            linked = run("link_with.py", self.work)
            self.assertEqual(linked.returncode, 0, linked.stderr)
            self.assertIn("routing.cpp runs in place of chapters/09_mixture_of_experts/routing.cpp", linked.stderr)
            ran = self.generate(linked.stdout.strip(), *arguments, "--with", self.work)
            self.assertEqual(ran.returncode, 1 if same is None else 0, ran.stderr)
            if same is None:
                self.assertIn("softmax_then_top_k is not written yet", ran.stderr)
            else:
                self.assertEqual(ran.stdout == plain.stdout, same)

    def test_only_the_linked_program_takes_with(self):
        ran = self.generate(BUILD / "cli" / "rung-cli", "--with", "another")
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr.count("\n")), (2, "", 1))
        self.assertIn("./rung", ran.stderr)

    def test_the_stubs_are_listed(self):
        listed = json.loads((CHAPTER / "exercises" / "tasks.json").read_text())["tasks"]
        self.assertEqual([task["file"] for task in listed], FILES)
        text = (CHAPTER / "exercises" / "README.md").read_text()
        for task in listed:
            self.assertTrue(re.search(rf"## {re.escape(task['id'])} .*\({task['points']} points\)", text), task["id"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
