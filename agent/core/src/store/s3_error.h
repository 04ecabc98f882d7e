/// @file
/// What an S3 server's refusal means: HTTP status and error document to Error, in one place.
#pragma once

#include <string>
#include <string_view>

#include "midair/error.h"
#include "midair/net/http_client.h"

namespace midair {

/// What was asked of the server, in the words of an error: "store" "releases/app-current.json".
struct S3Purpose {
  std::string op;
  std::string subject;
};

/// Translates an <Error> document that came with status 200, as the completion of a multipart upload can do.
[[nodiscard]] Error s3_error_after_success(const HttpHead& head, std::string_view document, const S3Purpose& purpose);

/// Translates an answer other than success. `document` is (the beginning of) its body; empty for HEAD.
[[nodiscard]] Error s3_error(const HttpHead& head, std::string_view document, const S3Purpose& purpose);

}  // namespace midair
