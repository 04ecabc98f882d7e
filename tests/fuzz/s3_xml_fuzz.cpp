/// @file
/// Any text as the documents of an S3 server.
#include "store/s3_xml.h"

#include <algorithm>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const std::string_view text = text_of(data, size);
  static_cast<void>(parse_fault(text));
  static_cast<void>(parse_completed_etag(text, "fuzz"));
  const auto id = parse_upload_id(text, "fuzz");
  require(!id.ok() || !id->empty());

  const auto page = parse_list_page(text, "fuzz");
  if (!page.ok()) return 0;
  std::vector<Etag> etags;
  for (const ObjectInfo& object : page->objects) {
    require(!object.key.empty());
    // It goes into a header, as If-Match.
    require(!object.etag.empty() && std::ranges::all_of(object.etag, [](char c) { return c >= ' ' && c <= '~'; }));
    etags.push_back(object.etag);
  }
  // No ETag breaks out of the document that names it: that is still well-formed, and still no error.
  const std::string completion = completion_document(etags);
  const auto read = parse_completed_etag(completion, "fuzz");
  require(!read.ok() && read.error().code == Errc::corrupt && !parse_fault(completion));
  return 0;
}
