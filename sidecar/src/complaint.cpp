#include "complaint.h"

#include <cstdlib>
#include <iostream>

#include "midair/foreign_text.h"
#include "midair/json/error_json.h"
#include "midair/redact.h"

namespace midair::sidecar {

namespace {

constexpr std::size_t kMaxLine = 4096;

std::string for_line(const std::string& text) { return tame_and_cut(redact(text), kMaxLine); }

}  // namespace

int Complaint::about(const Error& error, int exit_status) const {
  if (json_) {
    std::cerr << error_json(error, exit_status) + "\n";
    return exit_status;
  }
  std::string text = "midair-sidecar: " + for_line(error.message()) + "\n";
  if (!error.hint.empty()) text += "Try: " + for_line(error.hint) + "\n";
  std::cerr << text;
  return exit_status;
}

void Complaint::end(const Error& error, int exit_status) const { std::exit(about(error, exit_status)); }

}  // namespace midair::sidecar
