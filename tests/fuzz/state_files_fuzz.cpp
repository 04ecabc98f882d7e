/// @file
/// Any text as a file of the state directory. What is accepted survives being written and read again, and no memory of
/// earlier tries, however odd, loses the try that comes next.
#include <fcntl.h>

#include "fuzz.h"
#include "midair/log.h"
#include "state/attempts.h"
#include "state/journal.h"
#include "state/marker.h"
#include "temp_dir.h"

namespace midair::sidecar {

namespace {

constexpr std::size_t kMaxText = 1 << 20;

void put(const std::filesystem::path& path, std::string_view text) {
  const auto fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  require(fd.ok() && write_all(fd->get(), text, "fuzz").ok());
}

template <class Record>
void require_survival(const std::filesystem::path& path,
                      Result<std::optional<Record>> (*read)(const std::filesystem::path&),
                      Result<void> (*write)(const std::filesystem::path&, const Record&)) {
  const auto record = read(path);
  if (!record.ok()) return;
  require(record->has_value() && write(path, **record).ok());
  const auto text = read_file(path, kMaxText);
  const auto again = read(path);
  require(again.ok() && again->has_value() && write(path, **again).ok());
  require(*read_file(path, kMaxText) == *text);
}

void require_next_try_counts(const std::filesystem::path& path) {
  const std::string id = "NEXT";
  Attempts attempts = Attempts::load(path);
  const unsigned before = attempts.count(id);
  require(attempts.begin(id).ok());
  require(attempts.count(id) > before);
  require(attempts.refuse(id, "why").ok());
  const Attempts again = Attempts::load(path);
  require(again.count(id) >= std::min(attempts.count(id), Attempts::kMaxAttempts) && again.refused(id) == "why");
}

}  // namespace

}  // namespace midair::sidecar

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::sidecar;
  static const TempDir directory;
  set_log_level(LogLevel::error);
  const auto path = directory / "state.json";
  const std::string_view text = text_of(data, size);
  put(path, text);
  require_survival<Marker>(path, &read_marker, &write_marker);
  put(path, text);
  require_survival<JournalEntry>(path, &read_journal, &write_journal);
  put(path, text);
  require_next_try_counts(path);
  return 0;
}
