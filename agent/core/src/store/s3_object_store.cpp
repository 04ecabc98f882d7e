#include "midair/store/s3_object_store.h"

#include <algorithm>
#include <charconv>

#include "midair/call_timer.h"
#include "midair/net/url_text.h"
#include "midair/retry.h"
#include "midair/store/tigris.h"
#include "net/http_date.h"
#include "store/s3_client.h"
#include "store/s3_download.h"
#include "store/s3_settings.h"
#include "store/s3_upload.h"
#include "store/s3_xml.h"
#include "store/store_rules.h"

namespace midair {

namespace {

constexpr std::size_t kMaxListPage = 16 << 20;

S3Request request_for(const std::string& method, const std::string& op, const std::string& key) {
  S3Request request;
  request.method = method;
  request.key = key;
  request.purpose = {op, key};
  return request;
}

Result<ListPage> fetch_page(S3Client& client, const std::string& prefix, const std::string& token,
                            const CallTimer& timer) {
  S3Request request = request_for("GET", "list", "");
  request.purpose.subject = prefix;
  request.query = {{"encoding-type", "url"}, {"list-type", "2"}, {"prefix", prefix}};
  if (!token.empty()) request.query.insert(request.query.begin(), {"continuation-token", token});
  MIDAIR_TRY_ASSIGN(HttpStream answer, client.send(request, timer));
  MIDAIR_TRY_ASSIGN(const std::string document, answer.text(kMaxListPage));
  return parse_list_page(document, "the listing of " + client.url_of(""));
}

Result<ObjectInfo> info_of(const HttpStream& answer, const std::string& key) {
  ObjectInfo info{key, to_etag(answer.head().header("ETag")), 0,
                  parse_http_date(answer.head().header("Last-Modified"))};
  const std::string length = answer.head().header("Content-Length");
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), info.size);
  if (info.etag.empty() || error != std::errc() || end != length.data() + length.size())
    return Error{Errc::corrupt, "find", key, "the answer has no ETag or no length: it is not from an S3 server",
                 "check the endpoint (AWS_ENDPOINT_URL_S3) and the network"};
  return info;
}

}  // namespace

Result<std::unique_ptr<S3ObjectStore>> S3ObjectStore::open(const StoreSettings& settings) {
  MIDAIR_TRY_ASSIGN(S3Location location, read_s3_settings(settings));
  MIDAIR_TRY_ASSIGN(auto client, S3Client::open(std::move(location.access), settings.ca_file));
  return std::unique_ptr<S3ObjectStore>(new S3ObjectStore(std::move(client), std::move(location.prefix)));
}

S3ObjectStore::S3ObjectStore(std::unique_ptr<S3Client> client, std::string prefix)
    : client_(std::move(client)), prefix_(std::move(prefix)) {}

S3ObjectStore::~S3ObjectStore() = default;

Result<std::string> S3ObjectStore::bucket_key(const std::string& key) const {
  MIDAIR_TRY(check_key(key));
  std::string full = prefix_ + key;
  MIDAIR_TRY(check_key(full));
  return full;
}

Result<GetAnswer> S3ObjectStore::get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(std::string key, bucket_key(request.key));
  const CallTimer timer(limits);
  return S3Download(*client_, std::move(key), request, sink, timer).run();
}

Result<Etag> S3ObjectStore::put(const std::string& key, ByteSource& body, const PutCondition& condition,
                                const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(std::string full, bucket_key(key));
  const CallTimer timer(limits);
  return S3Upload(*client_, std::move(full), body, condition, timer).run();
}

Result<ObjectInfo> S3ObjectStore::head(const std::string& key, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const std::string full, bucket_key(key));
  const CallTimer timer(limits);
  return with_retries(timer, [&]() -> Result<ObjectInfo> {
    MIDAIR_TRY_ASSIGN(const HttpStream answer, client_->send(request_for("HEAD", "find", full), timer));
    return info_of(answer, key);
  });
}

Result<void> S3ObjectStore::remove(const std::string& key, const CallLimits& limits, const Etag& if_match) {
  MIDAIR_TRY_ASSIGN(const std::string full, bucket_key(key));
  const CallTimer timer(limits);
  if (!if_match.empty()) {
    const auto current = head(key, {std::chrono::ceil<std::chrono::milliseconds>(timer.remaining()), limits.stop});
    if (!current && current.error().code == Errc::not_found) return {};
    if (!current) return current.error();
    MIDAIR_TRY(check_condition(PutCondition::if_match(if_match), current->etag, key));
  }
  return with_retries(timer, [&]() -> Result<void> {
    const auto answer = client_->send(request_for("DELETE", "remove", full), timer);
    if (!answer && answer.error().code != Errc::not_found) return answer.error();
    return {};
  });
}

Result<std::vector<ObjectInfo>> S3ObjectStore::list(const std::string& prefix, const CallLimits& limits) {
  const std::string full = prefix_ + prefix;
  MIDAIR_TRY(check_prefix(full));
  const CallTimer timer(limits);
  std::vector<ObjectInfo> listing;
  for (std::string token;;) {
    MIDAIR_TRY_ASSIGN(ListPage page, with_retries(timer, [&] { return fetch_page(*client_, full, token, timer); }));
    for (ObjectInfo& object : page.objects) {
      if (!object.key.starts_with(full)) continue;
      object.key.erase(0, prefix_.size());
      if (check_key(object.key).ok()) listing.push_back(std::move(object));
    }
    if (page.next.empty()) break;
    if (page.next == token) return Error{Errc::corrupt, "list", full, "the server gives the same page again and again"};
    token = std::move(page.next);
  }
  std::sort(listing.begin(), listing.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return listing;
}

std::string S3ObjectStore::url_of(const std::string& key) const { return client_->url_of(prefix_ + key); }

std::optional<std::string> S3ObjectStore::key_of(std::string_view url) const {
  const S3Access& access = client_->access();
  const auto parsed = parse_http_url(url);
  if (!parsed || parsed->scheme != access.endpoint.scheme || parsed->port != access.endpoint.port) return std::nullopt;
  // Both styles name the same object, and whoever published may prefer the other one, or another name of the server.
  const bool in_path = is_same_s3_host(parsed->host, access.endpoint.host);
  const std::string in_front = access.bucket + ".";
  if (!in_path && !(parsed->host.starts_with(in_front) &&
                    is_same_s3_host(std::string_view(parsed->host).substr(in_front.size()), access.endpoint.host)))
    return std::nullopt;
  const std::string base = in_path ? "/" + access.bucket + "/" : "/";
  if (!parsed->path.starts_with(base)) return std::nullopt;
  auto key = decode_key(std::string_view(parsed->path).substr(base.size()));
  if (!key || !key->starts_with(prefix_) || key->size() == prefix_.size()) return std::nullopt;
  return key->substr(prefix_.size());
}

std::string S3ObjectStore::name() const {
  const S3Access& access = client_->access();
  std::string text = "s3://" + access.bucket;
  if (!prefix_.empty()) text += "/" + prefix_.substr(0, prefix_.size() - 1);
  return text + " at " + access.endpoint.scheme + "://" + access.endpoint.authority();
}

}  // namespace midair
