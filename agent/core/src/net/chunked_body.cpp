#include "net/chunked_body.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <charconv>

namespace midair {

namespace {

constexpr std::size_t kMaxLine = 8 * 1024;

/// "1a2b", perhaps with blanks or an extension after it.
std::uint64_t size_in(const std::string& line) {
  std::int64_t size = 0;  // what fits here can be counted in
  const char* const end = line.data() + line.size();
  const auto [rest, error] = std::from_chars(line.data(), end, size, 16);
  if (error != std::errc() || size < 0 || line.front() == '-' ||
      (rest != end && *rest != ';' && *rest != ' ' && *rest != '\t'))
    throw Poco::DataFormatException("a chunk without a size");
  return static_cast<std::uint64_t>(size);
}

}  // namespace

std::size_t ChunkedBody::read(char* buffer, std::size_t capacity) {
  if (left_ == 0 && !ended_) begin_chunk();
  if (ended_) return 0;
  const std::size_t n = source_(buffer, static_cast<std::size_t>(std::min<std::uint64_t>(capacity, left_)));
  if (n == 0) throw Poco::IOException("it closed the connection before the end of its answer");
  left_ -= n;
  return n;
}

/// Reads past the end of the last chunk and the head of the next; past the trailer, if that is the end.
void ChunkedBody::begin_chunk() {
  if (began_ && !read_line().empty()) throw Poco::DataFormatException("a chunk that is longer than it says");
  began_ = true;
  left_ = size_in(read_line());
  if (left_ > 0) return;
  while (!read_line().empty()) continue;
  ended_ = true;
}

std::string ChunkedBody::read_line() {
  std::string line;
  for (char c = 0;;) {
    if (source_(&c, 1) == 0) throw Poco::IOException("it closed the connection before the end of its answer");
    if (c == '\n') break;
    if (line.size() == kMaxLine) throw Poco::DataFormatException("a chunk whose head is too long");
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace midair
