/// @file
/// Tokens in an SQLite file: what a single control host wants.
#pragma once

#include <filesystem>
#include <string>

#include "sql_token_store.h"

namespace midair::host::tokens {

/// Keeps tokens in DIRECTORY/tokens.db, mode 0600, in write-ahead mode. What put() stored is there after SIGKILL and
/// after a power cut. Directory and files must belong to us and be closed to all others: Errc::denied otherwise.
class SqliteTokenStore final : public SqlTokenStore {
 public:
  explicit SqliteTokenStore(const std::filesystem::path& directory);
  [[nodiscard]] std::string name() const override { return "sqlite " + file_.string(); }

 protected:
  Result<Poco::Data::Session> connect() override;
  [[nodiscard]] Error explain(const Poco::Exception& failure, std::string op) const override;
  void scrub(Poco::Data::Session& session) override;

 private:
  const std::filesystem::path directory_;
  const std::filesystem::path file_;
};

}  // namespace midair::host::tokens
