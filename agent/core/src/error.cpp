#include "midair/error.h"

#include <cerrno>
#include <cstring>
#include <iterator>

namespace midair {

const char* to_string(Errc code) noexcept {
  switch (code) {
    case Errc::bad_input: return "bad_input";
    case Errc::not_found: return "not_found";
    case Errc::precondition: return "precondition";
    case Errc::timeout: return "timeout";
    case Errc::throttled: return "throttled";
    case Errc::unavailable: return "unavailable";
    case Errc::denied: return "denied";
    case Errc::corrupt: return "corrupt";
    case Errc::refused: return "refused";
    case Errc::no_space: return "no_space";
    case Errc::io: return "io";
    case Errc::cancelled: return "cancelled";
    case Errc::bug: return "bug";
  }
  return "bug";
}

bool Error::retryable() const noexcept {
  return code == Errc::timeout || code == Errc::throttled || code == Errc::unavailable;
}

std::string Error::message() const {
  std::string text = "cannot " + op;
  if (!subject.empty()) text += " " + subject;
  if (!cause.empty()) text += ": " + cause;
  if (!request_id.empty()) text += " (request id " + request_id + ")";
  return text;
}

std::string Error::to_string() const { return hint.empty() ? message() : message() + ". Try: " + hint; }

namespace {

Errc errc_of(int err) {
  switch (err) {
    case ENOENT: return Errc::not_found;
    case EACCES:
    case EPERM: return Errc::denied;
    case ENOSPC:
    case EDQUOT: return Errc::no_space;
    case ETIMEDOUT: return Errc::timeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH: return Errc::unavailable;
    default: return Errc::io;
  }
}

}  // namespace

Error system_error(int err, std::string op, std::string subject) {
  Error error{errc_of(err), std::move(op), std::move(subject), std::strerror(err)};
  error.sys = err;
  if (err == EFBIG) error.hint = "raise the limit on the size of files (ulimit -f)";
  if (error.code == Errc::no_space) error.hint = "free some space on that disk";
  return error;
}

Error first_with_others(std::vector<Error> errors) {
  std::vector<Error> all;
  for (Error& error : errors) {
    std::vector<Error> others = std::move(error.others);
    error.others.clear();
    all.push_back(std::move(error));
    all.insert(all.end(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
  }
  Error first = std::move(all.front());
  all.erase(all.begin());
  first.others = std::move(all);
  return first;
}

}  // namespace midair
