#include "check/protocol_check.h"

#include <unistd.h>

#include <cstdlib>
#include <ostream>

#include "check/checks.h"
#include "midair/foreign_text.h"
#include "midair/log.h"
#include "state/tree.h"

namespace midair::sidecar {

namespace {

/// A private directory for one run, removed with all it holds.
class Scratch {
 public:
  static Result<Scratch> create() {
    std::string name = (std::filesystem::temp_directory_path() / "midair-check-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return system_error(errno, "create a directory in", "/tmp");
    return Scratch(name);
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    if (path_.empty()) return;
    if (auto removed = remove_tree(path_); !removed)
      log(LogLevel::warning, "scratch.not_removed", {{"error", removed.error().to_string()}});
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit Scratch(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// The owners of what the app is passed.
Result<std::vector<ListenGroup>> open_sockets(const std::vector<ListenSpec>& specs, AppUnderTest::Settings& settings) {
  constexpr unsigned kApp = 1;
  std::vector<ListenGroup> groups;
  for (const ListenSpec& spec : specs) {
    MIDAIR_TRY_ASSIGN(const auto address, resolve(spec));
    MIDAIR_TRY_ASSIGN(ListenGroup group, ListenGroup::open(address, false, ::geteuid(), false));
    MIDAIR_TRY_ASSIGN(const int socket, group.lend(kApp));
    MIDAIR_TRY(group.serve(kApp));
    settings.sockets.emplace_back(spec.name, socket);
    if (!settings.address) settings.address = group.address();
    groups.push_back(std::move(group));
  }
  return groups;
}

bool concerns(Concerns whom, const Hello& hello, const Lab& lab) {
  switch (whom) {
    case Concerns::everybody: return true;
    case Concerns::with_state: return hello.keeps_state;
    case Concerns::without_state: return !hello.keeps_state;
    case Concerns::with_in_place: return hello.swaps_in_place;
    case Concerns::without_in_place: return !hello.swaps_in_place;
    case Concerns::with_state_and_listen: return hello.keeps_state && lab.settings().address;
    case Concerns::with_listen: return lab.settings().address.has_value();
  }
  return false;
}

/// One check as it went.
struct Verdict {
  const Check& check;
  const char* result;  ///< "ok", "FAIL" or "skip"
  std::string why{};
};

void print(const Verdict& verdict, std::ostream& out) {
  out << (verdict.result + std::string(4, ' ')).substr(0, 4) << "  " << verdict.check.name;
  if (!verdict.why.empty())
    out << ": " << tame_and_cut(verdict.why, 1024) << "\n      the protocol: \"" << verdict.check.rule << '"';
  out << std::endl;
}

Poco::JSON::Object to_json(const Verdict& verdict) {
  Poco::JSON::Object object;
  object.set("name", verdict.check.name);
  object.set("result", verdict.result == std::string("FAIL") ? "fail" : verdict.result);
  object.set("rule", verdict.check.rule);
  object.set("why", verdict.why);
  return object;
}

}  // namespace

Result<bool> check_protocol(const ProtocolCheckOptions& options, std::ostream& out) {
  MIDAIR_TRY_ASSIGN(const Scratch scratch, Scratch::create());
  AppUnderTest::Settings settings{options.command, {}, {}, scratch.path()};
  MIDAIR_TRY_ASSIGN(const auto groups, open_sockets(options.listen, settings));
  const Lab lab(settings);
  Hello hello;
  {
    MIDAIR_TRY_ASSIGN(const auto app, lab.app());
    hello = app->hello();
  }
  Poco::JSON::Array verdicts;
  bool conforms = true;
  for (const Check& check : protocol_checks()) {
    if (std::string_view(check.name).find(options.only) == std::string_view::npos) continue;
    Verdict verdict{check, "skip"};
    if (concerns(check.whom, hello, lab)) {
      const auto passed = check.run(lab);
      verdict.result = passed ? "ok" : "FAIL";
      if (!passed) verdict.why = passed.error().message();
      conforms = conforms && passed;
    }
    verdicts.add(to_json(verdict));
    if (!options.json) print(verdict, out);
  }
  Poco::JSON::Object report;
  report.set("checks", verdicts);
  report.set("conforms", conforms);
  if (options.json) out << to_canonical_json(report) << std::endl;
  return conforms;
}

}  // namespace midair::sidecar
