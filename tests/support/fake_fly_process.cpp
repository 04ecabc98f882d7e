#include "fake_fly_process.h"

#include <Poco/Pipe.h>
#include <Poco/PipeStream.h>
#include <Poco/Process.h>
#include <signal.h>
#include <sys/wait.h>

#include <stdexcept>

#include "midair/net/http_client.h"
#include "result_asserts.h"

namespace midair::host {

FakeFly::FakeFly(std::vector<std::string> args) {
  args.insert(args.end(), {"--pace", "0.04"});
  Poco::Pipe out;
  pid_ = Poco::Process::launch(MIDAIR_FAKE_FLY, args, nullptr, &out, nullptr).id();
  Poco::PipeInputStream stream(out);
  std::string line;
  std::getline(stream, line);
  url_ = line.substr(line.rfind(' ') + 1);
  if (!url_.starts_with("http://")) throw std::runtime_error("the fake did not start: " + line);
}

FakeFly::~FakeFly() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

JsonText FakeFly::control(const std::string& verb, const std::string& body) const {
  const auto http = value_of(HttpClient::open(url_, ""));
  const CallTimer timer({.deadline = std::chrono::seconds(30)});
  const auto answer = value_of(http->send({"POST", "/_fake/" + verb, {}, body}, 64 << 20, timer));
  return value_of(JsonText::parse(answer.body, verb, 64 << 20));
}

void FakeFly::fail_next(const std::string& fault) const { static_cast<void>(control("faults", fault)); }

std::vector<JsonText> FakeFly::requests() const { return control("requests", "").elements(); }

int FakeFly::count(const std::string& method, const std::string& part) const {
  int count = 0;
  for (const auto& request : requests())
    if (request.at("method").string() == method && request.at("path").string().find(part) != std::string::npos) ++count;
  return count;
}

}  // namespace midair::host
