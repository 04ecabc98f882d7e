# midair_add_plugin(NAME SOURCES file... [LINK library...])
#
# Builds the plugin NAME (target midair-plugin-NAME, file lib/midair/plugins/NAME.so) and installs it. Works in Midair's
# own tree and, after find_package(midair), in any other. Only the two symbols of MIDAIR_PLUGIN() leave the object.
function(midair_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 plugin "" "" "SOURCES;LINK")
  set(target midair-plugin-${name})
  add_library(${target} MODULE ${plugin_SOURCES})
  target_link_libraries(${target} PRIVATE ${plugin_LINK} midair::host)
  if(NOT MIDAIR_SANITIZE) # the sanitizers' runtime lives in the executable
    target_link_options(${target} PRIVATE LINKER:-z,defs)
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/midair/plugins
    INSTALL_RPATH $ORIGIN/..)
  set_property(GLOBAL APPEND PROPERTY MIDAIR_PLUGINS ${target})
  install(TARGETS ${target} LIBRARY DESTINATION lib/midair/plugins COMPONENT agent)
endfunction()
