#include "midair/store/tigris.h"

#include <algorithm>
#include <array>

#include "midair/net/url_text.h"

namespace midair {

namespace {

constexpr std::array<std::string_view, 2> kNames{"t3.storage.dev", "fly.storage.tigris.dev"};

bool is_name(std::string_view host) { return std::ranges::find(kNames, host) != kNames.end(); }

/// The name of Tigris that `host` is, or ends with behind a bucket; empty for other hosts.
std::string_view name_in(std::string_view host) {
  for (const auto name : kNames)
    if (host == name || host.ends_with("." + std::string(name))) return name;
  return {};
}

}  // namespace

bool is_same_s3_host(std::string_view one, std::string_view other) {
  return one == other || (is_name(one) && is_name(other));
}

std::string under_the_name_of(const std::string& url, std::string_view model) {
  auto ours = parse_http_url(url);
  const auto theirs = parse_http_url(model);
  if (!ours || !theirs) return url;
  const auto name = name_in(ours->host);
  const auto wanted = name_in(theirs->host);
  if (name == wanted || name.empty() || wanted.empty()) return url;
  ours->host.replace(ours->host.size() - name.size(), name.size(), wanted);
  return ours->scheme + "://" + ours->authority() + ours->path;
}

}  // namespace midair
