/// @file
/// The SDK's state belongs to the process, so every test of it has one of its own.
#pragma once

#include <cppunit/Exception.h>
#include <cppunit/TestAssert.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace midair {

/// Runs `body` in a child process and demands that it returns; a failed assertion in it fails the test.
template <class Body>
void in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
      ::_exit(0);
    } catch (const CppUnit::Exception& failure) {
      std::fprintf(stderr, "\n%s:%d: %s\n", failure.sourceLine().fileName().c_str(), failure.sourceLine().lineNumber(),
                   failure.what());
    }
    ::_exit(1);
  }
  int status = -1;
  CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
  CPPUNIT_ASSERT_EQUAL_MESSAGE("see the lines above", 0, status);
}

}  // namespace midair
