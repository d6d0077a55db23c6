"""Prepares what .ci/lint gives clang-tidy to read, so that it reads the libraries' headers once and not once per file.

    for_clang.py <build folder> <clang-tidy>

g++'s precompiled headers mean nothing to clang, and would hide a forgotten #include. Clang's header modules would not:
a file sees the names of a module only if it includes that module's header, or one that includes it. A forgotten
<algorithm> reads "missing '#include <bits/stl_algo.h>'; 'sort' must be declared before it is used"; clang then goes on as
if all that header's module holds were included, so the next one forgotten may only show once this one is there.

Into <build folder>/for_clang go the modules, the map of them, and compile_commands.json. The modules are compiled
without the bodies of functions: nothing is checked in those, and most of the time would go into them.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

LIBRARIES = ("CLI/", "Eigen/", "fmt/", "nlohmann/")  # besides the standard library
FOLDERS = ("core/", "chapters/", "cli/", "cuda/")


def arguments(command):
    """The compiler's arguments of a compile command that matter to clang-tidy: not how to optimise, and to where."""
    words = iter(shlex.split(command["command"])[1:])
    kept = []
    for word in words:
        if word in ("-o", "-c"):
            next(words)
        elif word == "-isystem":
            kept.append(word + next(words))
        elif not re.match(r"-O|-g|-f(?!openmp)", word):
            kept.append(word)
    return kept


def libraries_headers():
    """The libraries' headers that are included anywhere, the most frequent first: a module holds what no module before
    it holds, so that few files need the rare and large ones."""
    listed = subprocess.run(["git", "ls-files", *FOLDERS], check=True, capture_output=True, text=True).stdout.split()
    count = {}
    for path in listed:
        if path.endswith((".h", ".cpp")):
            with open(path, encoding="utf-8") as file:
                for header in re.findall(r"^#include <(.*?)>", file.read(), re.MULTILINE):
                    if "." not in header or header.startswith(LIBRARIES):
                        count[header] = count.get(header, 0) + 1
    return sorted(count, key=lambda header: (-count[header], header))


def has_guard(path):
    """Whether a header may be a module: one that is read anew at every #include may not. C++'s own have guards, though
    some not around everything; <cassert> is meant to be read anew."""
    name = os.path.basename(path)
    if "." not in name:
        return name != "cassert"
    with open(path, encoding="utf-8", errors="replace") as file:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", file.read(), flags=re.DOTALL)
    first, second = (re.findall(r"^[ \t]*#[ \t]*(.*)", text, re.MULTILINE) + ["", ""])[:2]
    guard = re.match(r"(?:ifndef|if\s*!\s*defined)[\s(]+(\w+)[\s)]*$", first)
    return first.startswith("pragma once") or bool(guard and second.split()[:2] == ["define", guard[1]])


def module_map(entered, headers, compilers_own):
    """A module for each of `headers`, with a part for every header that was first read for it.
    @param entered  clang's -H: a line per header read, with a dot per level
    @param compilers_own  the folder of clang's headers, which are written for being included in pieces"""
    modules = []
    seen = set()
    for line in entered.splitlines():
        if not line.startswith("."):
            continue
        dots, path = line.split(maxsplit=1)
        path = os.path.realpath(path)
        if len(dots) == 1:
            modules.append([])
        # Of a library, what is included by its name is a module; the files behind that only make sense in their order.
        inner = any(f"/{library}" in path for library in LIBRARIES) and not path.endswith(headers)
        if path not in seen and not inner and not path.startswith(compilers_own) and has_guard(path):
            modules[-1].append(path)
        seen.add(path)
    lines = []
    for number, paths in enumerate(modules):
        lines.append(f"module library{number} [system] {{")
        lines += [f'  module "{path}" {{ header "{path}" export * }}' for path in paths]
        lines.append("}")
    return "\n".join(lines) + "\n"


def main():
    build, tidy = (os.path.realpath(argument) for argument in sys.argv[1:])
    folder = os.path.join(build, "for_clang")
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    # Each file once, as it is compiled to run; what the profiler wants of g++, clang does not know.
    files = {}
    for command in commands:
        path = os.path.relpath(command["file"])
        if path.startswith(FOLDERS) and path.endswith(".cpp") and "-fsanitize=thread" not in command["command"]:
            files.setdefault(command["file"], arguments(command) + [f"-isystem{folder}", "-Wno-unknown-warning-option"])
    shared = [word for word in next(iter(files.values())) if all(word in words for words in files.values())]

    def read(path, *more):
        """Has clang read a file, without the bodies of functions."""
        command = [tidy, "--checks=-*,modernize-use-override", path, "--", *shared, "-Xclang", "-skip-function-bodies"]
        return subprocess.run([*command, *more], capture_output=True, text=True, check=False)

    headers = libraries_headers()
    all_headers = os.path.join(folder, "headers.cpp")
    with open(all_headers, "w", encoding="utf-8") as file:
        file.writelines(f"#include <{header}>\n" for header in headers)
    modules = os.path.join(folder, "modules")
    with open(modules + ".map", "w", encoding="utf-8") as file:
        clangs = os.path.dirname(os.path.dirname(tidy))
        file.write(module_map(read(all_headers, "-H").stderr, tuple("/" + header for header in headers), clangs))
    use = ["-fmodules", f"-fmodules-cache-path={modules}"]
    use += ["-fno-implicit-module-maps", f"-fmodule-map-file={modules}.map"]
    # The modules of C++20 are something else. And g++ checks fmt's format strings while compiling, which takes long.
    use += ["-Xclang", "-fno-cxx-modules", "-DFMT_CONSTEVAL="]
    # The macros that some files are compiled with mean nothing to the libraries.
    macros = {word for words in files.values() for word in words if word.startswith("-D") and word not in shared}
    use += sorted("-fmodules-ignore-macro=" + word[2:].split("=")[0] for word in macros)
    shutil.rmtree(modules, ignore_errors=True)
    done = read(all_headers, *use)
    if done.returncode != 0:
        print("lint: each file reads the libraries' headers anew; they are no modules:", file=sys.stderr)
        print(done.stdout, file=sys.stderr)
        use = []

    compiled = [
        {"directory": build, "file": path, "arguments": ["c++", *words, *use, "-c", path]}
        for path, words in files.items()
    ]
    with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(compiled, file)


main()
