# The manual pages, made by the programs themselves at the end of the build (build/man), for the packages.
if(NOT MIDAIR_SANITIZE AND NOT MIDAIR_FUZZ AND TARGET midair-sidecar)
  get_property(plugins GLOBAL PROPERTY MIDAIR_PLUGINS)
  set(pages ${CMAKE_BINARY_DIR}/man)
  add_custom_command(OUTPUT ${pages}.stamp
    COMMAND ${CMAKE_COMMAND} -DMIDAIR=$<TARGET_FILE:midair> -DSIDECAR=$<TARGET_FILE:midair-sidecar> -DPAGES=${pages}
      -P ${CMAKE_CURRENT_LIST_DIR}/man_pages.cmake
    COMMAND ${CMAKE_COMMAND} -E touch ${pages}.stamp
    DEPENDS midair midair-sidecar ${plugins} ${CMAKE_CURRENT_LIST_DIR}/man_pages.cmake
    COMMENT "Making the manual pages" VERBATIM)
  add_custom_target(man ALL DEPENDS ${pages}.stamp)
  foreach(component agent sidecar)
    install(DIRECTORY ${pages}/${component}/ DESTINATION share/man/man1 COMPONENT ${component})
  endforeach()
endif()
