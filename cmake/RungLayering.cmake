# The chapter order is the dependency order: a chapter may use core/ and earlier chapters, never later ones,
# and core/ uses no chapter. Checked twice, because a header can be included without linking its library:
# in what a target says it USES (and LINKS), and in the #include lines of the sources. Both checks run when CMake
# configures; the test `layering` runs the second one again on what was edited since. cuda/ uses core/ and no chapter,
# and is used by chapters from 13 on.

include_guard(GLOBAL)

# Fails when the core folder `folder` uses a chapter or what stands above the chapters.
function(rung_check_core_uses folder)
  foreach(used IN LISTS ARGN)
    if(used MATCHES "^([0-9][0-9]_|chapter_|ladder$|rung_)")
      message(FATAL_ERROR "core/${folder} uses ${used}: core/ uses no chapter")
    endif()
  endforeach()
endfunction()

# Fails when the chapter `folder` (NN_name) uses itself, a later chapter or what stands above the chapters.
function(rung_check_chapter_uses folder)
  string(SUBSTRING "${folder}" 0 2 own)
  foreach(used IN LISTS ARGN)
    if(used MATCHES "^(chapter_)?([0-9][0-9])(_|$)" AND NOT CMAKE_MATCH_2 LESS own)
      message(FATAL_ERROR "chapters/${folder} uses ${used}: a chapter may use core/ and earlier chapters only")
    elseif(used MATCHES "^(ladder$|rung_)")
      message(FATAL_ERROR "chapters/${folder} uses ${used}, which stands above the chapters")
    endif()
  endforeach()
endfunction()

# Fails when a source below `root`/core, `root`/cuda or `root`/chapters/NN_name includes what it must not.
function(rung_check_includes root)
  set(patterns "")
  foreach(ending h hpp cpp c cu cuh)
    list(APPEND patterns "${root}/core/*.${ending}" "${root}/chapters/*.${ending}" "${root}/cuda/*.${ending}")
  endforeach()
  file(GLOB_RECURSE sources RELATIVE "${root}" ${patterns})
  foreach(source IN LISTS sources)
    if(source MATCHES "^chapters/[^/]+$")  # what stands above the chapters may include them all
      continue()
    endif()
    set(own "")
    if(source MATCHES "^chapters/([0-9][0-9])_")
      set(own "${CMAKE_MATCH_1}")
    endif()
    # Only the lines that could be wrong. An include is written from the root of the repository, so that one look
    # at it tells where it goes.
    file(STRINGS "${root}/${source}" includes REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"](\\.|cli/|tests/|chapters/|cuda/)")
    foreach(line IN LISTS includes)
      if(line MATCHES "[<\"]chapters/([0-9][0-9])_")
        if(own STREQUAL "")
          string(REGEX REPLACE "/.*" "" top "${source}")
          message(FATAL_ERROR "${source} includes a chapter, but ${top}/ uses no chapter: ${line}")
        elseif(CMAKE_MATCH_1 GREATER own)
          message(FATAL_ERROR "${source} includes a later chapter: a chapter may use core/ and earlier chapters only: ${line}")
        endif()
      elseif(line MATCHES "[<\"]cuda/")
        if(own STREQUAL "" AND NOT source MATCHES "^cuda/")
          message(FATAL_ERROR "${source} includes kernels, but core/ uses no kernels: ${line}")
        elseif(NOT own STREQUAL "" AND own LESS 13)
          message(FATAL_ERROR "${source} includes kernels, which chapters use from 13 on: ${line}")
        endif()
      elseif(line MATCHES "[<\"]\\.")
        message(FATAL_ERROR "${source}: write includes from the root of the repository: ${line}")
      else()
        message(FATAL_ERROR "${source} includes what stands above core/ and the chapters: ${line}")
      endif()
    endforeach()
  endforeach()
endfunction()
