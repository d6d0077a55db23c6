#!/usr/bin/env python3
"""test_your_kernel.py REPOSITORY BUILD: ./rung kernels --file on a right kernel, wrong ones, and what does not compile."""

import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY, BUILD = Path(sys.argv[1]), Path(sys.argv[2])
failures = 0


def expect(what, status, words, *arguments):
    global failures
    ran = subprocess.run([sys.executable, "-B", REPOSITORY / "cli/kernels.py", "--build", BUILD, "--", *arguments], capture_output=True,
                         text=True, check=False, stdin=subprocess.DEVNULL)
    output = ran.stdout + ran.stderr
    missing = [word for word in words if word not in output]
    if ran.returncode != status or missing:
        failures += 1
        print(f"FAILED: {what}: expected status {status} and {words}, found {ran.returncode} without {missing}:\n{output}")
    else:
        print(f"ok: {what}")


with tempfile.TemporaryDirectory() as folder:
    example = (REPOSITORY / "docs/examples/my_rmsnorm.cuh").read_text()
    comment = "  // A barrier belongs here: what follows reads what other threads wrote.\n"
    assert comment in example
    kernel = Path(folder) / "my_kernel.cuh"

    kernel.write_text(example)
    expect("a missing barrier is a race", 1, ["my_kernel", "FAIL", "race on byte", "my_kernel.cuh:"],
           "--file", str(kernel), "--op", "rmsnorm", "--counters")
    kernel.write_text(example.replace(comment, "  __syncthreads();\n"))
    expect("with the barrier nothing is wrong", 0, ["   my_kernel"], "--file", str(kernel), "--op", "rmsnorm")
    kernel.write_text(example.replace("float own = 0;", "float own = 0"))
    expect("the compiler's words are shown", 1, ["my_kernel.cuh:", "error: expected", "does not compile"],
           "--file", str(kernel), "--op", "rmsnorm")
    kernel.write_text(example.replace("void rmsnorm(", "void rms_norm("))
    expect("a missing function is told", 1, ["found no function that can be called as rmsnorm"],
           "--file", str(kernel), "--op", "rmsnorm")
    expect("an unknown op is refused", 2, ["there are add, add_rmsnorm, "], "--file", str(kernel), "--op", "fft")
    expect("--file needs --op", 2, ["go together"], "--file", str(kernel))
    expect("a file that is not there is refused", 2, ["there is no file"], "--file", folder + "/none.cuh", "--op", "add")
expect("an op without kernels is refused", 2, ["there are add, swiglu, "], "fft", "--counters")
expect("an unknown device is refused", 2, ["a100, rtx4090, h100"], "add", "--device", "v100")
expect("an unknown type is refused", 2, ["expected f32, f16 or bf16"], "add", "--dtype", "f8")
expect("JSON comes out", 0, ['"right": true', '"dram_over_least"'], "add", "--counters", "--json")

sys.exit(1 if failures else 0)
