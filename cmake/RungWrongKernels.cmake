# Kernels with one mistake each, to prove that it is found: the project's own kernels with one place changed, so that
# they stay as right as those are everywhere else.
#
#   rung_wrong_kernel(<name> FILE <cuda/op/NN_name.cuh> REPLACE <text> BY <text>)
#
# writes wrong/<name>.cuh to the build folder, whose contents are in namespace rung::cuda::wrong_<name> instead of
# rung::cuda. The text must be in the file exactly once.

include_guard(GLOBAL)
if(POLICY CMP0174)
  cmake_policy(SET CMP0174 NEW)  # BY "" is an empty text, of which newer versions of CMake would warn
endif()

function(rung_wrong_kernel name)
  cmake_parse_arguments(PARSE_ARGV 1 A "" "FILE;REPLACE;BY" "")
  set(path "${PROJECT_SOURCE_DIR}/${A_FILE}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
  file(READ "${path}" text)
  string(FIND "${text}" "${A_REPLACE}" first)
  string(FIND "${text}" "${A_REPLACE}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "wrong kernel ${name}: not exactly once in ${A_FILE}: ${A_REPLACE}")
  endif()
  string(REPLACE "${A_REPLACE}" "${A_BY}" text "${text}")
  string(REPLACE "namespace rung::cuda" "namespace rung::cuda::wrong_${name}" text "${text}")
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/wrong/${name}.cuh" CONTENT "${text}" @ONLY)
endfunction()
