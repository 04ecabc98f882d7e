# What `make install` lays down below PREFIX, in four components: agent, sidecar and sdk (see their CMakeLists.txt), dev.
# Everything finds everything else relative to itself, so the tree can be moved.
include(CMakePackageConfigHelpers)

install(TARGETS midair RUNTIME DESTINATION bin COMPONENT agent)
install(TARGETS midair-core-shared midair-host-shared EXPORT midair-targets
  LIBRARY DESTINATION lib/midair COMPONENT agent NAMELINK_COMPONENT dev
  FILE_SET HEADERS DESTINATION include COMPONENT dev)

include(cmake/Completions.cmake)
midair_install_completions(midair agent)
midair_install_completions(midair-sidecar sidecar)
include(cmake/ManPages.cmake)

# The CMake package: find_package(midair), midair::core, midair::host, midair_add_plugin().
configure_package_config_file(cmake/midairConfig.cmake.in ${CMAKE_BINARY_DIR}/midairConfig.cmake
  INSTALL_DESTINATION lib/cmake/midair)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/midairConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/midairConfig.cmake ${CMAKE_BINARY_DIR}/midairConfigVersion.cmake
  cmake/MidairPlugin.cmake DESTINATION lib/cmake/midair COMPONENT dev)
install(EXPORT midair-targets NAMESPACE midair:: DESTINATION lib/cmake/midair COMPONENT dev)
