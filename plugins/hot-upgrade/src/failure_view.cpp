#include "failure_view.h"

#include <Poco/JSON/Parser.h>

#include <algorithm>

#include "midair/foreign_text.h"

namespace midair::host::hot {

namespace {

constexpr std::size_t kMaxLineBytes = 400;
constexpr const char* kIndent = "      ";

std::string how_it_ended(const UpgradeResult& result) {
  if (!result.signal.empty()) return "was killed by " + one_line(result.signal);
  if (result.exit_status) return "exited with status " + std::to_string(*result.exit_status);
  return {};
}

}  // namespace

std::string failure_text(const UpgradeResult& result, std::size_t most_lines) {
  const std::string how = how_it_ended(result);
  if (how.empty() && result.output.empty()) return {};
  std::string text = kIndent + (result.step.empty() ? std::string("its process")
                                                    : "in step '" + one_line(result.step) + "' its process");
  if (!how.empty()) text += " " + how;
  const std::size_t skipped = result.output.size() - std::min(most_lines, result.output.size());
  if (!result.output.empty()) text += how.empty() ? " wrote:" : "; it wrote:";
  text += "\n";
  if (skipped > 0)
    text += kIndent + std::string("| ... (all ") + std::to_string(result.output.size()) + " lines: midair status " +
            tame(result.machine_id) + ")\n";
  for (std::size_t i = skipped; i < result.output.size(); ++i)
    text += kIndent + std::string("| ") + tame_and_cut(result.output[i], kMaxLineBytes, "\t") + "\n";
  return text;
}

Poco::JSON::Object result_json(const UpgradeResult& result) {
  Poco::JSON::Parser parser;
  Poco::JSON::Object json = *parser.parse(result.to_json()).extract<Poco::JSON::Object::Ptr>();
  json.remove("machine_id");
  json.remove("region");
  return json;
}

}  // namespace midair::host::hot
