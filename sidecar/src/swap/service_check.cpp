#include "swap/service_check.h"

#include "midair/log.h"
#include "process/why_unserved.h"

namespace midair::sidecar {

namespace {

/// For an answer: more than the time that one probe takes to be given up, so that its reason is told.
constexpr std::chrono::milliseconds kAnswerLimit{3000};

}  // namespace

void ServiceCheck::begin() {
  generation_ = serving_.generation();
  wait();
}

void ServiceCheck::wait() {
  next_ = loop_.after(interval_, [this] { ask(); });
}

const Generation* ServiceCheck::watched() const {
  const Generation* generation = supervisor_.find(generation_);
  const bool serves = generation != nullptr && !generation->asked_to_end && generation_ == serving_.generation();
  return serves ? generation : nullptr;
}

void ServiceCheck::ask() {
  if (watched() == nullptr) return problem_.clear();
  question_.emplace(loop_, supervisor_, generation_, check_, false, kAnswerLimit,
                    [this](const Result<std::string>& ready) {
                      question_.reset();
                      judge(ready);
                    });
}

void ServiceCheck::judge(const Result<std::string>& ready) {
  if (ready) {
    if (!problem_.empty()) log(LogLevel::notice, "app.serves", {{"generation", std::to_string(generation_)}});
    problem_.clear();
    return;
  }
  wait();
  const Generation* generation = watched();
  if (generation == nullptr || !problem_.empty()) return;  // it no longer serves, or it was said
  const std::string cause =
      why_unserved(service_facts(generation->child, supervisor_.sockets().sockets_of(generation_)));
  problem_ = ready.error().message() + (cause.empty() ? "" : "; probably " + cause);
  log(LogLevel::warning, "app.not_ready",
      {{"generation", std::to_string(generation_)}, {"error", ready.error().to_string()}, {"probably", cause}});
}

}  // namespace midair::sidecar
