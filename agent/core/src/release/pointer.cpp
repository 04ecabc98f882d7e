#include "midair/release/pointer.h"

#include "midair/digest.h"
#include "midair/json/json.h"

namespace midair {

namespace {

using Poco::JSON::Object;

Result<HotUpgrade> parse_hot_upgrade(const Object& json, const std::string& subject) {
  JsonReader reader(json, subject);
  HotUpgrade upgrade;
  upgrade.version = reader.string("version");
  upgrade.hot_ref = reader.string("source_image_ref");
  upgrade.tarball_url = reader.string("tarball_url");
  upgrade.deployed_at = reader.optional_string("deployed_at");
  upgrade.digest = reader.optional_string("sha256");
  upgrade.size = reader.optional_unsigned("size").value_or(0);
  upgrade.sequence = reader.optional_unsigned("sequence").value_or(0);
  upgrade.strategy = reader.optional_string("strategy");
  upgrade.fence = reader.optional_unsigned("fence").value_or(0);
  upgrade.required_features = reader.optional_strings("requires");
  upgrade.base_image_ref = reader.optional_string("image_ref");
  if (!upgrade.digest.empty() && !is_sha256_hex(upgrade.digest))
    reader.complain("field 'sha256' is not 64 lower-case hex digits");
  MIDAIR_TRY(reader.finish());
  return upgrade;
}

/// What makes no sense in it must not hide the pointer: then none is known.
std::optional<HotUpgrade> parse_last_good(const Object& pointer, const std::string& subject) {
  const auto json = JsonReader(pointer, subject).optional_object("last_good");
  if (!json) return std::nullopt;
  auto upgrade = parse_hot_upgrade(*json, subject);
  if (!upgrade) return std::nullopt;
  upgrade->base_image_ref = JsonReader(*json, subject).optional_string("image_ref");
  return *std::move(upgrade);
}

Poco::JSON::Array::Ptr array_of(const std::vector<std::string>& texts) {
  Poco::JSON::Array::Ptr array = new Poco::JSON::Array;
  for (const std::string& text : texts) array->add(text);
  return array;
}

/// A copy whose fields can be set without touching the original; nested objects stay shared.
Object::Ptr copy_of(const Object::Ptr& json) { return json ? new Object(*json) : new Object; }

/// Fields that a writer left out must not linger from the release before.
void set_or_remove(Object& json, const std::string& key, const std::string& value) {
  if (value.empty())
    json.remove(key);
  else
    json.set(key, value);
}
void set_or_remove(Object& json, const std::string& key, std::uint64_t value) {
  if (value == 0)
    json.remove(key);
  else
    json.set(key, static_cast<Poco::UInt64>(value));
}

}  // namespace

Pointer Pointer::for_base_image(std::string image_ref, const std::string& set_at) {
  Pointer pointer;
  pointer.image_ref_ = std::move(image_ref);
  pointer.json_ = new Object;
  pointer.json_->set("image_ref", pointer.image_ref_);
  pointer.json_->set("set_at", set_at);
  pointer.json_->set("hot_upgrade", Poco::Dynamic::Var());
  pointer.json_->set("blue_green_upgrade", Poco::Dynamic::Var());
  return pointer;
}

Result<Pointer> Pointer::parse(std::string_view text, const std::string& subject) {
  Pointer pointer;
  MIDAIR_TRY_ASSIGN(pointer.json_, parse_json_object(text, subject, kMaxPointerBytes));
  JsonReader reader(*pointer.json_, subject);
  pointer.names_image_ = !pointer.json_->isNull("image_ref");
  pointer.image_ref_ = reader.optional_string("image_ref");
  const auto hot_upgrade = reader.optional_object("hot_upgrade");
  // Something of a pointer it must have: a proxy may answer with JSON of its own.
  if (!pointer.names_image_ && !hot_upgrade && !reader.optional_object("blue_green_upgrade"))
    reader.complain("field 'image_ref' is missing");
  MIDAIR_TRY(reader.finish());
  if (hot_upgrade) {
    MIDAIR_TRY_ASSIGN(pointer.hot_upgrade_, parse_hot_upgrade(*hot_upgrade, subject));
    pointer.settle_image();
    pointer.refused_ = JsonReader(*hot_upgrade, subject).optional_boolean("refused", false);
  }
  pointer.last_good_ = parse_last_good(*pointer.json_, subject);
  return pointer;
}

/// The pointer's own base image counts. Without one it is that of an upgrade that requires features; beside one, what
/// an agent that knows none has left of an older upgrade.
void Pointer::settle_image() {
  const bool is_told_apart =
      !names_image_ && !hot_upgrade_->required_features.empty() && !hot_upgrade_->base_image_ref.empty();
  if (is_told_apart) {
    image_ref_ = hot_upgrade_->base_image_ref;
    names_image_ = true;
  } else {
    hot_upgrade_->base_image_ref = image_ref_;
    hot_upgrade_->required_features.clear();
  }
}

void Pointer::set_hot_upgrade(const HotUpgrade& upgrade, const std::string& set_at) {
  Object::Ptr hot = copy_of(json_->getObject("hot_upgrade"));
  hot->set("version", upgrade.version);
  hot->set("source_image_ref", upgrade.hot_ref);
  hot->set("tarball_url", upgrade.tarball_url);
  hot->set("deployed_at", upgrade.deployed_at);
  set_or_remove(*hot, "sha256", upgrade.digest);
  set_or_remove(*hot, "size", upgrade.size);
  set_or_remove(*hot, "sequence", upgrade.sequence);
  set_or_remove(*hot, "strategy", upgrade.strategy);
  set_or_remove(*hot, "fence", upgrade.fence);
  hot->remove("refused");
  const bool is_told_apart = !upgrade.required_features.empty();
  set_or_remove(*hot, "image_ref", is_told_apart ? upgrade.base_image_ref : std::string());
  if (is_told_apart)
    hot->set("requires", array_of(upgrade.required_features));
  else
    hot->remove("requires");

  json_ = copy_of(json_);  // copies of this pointer share the old one
  json_->set("hot_upgrade", hot);
  json_->set("image_ref", is_told_apart ? Poco::Dynamic::Var() : Poco::Dynamic::Var(upgrade.base_image_ref));
  json_->set("set_at", set_at);
  image_ref_ = upgrade.base_image_ref;
  names_image_ = true;
  hot_upgrade_ = upgrade;
  refused_ = false;
  if (last_good_ && last_good_->base_image_ref == image_ref_) return;
  json_->remove("last_good");
  last_good_.reset();
}

void Pointer::keep_as_last_good() {
  Object::Ptr good = copy_of(json_->getObject("hot_upgrade"));
  good->set("image_ref", image_ref_);
  json_ = copy_of(json_);
  json_->set("last_good", good);
  last_good_ = hot_upgrade_;
}

void Pointer::refuse() {
  Object::Ptr hot = copy_of(json_->getObject("hot_upgrade"));
  hot->set("refused", true);
  json_ = copy_of(json_);
  json_->set("hot_upgrade", hot);
  refused_ = true;
}

std::string Pointer::blue_green_tarball_url() const {
  const auto blue_green = json_->get("blue_green_upgrade");
  if (blue_green.type() != typeid(Object::Ptr)) return {};
  JsonReader reader(*blue_green.extract<Object::Ptr>(), "");
  return reader.optional_string("tarball_url");
}

std::string Pointer::to_json() const { return to_canonical_json(*json_); }

}  // namespace midair
