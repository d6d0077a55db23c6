"""test_misbehaving.py REPOSITORY BUILD: learners' files that crash, hang, print, or end the program.

Each gets nothing and hears which case it was in. One file of a function, one of an op and one of a stage are built
once; what they do is told by the environment.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT, BUILD = (Path(argument) for argument in sys.argv[1:3])

MISBEHAVE = r"""
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static void misbehave() {
  const char* const asked = std::getenv("MISBEHAVE");
  const std::string what = asked ? asked : "";
  if (what == "throw") throw std::runtime_error("thrown by the learner");
  if (what == "throw a number") throw 42;
  if (what == "terminate") std::thread([] { throw std::runtime_error("in a thread"); }).join();
  if (what == "assertion") {
    const std::vector<int> three(3);
    std::printf("%d", three[what.size()]);
  }
  if (what == "segment") std::raise(SIGSEGV);
  if (what == "heap") {
    char* volatile few = static_cast<char*>(std::malloc(2000));
    for (int i = 0; i < 2100; ++i) few[i] = -1;
    std::free(few);
  }
  if (what == "exit") std::exit(0);
  if (what == "print") {
    std::puts("{\"passed\": true, \"ops\": [], \"functions\": [], \"stages\": []}");
    std::fputs("to stderr\n", stderr);
  }
  while (what == "hang") std::fputs("on and on\n", stderr);
  while (what == "wait") std::this_thread::sleep_for(std::chrono::seconds(1));
  if (what == "stand still for a while") {  // as on a busy machine
    static const bool once = (std::this_thread::sleep_for(std::chrono::seconds(3)), true);
    std::printf("%d", once);
  }
}
int helper_of_mine() { return 1; }
"""


def misbehaving(source, edited, before):
    """A chapter's own file that misbehaves first, at the line that begins with `before`."""
    text = (ROOT / source).read_text()
    assert text.count(before) == 1, before
    text = text.replace(before, f"misbehave();\n{before}")
    return edited, "#include <csignal>\n" + MISBEHAVE + text


FILES = {
    3: misbehaving("chapters/03_attention/softmax.cpp", "softmax.cpp", "  constexpr float masked"),
    6: misbehaving("chapters/06_kv_cache/cache_cost.cpp", "cache_cost.cpp", "  return 2 * shape.layers"),
    "stage": misbehaving("chapters/06_kv_cache/kv_cache_stage.cpp", "kv_cache_stage.cpp", "    return run_reserved("),
}
TITLES = {3: "3.1", 6: "6.1", "stage": "6.4"}
# The first case of each, as a failure describes it.
FIRST = {3: ("in softmax-f32-", "\nrows="), 6: ("in smallest", "\nposition_bytes of 1 layer"), "stage": ("in whole", "\nfour texts, each in one batch")}


class Misbehaving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="rung-misbehaving-")
        cls.addClassCleanup(cls.folder.cleanup)
        for key, (name, text) in FILES.items():
            work = Path(cls.folder.name) / str(key)
            work.mkdir()
            (work / name).write_text(text)

    def grade(self, key, what, *arguments):
        """The result of one task, of the others that their files are missing."""
        command = [sys.executable, "-B", ROOT / "cli" / "exercise.py", "--build", BUILD, "3" if key == 3 else "6", "--json",
                   "--with", Path(self.folder.name) / str(key), *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "MISBEHAVE": what})
        self.assertEqual(ran.returncode, 1, ran.stderr)
        tasks = {task["id"]: task for task in json.loads(ran.stdout)["tasks"]}
        for other in tasks.values():
            if other["id"] != TITLES[key]:
                self.assertIn("is missing", other["message"])
        return tasks[TITLES[key]]

    def check_each(self, what, *said, arguments=()):
        for key, (name, _) in FILES.items():
            with self.subTest(file=name, what=what):
                task = self.grade(key, what, *arguments)
                self.assertEqual(task["points"], 0, task)
                self.assertIsNone(task["known_mistake"])
                for part in (*said, *FIRST[key]):
                    self.assertIn(part, task["message"])

    def test_one_that_prints_and_has_a_helper_gets_its_points(self):
        for key in FILES:
            task = self.grade(key, "print")
            self.assertEqual((task["points"], task["message"]), (task["of"], "ok"))

    def test_what_is_thrown_fails_the_case(self):
        for key in FILES:
            self.assertIn("thrown by the learner", self.grade(key, "throw")["message"])

    def test_what_ends_the_program_is_told_with_its_case(self):
        self.check_each("throw a number", "ended the program with exit status 1", "an unknown exception")
        self.check_each("terminate", "ended the program with exit status 1", ": in a thread")
        self.check_each("exit", "called exit(0)", "no verdict")

    def test_crashes(self):
        self.check_each("segment", "crashed in", "SIGSEGV: it touched memory that is not its own")
        self.check_each("heap", "crashed in", "SIGABRT", "memory was written that is not yours, such as behind the end of a vector: ")
        self.check_each("assertion", "crashed in", "SIGABRT", "an index outside the vector was used: ", "__n < this->size()")

    def test_a_crash_of_a_task_that_knows_its_usual_cause(self):
        work = Path(self.folder.name) / "unshaped"
        work.mkdir()
        own = (ROOT / "chapters/04_transformer/transformer.cpp").read_text()
        shaped = "  Matrix q(x.rows(), block.q->out());"
        self.assertEqual(own.count(shaped), 1)
        (work / "transformer.cpp").write_text(own.replace(shaped, "  Matrix q;"))
        ran = subprocess.run([sys.executable, "-B", ROOT / "cli" / "exercise.py", "--build", BUILD, "4", "--json", "--with", work],
                             capture_output=True, text=True, check=False)
        task = json.loads(ran.stdout)["tasks"][2]
        self.assertEqual(task["points"], 0)
        self.assertRegex(task["message"], "^crashed in all")
        self.assertIn("An output that has no shape yet is the usual cause", task["message"])

    def test_a_loop_without_end(self):
        self.check_each("hang", "it did not end within", "a loop that never ends", arguments=("--longest-case", "2"))

    def test_what_waits_without_end(self):
        task = self.grade(6, "wait", "--longest-case", "0.5")
        self.assertRegex(task["message"], "^in smallest it did not end within [23] s, of which it computed 0; does it wait")

    def test_a_machine_that_is_busy_is_no_reason(self):
        """Only what it computes counts, and much later what it waits."""
        task = self.grade(6, "stand still for a while", "--longest-case", "1")
        self.assertEqual((task["points"], task["message"]), (task["of"], "ok"))

    def test_a_loop_outside_functions_is_told_too(self):
        work = Path(self.folder.name) / "static"
        work.mkdir()
        own = (ROOT / "chapters/06_kv_cache/cache_cost.cpp").read_text()
        endless = "static int forever() {\n  for (volatile int i = 0;; i = i ^ 1) {}\n}\nint forever_more = forever();\n"
        (work / "cache_cost.cpp").write_text(own + endless)
        ran = subprocess.run([sys.executable, "-B", ROOT / "cli" / "exercise.py", "--build", BUILD, "6", "--json", "--with", work,
                              "--longest-case", "2"], capture_output=True, text=True, check=False)
        self.assertRegex(json.loads(ran.stdout)["tasks"][0]["message"], "^before the harness began it did not end within")

    def test_files_that_do_not_build(self):
        work = Path(self.folder.name) / "builds"
        work.mkdir()
        own = (ROOT / "chapters/06_kv_cache/cache_cost.cpp").read_text()
        for text, said in ((own + "int main() { return 0; }\n", "has a main already"), ("", "must define every function"),
                           (own + "int f() { return not_declared; }\n", "error: ")):
            (work / "cache_cost.cpp").write_text(text)
            ran = subprocess.run([sys.executable, "-B", ROOT / "cli" / "exercise.py", "--build", BUILD, "6", "--json", "--with", work],
                                 capture_output=True, text=True, check=False)
            task = json.loads(ran.stdout)["tasks"][0]
            self.assertEqual(task["points"], 0)
            self.assertIn(said, task["message"])

    def test_a_stage_is_told_where_it_left_its_budget(self):
        """In checks, not cases."""
        work = Path(self.folder.name) / "trace"
        work.mkdir()
        source = "chapters/04_transformer/transformer.cpp"
        text = (ROOT / source).read_text()
        wrong = "  feed_forward(layer, x, trace);"
        self.assertEqual(text.count(wrong), 1)
        (work / "transformer.cpp").write_text(text.replace(wrong, wrong + "\n    if (layer == 1) x *= 1.001F;"))
        ran = subprocess.run([sys.executable, "-B", ROOT / "cli" / "exercise.py", "--build", BUILD, "4", "--json", "--with", work],
                             capture_output=True, text=True, check=False)
        task = json.loads(ran.stdout)["tasks"][2]
        self.assertEqual(task["points"], 0)
        self.assertRegex(task["message"], r"^\d+ of \d+ checks failed, such as whole\nfour texts, each in one batch: ")
        self.assertRegex(task["message"], r"the first trace point that leaves its budget is layers\.2\.attention\.residual \(layer 2, attention\.residual\): off by .*% of it")
        self.assertEqual(task["first_outside"]["point"], "layers.2.attention.residual")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
