# MIDAIR_SANITIZE=address: AddressSanitizer and UndefinedBehaviorSanitizer (ON means the same).
# MIDAIR_SANITIZE=thread: ThreadSanitizer, for what carries the label "threads" in CTest.
set(MIDAIR_SANITIZE OFF CACHE STRING "Sanitizers to build with: OFF, address or thread")
set_property(CACHE MIDAIR_SANITIZE PROPERTY STRINGS OFF address thread)

if(MIDAIR_SANITIZE STREQUAL "thread")
  set(sanitizers thread)
elseif(MIDAIR_SANITIZE MATCHES "^(address|ON)$")
  set(sanitizers address,undefined)
elseif(MIDAIR_SANITIZE)
  message(FATAL_ERROR "MIDAIR_SANITIZE=${MIDAIR_SANITIZE} is none of OFF, address, thread")
endif()
if(MIDAIR_SANITIZE)
  add_compile_options(-fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizers})
endif()

# The fuzzers' build, with clang only: what they call is instrumented to tell them which way their input went.
option(MIDAIR_FUZZ "Make fuzzers of the parsers (tests/fuzz)" OFF)
if(MIDAIR_FUZZ)
  # Poco keeps whatever status a server sends in an enumeration, and reads it in a header: no fault of ours to be found.
  add_compile_options(-fsanitize=fuzzer-no-link -fno-sanitize=enum)
endif()
