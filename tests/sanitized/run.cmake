# cmake -DROOT=<repository> -DGENERATOR=… -DCXX=… -P run.cmake: builds the corruption test by the preset asan-ubsan and
# runs it. A sanitizer's finding ends the program with a status that is not 0.
set(folder "${ROOT}/build/asan-ubsan")

if(NOT EXISTS "${folder}/CMakeCache.txt")
  execute_process(COMMAND "${CMAKE_COMMAND}" --preset asan-ubsan -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${CXX}"
    WORKING_DIRECTORY "${ROOT}" COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${folder}" --target test_corruption COMMAND_ERROR_IS_FATAL ANY)

set(ENV{ASAN_OPTIONS} "detect_leaks=1:allocator_may_return_null=0:max_allocation_size_mb=2048")
set(ENV{UBSAN_OPTIONS} "print_stacktrace=1:halt_on_error=1")
execute_process(COMMAND "${folder}/tests/corruption/test_corruption" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the corruption test under the sanitizers ended with: ${status}")
endif()
