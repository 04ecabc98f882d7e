# midair_add_library(NAME LINK library... [PRIVATE library...])
#
# Builds libmidair-NAME from src/ below the current folder, compiled once, linked twice: shared for the agent and its
# plugins (one copy of every type; midair::NAME in this tree and in the installed package), static for the sidecar and the
# tests (midair-NAME-static). What it links of ours is taken in the same form. Headers are in include/.
function(midair_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 library "" "" "LINK;PRIVATE")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/*.cpp)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS include/*.h)
  set(objects midair-${name}-objects)
  add_library(${objects} OBJECT ${sources})
  target_include_directories(${objects} PUBLIC include PRIVATE src)
  set(static_link ${library_LINK})
  list(TRANSFORM static_link REPLACE "^midair::(.*)$" "midair-\\1-static")
  target_link_libraries(${objects} PUBLIC ${static_link} PRIVATE ${library_PRIVATE})

  set(hidden_link ${library_PRIVATE})
  list(REMOVE_ITEM hidden_link midair-module-lint)
  set(carried $<TARGET_OBJECTS:${objects}>)
  if(midair-module-lint IN_LIST library_PRIVATE)
    list(APPEND carried $<TARGET_OBJECTS:midair-module-lint>)
  endif()
  add_library(midair-${name}-static STATIC ${carried})
  target_link_libraries(midair-${name}-static PUBLIC ${static_link} PRIVATE ${hidden_link})
  add_library(midair-${name}-shared SHARED ${carried})
  target_link_libraries(midair-${name}-shared PUBLIC ${library_LINK} PRIVATE ${hidden_link})
  foreach(kind static shared)
    target_include_directories(midair-${name}-${kind} PUBLIC
      $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    set_target_properties(midair-${name}-${kind} PROPERTIES OUTPUT_NAME midair-${name})
  endforeach()
  target_sources(midair-${name}-shared PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
  target_compile_features(midair-${name}-shared PUBLIC cxx_std_20)
  set_target_properties(midair-${name}-shared PROPERTIES EXPORT_NAME ${name} INSTALL_RPATH $ORIGIN
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  add_library(midair::${name} ALIAS midair-${name}-shared)
endfunction()
