# The three kinds of target there are.
#
#   rung_core(<folder> SOURCES … [USES <core folder> …] [LINKS <library> …] [PRECOMPILED <set>])      RungPrecompiled.cmake
#   rung_chapter(<NN_name> SOURCES … [USES <core folder or NN_name> …] [LINKS <library> …]
#                [DEMO_USES <core folder or NN_name> …]      with DEMO_USES, demo.cpp is its demo and may use these too
#                [DEMO_SOURCES …]                            where demo.cpp is not all of it
#                [DEMO_TIMES]                                where the demo times loops of its own
#                [PRECOMPILED <set>])
#   rung_test(<name> SOURCES … USES … [LINKS …])          Catch2, found by ctest case by case
#
# A core folder `tensor` becomes the target core_tensor; a chapter `03_attention` becomes chapter_03. Who may use
# whom is checked by RungLayering before there is a target.

include_guard(GLOBAL)
include(RungLayering)
include(RungPrecompiled)

# Turns `tensor` and `03_attention` into target names.
function(rung_target_names out)
  set(names "")
  foreach(name IN LISTS ARGN)
    if(name MATCHES "^([0-9][0-9])_")
      list(APPEND names "chapter_${CMAKE_MATCH_1}")
    elseif(name MATCHES "^(ladder|candidates|catch|models)$")
      list(APPEND names "rung_${name}")
    else()
      list(APPEND names "core_${name}")
    endif()
  endforeach()
  set(${out} "${names}" PARENT_SCOPE)
endfunction()

function(rung_core folder)
  cmake_parse_arguments(A "" "PRECOMPILED" "SOURCES;USES;LINKS" ${ARGN})
  rung_check_core_uses(${folder} ${A_USES} ${A_LINKS})
  add_library(core_${folder} STATIC ${A_SOURCES})
  rung_target_names(uses ${A_USES})
  target_link_libraries(core_${folder} PUBLIC rung_options ${uses} ${A_LINKS})
  if(NOT A_PRECOMPILED)
    set(A_PRECOMPILED base)
  endif()
  rung_precompiled(core_${folder} ${A_PRECOMPILED})
endfunction()

function(rung_chapter folder)
  cmake_parse_arguments(A "DEMO_TIMES" "PRECOMPILED" "SOURCES;USES;LINKS;DEMO_USES;DEMO_SOURCES" ${ARGN})
  rung_check_chapter_uses(${folder} ${A_USES} ${A_LINKS} ${A_DEMO_USES})
  rung_target_names(self ${folder})
  rung_target_names(uses ${A_USES})
  add_library(${self} STATIC ${A_SOURCES})
  target_link_libraries(${self} PUBLIC rung_options ${uses} ${A_LINKS})
  if(NOT A_PRECOMPILED)
    set(A_PRECOMPILED base)
  endif()
  rung_precompiled(${self} ${A_PRECOMPILED})
  if(A_DEMO_USES)
    rung_target_names(uses ${A_DEMO_USES})
    add_library(${self}_demo STATIC demo.cpp ${A_DEMO_SOURCES})
    target_link_libraries(${self}_demo PUBLIC ${self} ${uses})
    if(A_DEMO_TIMES OR NOT A_PRECOMPILED STREQUAL "base")
      rung_precompiled(${self}_demo ${A_PRECOMPILED})
    else()
      rung_cold(${self}_demo)
    endif()
  endif()
endfunction()

function(rung_test name)
  cmake_parse_arguments(A "" "" "SOURCES;USES;LINKS" ${ARGN})
  rung_target_names(uses ${A_USES})
  add_executable(test_${name} ${A_SOURCES})
  target_link_libraries(test_${name} PRIVATE rung_options rung_catch ${uses} ${A_LINKS})
  target_compile_options(test_${name} PRIVATE ${RUNG_COLD_OPTIONS})
  target_compile_definitions(test_${name} PRIVATE RUNG_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(A_LINKS MATCHES "(^|;)(simt|cuda)_?")  # compiled with the options of kernels
    rung_precompiled(test_${name} kernel_tests)
  else()
    rung_precompiled(test_${name} tests)
  endif()
  # Tests run next to each other: a thread that waits must not spin, or on a busy machine a test of a tiny model
  # takes minutes instead of a tenth of a second.
  catch_discover_tests(test_${name} TEST_PREFIX "${name}: " PROPERTIES ENVIRONMENT OMP_WAIT_POLICY=passive)
endfunction()
