#include "store/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <ctime>
#include <new>

#include "midair/digest.h"

namespace midair {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned length = 0;
  if (::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &length) == nullptr)
    throw std::bad_alloc();
  return {reinterpret_cast<const char*>(mac.data()), length};
}

std::string signed_names(const SigV4Request& request) {
  std::string names;
  for (const auto& [name, value] : request.headers) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return names;
}

std::string canonical_request(const SigV4Request& request) {
  std::string text = request.method + "\n" + request.path + "\n" + request.query + "\n";
  for (const auto& [name, value] : request.headers) text.append(name).append(":").append(value).append("\n");
  return text + "\n" + signed_names(request) + "\n" + request.payload_sha256;
}

std::string signing_key(const SigV4Identity& identity, std::string_view day) {
  const std::string day_key = hmac_sha256("AWS4" + identity.secret_access_key.reveal(), day);
  return hmac_sha256(hmac_sha256(hmac_sha256(day_key, identity.region), "s3"), "aws4_request");
}

}  // namespace

std::string amz_date(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
  return {text.data(), length};
}

std::string sigv4_authorization(const SigV4Request& request, const SigV4Identity& identity) {
  const std::string& date = request.headers.at("x-amz-date");
  const std::string day = date.substr(0, 8);
  const std::string scope = day + "/" + identity.region + "/s3/aws4_request";
  std::string text(kAlgorithm);
  text.append("\n").append(date).append("\n").append(scope).append("\n").append(sha256_hex(canonical_request(request)));
  const std::string signature = to_hex(hmac_sha256(signing_key(identity, day), text));
  return std::string(kAlgorithm) + " Credential=" + identity.access_key_id + "/" + scope +
         ",SignedHeaders=" + signed_names(request) + ",Signature=" + signature;
}

}  // namespace midair
