#include "token_view.h"

#include "midair/foreign_text.h"
#include "midair/host/command_support.h"
#include "midair/json/json.h"

namespace midair::host::tokens {

namespace {

std::string shown(const Secret& text, Reveal reveal) { return reveal == Reveal::yes ? text.reveal() : mask(text); }

/// To the second: nobody plans by less.
std::string time_text(const std::optional<WallTime>& time) {
  return time ? format_rfc3339(*time).substr(0, 19) + "Z" : "-";
}

Poco::Dynamic::Var time_value(const std::optional<WallTime>& time) {
  return time ? Poco::Dynamic::Var(format_rfc3339(*time)) : Poco::Dynamic::Var();
}

/// As its header would say; what cannot be parsed any more is neither.
std::string kind_of(const StoredToken& token) {
  const auto parsed = parse_token(token.text.reveal(), token.source);
  return parsed.ok() ? to_string(parsed->kind) : "unusable";
}

}  // namespace

std::string to_json(const std::string& app, const ApiToken& token, Reveal reveal) {
  Poco::JSON::Object object;
  object.set("app", app);
  object.set("token", shown(token.text, reveal));
  object.set("kind", to_string(token.kind));
  object.set("source", token.source);
  object.set("expires_at", time_value(token.expires_at));
  return to_canonical_json(object);
}

std::string to_json(const TokenEntry& entry, Reveal reveal) {
  Poco::JSON::Object object;
  object.set("app", entry.app);
  object.set("slot", to_string(entry.slot));
  object.set("token", shown(entry.token.text, reveal));
  object.set("kind", kind_of(entry.token));
  object.set("source", entry.token.source);
  object.set("stored_at", time_value(entry.token.stored_at));
  object.set("expires_at", time_value(entry.token.expires_at));
  return to_canonical_json(object);
}

std::string to_text(const std::string& app, const ApiToken& token, Reveal reveal) {
  if (reveal == Reveal::yes) return token.text.reveal() + "\n";
  return columns({{"app", app},
                  {"token", mask(token.text)},
                  {"kind", to_string(token.kind)},
                  {"source", tame(token.source)},
                  {"expires", time_text(token.expires_at)}},
                 0);
}

std::string to_text(const std::vector<TokenEntry>& entries, Reveal reveal) {
  if (entries.empty()) return "no tokens are stored\n";
  std::vector<std::vector<std::string>> rows{{"APP", "SLOT", "TOKEN", "KIND", "STORED", "EXPIRES", "SOURCE"}};
  for (const auto& entry : entries)
    rows.push_back({tame(entry.app), to_string(entry.slot), shown(entry.token.text, reveal), kind_of(entry.token),
                    time_text(entry.token.stored_at), time_text(entry.token.expires_at), tame(entry.token.source)});
  return columns(rows, 0);
}

}  // namespace midair::host::tokens
