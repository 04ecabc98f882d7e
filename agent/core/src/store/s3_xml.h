/// @file
/// The XML documents that S3 answers with (Amazon S3 API Reference), read as if by a stranger: bounded depth, no
/// external entities.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/store/object_store.h"

namespace midair {

/// An <Error> document. Fields that the server left out are empty.
struct S3Fault {
  std::string code;
  std::string message;
  std::string request_id;
  std::string region;    ///< where the bucket is, if the request went elsewhere
  std::string endpoint;  ///< the same as a host name
};

/// Nothing if `text` is no <Error> document.
[[nodiscard]] std::optional<S3Fault> parse_fault(std::string_view text);

/// One page of ListObjectsV2.
struct ListPage {
  std::vector<ObjectInfo> objects;  ///< keys as the bucket has them
  std::string next;                 ///< the continuation token; empty on the last page
};

/// The functions below end with Errc::corrupt if `text` is not the document that they expect. HTML is told apart,
/// because captive portals and wrong endpoints answer that way. `subject` names the source.
[[nodiscard]] Result<ListPage> parse_list_page(std::string_view text, const std::string& subject);
/// The upload id of InitiateMultipartUploadResult.
[[nodiscard]] Result<std::string> parse_upload_id(std::string_view text, const std::string& subject);
/// The ETag of CompleteMultipartUploadResult; empty where the server left it out, as Ceph 16 does.
[[nodiscard]] Result<Etag> parse_completed_etag(std::string_view text, const std::string& subject);

/// The body of CompleteMultipartUpload for the ETags of parts 1, 2, ...
[[nodiscard]] std::string completion_document(const std::vector<Etag>& parts);

/// True if `text` starts like an HTML page.
[[nodiscard]] bool looks_like_html(std::string_view text);

/// Strips the weak prefix: an ETag as Midair keeps it.
[[nodiscard]] Etag to_etag(std::string_view text);

}  // namespace midair
