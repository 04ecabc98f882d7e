# The Debian packages, made by `make package`: midair, midair-sidecar, libmidair-dev, libmidair-app0, libmidair-app-dev.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME midair)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Midair maintainers <maintainers@midair.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL agent dev appruntime sdk)
if(TARGET midair-sidecar)
  list(APPEND CPACK_COMPONENTS_ALL sidecar)
endif()

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_DEPENDS ca-certificates) # object stores are reached by TLS
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_AGENT_PACKAGE_NAME midair)
set(CPACK_DEBIAN_AGENT_DESCRIPTION "hot code upgrades for apps on Fly.io: the agent
midair publishes a release of an app to an object store and follows the app's
machines while each of them swaps its code without dropping a request.

The machines run midair-sidecar, which has a package of its own.")

set(CPACK_DEBIAN_SIDECAR_PACKAGE_NAME midair-sidecar)
set(CPACK_DEBIAN_SIDECAR_DESCRIPTION "hot code upgrades for apps on Fly.io: the supervisor in the image
midair-sidecar starts an app, watches an object store for releases, and swaps
the app's code without dropping a request. It rolls back what does not work.

Bake it into the app's image as the entry point.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libmidair-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "midair (= ${PROJECT_VERSION}), libpoco-dev, libssl-dev, zlib1g-dev")
set(CPACK_DEBIAN_DEV_DESCRIPTION "headers and CMake package for plugins of midair
With these, a plugin of midair is built outside of midair's own tree, by
find_package(midair) and midair_add_plugin().")

# Named after its soname; the two files tell dpkg-shlibdeps which package that is, and ldconfig that it is there.
set(libmidair_app libmidair-app${PROJECT_VERSION_MAJOR})
file(WRITE ${CMAKE_BINARY_DIR}/libmidair-app/shlibs
  "libmidair-app ${PROJECT_VERSION_MAJOR} ${libmidair_app} (>= ${PROJECT_VERSION})\n")
file(WRITE ${CMAKE_BINARY_DIR}/libmidair-app/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_APPRUNTIME_PACKAGE_NAME ${libmidair_app})
set(CPACK_DEBIAN_APPRUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_APPRUNTIME_PACKAGE_DEPENDS "")
set(CPACK_DEBIAN_APPRUNTIME_PACKAGE_CONTROL_EXTRA
  "${CMAKE_BINARY_DIR}/libmidair-app/shlibs;${CMAKE_BINARY_DIR}/libmidair-app/triggers")
set(CPACK_DEBIAN_APPRUNTIME_DESCRIPTION "hot code upgrades for apps on Fly.io: the library in the app
libmidair-app keeps the modules of an app that are replaced while it runs: the
call gate and the upgrade protocol that midair-sidecar speaks.

An app needs it that was linked with it dynamically.")

set(CPACK_DEBIAN_SDK_PACKAGE_NAME libmidair-app-dev)
set(CPACK_DEBIAN_SDK_PACKAGE_SECTION libdevel)
# What is linked itself is found by shlibdeps.
set(CPACK_DEBIAN_SDK_PACKAGE_DEPENDS "${libmidair_app} (= ${PROJECT_VERSION}), libc6-dev")
set(CPACK_DEBIAN_SDK_DESCRIPTION "hot code upgrades for apps on Fly.io: the SDK for C and C++
With this an app is built whose modules are replaced while it runs: the call
gate, the module ABI, and the upgrade protocol that midair-sidecar speaks.")

# What Debian wants to find below share/doc.
string(TIMESTAMP changelog_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(cmake/debian-changelog.in ${CMAKE_BINARY_DIR}/changelog @ONLY)
execute_process(COMMAND gzip -9nf changelog WORKING_DIRECTORY ${CMAKE_BINARY_DIR} COMMAND_ERROR_IS_FATAL ANY)
foreach(part agent:midair sidecar:midair-sidecar dev:libmidair-dev appruntime:${libmidair_app} sdk:libmidair-app-dev)
  string(REGEX MATCH "(.*):(.*)" part ${part})
  install(FILES cmake/debian-copyright DESTINATION share/doc/${CMAKE_MATCH_2} RENAME copyright COMPONENT ${CMAKE_MATCH_1})
  install(FILES ${CMAKE_BINARY_DIR}/changelog.gz DESTINATION share/doc/${CMAKE_MATCH_2} COMPONENT ${CMAKE_MATCH_1})
endforeach()

# What lintian is told to overlook, and why.
foreach(part agent:midair appruntime:${libmidair_app})
  string(REGEX MATCH "(.*):(.*)" part ${part})
  set(package ${CMAKE_MATCH_2})
  configure_file(cmake/lintian/ldconfig ${CMAKE_BINARY_DIR}/lintian/${package} @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/lintian/${package} DESTINATION share/lintian/overrides COMPONENT ${CMAKE_MATCH_1})
endforeach()

include(CPack)
