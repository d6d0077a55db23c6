# Kernels that the profiler can watch.
#
#   rung_profiled_kernels(<target> SOURCES …)
#
# compiles SOURCES, which hold kernels and perhaps what launches them, with hooks at each load, store, call and basic
# block, adds them to <target> and links the profiler. Other sources of <target> are compiled as always. A kernel must
# not be compiled both ways in one program: both would define the same function.
#
# The counters are those of the source as it is written, so the optimisations that remove, merge or move loads and
# stores are off; and code stays in the order of the source, because that order decides which lanes go together
# (cuda/simt/profile/lane_trace.h). The hooks are cuda/simt/profile/hooks.cpp; no sanitizer's library is linked.
# g++ only: clang's hooks differ. And not in a build with sanitizers, whose own hooks these are. RUNG_CAN_PROFILE says
# whether this is a build that can.

include_guard(GLOBAL)

set(RUNG_CAN_PROFILE OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT RUNG_SANITIZE)
  set(RUNG_CAN_PROFILE ON)
endif()

set(RUNG_PROFILED_OPTIONS
    -O2
    -g1
    -gdwarf-4
    -fsanitize=thread
    -fsanitize-coverage=trace-pc
    -fsanitize=bounds
    -fsanitize=object-size  # a pointer that was made from a __shared__ array and leaves it for its neighbour
    -Wno-tsan  # fences are of no concern to these hooks
    -fno-omit-frame-pointer
    # Loads and stores as written.
    -fno-tree-fre
    -fno-tree-pre
    -fno-tree-dominator-opts
    -fno-tree-loop-im
    -fno-tree-dse
    -fno-tree-sink
    -fno-store-merging
    -fno-isolate-erroneous-paths-dereference
    -fno-tree-vectorize
    -fno-tree-loop-distribute-patterns
    # Code in the order of the source, each line of it once.
    -fno-reorder-blocks
    -fno-reorder-blocks-and-partition
    -fno-thread-jumps
    -fno-crossjumping
    -fno-tree-tail-merge
    -fno-code-hoisting
    -fno-ipa-icf
    -fno-ipa-sra
    -fno-ipa-cp
    -fno-split-loops
    -fno-unswitch-loops)

function(rung_profiled_kernels target)
  cmake_parse_arguments(A "" "" "SOURCES" ${ARGN})
  if(RUNG_SANITIZE)  # can be built, without hooks, but only by name: it would measure nothing
    target_sources(${target} PRIVATE ${A_SOURCES})
    target_link_libraries(${target} PRIVATE simt_profile)
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL TRUE)
    return()
  endif()
  if(NOT RUNG_CAN_PROFILE)
    message(FATAL_ERROR "${target}: profiled kernels need g++")
  endif()
  target_sources(${target} PRIVATE ${A_SOURCES})
  set_property(SOURCE ${A_SOURCES} TARGET_DIRECTORY ${target} APPEND PROPERTY COMPILE_OPTIONS ${RUNG_PROFILED_OPTIONS})
  set_source_files_properties(${A_SOURCES} TARGET_DIRECTORY ${target} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  target_link_libraries(${target} PRIVATE simt_profile)
endfunction()

# rung_chapter_kernels(<NN_name> <source>…): a chapter's sources that hold kernels. They are compiled with the hooks where
# there are any, and a learner's file in its place too: the exercises look at races and at counts, and not only at numbers.
# What uses them is compiled as always. Where such a source calls a rung of cuda/, no program links it and cuda_kernels.
function(rung_chapter_kernels folder)
  rung_target_names(chapter ${folder})
  target_link_libraries(${chapter} PRIVATE simt_profile)
  target_link_libraries(${chapter}_demo PRIVATE simt_profile)
  # Without those that newer versions of CMake write as SHELL:…, which it understands of targets alone; the targets have them.
  set_source_files_properties(${ARGN} PROPERTIES
    COMPILE_OPTIONS "$<FILTER:$<TARGET_PROPERTY:simt,INTERFACE_COMPILE_OPTIONS>,EXCLUDE,^SHELL:>")
  if(RUNG_CAN_PROFILE)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS ${RUNG_PROFILED_OPTIONS})
    set_source_files_properties(${ARGN} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()
