# MIDAIR_UNITY=ON: several source files are compiled as one, so that the headers of Poco and the standard library are read
# once for all of them. Builds from nothing in a third of the time; what is edited again and again is better built without.
option(MIDAIR_UNITY "Compile source files in groups" OFF)

# midair_group_sources(TARGET): files that can't be compiled as one, since they use one name for two things, are kept apart.
function(midair_group_sources target)
  get_target_property(sources ${target} SOURCES)
  get_target_property(directory ${target} SOURCE_DIR)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  list(TRANSFORM sources PREPEND ${directory}/ REGEX "^[^/]")
  list(LENGTH sources number)
  if(number LESS 2)
    return()
  endif()
  execute_process(COMMAND /usr/bin/python3 -B ${PROJECT_SOURCE_DIR}/cmake/unity_groups.py 12 ${sources}
    OUTPUT_VARIABLE groups COMMAND_ERROR_IS_FATAL ANY)
  # What a file names decides what it goes with.
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
  string(REGEX MATCHALL "[^\n]+" groups "${groups}")
  foreach(line ${groups})
    string(REGEX MATCH "^([0-9]+) (.*)$" line "${line}")
    set_source_files_properties(${CMAKE_MATCH_2} TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP ${CMAKE_MATCH_1})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

function(midair_group_sources_below directory)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    if(type MATCHES "EXECUTABLE|_LIBRARY$" AND NOT type STREQUAL INTERFACE_LIBRARY)
      midair_group_sources(${target})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(folder ${folders})
    midair_group_sources_below(${folder})
  endforeach()
endfunction()

if(MIDAIR_UNITY)
  # It takes a file of a group for a header.
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
  cmake_language(DEFER CALL midair_group_sources_below ${PROJECT_SOURCE_DIR})
endif()
