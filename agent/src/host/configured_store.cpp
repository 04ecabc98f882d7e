#include "host/configured_store.h"

#include <map>

#include "midair/store/open_store.h"

namespace midair::host {

namespace {

/// The settings under the names that store_settings_from_env() asks for, so that agent and sidecar read one way. The
/// `*_from` names were followed already, BUCKET_NAME and AWS_BUCKET are part of `store`.
const std::map<std::string, std::string> kSettingOf{
    {"MIDAIR_STORE", "store"},
    {"AWS_ENDPOINT_URL_S3", "endpoint"},
    {"AWS_REGION", "region"},
    {"AWS_ACCESS_KEY_ID", "access_key_id"},
    {"AWS_SECRET_ACCESS_KEY", "secret_access_key"},
    {"AWS_SESSION_TOKEN", "session_token"},
    {"MIDAIR_S3_PATH_STYLE", "path_style"},
    {"MIDAIR_CA_FILE", "ca_file"},
};

}  // namespace

Result<std::shared_ptr<ObjectStore>> ConfiguredStore::store(StoreUse use) {
  const std::scoped_lock lock(mutex_);
  if (!store_) {
    auto settings = store_settings_from_env([this](const std::string& name) -> std::optional<std::string> {
      const auto setting = kSettingOf.find(name);
      return setting == kSettingOf.end() ? std::nullopt : config_.get(setting->second);
    });
    settings.if_missing = use == StoreUse::write ? IfMissing::create : IfMissing::refuse;
    MIDAIR_TRY_ASSIGN(store_, open_store(settings));
  }
  return store_;
}

}  // namespace midair::host
