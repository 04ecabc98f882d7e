/// @file
/// Bodies that come in chunks (RFC 9112 section 7.1).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace midair {

/// Reads one chunked body. Poco's own stream takes a lost connection, and a size that is no number, for the end; here
/// only the last chunk ends it.
class ChunkedBody {
 public:
  /// Gives some bytes of the connection, at most `capacity`; 0 once the peer has closed it.
  using Source = std::function<std::size_t(char* buffer, std::size_t capacity)>;
  explicit ChunkedBody(Source source) : source_(std::move(source)) {}

  /// The next bytes; 0 at the end. Throws what the source throws, Poco::IOException where the connection ends before
  /// the body, Poco::DataFormatException for what is no chunk.
  [[nodiscard]] std::size_t read(char* buffer, std::size_t capacity);
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  [[nodiscard]] std::string read_line();
  void begin_chunk();

  const Source source_;
  std::uint64_t left_ = 0;  ///< of the chunk
  bool began_ = false;
  bool ended_ = false;
};

}  // namespace midair
