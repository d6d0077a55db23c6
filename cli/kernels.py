#!/usr/bin/env python3
"""./rung kernels: builds the program rung-kernels, or one with a user's own kernel in it, and runs it.

With --file FILE --op OP a slot in the build folder includes FILE and hands its function to cuda/OP/call.h; the program
rung-kernels-with is linked from it. What does not compile is told in the compiler's own words.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from link_with import ROOT, DoesNotBuild, Failure, build_lock, build_program, note, shown  # noqa: E402

SLOT = """// Written by cli/kernels.py.
#include "cuda/{op}/call.h"
#include "cuda/report/user_kernel.h"
#include "{file}"

namespace rung::cuda {{

std::vector<UserKernel> user_kernels() {{
  const auto own = [](auto... arguments) -> decltype({op}(arguments...)) {{ return {op}(arguments...); }};
  UserKernel user{{.op = "{op}", .rung = {op}_rung({{.name = "{name}", .news = "yours", .source = "{shown}"}}, own)}};
  static_assert(callable_with<{arguments}>(own), "{shown}: found no function that can be called as {op}");
  return {{user}};
}}

}}  // namespace rung::cuda
"""


def value_of(option, arguments):
    """What stands behind `--option` or `--option=`; None without it."""
    for i, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == option:
            if i + 1 == len(arguments):
                raise Failure(f"{option}: expected a value, found nothing", 2)
            return arguments[i + 1]
        if argument.startswith(option + "="):
            return argument[len(option) + 1:]
    return None


def known_ops():
    return sorted(path.parent.name for path in ROOT.glob("cuda/*/call.h"))


def fill_slot(slot, file, op):
    path = os.path.abspath(file)
    if not os.path.isfile(path):
        raise Failure(f"--file: there is no file {file}", 2)
    if '"' in path or "\\" in path or "\n" in path:
        raise Failure(f"--file {path}: a path with a quotation mark or a backslash cannot be included; move the file", 2)
    text = SLOT.format(op=op, file=path, shown=shown(path), name=Path(path).stem[:20], arguments=arguments_of(op))
    if not slot.exists() or slot.read_text() != text:
        slot.parent.mkdir(parents=True, exist_ok=True)
        slot.write_text(text)


def arguments_of(op):
    """The name in cuda/<op>/call.h of what a kernel of the op is called with."""
    for line in (ROOT / "cuda" / op / "call.h").read_text().splitlines():
        if line.startswith("using ") and "Arguments = void(" in line:
            return line.split()[1]
    raise Failure(f"cuda/{op}/call.h names no …Arguments")


def build(folder, arguments):
    """Builds what is to run and returns its path."""
    file, op = value_of("--file", arguments), value_of("--op", arguments)
    op = "gemm" if op == "linear" else op  # the harness's name of it
    if (file is None) != (op is None):
        raise Failure("--file and --op go together: ./rung kernels --file my_kernel.cuh --op rmsnorm", 2)
    if file is not None and op not in known_ops():
        raise Failure(f"--op: there are no kernels for an op '{op}'; there are {', '.join(known_ops())}", 2)
    target = "rung-kernels" if file is None else "rung-kernels-with"
    program = folder / "cuda" / target
    with build_lock():
        if file is not None:
            fill_slot(folder / "cuda" / "your_kernel.cpp", file, op)
        if not program.exists():
            note("building the kernels with the profiler's hooks; the first time, this takes a minute or two")
        try:
            build_program(folder, target)
        except DoesNotBuild as error:
            print(error, file=sys.stderr)
            what = f"--file: {shown(file)} does" if file is not None else "the kernels do"
            raise Failure(f"{what} not compile; the compiler's error stands above") from error
    return program


def main():
    if len(sys.argv) < 4 or sys.argv[1] != "--build" or sys.argv[3] != "--":
        print("usage: kernels.py --build FOLDER -- [arguments of ./rung kernels]", file=sys.stderr)
        return 2
    arguments = sys.argv[4:]
    try:
        program = build(Path(sys.argv[2]), arguments)
    except Failure as failure:
        note(failure)
        return failure.status
    sys.stdout.flush()
    os.execv(program, [str(program), *arguments])
    return 1


if __name__ == "__main__":
    sys.exit(main())
