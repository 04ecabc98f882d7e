/// @file
/// One run of a command: its options and arguments over the settings.
#pragma once

#include "cli/command_line.h"
#include "midair/host/plugin.h"

namespace midair::host {

/// Keeps references to everything it is made of. Asking for an option that the command doesn't have is
/// std::logic_error.
class ParsedInvocation final : public Invocation {
 public:
  ParsedInvocation(const CommandSpec& command, const CommandLine& line, const Config& config, Console& console,
                   std::stop_token stop);

  [[nodiscard]] bool flag(const std::string& name) const override;
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const override;
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const override;
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& name) const override;
  [[nodiscard]] std::optional<std::chrono::milliseconds> duration(const std::string& name) const override;
  [[nodiscard]] const std::vector<std::string>& arguments() const override { return line_.arguments; }
  [[nodiscard]] Console& console() const override { return console_; }
  [[nodiscard]] std::stop_token stop() const override { return stop_; }

  /// Errc::bad_input if a required option has no value in any layer.
  [[nodiscard]] Result<void> check_required() const;

 private:
  [[nodiscard]] const OptionSpec& option(const std::string& name) const;

  const CommandSpec& command_;
  const CommandLine& line_;
  const Config& config_;
  Console& console_;
  std::stop_token stop_;
};

}  // namespace midair::host
