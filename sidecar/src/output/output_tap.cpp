#include "output/output_tap.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "midair/foreign_text.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

/// For a reader that stands still: the app has ended, and the machine is to.
constexpr std::chrono::seconds kPatience{1};

bool are_one_file() {
  struct stat output {};
  struct stat error {};
  return ::fstat(STDOUT_FILENO, &output) == 0 && ::fstat(STDERR_FILENO, &error) == 0 && output.st_dev == error.st_dev &&
         output.st_ino == error.st_ino;
}

/// None where there is nothing to relay to, or that may be what the app looks for.
std::unique_ptr<OutputRelay> relay_to(int fd, OutputTap::Labels labels) {
  struct stat status {};
  const bool is_open = ::fstat(fd, &status) == 0;
  if (!is_open || (labels == OutputTap::Labels::no && ::isatty(fd) == 1)) return nullptr;
  auto relay = OutputRelay::start(fd);
  if (relay) return std::move(relay).value();
  log(LogLevel::warning, "output.not_relayed", {{"error", relay.error().to_string()}});
  return nullptr;
}

std::string label_of(unsigned generation, const std::string& version) {
  constexpr std::size_t kMaxVersion = 64;
  return "[" + (version.empty() ? "base" : tame_and_cut(version, kMaxVersion)) + " #" + std::to_string(generation) +
         "] ";
}

}  // namespace

OutputTap::OutputTap(Labels labels)
    : labels_(labels),
      output_(relay_to(STDOUT_FILENO, labels)),
      error_(are_one_file() ? nullptr : relay_to(STDERR_FILENO, labels)),
      one_file_(are_one_file()) {}

std::vector<OutputRelay*> OutputTap::relays() const {
  std::vector<OutputRelay*> relays;
  for (const auto& relay : {output_.get(), error_.get()})
    if (relay != nullptr) relays.push_back(relay);
  return relays;
}

OutputEnds OutputTap::open(unsigned generation, const std::string& version) {
  OutputEnds ends;
  const auto relays = this->relays();
  if (relays.empty()) return ends;
  auto output = GenerationOutput::open(relays.size(), ends.owned);
  if (!output) {
    log(LogLevel::warning, "output.not_relayed", {{"error", output.error().to_string()}});
    return {};
  }
  ends.output = std::move(output).value();
  std::optional<std::string> label;
  if (labels_ == Labels::yes) label = label_of(generation, version);
  for (std::size_t i = 0; i < relays.size(); ++i) relays[i]->add(ends.output, i, label);
  if (output_) ends.standard_output = ends.owned.front().get();
  if (error_ || (one_file_ && output_)) ends.standard_error = ends.owned.back().get();
  return ends;
}

void OutputTap::finish() {
  for (OutputRelay* relay : relays()) relay->begin_to_end();
  for (OutputRelay* relay : relays())
    if (!relay->await_end(kPatience))
      log(LogLevel::warning, "output.cut", {{"why", "whoever reads the log stands still, or the app left others"}});
}

}  // namespace midair::sidecar
