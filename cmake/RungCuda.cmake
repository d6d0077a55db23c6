# nvcc, where there is one: tests that run kernels are built once more, for a GPU.
#
#   rung_gpu_test(<name> SOURCES … [USES …] [LINKS …])      as rung_test; the sources are compiled as CUDA
#
# RUNG_CUDA says whether this build can. These programs are built on demand (target `gpu_tests`): nvcc takes its time, and
# most machines have no GPU to run them on. The code is for sm_80, sm_89 and sm_90; newer GPUs take the PTX of the last.

include_guard(GLOBAL)

find_program(RUNG_NVCC nvcc HINTS ENV CUDACXX PATHS /usr/local/cuda/bin /opt/cuda/bin
  DOC "NVIDIA's compiler, 12 or newer; empty to do without")
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

function(rung_gpu_test name)
  if(NOT RUNG_CUDA)
    return()
  endif()
  cmake_parse_arguments(A "" "" "SOURCES;USES;LINKS" ${ARGN})
  # A source is compiled by both compilers; CMake knows one language per file.
  set(sources "")
  foreach(source IN LISTS A_SOURCES)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    cmake_path(GET source STEM stem)
    set(wrapper "${CMAKE_CURRENT_BINARY_DIR}/gpu/${stem}.cu")
    file(CONFIGURE OUTPUT "${wrapper}" CONTENT "#include \"@source@\"\n" @ONLY)
    list(APPEND sources "${wrapper}")
  endforeach()
  rung_target_names(uses ${A_USES})
  add_executable(gpu_${name} EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(gpu_${name} PRIVATE rung_options rung_catch ${uses} ${A_LINKS})
  target_compile_definitions(gpu_${name} PRIVATE RUNG_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    FMT_USE_CONSTEXPR=1)  # {fmt} 9 takes nvcc for a compiler that has none
  add_dependencies(gpu_tests gpu_${name})
endfunction()
