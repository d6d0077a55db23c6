#!/usr/bin/env python3
"""Makes a copy of Rung for a class, without what the exercises ask for.

    docs/student_copy.py DEST

copies every file that git knows to DEST, without the git history, the tests and whatever answers an exercise: the
files that chapters/*/exercises/tasks.json names, the oracle and the catalogues of mistakes, which do the same once
more, and examples and scripts that do it in other languages. In the places of sources stand objects, which are compiled
here and linked there. Kernels of cuda/ that do what an exercise asks for (`also_in` in tasks.json) are left out, and
their rungs are missing from `./rung kernels`. `./rung exercise` works in DEST as it does here.

The objects are compiled for the baseline of this processor's family, not for this machine, and DEST is set to build the
rest alike; its machines need the same family, distribution and kind of compiler (gcc or clang) as this one.
`./rung test` and `./rung docs` do not work in DEST. Uses the standard library only.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "cli"))
from link_with import chapters, replaced, tasks  # noqa: E402

# What computes the exercises' answers besides the chapters, and what people's mistakes look like. Chapter 07 has two
# classes that do what chapter 06's exercises ask for, and more; what has limited room in chapter 09 sorts rows, too.
JUDGES = ("core/oracle/*.cpp", "core/check/functions/*.cpp", "core/check/ops/*.cpp", "core/check/model_*.cpp",
          "core/check/block_mistakes.cpp", "core/check/sequence_mistakes.cpp", "core/stage/stage.cpp", "chapters/01_tokens/merge_plainly.cpp",
          "chapters/07_grouped_query/half_kv_store.cpp", "chapters/07_grouped_query/ring_sequences.cpp",
          "chapters/08_quantization/block_dot.cpp", "chapters/08_quantization/quantized_activations.cpp",
          "chapters/08_quantization/q5_0.cpp", "chapters/09_mixture_of_experts/capacity.cpp")
# Besides the tests: attention and RMSNorm as examples of somebody's own kernel, the trained model in PyTorch, and what
# is of use only where all sources are.
LEFT_OUT = ("tests/", ".ci/", "docs/examples/", "docs/check_your_kernel.md", "docs/instructors.md", "docs/student_copy.py",
            "python/train_tiny.py")
LINK = re.compile(r"(?<!!)\[((?:[^][]|\[[^][]*\])+)\]\(([^)\s#]+)(#[^)\s]*)?\)")


class Failure(Exception):
    """What is wrong, in one line."""


def hidden_sources():
    """Paths from the top of the repository, sorted."""
    answers = {replaced(chapter, task) for chapter in chapters().values() for task in tasks(chapter)}
    judges = {path for pattern in JUDGES for path in ROOT.glob(pattern)}
    return sorted(path.relative_to(ROOT).as_posix() for path in answers | judges)


def hidden_kernels():
    """Files of cuda/ that do what an exercise asks for, from the top of the repository, sorted."""
    return sorted({path for chapter in chapters().values() for task in tasks(chapter) for path in task.get("also_in", ())})


def without_rungs(text, kernels):
    """The text of a ladder.cpp without the rungs that are in these files.

    The list of rungs is laid out by clang-format: each begins in column 6, and nothing else in it does."""
    gone = {path for path in kernels if f'#include "{path}"' in text and path.endswith(".cuh")}
    head, start, rest = text.partition("  ladder.rungs = {\n")
    rungs, end, tail = rest.partition("\n  };\n")
    kept = []
    for rung in re.split(r"^(?=      \S)", rungs, flags=re.MULTILINE):
        source = re.search(r'\.source = "([^"]+)"', rung)
        if not source or source[1] not in gone:
            kept.append(rung)
        else:
            gone.discard(source[1])
    if not start or not end or gone:
        raise Failure(f"a ladder's list of rungs is not laid out as expected: {', '.join(sorted(gone))}")
    # What is left of them: the include, and lines that call them by number.
    spaces = [f"{Path(path).parent.name}_{Path(path).name[:2]}::" for path in kernels if path.endswith(".cuh")]
    calls = re.compile("|".join([re.escape(f'#include "{path}"') for path in kernels] + [rf"\b{space}" for space in spaces]))
    outside = [[line for line in part.splitlines(keepends=True) if not calls.search(line)] for part in (head, tail)]
    return "".join(outside[0]) + start + "".join(kept).rstrip("\n") + end + "".join(outside[1])


def configured(build):
    """Configures `build` for no particular machine, with the compiler of build/release."""
    cache = ROOT / "build/release/CMakeCache.txt"
    if not cache.is_file():
        raise Failure("nothing is built here yet; run ./rung first")
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache.read_text(), re.MULTILINE)[1]
    generator = re.search(r"^CMAKE_GENERATOR:\w+=(.*)$", cache.read_text(), re.MULTILINE)[1]
    run(["cmake", "-S", ROOT, "-B", build, "-G", generator, f"-DCMAKE_CXX_COMPILER={compiler}", "-DRUNG_NATIVE=OFF"])


def run(command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode:
        raise Failure(f"{' '.join(map(str, command))} failed:\n{ran.stdout[-2000:]}")


def compile_objects(build, sources):
    """Compiles the sources. @return {source: its object}"""
    commands = json.loads((build / "compile_commands.json").read_text())
    objects = {}
    for entry in commands:
        file = Path(entry["file"])
        name = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else ""
        if name in sources:
            output = entry.get("output") or re.search(r" -o (\S+)", entry["command"])[1]
            objects[name] = Path(entry["directory"]) / output
    if missing := set(sources) - set(objects):
        raise Failure(f"not part of the build: {', '.join(sorted(missing))}")
    if (build / "build.ninja").is_file():
        run(["cmake", "--build", build, "--target", *(str(path.relative_to(build)) for path in objects.values())])
    else:
        run(["cmake", "--build", build, "--target", "rung-cli"])
    return objects


def put_objects(dest, objects):
    """Puts the objects where the sources were, and tells CMake."""
    for name, compiled in objects.items():
        target = dest / Path(name).with_suffix(".o")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(compiled, target)
        subprocess.run(["strip", "--strip-debug", target], check=False)
        # The list that names it: in its own folder, or one above (core/check names ops/rope.cpp).
        for folder in target.parent, target.parent.parent:
            lists = folder / "CMakeLists.txt"
            short = (dest / name).relative_to(folder).as_posix()
            if lists.is_file():
                old = lists.read_text()
                new = re.sub(rf"(?<![\w/.]){re.escape(short)}(?![\w.])", short.removesuffix(".cpp") + ".o", old)
                if new != old:
                    lists.write_text(new)
                    break
        else:
            raise Failure(f"no CMakeLists.txt names {name}")
    for lists in {lists for name in objects for lists in ((dest / name).parent / "CMakeLists.txt", (dest / name).parent.parent / "CMakeLists.txt")
                  if lists.is_file()}:
        text = lists.read_text()
        for name, named in re.findall(r"rung_(?:core|chapter)\((\w+)\s+SOURCES\s+([^)]*?)\s*(?:USES|LINKS|\))", text):
            if ".cpp" not in named:  # of objects alone CMake cannot tell the language
                target = f"chapter_{name[:2]}" if name[:2].isdigit() else f"core_{name}"
                text += f"set_target_properties({target} PROPERTIES LINKER_LANGUAGE CXX)\n"
        lists.write_text(text)


NOTE = """This copy is for a class. The files that the exercises ask for are here as objects, not as sources; where a page
says that you may read one when you have tried, ask whoever gave you this copy. Kernels that do what an exercise asks for
are not here, so `./rung kernels` has gaps: {kernels}. Neither are `tests/` and `docs/examples/`, which pages name: what
a page prints of a file there is the file. `./rung test` and `./rung docs` need the whole repository."""


def explained(dest):
    """Tells at the top of the first page what is missing."""
    page = dest / "README.md"
    heading, rest = page.read_text().split("\n", 1)
    kernels = ", ".join(path.removeprefix("cuda/").removesuffix(".cuh") for path in hidden_kernels() if path.endswith(".cuh"))
    note = textwrap.fill(" ".join(NOTE.format(kernels=kernels).split()), 118, initial_indent="> ", subsequent_indent="> ",
                         break_on_hyphens=False, break_long_words=False)
    page.write_text(f"{heading}\n\n{note}\n{rest}")


def unlinked(dest):
    """Takes off links of the pages to what is not there."""
    for page in dest.rglob("*.md"):
        text = page.read_text()

        def kept(link):
            target = link[2]
            return link[0] if "://" in target or (page.parent / target).exists() else link[1]

        page.write_text(LINK.sub(kept, text))


def copy(dest, objects, native):
    kernels = hidden_kernels()
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if name in objects or name in kernels or name.startswith(LEFT_OUT) or not (ROOT / name).is_file():
            continue
        (dest / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, dest / name)
    put_objects(dest, objects)
    for folder in {Path(name).parent for name in kernels}:
        ladder = dest / folder / "ladder.cpp"
        ladder.write_text(without_rungs(ladder.read_text(), [name for name in kernels if Path(name).parent == folder]))
    unlinked(dest)
    explained(dest)
    top, build = dest / "CMakeLists.txt", dest / "cmake/RungBuild.cmake"
    top.write_text(re.sub(r"^(enable_testing\(\)|add_subdirectory\(tests\))\n", "", top.read_text(), flags=re.MULTILINE))
    if not native:
        text = build.read_text()
        changed = re.sub(r"(option\(RUNG_NATIVE .*) ON\)", r"\1 OFF)", text)
        if changed == text:
            raise Failure("cmake/RungBuild.cmake: expected the option RUNG_NATIVE, ON")
        build.write_text(changed)


def main():
    parser = argparse.ArgumentParser(description="Makes a copy of Rung for a class, without what the exercises ask for.")
    parser.add_argument("dest", type=Path, metavar="DEST", help="a folder that is not there yet")
    parser.add_argument("--objects-of", type=Path, help=argparse.SUPPRESS)  # a configured build, for tests
    options = parser.parse_args()
    try:
        if options.dest.exists():
            raise Failure(f"{options.dest} is there already")
        sources = hidden_sources()
        build = (options.objects_of or ROOT / "build/student").resolve()
        if not options.objects_of:
            print(f"compiling {len(sources)} files in {build}", file=sys.stderr, flush=True)
            configured(build)
        copy(options.dest, compile_objects(build, sources), native=bool(options.objects_of))
    except (Failure, OSError, subprocess.CalledProcessError) as failure:
        print(f"student_copy: {failure}", file=sys.stderr)
        return 1
    for name in sources:
        print(f"an object instead of {name}")
    for name in hidden_kernels():
        print(f"left out: {name}")
    print(f"{options.dest} is ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
