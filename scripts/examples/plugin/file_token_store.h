/// Tokens in files: what it takes to keep them somewhere else, in a vault for example.
#pragma once

#include <midair/host/token_store.h>

#include <filesystem>

/// One JSON file per token, mode 0600, in a directory of mode 0700.
class FileTokenStore final : public midair::host::TokenStore {
 public:
  explicit FileTokenStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  midair::Result<std::optional<midair::host::StoredToken>> get(const std::string& app, midair::host::TokenSlot slot,
                                                               const midair::CallLimits& limits) override;
  midair::Result<void> put(const std::string& app, midair::host::TokenSlot slot, const midair::host::StoredToken& token,
                           const midair::CallLimits& limits) override;
  midair::Result<void> remove(const std::string& app, midair::host::TokenSlot slot,
                              const midair::CallLimits& limits) override;
  midair::Result<std::vector<midair::host::TokenEntry>> list(const midair::CallLimits& limits) override;
  [[nodiscard]] std::string name() const override { return "files in " + directory_.string(); }

 private:
  [[nodiscard]] std::filesystem::path path_of(const std::string& app, midair::host::TokenSlot slot) const;

  const std::filesystem::path directory_;
};
