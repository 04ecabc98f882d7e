#include "net/tls_context.h"

#include <Poco/Exception.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "midair/durable_file.h"

namespace midair {

namespace {

/// Where distributions keep all roots in one file, for images without OpenSSL's own hashed directory.
constexpr const char* kBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",             // Debian, Alpine, distroless
    "/etc/pki/tls/certs/ca-bundle.crt",               // Fedora and relatives
    "/etc/ssl/cert.pem",                              // Alpine, BSD
    "/opt/midair/etc/ssl/certs/ca-certificates.crt",  // what the sidecar's bundle brings, where there is none of these
};

/// Whether OpenSSL would find a root in its hashed directory, which may be there and empty. The one that the
/// environment names is believed to be right.
bool has_hashed_roots() {
  if (std::getenv(X509_get_default_cert_dir_env()) != nullptr) return true;
  std::error_code ignored;
  const std::filesystem::directory_iterator directory(X509_get_default_cert_dir(), ignored);
  return std::any_of(begin(directory), end(directory),
                     [](const auto& entry) { return entry.path().extension() == ".0"; });
}

bool has_loaded_roots(SSL_CTX* context) {
  return sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context))) > 0;
}

void load_system_roots(SSL_CTX* context) {
  SSL_CTX_set_default_verify_paths(context);
  // The hashed directory costs no memory until a root is needed, the bundle more than a megabyte.
  if (has_loaded_roots(context) || has_hashed_roots()) return;
  for (const char* bundle : kBundles)
    if (SSL_CTX_load_verify_locations(context, bundle, nullptr) == 1) return;
}

thread_local std::string verification_error;

int note_error(int ok, X509_STORE_CTX* verification) {
  if (ok == 0) verification_error = X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification));
  return ok;
}

}  // namespace

std::string take_verification_error() { return std::exchange(verification_error, {}); }

Result<Poco::Net::Context::Ptr> make_tls_context(const std::string& ca_file) {
  using Poco::Net::Context;
  Context::Params params;
  params.verificationMode = Context::VERIFY_STRICT;  // also for localhost
  params.verificationDepth = 9;
  const auto unusable = [&ca_file](std::string cause) {
    return Error{Errc::bad_input, "read the certificates in", ca_file, std::move(cause), "correct MIDAIR_CA_FILE"};
  };
  // OpenSSL would wait for a fifo.
  if (!ca_file.empty())
    if (const auto file = open_regular_file(ca_file); !file.ok()) return unusable(file.error().cause);
  try {
    Context::Ptr context = new Context(Context::TLS_CLIENT_USE, params);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    context->enableExtendedCertificateVerification(true);
    SSL_CTX_set_verify(context->sslContext(), SSL_VERIFY_PEER, note_error);
    load_system_roots(context->sslContext());
    if (!ca_file.empty() && SSL_CTX_load_verify_locations(context->sslContext(), ca_file.c_str(), nullptr) != 1)
      return unusable("it is no readable PEM file of certificates");
    return context;
  } catch (const Poco::Exception& error) {
    return Error{Errc::io, "set up", "TLS", error.displayText()};
  }
}

}  // namespace midair
