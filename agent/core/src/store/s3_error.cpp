#include "store/s3_error.h"

#include <algorithm>
#include <array>

#include "midair/foreign_text.h"
#include "store/s3_xml.h"

namespace midair {

namespace {

/// The codes that deserve more than their status says.
struct KnownCode {
  std::string_view code;
  Errc errc;
  std::string_view hint;
};

constexpr std::array kKnownCodes{
    KnownCode{"InvalidAccessKeyId", Errc::denied, "check AWS_ACCESS_KEY_ID; the server doesn't know that key"},
    KnownCode{"SignatureDoesNotMatch", Errc::denied, "check AWS_SECRET_ACCESS_KEY and AWS_REGION"},
    KnownCode{"AccessDenied", Errc::denied, "allow this key to read and write the bucket"},
    KnownCode{"ExpiredToken", Errc::denied, "renew AWS_SESSION_TOKEN"},
    KnownCode{"InvalidToken", Errc::denied, "check AWS_SESSION_TOKEN"},
    KnownCode{"RequestTimeTooSkewed", Errc::denied, "set this host's clock"},
    KnownCode{"NoSuchBucket", Errc::bad_input, "create the bucket, or correct its name or the endpoint"},
    KnownCode{"NoSuchKey", Errc::not_found, ""},
    KnownCode{"NoSuchUpload", Errc::unavailable, "try again; the server has dropped the unfinished upload"},
    KnownCode{"AuthorizationHeaderMalformed", Errc::bad_input, "check AWS_REGION"},
    KnownCode{"PermanentRedirect", Errc::bad_input, "check AWS_REGION and AWS_ENDPOINT_URL_S3"},
    KnownCode{"XAmzContentSHA256Mismatch", Errc::corrupt, "leave the file alone while it is uploaded"},
    KnownCode{"BadDigest", Errc::corrupt, ""},
    KnownCode{"RequestTimeout", Errc::unavailable, ""},
    KnownCode{"SlowDown", Errc::throttled, ""},
};

const KnownCode* find_code(std::string_view code) {
  const auto* const found =
      std::find_if(kKnownCodes.begin(), kKnownCodes.end(), [&](const KnownCode& known) { return known.code == code; });
  return found == kKnownCodes.end() ? nullptr : found;
}

std::string hint_of_redirect(const HttpHead& head, const S3Fault& fault) {
  const std::string named = head.header("x-amz-bucket-region");
  const std::string& region = named.empty() ? fault.region : named;
  std::string hint = "correct ";
  hint += region.empty() ? "AWS_REGION" : "AWS_REGION to " + one_line(region);
  hint += " and ";
  hint += fault.endpoint.empty() ? "AWS_ENDPOINT_URL_S3" : "AWS_ENDPOINT_URL_S3 to https://" + one_line(fault.endpoint);
  return hint + "; redirects are not followed, because requests carry a signature";
}

}  // namespace

Error s3_error(const HttpHead& head, std::string_view document, const S3Purpose& purpose) {
  const int status = head.status;
  const std::string request_id = head.header("x-amz-request-id");
  const auto parsed = parse_fault(document);
  const S3Fault fault = parsed.value_or(S3Fault{});
  Error error{errc_of_http_status(status), purpose.op, purpose.subject, "HTTP status " + std::to_string(status)};
  error.http_status = status;
  error.request_id = one_line(request_id.empty() ? fault.request_id : request_id);
  error.retry_after = head.retry_after();
  if (!fault.code.empty()) error.cause += ", " + one_line(fault.code);
  if (!fault.message.empty()) error.cause += ": " + one_line(fault.message);
  if (const KnownCode* known = find_code(fault.code)) {
    error.code = known->errc;
    error.hint = known->hint;
  } else if (status == 404 && !document.empty() && !parsed) {
    // Somebody else's "not found" must not pass for a missing object.
    error.code = Errc::corrupt;
    error.cause += looks_like_html(document) ? ", and the answer looks like HTML" : ", but not in the words of S3";
    error.hint = "check the endpoint (AWS_ENDPOINT_URL_S3)";
  }
  if (status >= 300 && status < 400) error.hint = hint_of_redirect(head, fault);
  if (error.code == Errc::bad_input && !fault.region.empty()) error.hint = hint_of_redirect(head, fault);
  return error;
}

Error s3_error_after_success(const HttpHead& head, std::string_view document, const S3Purpose& purpose) {
  HttpHead failed = head;
  const auto fault = parse_fault(document);
  const bool lost_race = fault && (fault->code == "PreconditionFailed" || fault->code == "ConditionalRequestConflict");
  failed.status = lost_race ? 412 : 500;
  return s3_error(failed, document, purpose);
}

}  // namespace midair
