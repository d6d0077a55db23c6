# What every target of the project is built with: the standard, the options, the libraries.

include_guard(GLOBAL)
include(RungTargets)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

option(RUNG_NATIVE "Compile for this machine's own instruction set (-march=native)" ON)
option(RUNG_SANITIZE "Build with the address and undefined-behaviour sanitizers" OFF)
include(RungProfiledKernels)

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Catch2 REQUIRED)
find_package(OpenMP REQUIRED)
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)  # Boost's own word of where it is; newer versions of CMake have no other
endif()
find_package(Boost 1.74 REQUIRED COMPONENTS context)  # the fibers of cuda/simt
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)

add_library(rung_options INTERFACE)
target_include_directories(rung_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(rung_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees an uninitialised variable inside its own AVX-512 headers wherever Eigen uses them (GCC bug 105593).
  target_compile_options(rung_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
endif()
target_link_libraries(rung_options INTERFACE Eigen3::Eigen fmt::fmt OpenMP::OpenMP_CXX)
if(RUNG_NATIVE)
  target_compile_options(rung_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native>)
endif()
if(RUNG_SANITIZE)
  target_compile_options(rung_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(rung_options INTERFACE -fsanitize=address,undefined)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # the same bug, which has another name here
    target_compile_options(rung_options INTERFACE -Wno-uninitialized)
  endif()
endif()

rung_precompiled_set(base)
rung_precompiled_set(cold OPTIONS ${RUNG_COLD_OPTIONS})
include(RungCuda)
