#include "midair/bytes.h"

namespace midair {

Result<void> TextSink::write(std::string_view bytes) {
  text_ += bytes;
  return {};
}

Result<void> TextSink::restart() {
  text_.clear();
  return {};
}

Result<std::size_t> TextSource::read(char* buffer, std::size_t capacity) {
  const std::size_t n = text_.copy(buffer, capacity, offset_);
  offset_ += n;
  return n;
}

Result<void> TextSource::seek(std::uint64_t offset) {
  if (offset > text_.size()) return Error{Errc::bug, "seek in", "a text", "the offset is beyond its end"};
  offset_ = offset;
  return {};
}

}  // namespace midair
