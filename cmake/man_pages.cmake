# cmake -DMIDAIR=FILE -DSIDECAR=FILE -DPAGES=DIR -P man_pages.cmake
#
# Asks both programs for their manual pages and lays them down, gzipped, in DIR/agent and DIR/sidecar: one for each program,
# and one for each command of midair, those of the plugins included; a group of commands has one.
file(REMOVE_RECURSE ${PAGES})
file(MAKE_DIRECTORY ${PAGES}/agent ${PAGES}/sidecar)

# What `program` prints, in an environment and a directory that know nothing of who builds.
function(ask result)
  execute_process(COMMAND env -i ${ARGN} WORKING_DIRECTORY ${PAGES}
    OUTPUT_VARIABLE answer COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${answer}" PARENT_SCOPE)
endfunction()

function(write_page page)
  execute_process(COMMAND env -i ${ARGN} WORKING_DIRECTORY ${PAGES}
    OUTPUT_FILE ${PAGES}/${page} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND gzip -9n ${PAGES}/${page} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

ask(plugins ${MIDAIR} plugins --json)
if(plugins MATCHES "\"state\":\"refused\"")
  message(FATAL_ERROR "a plugin's commands would be missing in the manual:\n${plugins}")
endif()

write_page(sidecar/midair-sidecar.1 ${SIDECAR} help --man)
write_page(agent/midair.1 ${MIDAIR} help --man)
ask(commands ${MIDAIR} help --json)
while(commands MATCHES "^([^\n]*)\n(.*)$")
  set(commands "${CMAKE_MATCH_2}")
  string(JSON name GET "${CMAKE_MATCH_1}" name)
  if(NOT name MATCHES " ")
    write_page(agent/midair-${name}.1 ${MIDAIR} help --man ${name})
  endif()
endwhile()
