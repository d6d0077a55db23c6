# Precompiled headers: what nearly every file includes of the standard library, fmt and Eigen, and besides that Catch2 in
# the tests, is read by the compiler once and not once per file, which is about a second each.
#
#   rung_precompiled(<target> <set>)     the files of the target begin with the headers of the set
#   rung_cold(<target>)                  as with the set `base`, for what runs for no time: with RUNG_COLD_OPTIONS
#
# A set belongs to the options that its files are compiled with: g++ refuses a precompiled header where they differ, and
# says so. A file with options of its own has SKIP_PRECOMPILE_HEADERS set instead. Every file still includes what it uses:
# the lint compiles all but the tests alone, with RUNG_PRECOMPILE=OFF.

include_guard(GLOBAL)

option(RUNG_PRECOMPILE "Compile the libraries' headers once for all files" ON)

# What runs for no time (the tests themselves, what commands and demos print) is compiled a third faster with -O1. g++ 12
# then loses track of values, and warns of what does not happen: inside its AVX-512 headers (see RungBuild), and in the sum of
# two strings.
set(RUNG_COLD_OPTIONS $<$<CONFIG:Release>:-O1>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND RUNG_COLD_OPTIONS -Wno-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
endif()

set(rung_precompiled_base
  <algorithm> <array> <cmath> <cstddef> <cstdint> <filesystem> <fstream> <functional> <map> <memory> <optional> <span>
  <string> <string_view> <utility> <vector> <fmt/format.h> <fmt/ranges.h> <Eigen/Core>)

# rung_precompiled_set(<name> [HEADERS …] [OPTIONS …] [LINKS …]): the base and these headers, compiled with these options.
function(rung_precompiled_set name)
  if(NOT RUNG_PRECOMPILE)
    return()
  endif()
  cmake_parse_arguments(A "" "" "HEADERS;OPTIONS;LINKS" ${ARGN})
  set(source "${PROJECT_BINARY_DIR}/precompiled/${name}.cpp")
  if(NOT EXISTS "${source}")
    file(WRITE "${source}" "// The precompiled headers `${name}` are compiled with this file; see cmake/RungPrecompiled.cmake.\n")
  endif()
  add_library(rung_precompiled_${name} OBJECT "${source}")
  target_link_libraries(rung_precompiled_${name} PRIVATE rung_options ${A_LINKS})
  target_compile_options(rung_precompiled_${name} PRIVATE ${A_OPTIONS})
  target_precompile_headers(rung_precompiled_${name} PRIVATE ${rung_precompiled_base} ${A_HEADERS})
endfunction()

function(rung_precompiled target name)
  if(RUNG_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM rung_precompiled_${name})
  endif()
endfunction()

function(rung_cold target)
  target_compile_options(${target} PRIVATE ${RUNG_COLD_OPTIONS})
  rung_precompiled(${target} cold)
endfunction()
