#include <yaml-cpp/yaml.h>

#include <set>

#include "config/config_files.h"
#include "midair/durable_file.h"

namespace midair::host {

namespace {

constexpr std::uint64_t kMaxFileSize = 1 << 20;

/// Flattens one document. yaml-cpp throws YAML::Exception; lines count from zero there.
class YamlReader {
 public:
  explicit YamlReader(std::string file) : file_(std::move(file)) {}

  Result<YamlSettings> read(const YAML::Node& document) {
    if (document.IsDefined() && !document.IsNull()) MIDAIR_TRY(read_map(document, ""));
    return std::move(settings_);
  }

  [[nodiscard]] Error unusable(const YAML::Mark& mark, std::string cause) const {
    return {Errc::bad_input, "use", place(mark), std::move(cause)};
  }

 private:
  [[nodiscard]] std::string place(const YAML::Mark& mark) const { return file_ + ":" + std::to_string(mark.line + 1); }

  Result<void> read_map(const YAML::Node& map, const std::string& prefix) {
    if (!map.IsMap()) return unusable(map.Mark(), "settings are written 'key: value'");
    for (const auto& entry : map) {
      if (!entry.first.IsScalar()) return unusable(entry.first.Mark(), "a key must be plain text");
      MIDAIR_TRY(read_value(entry.second, prefix + entry.first.Scalar(), entry.first.Mark()));
    }
    return {};
  }

  Result<void> read_value(const YAML::Node& value, const std::string& key, const YAML::Mark& mark) {
    if (value.IsMap() && !maps_.insert(value.Mark().pos).second)
      return unusable(mark, "'" + key + "' is an alias of other settings; write them out");
    if (value.IsMap()) return read_map(value, key + ".");
    if (value.IsSequence()) return unusable(mark, "'" + key + "' is a list, but must be a single value");
    if (!value.IsScalar()) return unusable(mark, "'" + key + "' has no value");
    if (!keys_.insert(key).second) return unusable(mark, "'" + key + "' is given twice");
    settings_.emplace_back(key, FileValue{value.Scalar(), place(mark)});
    return {};
  }

  std::string file_;
  std::set<std::string> keys_;
  std::set<int> maps_;  ///< where those that were read begin: an alias makes a graph of what must be a tree
  YamlSettings settings_;
};

}  // namespace

Result<YamlSettings> read_midair_yaml(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const std::string text, read_file(path, kMaxFileSize));
  YamlReader reader(path.string());
  try {
    return reader.read(YAML::Load(text));
  } catch (const YAML::Exception& failure) {
    return reader.unusable(failure.mark, "it is no YAML: " + failure.msg);
  }
}

}  // namespace midair::host
