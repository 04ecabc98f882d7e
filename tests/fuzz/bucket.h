/// @file
/// A bucket that need not exist.
#pragma once

#include <string>

#include "midair/store/open_store.h"

namespace midair {

inline StoreSettings settings_of_bucket(const std::string& endpoint) {
  StoreSettings settings;
  settings.address = "s3://bucket";
  settings.endpoint = endpoint;
  settings.access_key_id = "id";
  settings.secret_access_key = Secret("secret");
  return settings;
}

}  // namespace midair
