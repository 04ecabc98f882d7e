#include "output/generation_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace midair::sidecar {

namespace {

/// As large as a pipe of ours, so that what is read ends where a write ended.
constexpr std::size_t kPipeBytes = 64UL * 1024;
/// Whoever has the pipe may write into it: `nginx` opens /dev/stdout after it has become another user.
constexpr mode_t kOthersWrite = 0622;

Result<std::array<Fd, 2>> open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "create", "a pipe for the app's output");
  std::array<Fd, 2> owned{Fd(ends[0]), Fd(ends[1])};
  // Of the reading end alone: the app's is another open file.
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 || ::fchmod(ends[1], kOthersWrite) != 0)
    return system_error(errno, "set up", "a pipe for the app's output");
  return owned;
}

/// What lies in the pipe `fd`, which stays there.
std::string peek(int fd) {
  auto scratch = open_pipe();
  if (!scratch) return {};
  const auto& [read_end, write_end] = *scratch;
  const ssize_t there = ::tee(fd, write_end.get(), kPipeBytes, SPLICE_F_NONBLOCK);
  if (there <= 0) return {};
  std::string bytes(static_cast<std::size_t>(there), '\0');
  const ssize_t n = ::read(read_end.get(), bytes.data(), bytes.size());
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

}  // namespace

Result<std::shared_ptr<GenerationOutput>> GenerationOutput::open(std::size_t streams, std::vector<Fd>& write_ends) {
  std::vector<Fd> read_ends;
  for (std::size_t i = 0; i < streams; ++i) {
    MIDAIR_TRY_ASSIGN(auto ends, open_pipe());
    read_ends.push_back(std::move(ends[0]));
    write_ends.push_back(std::move(ends[1]));
  }
  return std::shared_ptr<GenerationOutput>(new GenerationOutput(std::move(read_ends)));
}

ssize_t GenerationOutput::read(std::size_t stream, std::span<char> buffer) {
  const std::scoped_lock lock(mutex_);
  ssize_t n = 0;
  do n = ::read(pipes_[stream].get(), buffer.data(), buffer.size());
  while (n < 0 && errno == EINTR);
  if (n > 0) tail_.add(stream, {buffer.data(), static_cast<std::size_t>(n)});
  return n < 0 && errno != EAGAIN ? 0 : n;
}

void GenerationOutput::close(std::size_t stream) {
  const std::scoped_lock lock(mutex_);
  pipes_[stream].reset();
}

std::vector<std::string> GenerationOutput::last_lines() const {
  const std::scoped_lock lock(mutex_);
  OutputTail tail = tail_;
  for (std::size_t i = 0; i < pipes_.size(); ++i)
    if (pipes_[i]) tail.add(i, peek(pipes_[i].get()));
  return tail.lines();
}

}  // namespace midair::sidecar
