"""test_student_copy.py REPOSITORY BUILD FOLDER: a copy for a class has no answers in it, and builds nevertheless."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY, BUILD, FOLDER = (Path(argument) for argument in sys.argv[1:4])
COPY = FOLDER / "copy"


def run(*command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode:
        sys.exit(f"FAILED: {' '.join(map(str, command))}\n{ran.stdout}")
    return ran.stdout


shutil.rmtree(FOLDER, ignore_errors=True)
FOLDER.mkdir(parents=True)
run(sys.executable, "-B", REPOSITORY / "docs/student_copy.py", COPY, "--objects-of", BUILD)

answers = []
for tasks in sorted(REPOSITORY.glob("chapters/*/exercises/tasks.json")):
    for task in json.loads(tasks.read_text())["tasks"]:
        answers.append(task["file"] if task["file"].startswith("core/") else
                       (tasks.parent.parent / task["file"]).relative_to(REPOSITORY).as_posix())
left = [name for name in (*answers, "core/oracle/softmax.cpp", "core/check/ops/softmax.cpp", "core/check/model_skeleton_mistakes.cpp", ".git", "tests",
                              "docs/examples", "python/train_tiny.py") if (COPY / name).exists()]
lost = [name for name in answers if not (REPOSITORY / name).is_file()]
stubs = [path for path in REPOSITORY.glob("chapters/*/exercises/*") if not (COPY / path.relative_to(REPOSITORY)).is_file()]
if not answers or left or lost or stubs:
    sys.exit(f"FAILED: {len(answers)} answers; still there: {left}; not in the repository: {lost}; stubs that are missing: {stubs}")
# Kernels that do what an exercise asks for are left out, and nothing under cuda/ has or names them.
kernels = sorted({name for tasks in REPOSITORY.glob("chapters/*/exercises/tasks.json") for task in json.loads(tasks.read_text())["tasks"]
                  for name in task.get("also_in", ())})
for wanted in ("cuda/gemm/03_shared_tiles.cuh", "cuda/gemm/12_split_k.cuh", "cuda/attention/02_online.cuh", "cuda/attention/03_tiled.cuh",
               "cuda/attention/04_mma.cuh", "cuda/softmax/03_online.cuh"):
    if wanted not in kernels:
        sys.exit(f"FAILED: no task says that its answer is also in {wanted}")
names = [name for path in kernels for name in
         re.findall(r"__global__ void (?:__launch_bounds__\([^)]*\)\s*)?(\w+)\(", (REPOSITORY / path).read_text())]
if len(names) < len([path for path in kernels if path.endswith(".cuh")]):
    sys.exit(f"FAILED: expected the kernels of {kernels}, found {names}")
words = re.compile("|".join([rf"\b{name}\b" for name in names] + [re.escape(path) for path in kernels]))
sources = [path for path in (COPY / "cuda").rglob("*") if path.suffix in (".cpp", ".h", ".cuh")]
readable = [str(path.relative_to(COPY)) for path in sources if words.search(path.read_text())]
readable += [name for name in kernels if (COPY / name).exists()]
if readable or not sources:
    sys.exit(f"FAILED: answers under cuda/: {readable}")
print(f"ok: none of {len(kernels)} files with kernels that answer an exercise is in the copy")

dead = [f"{page.relative_to(COPY)}: {target}" for page in COPY.rglob("*.md") for target in re.findall(r"[^[]\]\(([^)\s#]+)(?:#[^)\s]*)?\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()]
if dead:
    sys.exit(f"FAILED: links to what is not in the copy: {dead}")
print(f"ok: none of {len(answers)} answers is in the copy")

cache = (BUILD / "CMakeCache.txt").read_text()
same = [f"-D{name}={re.search(rf'^{name}:[A-Z]+=(.*)$', cache, re.MULTILINE)[1]}" for name in ("CMAKE_CXX_COMPILER", "CMAKE_BUILD_TYPE")]
generator = re.search(r"^CMAKE_GENERATOR:\w+=(.*)$", cache, re.MULTILINE)[1]
# Only these two: what they are linked with is in the copy as it is in the repository.
run("cmake", "-S", COPY, "-B", FOLDER / "build", "-G", generator, *same, "-DCMAKE_OPTIMIZE_DEPENDENCIES=ON", "-DRUNG_NVCC=")
run("cmake", "--build", FOLDER / "build", "--target", "chapter_03", "core_oracle")
for library, member in (("chapters/03_attention/libchapter_03.a", "softmax.o"), ("core/oracle/libcore_oracle.a", "softmax.o")):
    if member not in run("ar", "t", FOLDER / "build" / library).split():
        sys.exit(f"FAILED: {library} has no {member}")
print("ok: CMake takes the objects in their places")

# The ladders with gaps still compile; that they link is no question of theirs.
commands = {Path(entry["file"]).relative_to(COPY).as_posix(): entry for entry in json.loads((FOLDER / "build" / "compile_commands.json").read_text())
            if Path(entry["file"]).is_relative_to(COPY)}
for name in sorted({f"{Path(path).parent.as_posix()}/ladder.cpp" for path in kernels} | {"chapters/14_gemm/demo.cpp", "chapters/15_flash_attention/demo.cpp"}):
    words = shlex.split(commands[name]["command"])
    command = [word for before, word in zip(["", *words], words) if "-include" not in (before, word) and "-o" not in (before, word) and word != "-Winvalid-pch"]
    ran = subprocess.run([*command, "-fsyntax-only"], cwd=commands[name]["directory"], capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"FAILED: {name} of the copy does not compile:\n{ran.stderr}")
print("ok: the ladders compile without the rungs that are left out")
shutil.rmtree(FOLDER)
