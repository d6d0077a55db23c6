# cmake -DROOT=<repository> -DGENERATOR=… -DCXX=… -DPROGRAM=corruption|simt -P run.cmake: builds that test by the preset
# asan-ubsan and runs it. A sanitizer's finding ends the program with a status that is not 0.
set(folder "${ROOT}/build/asan-ubsan")

if(NOT EXISTS "${folder}/CMakeCache.txt")
  execute_process(COMMAND "${CMAKE_COMMAND}" --preset asan-ubsan -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${CXX}"
    WORKING_DIRECTORY "${ROOT}" COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${folder}" --target test_${PROGRAM} COMMAND_ERROR_IS_FATAL ANY)

set(ENV{ASAN_OPTIONS} "detect_leaks=1:allocator_may_return_null=0:max_allocation_size_mb=2048")
set(ENV{UBSAN_OPTIONS} "print_stacktrace=1:halt_on_error=1")
set(place_corruption tests/corruption)
set(place_simt tests/cuda/simt)
execute_process(COMMAND "${folder}/${place_${PROGRAM}}/test_${PROGRAM}" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the test ${PROGRAM} under the sanitizers ended with: ${status}")
endif()
