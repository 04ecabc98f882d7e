// midair-sidecar: the entrypoint of an app's image.
#include <sysexits.h>

#include <cstdlib>
#include <iostream>

#include "control/control_server.h"
#include "hooks/hook_worker.h"
#include "midair/durable_file.h"
#include "midair/json/json.h"
#include "options.h"
#include "sidecar.h"

namespace {

namespace sidecar = midair::sidecar;
using sidecar::Invocation;

void print_status(const Poco::JSON::Object& status) {
  const auto text = [&status](const char* key) { return status.optValue<std::string>(key, ""); };
  const auto poller = status.getObject("poller");
  const auto swap = status.getObject("swap");
  const bool base = text("digest").empty();
  std::cout << "app          " << text("app") << " on " << text("machine_id") << " (" << text("region") << ")\n"
            << "base image   " << text("base_image_ref") << '\n'
            << "running      " << (base ? "base image" : "version " + text("version")) << ", pid " << text("pid")
            << '\n'
            << "fingerprint  " << text("fingerprint") << '\n';
  if (!base) std::cout << "digest       " << text("digest") << "\nhot ref      " << text("hot_ref") << '\n';
  std::cout << "swap         " << swap->optValue<std::string>("state", "") << " for "
            << swap->optValue<long>("in_state_ms", 0) / 1000 << " s\n"
            << "last check   " << poller->optValue<std::string>("last_check", "") << ", "
            << poller->optValue<long>("polls", 0) << " polls, " << poller->optValue<long>("errors", 0) << " errors\n";
  if (const auto error = poller->optValue<std::string>("last_error", ""); !error.empty())
    std::cout << "last error   " << error << '\n';
}

int complain(const midair::Error& error, int status) {
  std::cerr << "midair-sidecar: " << error.message() << '\n';
  if (!error.hint.empty()) std::cerr << "Try: " << error.hint << '\n';
  return status;
}

int ask(const Invocation& invocation) {
  const bool status = invocation.verb == Invocation::Verb::status;
  const auto answer = sidecar::ask_sidecar(invocation.control, status ? "status" : "poll_now");
  if (!answer) return complain(answer.error(), EX_UNAVAILABLE);
  const auto object = midair::parse_json_object(*answer, "the sidecar's answer", 1024 * 1024);
  if (!object) return complain(object.error(), EX_PROTOCOL);
  if ((*object)->has("error"))
    return complain({midair::Errc::refused, "ask the sidecar", "", (*object)->optValue<std::string>("error", "")},
                    EX_PROTOCOL);
  if (invocation.json)
    std::cout << *answer << '\n';
  else if (status)
    print_status(**object);
  return EX_OK;
}

int check(const Invocation& invocation) {
  const auto conforms = sidecar::check_protocol(invocation.check, std::cout);
  if (!conforms) return complain(conforms.error(), EXIT_FAILURE);
  return *conforms ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  midair::survive_file_size_limit();
  const Invocation invocation = sidecar::parse_command_line(argc, argv);
  if (invocation.verb == Invocation::Verb::hook_worker) return sidecar::run_hook_worker();
  if (invocation.verb == Invocation::Verb::protocol_check) return check(invocation);
  if (invocation.verb != Invocation::Verb::run) return ask(invocation);
  return sidecar::Sidecar(invocation.run).run();
}
