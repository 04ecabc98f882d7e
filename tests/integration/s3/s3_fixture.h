/// @file
/// The conformance suite on the S3 server that with-s3 has started.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "midair/store/open_store.h"
#include "object_store_conformance.h"

namespace midair {

/// Each test has a prefix of its own in the bucket, so it starts with an empty store.
class S3Fixture : public ObjectStoreConformance {
  CPPUNIT_TEST_SUB_SUITE(S3Fixture, ObjectStoreConformance);
  CPPUNIT_TEST_SUITE_END_ABSTRACT();

 public:
  void setUp() override {
    static int count = 0;
    settings_ = store_settings_from_env([](const std::string& name) -> std::optional<std::string> {
      const char* value = std::getenv(name.c_str());
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    });
    settings_.address = "s3://" + from_env("MIDAIR_TEST_BUCKET") + "/test-" + std::to_string(::getpid()) + "-" +
                        std::to_string(count++);
  }

 protected:
  std::shared_ptr<ObjectStore> open() override { return open(settings_); }

  static std::shared_ptr<ObjectStore> open(const StoreSettings& settings) {
    auto store = open_store(settings);
    CPPUNIT_ASSERT_MESSAGE(store.ok() ? "" : store.error().to_string(), store.ok());
    return std::move(*store);
  }

  static std::string from_env(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    CPPUNIT_ASSERT_MESSAGE("run this below tests/support/s3/with-s3: no " + name, value != nullptr);
    return value;
  }

  StoreSettings settings_;
};

}  // namespace midair
