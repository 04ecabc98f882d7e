/// @file
/// Tokens in PostgreSQL: what several control hosts share.
#pragma once

#include <string>

#include "midair/secret.h"
#include "sql_token_store.h"

namespace midair::host::tokens {

/// Keeps tokens in the table `midair_tokens` of a database.
///
/// Poco's connector and the three dozen libraries behind it are loaded with the first connection (from
/// libmidair-postgresql.so), since they would double the start-up time of every command.
class PostgresqlTokenStore final : public SqlTokenStore {
 public:
  /// `connection`: "host=db port=5432 dbname=midair user=midair password=...", as libpq reads it.
  explicit PostgresqlTokenStore(Secret connection);
  [[nodiscard]] std::string name() const override;

 protected:
  Result<Poco::Data::Session> connect() override;
  [[nodiscard]] Error explain(const Poco::Exception& failure, std::string op) const override;

 private:
  [[nodiscard]] std::string option(const std::string& key) const;

  const Secret connection_;
};

}  // namespace midair::host::tokens
