#include "midair/host/command_support.h"

#include <algorithm>

#include "midair/foreign_text.h"
#include "midair/release/layout.h"

namespace midair::host {

Result<std::string> app_of(const Invocation& invocation) {
  const auto app = invocation.text("app");
  if (!app)
    return Error{Errc::bad_input, "choose the app", "", "none is named",
                 "--app NAME, or app in fly.toml or midair.yaml, or FLY_APP_NAME"};
  MIDAIR_TRY(check_app_name(*app));
  return *app;
}

int fail(const Invocation& invocation, const Error& error) { return fail(invocation, error, exit_status_of(error)); }

int fail(const Invocation& invocation, const Error& error, int exit_status) {
  invocation.console().print_error(error, exit_status);
  return exit_status;
}

std::string columns(std::vector<std::vector<std::string>> rows, std::size_t indent) {
  constexpr std::size_t kMaxCell = 1024;
  for (auto& row : rows)
    for (auto& cell : row) cell = tame_and_cut(cell, kMaxCell);
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace midair::host
