#include "store/s3_xml.h"

#include <Poco/SAX/DefaultHandler.h>
#include <Poco/SAX/SAXException.h>
#include <Poco/SAX/SAXParser.h>
#include <Poco/String.h>
#include <Poco/XML/XMLException.h>

#include <algorithm>
#include <charconv>
#include <functional>

#include "midair/clock.h"
#include "midair/net/url_text.h"

namespace midair {

namespace {

constexpr std::size_t kMaxDepth = 8;

/// Gets the path of an element below the root ("Contents/Key") and its text, when the element ends.
using Visitor = std::function<void(const std::string& path, const std::string& text)>;

class PathReader final : public Poco::XML::DefaultHandler {
 public:
  explicit PathReader(const Visitor& visit) : visit_(visit) {}

  void startElement(const Poco::XML::XMLString& /*uri*/, const Poco::XML::XMLString& local_name,
                    const Poco::XML::XMLString& /*qname*/, const Poco::XML::Attributes& /*attributes*/) override {
    if (starts_.size() == kMaxDepth) throw Poco::XML::SAXException("nested too deeply");
    if (starts_.empty()) root_ = local_name;
    starts_.push_back(path_.size());
    if (starts_.size() > 1) path_ += (path_.empty() ? "" : "/") + local_name;
    text_.clear();
  }
  void endElement(const Poco::XML::XMLString& /*uri*/, const Poco::XML::XMLString& /*local_name*/,
                  const Poco::XML::XMLString& /*qname*/) override {
    if (!path_.empty()) visit_(path_, text_);
    path_.resize(starts_.back());
    starts_.pop_back();
    text_.clear();
  }
  void characters(const Poco::XML::XMLChar text[], int start, int length) override {
    text_.append(text + start, static_cast<std::size_t>(length));
  }
  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  const Visitor& visit_;
  std::string root_;
  std::string path_;
  std::vector<std::size_t> starts_;  ///< the length of path_ before each open element
  std::string text_;
};

/// The name of the root element, or nothing if the document is not well-formed.
std::optional<std::string> read_document(std::string_view text, const Visitor& visit) {
  PathReader reader(visit);
  Poco::XML::SAXParser parser;
  parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACES, true);
  parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_GENERAL_ENTITIES, false);
  parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_PARAMETER_ENTITIES, false);
  parser.setContentHandler(&reader);
  try {
    parser.parseMemoryNP(text.data(), text.size());
    return reader.root();
  } catch (const Poco::Exception&) {
    return std::nullopt;
  }
}

Result<void> expect_document(std::string_view text, const std::string& root, const std::string& subject,
                             const Visitor& visit) {
  const auto found = read_document(text, visit);
  if (found == root) return {};
  std::string cause = "the answer is not the " + root + " of an S3 server";
  if (looks_like_html(text)) cause += " (it looks like HTML)";
  return Error{Errc::corrupt, "read", subject, cause, "check the endpoint (AWS_ENDPOINT_URL_S3) and the network"};
}

/// The text of one element; empty where there is none.
Result<std::string> text_of(std::string_view document, const std::string& root, const std::string& path,
                            const std::string& subject) {
  std::string value;
  MIDAIR_TRY(expect_document(document, root, subject, [&](const std::string& at, const std::string& text) {
    if (at == path) value = text;
  }));
  return value;
}

/// An ETag goes back to the server in a header, which it must not be able to end.
bool is_header_text(const Etag& etag) {
  return !etag.empty() && std::all_of(etag.begin(), etag.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

/// Keys of a listing asked for with encoding-type=url are encoded like form fields.
std::optional<std::string> decode_listed_key(std::string key) {
  std::replace(key.begin(), key.end(), '+', ' ');
  return percent_decode(key);
}

}  // namespace

std::optional<S3Fault> parse_fault(std::string_view text) {
  S3Fault fault;
  const auto root = read_document(text, [&](const std::string& path, const std::string& value) {
    if (path == "Code") fault.code = value;
    if (path == "Message") fault.message = value;
    if (path == "RequestId") fault.request_id = value;
    if (path == "Region") fault.region = value;
    if (path == "Endpoint") fault.endpoint = value;
  });
  if (root != "Error") return std::nullopt;
  return fault;
}

Result<ListPage> parse_list_page(std::string_view text, const std::string& subject) {
  ListPage page;
  ObjectInfo object;
  bool truncated = false;
  bool encoded = false;
  bool sound = true;
  const auto visit = [&](const std::string& path, const std::string& value) {
    if (path == "IsTruncated") truncated = value == "true";
    if (path == "EncodingType") encoded = value == "url";
    if (path == "NextContinuationToken") page.next = value;
    if (path == "Contents/Key") object.key = value;
    if (path == "Contents/ETag") object.etag = to_etag(value);
    if (path == "Contents/LastModified") object.modified = parse_rfc3339(value);
    if (path == "Contents/Size") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), object.size);
      sound = sound && error == std::errc() && end == value.data() + value.size();
    }
    if (path == "Contents") page.objects.push_back(std::exchange(object, {}));
  };
  MIDAIR_TRY(expect_document(text, "ListBucketResult", subject, visit));
  // EncodingType may follow the keys, so they are decoded at the end.
  for (ObjectInfo& listed : page.objects) {
    auto key = encoded ? decode_listed_key(listed.key) : std::optional(listed.key);
    sound = sound && key && !key->empty() && is_header_text(listed.etag);
    if (key) listed.key = std::move(*key);
  }
  if (!truncated) page.next.clear();
  if (!sound || (truncated && page.next.empty()))
    return Error{Errc::corrupt, "read", subject,
                 "the listing lacks a key, an ETag, a size or the way to its next page"};
  return page;
}

Result<std::string> parse_upload_id(std::string_view text, const std::string& subject) {
  MIDAIR_TRY_ASSIGN(std::string id, text_of(text, "InitiateMultipartUploadResult", "UploadId", subject));
  if (id.empty()) return Error{Errc::corrupt, "read", subject, "the answer has no UploadId"};
  return id;
}

Result<Etag> parse_completed_etag(std::string_view text, const std::string& subject) {
  MIDAIR_TRY_ASSIGN(const std::string etag, text_of(text, "CompleteMultipartUploadResult", "ETag", subject));
  return to_etag(etag);
}

std::string completion_document(const std::vector<Etag>& parts) {
  std::string text = "<CompleteMultipartUpload>";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    text += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>";
    text += Poco::replace(Poco::replace(Poco::replace(parts[i], "&", "&amp;"), "<", "&lt;"), "\"", "&quot;");
    text += "</ETag></Part>";
  }
  return text + "</CompleteMultipartUpload>";
}

bool looks_like_html(std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return false;
  const std::string head = Poco::toLower(std::string(text.substr(start, 15)));
  return head.starts_with("<html") || head.starts_with("<!doctype html");
}

Etag to_etag(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  return Etag(text);
}

}  // namespace midair
