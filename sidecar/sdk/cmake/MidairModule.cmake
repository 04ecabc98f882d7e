# midair_add_module(NAME SOURCES file... [TARGET target] [DIRECTORY dir] [LINK library...])
#
# Builds the module NAME: DIR/NAME.so (default: modules/ in the build directory) by the target TARGET (default:
# midair-module-NAME), as the call gate wants it: self-contained, with a build id, and without GNU-unique symbols. Works
# in Midair's own tree and, after find_package(midair-app), in any other.
function(midair_add_module name)
  cmake_parse_arguments(PARSE_ARGV 1 module "" "TARGET;DIRECTORY" "SOURCES;LINK")
  if(NOT module_TARGET)
    set(module_TARGET midair-module-${name})
  endif()
  if(NOT module_DIRECTORY)
    set(module_DIRECTORY ${CMAKE_BINARY_DIR}/modules)
  endif()
  add_library(${module_TARGET} MODULE ${module_SOURCES})
  target_link_libraries(${module_TARGET} PRIVATE midair::module ${module_LINK})
  target_compile_options(${module_TARGET} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${module_TARGET} PRIVATE LINKER:--build-id=sha1 LINKER:-z,noexecstack)
  if(NOT MIDAIR_SANITIZE) # the sanitizers' runtime lives in the executable
    target_link_options(${module_TARGET} PRIVATE LINKER:-z,defs)
  endif()
  set_target_properties(${module_TARGET} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${module_DIRECTORY} SKIP_BUILD_RPATH ON SKIP_INSTALL_RPATH ON
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
