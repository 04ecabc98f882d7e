#include "store/s3_error.h"

#include <algorithm>
#include <array>

#include "midair/foreign_text.h"
#include "midair/net/http_client.h"
#include "net/http_date.h"
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

std::string hint_of_redirect(const Poco::Net::HTTPResponse& response, const S3Fault& fault) {
  const std::string region = response.get("x-amz-bucket-region", fault.region);
  std::string hint = "correct ";
  hint += region.empty() ? "AWS_REGION" : "AWS_REGION to " + one_line(region);
  hint += " and ";
  hint += fault.endpoint.empty() ? "AWS_ENDPOINT_URL_S3" : "AWS_ENDPOINT_URL_S3 to https://" + one_line(fault.endpoint);
  return hint + "; redirects are not followed, because requests carry a signature";
}

}  // namespace

Error s3_error(const Poco::Net::HTTPResponse& response, std::string_view document, const S3Purpose& purpose) {
  const int status = response.getStatus();
  const auto parsed = parse_fault(document);
  const S3Fault fault = parsed.value_or(S3Fault{});
  Error error{errc_of_http_status(status), purpose.op, purpose.subject, "HTTP status " + std::to_string(status)};
  error.http_status = status;
  error.request_id = one_line(response.get("x-amz-request-id", fault.request_id));
  error.retry_after = parse_retry_after(response.get("Retry-After", ""));
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
  if (status >= 300 && status < 400) error.hint = hint_of_redirect(response, fault);
  if (error.code == Errc::bad_input && !fault.region.empty()) error.hint = hint_of_redirect(response, fault);
  return error;
}

Error s3_error_after_success(const Poco::Net::HTTPResponse& response, std::string_view document,
                             const S3Purpose& purpose) {
  Poco::Net::HTTPResponse failed = response;
  const auto fault = parse_fault(document);
  const bool lost_race = fault && (fault->code == "PreconditionFailed" || fault->code == "ConditionalRequestConflict");
  failed.setStatus(lost_race ? Poco::Net::HTTPResponse::HTTP_PRECONDITION_FAILED
                             : Poco::Net::HTTPResponse::HTTP_INTERNAL_SERVER_ERROR);
  return s3_error(failed, document, purpose);
}

}  // namespace midair
