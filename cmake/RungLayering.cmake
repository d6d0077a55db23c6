# The chapter order is the dependency order: a chapter may use core/ and earlier chapters, never later ones,
# and core/ uses no chapter. Checked twice, because a header can be included without linking its library:
# in what a target says it USES, and in the #include lines of the sources.

include_guard(GLOBAL)

# Fails when chapter `folder` (NN_name) USES itself or a later chapter.
function(rung_check_chapter_uses folder)
  string(SUBSTRING "${folder}" 0 2 own)
  foreach(used IN LISTS ARGN)
    if(used MATCHES "^([0-9][0-9])_" AND NOT CMAKE_MATCH_1 LESS own)
      message(FATAL_ERROR "chapters/${folder} USES ${used}: a chapter may use core/ and earlier chapters only")
    endif()
  endforeach()
endfunction()

# Fails when a source below `root`/core or `root`/chapters includes what it must not.
function(rung_check_includes root)
  file(GLOB_RECURSE sources RELATIVE "${root}" "${root}/core/*.h" "${root}/core/*.cpp" "${root}/chapters/*/*.h" "${root}/chapters/*/*.cpp")
  foreach(source IN LISTS sources)
    set(own "")
    if(source MATCHES "^chapters/([0-9][0-9])_")
      set(own "${CMAKE_MATCH_1}")
    endif()
    file(STRINGS "${root}/${source}" includes REGEX "^[ \t]*#[ \t]*include[ \t]+\"")
    foreach(line IN LISTS includes)
      if(line MATCHES "\"cli/")
        message(FATAL_ERROR "${source} includes a file of cli/: ${line}")
      endif()
      if(line MATCHES "\"chapters/")
        if(own STREQUAL "")
          message(FATAL_ERROR "${source} includes a file of chapters/: core/ uses no chapter: ${line}")
        elseif(NOT line MATCHES "\"chapters/([0-9][0-9])_")
          message(FATAL_ERROR "${source} includes what stands above the chapters: ${line}")
        elseif(CMAKE_MATCH_1 GREATER own)
          message(FATAL_ERROR "${source} includes a later chapter: a chapter may use core/ and earlier chapters only: ${line}")
        endif()
      endif()
    endforeach()
  endforeach()
endfunction()
