// midair-sidecar: the entrypoint of an app's image.
#include <sysexits.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "command_table.h"
#include "complaint.h"
#include "control/control_server.h"
#include "hooks/hook_worker.h"
#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "midair/json/json.h"
#include "midair/log_writer.h"
#include "midair/manual/completion.h"
#include "midair/manual/help.h"
#include "midair/manual/man_page.h"
#include "options.h"
#include "sidecar.h"
#ifdef MIDAIR_BUNDLED
#include "own_means.h"
#endif

namespace {

using midair::sidecar::command_table;
using midair::sidecar::Complaint;
using midair::sidecar::find_command;
using midair::sidecar::Invocation;

/// What the sidecar's status says of itself, some of it in the words of the app and the store.
class StatusText {
 public:
  explicit StatusText(const Poco::JSON::Object& status) : status_(status) {}

  void print(std::ostream& out) const {
    const bool base = text("digest").empty();
    out << "app          " << text("app") << " on " << text("machine_id") << " (" << text("region") << ")\n"
        << "base image   " << text("base_image_ref") << '\n'
        << "running      " << (base ? "base image" : "version " + text("version")) << ", pid " << text("pid") << '\n'
        << "fingerprint  " << text("fingerprint") << '\n';
    if (!base) out << "digest       " << text("digest") << "\nhot ref      " << text("hot_ref") << '\n';
    const auto swap = part("swap");
    const auto poller = part("poller");
    out << "swap         " << text(*swap, "state") << " for " << swap->optValue<long>("in_state_ms", 0) / 1000 << " s\n"
        << "last check   " << text(*poller, "last_check") << ", " << poller->optValue<long>("polls", 0) << " polls, "
        << poller->optValue<long>("errors", 0) << " errors\n";
    if (const auto error = text(*poller, "last_error"); !error.empty()) out << "last error   " << error << '\n';
    print_draining(out);
    for (const std::string& problem : {text("problem"), text("service_problem"), text(*swap, "problem")})
      if (!problem.empty()) out << "problem      " << problem << '\n';
    if (const auto added = status_.getArray("added_files"))
      for (std::size_t i = 0; i < added->size(); ++i)
        out << "added file   " << midair::printable(added->optElement<std::string>(static_cast<unsigned>(i), ""))
            << '\n';
  }

 private:
  void print_draining(std::ostream& out) const {
    const auto draining = status_.getArray("draining");
    for (std::size_t i = 0; draining && i < draining->size(); ++i) {
      const auto old = draining->getObject(static_cast<unsigned>(i));
      if (old.isNull()) continue;
      const std::string version = text(*old, "version");
      out << "draining     " << (version.empty() ? "base image" : "version " + version) << ", pid "
          << text(*old, "pid");
      out << ": connections busy " << text(*old, "busy") << ", idle " << text(*old, "idle") << ", streaming "
          << text(*old, "streaming") << "; until " << text(*old, "deadline") << " at most";
      out << '\n';
    }
  }
  static std::string text(const Poco::JSON::Object& object, const char* key) {
    constexpr std::size_t kMaxText = 1024;
    return midair::tame_and_cut(object.optValue<std::string>(key, ""), kMaxText);
  }
  [[nodiscard]] std::string text(const char* key) const { return text(status_, key); }
  [[nodiscard]] Poco::JSON::Object::Ptr part(const char* key) const {
    const auto object = status_.getObject(key);
    return object.isNull() ? new Poco::JSON::Object : object;
  }

  const Poco::JSON::Object& status_;
};

int ask(const Invocation& invocation) {
  const Complaint complaint(invocation.json);
  const bool status = invocation.verb == Invocation::Verb::status;
  const auto answer = midair::sidecar::ask_sidecars(invocation.control, status ? "status" : "poll_now");
  if (!answer) return complaint.about(answer.error(), EX_UNAVAILABLE);
  const auto object = midair::parse_json_object(*answer, "the sidecar's answer", 1024 * 1024);
  if (!object) return complaint.about(object.error(), EX_PROTOCOL);
  if ((*object)->has("error"))
    return complaint.about(
        {midair::Errc::refused, "ask the sidecar", "", (*object)->optValue<std::string>("error", "")}, EX_PROTOCOL);
  if (invocation.json)
    std::cout << midair::tame_json(*answer) << '\n';
  else if (status)
    StatusText(**object).print(std::cout);
  return EX_OK;
}

int check(const Invocation& invocation) {
  const auto conforms = midair::sidecar::check_protocol(invocation.check, std::cout);
  if (!conforms) return Complaint(invocation.json).about(conforms.error(), EXIT_FAILURE);
  return *conforms ? EXIT_SUCCESS : EXIT_FAILURE;
}

int help(const Invocation& invocation) {
  const std::string name = invocation.arguments.empty() ? "" : invocation.arguments.front();
  const auto* command = find_command(name);
  if (!name.empty() && command == nullptr)
    return Complaint(false).about({midair::Errc::bad_input, "show help for", name, "there is no such command"},
                                  EX_USAGE);
  if (invocation.man)
    std::cout << midair::manual::whole_page(command_table());
  else
    std::cout << (command == nullptr ? midair::manual::general_help(command_table())
                                     : midair::manual::command_help(*command, command_table()));
  return EX_OK;
}

int completion(const Invocation& invocation) {
  const auto script = midair::manual::completion_script(
      invocation.arguments.empty() ? "" : invocation.arguments.front(), command_table());
  if (!script)
    return Complaint(false).about({midair::Errc::bad_input, "print", "the script", "name one shell: bash, zsh or fish"},
                                  EX_USAGE);
  std::cout << *script;
  return EX_OK;
}

int run(const Invocation& invocation) {
  const midair::LogWriter log_writer(STDERR_FILENO);  // no line of ours waits for its reader
  return midair::sidecar::Sidecar(invocation.run).run();
}

}  // namespace

int main(int argc, char** argv) {
#ifdef MIDAIR_BUNDLED
  midair::sidecar::rely_on_own_means();
#endif
  midair::survive_file_size_limit();
  const Invocation invocation = midair::sidecar::parse_command_line(argc, argv);
  switch (invocation.verb) {
    case Invocation::Verb::run: return run(invocation);
    case Invocation::Verb::status:
    case Invocation::Verb::poll_now: return ask(invocation);
    case Invocation::Verb::hook_worker: return midair::sidecar::run_hook_worker();
    case Invocation::Verb::protocol_check: return check(invocation);
    case Invocation::Verb::help: return help(invocation);
    case Invocation::Verb::completion: return completion(invocation);
  }
  return EX_SOFTWARE;
}
