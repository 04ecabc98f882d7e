/// @file
/// CppUnit assertions for Result.
#pragma once

#include <cppunit/TestAssert.h>

#include <string>

#include "midair/error.h"

namespace midair {

/// The value of `result`; the test fails with its error if it has one.
template <class T>
T value_of(Result<T> result) {
  if (!result.ok()) CPPUNIT_FAIL(result.error().to_string());
  return std::move(result).value();
}

inline void assert_ok(const Result<void>& result) {
  if (!result.ok()) CPPUNIT_FAIL(result.error().to_string());
}

/// Demands that `result` failed with `code` and that its message contains `words`.
template <class T>
void assert_fails(const Result<T>& result, Errc code, const std::string& words = {}) {
  CPPUNIT_ASSERT_MESSAGE("it succeeded; expected " + std::string(to_string(code)) + ": " + words, !result.ok());
  const std::string message = result.error().to_string();
  CPPUNIT_ASSERT_EQUAL_MESSAGE(message, std::string(to_string(code)), std::string(to_string(result.error().code)));
  CPPUNIT_ASSERT_MESSAGE("'" + words + "' is not in: " + message, message.find(words) != std::string::npos);
}

}  // namespace midair
