#include "release/release_modules.h"

#include <algorithm>

#include "midair/digest.h"
#include "midair/foreign_text.h"
#include "module_lint.h"
#include "release/module_notices.h"

namespace midair {

namespace {

constexpr std::string_view kFolder = "modules/";
constexpr std::string_view kSuffix = ".so";
/// Longer ones are read by nobody: a module holds code, not data.
constexpr std::uint64_t kMaxModuleBytes = 256ULL << 20;

/// NAME of modules/NAME.so; empty for any other path.
std::string module_name(const std::string& path) {
  if (!path.starts_with(kFolder) || !path.ends_with(kSuffix)) return {};
  const std::string name = path.substr(kFolder.size(), path.size() - kFolder.size() - kSuffix.size());
  return name.find('/') == std::string::npos ? name : "";
}

Error unfit(const SourceFile& source, const std::string& cause) {
  return {Errc::bad_input, "pack", "'" + printable(source.path.string()) + "'", cause,
          "build modules with midair_add_module(), or publish with --strategy handover"};
}

Result<ManifestModule> read_module(const SourceFile& source, const ManifestFile& file, const std::stop_token& stop,
                                   std::vector<std::string>& notices) {
  if (file.size > kMaxModuleBytes) return unfit(source, "a module may have 256 MiB");
  std::string bytes;
  bytes.reserve(file.size);
  MIDAIR_TRY(read_source_file(source, stop, [&bytes](std::string_view piece) -> Result<void> {
    bytes.append(piece);
    return {};
  }));
  if (sha256_hex(bytes) != file.digest) return unfit(source, "it changed while it was packed");
  midair_lint lint{};
  if (!midair_lint_module(bytes.data(), bytes.size(), &lint)) return unfit(source, lint.problem);
  if (std::string notice = notice_of_globals(file.path, bytes); !notice.empty()) notices.push_back(std::move(notice));
  return ManifestModule{module_name(file.path), file.path, lint.build_id};
}

}  // namespace

Result<std::vector<ManifestModule>> find_modules(ReleasePlan& plan, const std::stop_token& stop) {
  std::vector<ManifestModule> modules;
  for (std::size_t i = 0; i < plan.tree.files.size(); ++i) {
    const ManifestFile& file = plan.manifest.files[i];
    if (module_name(file.path).empty()) continue;
    MIDAIR_TRY_ASSIGN(ManifestModule module, read_module(plan.tree.files[i], file, stop, plan.notices));
    modules.push_back(std::move(module));
  }
  const std::string directory = "'" + printable(plan.directory.string()) + "'";
  if (modules.empty())
    return Error{Errc::bad_input, "pack", directory, "its strategy is in-place, but it has no modules/*.so"};
  if (modules.size() > kMaxModules)
    return Error{Errc::bad_input, "pack", directory,
                 "it has more than " + std::to_string(kMaxModules) + " modules/*.so"};
  std::sort(modules.begin(), modules.end(),
            [](const ManifestModule& a, const ManifestModule& b) { return a.name < b.name; });
  return modules;
}

std::string notice_of_unused_modules(const ReleasePlan& plan) {
  if (plan.strategy_named) return {};
  const auto& files = plan.manifest.files;
  const auto module =
      std::ranges::find_if(files, [](const ManifestFile& file) { return !module_name(file.path).empty(); });
  if (module == files.end()) return {};
  return "there is " + printable(module->path) +
         ", but no \"strategy\": a new process takes over (handover); --strategy in-place swaps modules in the process "
         "that runs, --strategy handover says that this is meant";
}

}  // namespace midair
