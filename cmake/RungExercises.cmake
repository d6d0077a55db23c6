# The exercises: programs like rung-cli in which a learner's file stands in for a chapter's own. One program per task,
# so that a file which does not compile spoils only its own, and `rung-with` for all files at once.
#
# chapters/NN_name/exercises/tasks.json says which files. Each has a slot in each program that may hold it, a source
# in the build folder that is empty or includes the learner's file (cli/link_with.py fills it). The linker takes the
# objects of a program before the libraries: what a slot defines is used everywhere, and the library's own object with
# the same functions is never looked at.
#
# None of this is built unless cli/link_with.py asks for it.

include_guard(GLOBAL)

# Sets `out` to <NN_name>/<file.cpp> of every task of the chapter, and `ids` to their ids, in the same order.
function(rung_read_tasks list out ids)
  cmake_path(GET list PARENT_PATH folder)
  cmake_path(GET folder PARENT_PATH folder)
  cmake_path(GET folder FILENAME chapter)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list}")
  file(READ "${list}" json)
  string(JSON count LENGTH "${json}" tasks)
  set(found_files "")
  set(found_ids "")
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON file GET "${json}" tasks ${i} file)
    cmake_path(GET file FILENAME file)  # a file of core/ is written from the repository's root
    string(JSON id GET "${json}" tasks ${i} id)
    list(APPEND found_files "${chapter}/${file}")
    list(APPEND found_ids "${id}")
  endforeach()
  set(${out} "${found_files}" PARENT_SCOPE)
  set(${ids} "${found_ids}" PARENT_SCOPE)
endfunction()

# The programs of exercises are linked again after each change of one file: by the quicker linker of binutils, where it is.
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=gold RUNG_HAS_GOLD)

# rung_add_program_with(<target> <folder> <precompiled> <slot>…): rung-cli with these slots, in exercises/<folder> of the
# build, compiled with that set of precompiled headers.
function(rung_add_program_with target folder precompiled)
  set(sources "")
  set(needs_symbols OFF)
  foreach(slot IN LISTS ARGN)
    set(source "${PROJECT_BINARY_DIR}/exercises/${folder}/${slot}")
    if(NOT EXISTS "${source}")
      file(WRITE "${source}" "")
    endif()
    # As the chapter's own files are compiled (08 wants the same bytes on every machine); but a learner's warning is no
    # error, and a stub does not use its arguments yet.
    string(SUBSTRING "${slot}" 0 2 number)
    set(own "")
    foreach(ending .cpp .o)  # a copy for a class has objects in the places of the sources
      string(REGEX REPLACE "[.]cpp$" "${ending}" chapters_own "${PROJECT_SOURCE_DIR}/chapters/${slot}")
      get_source_file_property(options "${chapters_own}" TARGET_DIRECTORY chapter_${number} COMPILE_OPTIONS)
      if(options)
        list(APPEND own "${options}")
      endif()
      # What is asked of a learner's file alone.
      get_source_file_property(options "${chapters_own}" TARGET_DIRECTORY chapter_${number} RUNG_EXERCISE_OPTIONS)
      if(options)
        list(APPEND own "${options}")
      endif()
    endforeach()
    if(own MATCHES "-g")
      set(needs_symbols ON)  # what the profiler tells of lines comes from there
    endif()
    set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS "${own};-Wno-error;-Wno-unused-parameter")
    if(own STREQUAL "-ffp-contract=off" AND precompiled STREQUAL "exercises")
      set(precompiled uncontracted_exercises)  # a task's program has one slot alone
    elseif(own)
      set_source_files_properties("${source}" PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
    list(APPEND sources "${source}")
  endforeach()
  add_executable(${target} EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(${target} PRIVATE rung_commands)
  target_link_options(${target} PRIVATE "$<$<BOOL:${RUNG_HAS_GOLD}>:-fuse-ld=gold>" "$<$<NOT:$<BOOL:${needs_symbols}>>:-s>")
  rung_precompiled(${target} ${precompiled})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/exercises/${folder}")
endfunction()

rung_precompiled_set(exercises OPTIONS -UNDEBUG -D_GLIBCXX_ASSERTIONS)
rung_precompiled_set(uncontracted_exercises OPTIONS -ffp-contract=off -UNDEBUG -D_GLIBCXX_ASSERTIONS)
file(GLOB lists CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/chapters/*/exercises/tasks.json")
set(all_slots "")
foreach(list IN LISTS lists)
  rung_read_tasks("${list}" slots ids)
  foreach(slot id IN ZIP_LISTS slots ids)
    rung_add_program_with(rung-exercise-${id} ${id} exercises ${slot})
    # Eigen's and the standard library's checks of sizes and indices are worth more to a learner than the speed
    # that they cost.
    set_property(SOURCE "${PROJECT_BINARY_DIR}/exercises/${id}/${slot}" APPEND PROPERTY COMPILE_OPTIONS "-UNDEBUG;-D_GLIBCXX_ASSERTIONS")
  endforeach()
  list(APPEND all_slots ${slots})
endforeach()
list(REMOVE_DUPLICATES all_slots)
rung_add_program_with(rung-with with base ${all_slots})
