# nvcc, where there is one: tests that run kernels are built once more, for a GPU.
#
#   rung_gpu_test(<name> [SOURCES …] [HOST_SOURCES …] [USES …] [LINKS …] [ONE_ARCHITECTURE])
#
# is as rung_test; the SOURCES are compiled as CUDA, the HOST_SOURCES, which hold no kernels, as they are.
#
# RUNG_CUDA says whether this build can. These programs are built on demand (target `gpu_tests`): nvcc takes its time, and
# most machines have no GPU to run them on. The code is for sm_80, sm_89 and sm_90; newer GPUs take the PTX of the last.
# On a machine with a GPU, ./rung sets RUNG_GPU_ARCHITECTURES to that GPU's.

include_guard(GLOBAL)

find_program(RUNG_NVCC nvcc HINTS ENV CUDACXX PATHS /usr/local/cuda/bin /opt/cuda/bin
  DOC "NVIDIA's compiler, 12 or newer; empty to do without")
set(RUNG_GPU_ARCHITECTURES "" CACHE STRING "The GPUs that programs are compiled for (90, or a list); empty: as cmake/RungCuda.cmake says")
set(RUNG_CUDA OFF)
if(RUNG_NVCC AND NOT RUNG_SANITIZE)
  set(CMAKE_CUDA_COMPILER "${RUNG_NVCC}")
  set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
  set(CMAKE_CUDA_ARCHITECTURES 80-real 89-real 90)  # nvcc's own default needs a GPU, or is none of these
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25.1 does not know that nvcc can
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    set(RUNG_CUDA ON)
    add_custom_target(gpu_tests)
  endif()
endif()

# rung_gpu_sources(<variable> <name> <source>…): the file for nvcc of what both compilers compile, since CMake knows one language
# per file. It includes all the sources, and so reads the standard library's headers once: three programs of nvcc read them,
# which takes longer than the kernels.
function(rung_gpu_sources out name)
  set(text "")
  foreach(source IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    string(APPEND text "#include \"${source}\"\n")
  endforeach()
  set(file "${PROJECT_BINARY_DIR}/gpu/${name}.cu")
  file(CONFIGURE OUTPUT "${file}" CONTENT "${text}" @ONLY)
  set(${out} "${file}" PARENT_SCOPE)
endfunction()

# rung_gpu_target(<target> [ONE_ARCHITECTURE]): options of what nvcc compiles. ONE_ARCHITECTURE: for the oldest GPU alone
# unless RUNG_GPU_ARCHITECTURES says more, because other tests have nvcc compile the same kernels for all three.
function(rung_gpu_target target)
  cmake_parse_arguments(A "ONE_ARCHITECTURE" "" "" ${ARGN})
  target_compile_definitions(${target} PRIVATE RUNG_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    FMT_USE_CONSTEXPR=1)  # {fmt} 9 takes nvcc for a compiler that has none
  if(RUNG_GPU_ARCHITECTURES)
    set_target_properties(${target} PROPERTIES CUDA_ARCHITECTURES "${RUNG_GPU_ARCHITECTURES}")
  elseif(A_ONE_ARCHITECTURE)
    set_target_properties(${target} PROPERTIES CUDA_ARCHITECTURES 80)
  endif()
endfunction()

function(rung_gpu_test name)
  if(NOT RUNG_CUDA)
    return()
  endif()
  cmake_parse_arguments(A "ONE_ARCHITECTURE" "" "SOURCES;HOST_SOURCES;USES;LINKS" ${ARGN})
  rung_gpu_sources(sources test_${name} ${A_SOURCES})
  rung_target_names(uses ${A_USES})
  add_executable(gpu_${name} EXCLUDE_FROM_ALL ${sources} ${A_HOST_SOURCES})
  target_link_libraries(gpu_${name} PRIVATE rung_options rung_catch ${uses} ${A_LINKS})
  set(one_architecture "")
  if(A_ONE_ARCHITECTURE)
    set(one_architecture ONE_ARCHITECTURE)
  endif()
  rung_gpu_target(gpu_${name} ${one_architecture})
  add_dependencies(gpu_tests gpu_${name})
endfunction()
