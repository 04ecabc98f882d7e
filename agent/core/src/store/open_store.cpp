#include "midair/store/open_store.h"

#include "midair/net/url_text.h"
#include "midair/store/s3_object_store.h"
#include "midair/store/tigris.h"
#include "store/s3_settings.h"

namespace midair {

namespace {

constexpr std::string_view kFileScheme = "file://";
constexpr std::string_view kS3Scheme = "s3://";

std::string address_of_bucket(const std::string& bucket) { return bucket.empty() ? "" : "s3://" + bucket; }

Result<std::unique_ptr<ObjectStore>> open_file_store(const std::string& address, IfMissing if_missing) {
  const auto directory = percent_decode(std::string_view(address).substr(kFileScheme.size()));
  if (!directory || !directory->starts_with('/'))
    return Error{Errc::bad_input, "open the store", address, "it is not of the form file:///DIR",
                 "write an absolute directory after file://"};
  MIDAIR_TRY_ASSIGN(auto store, FileObjectStore::open(*directory, if_missing));
  return std::unique_ptr<ObjectStore>(std::move(store));
}

}  // namespace

StoreSettings store_settings_from_env(const std::function<std::optional<std::string>(const std::string&)>& lookup) {
  const auto get = [&](const std::string& name) { return lookup(name).value_or(""); };
  const auto first_of = [&](const std::string& name, const std::string& other) {
    const auto value = lookup(name);
    return value && !value->empty() ? *value : get(other);
  };
  // A variable that names the variable to read.
  const auto redirected = [&](const std::string& pointer, const std::string& name) {
    const std::string other = get(pointer);
    return get(other.empty() ? name : other);
  };
  StoreSettings settings;
  settings.address = get("MIDAIR_STORE");
  if (settings.address.empty()) settings.address = address_of_bucket(first_of("BUCKET_NAME", "AWS_BUCKET"));
  settings.endpoint = get("AWS_ENDPOINT_URL_S3");
  if (settings.endpoint.empty()) settings.endpoint = kDefaultS3Endpoint;
  settings.region = get("AWS_REGION");
  if (settings.region.empty()) settings.region = "auto";
  settings.access_key_id = redirected("MIDAIR_ACCESS_KEY_ID_FROM", "AWS_ACCESS_KEY_ID");
  settings.secret_access_key = Secret(redirected("MIDAIR_SECRET_ACCESS_KEY_FROM", "AWS_SECRET_ACCESS_KEY"));
  settings.session_token = Secret(get("AWS_SESSION_TOKEN"));
  const std::string path_style = get("MIDAIR_S3_PATH_STYLE");
  settings.path_style = path_style.empty() ? needs_path_style(settings.endpoint) : path_style == "true";
  settings.ca_file = get("MIDAIR_CA_FILE");
  return settings;
}

Result<std::unique_ptr<ObjectStore>> open_store(const StoreSettings& settings) {
  if (settings.address.empty())
    return Error{Errc::bad_input, "open the store", "", "no store is given",
                 "set --store or MIDAIR_STORE to s3://BUCKET[/PREFIX] or file:///DIR"};
  if (settings.address.starts_with(kFileScheme)) return open_file_store(settings.address, settings.if_missing);
  if (settings.address.starts_with(kS3Scheme)) {
    MIDAIR_TRY_ASSIGN(auto store, S3ObjectStore::open(settings));
    return std::unique_ptr<ObjectStore>(std::move(store));
  }
  // Not named: somebody may have put a password into it.
  return Error{Errc::bad_input, "open the store at", "this address", "it is neither s3:// nor file://",
               "write s3://BUCKET[/PREFIX] or file:///DIR"};
}

}  // namespace midair
