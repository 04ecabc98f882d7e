/// @file
/// Bytes on their way: where they come from and where they go, piece by piece.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "midair/error.h"

namespace midair {

/// Where a download goes. Called on the thread of the call that it was given to; after its first error no more.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  /// Takes the next bytes; an error ends the download and is handed to the caller.
  virtual Result<void> write(std::string_view bytes) = 0;
  /// Forgets all that was written: the download starts over (a retry without Range).
  virtual Result<void> restart() = 0;
};

/// Where an upload comes from. Must give the same bytes again after seek().
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Up to `capacity` bytes into `buffer`; 0 at the end.
  virtual Result<std::size_t> read(char* buffer, std::size_t capacity) = 0;
  virtual Result<void> seek(std::uint64_t offset) = 0;
};

/// Keeps all that it is given; who fills it bounds it.
class TextSink final : public ByteSink {
 public:
  Result<void> write(std::string_view bytes) override;
  Result<void> restart() override;
  [[nodiscard]] const std::string& text() const { return text_; }
  /// The text, which the sink then holds no more.
  [[nodiscard]] std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

/// A text in memory, which must outlive it.
class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string_view text) : text_(text) {}
  [[nodiscard]] std::uint64_t size() const override { return text_.size(); }
  Result<std::size_t> read(char* buffer, std::size_t capacity) override;
  /// Errc::bug beyond the end.
  Result<void> seek(std::uint64_t offset) override;

 private:
  const std::string_view text_;
  std::size_t offset_ = 0;
};

}  // namespace midair
