#include "hooks/hook_worker.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <new>

#include "hooks/hook_message.h"
#include "hooks/lua_api.h"
#include "hooks/lua_json.h"
#include "hooks/lua_sandbox.h"
#include "midair/durable_file.h"
#include "midair/json/json.h"
#include "midair/json/json_text.h"

namespace midair::sidecar {

namespace {

constexpr int kChannel = 3;
/// State that goes through a script may have this many bytes; with its tables it must fit into the sandbox.
constexpr std::uint64_t kMaxState = 16 * 1024 * 1024;
constexpr unsigned kMaxLogLines = 100;
/// All that the process writes to but its stack: the sandbox, and what is made of its values outside of it (JSON, the
/// state, the answer).
constexpr rlim_t kMaxProcessMemory = 128UL * 1024 * 1024;
static_assert(kMaxProcessMemory > LuaSandbox::kMaxMemory);

/// What the sandbox should not let through is stopped here: memory, processor time, files, core dumps.
void give_up_privileges() {
  const auto limit = [](int resource, rlim_t value) {
    const rlimit both{value, value};
    ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both);
  };
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, 10);
  limit(RLIMIT_FSIZE, kMaxState);
  limit(RLIMIT_NOFILE, 16);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which reserve terabytes
  limit(RLIMIT_DATA, kMaxProcessMemory);
#endif
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

std::string read_call() {
  std::string text;
  std::array<char, 16384> chunk{};
  for (;;) {
    const ssize_t n = ::read(kChannel, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || text.size() > kMaxHookAnswer) return text;
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

void answer(const HookLine& line) {
  const std::string text = format_hook_line(line);
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t n = ::send(kChannel, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // nobody listens any more
    sent += static_cast<std::size_t>(n);
  }
}

/// A table where the bytes are a JSON object, else the bytes. An error where a table could not hold the object as it
/// is: a script that expects one must not get a string.
Result<Poco::Dynamic::Var> state_value(const std::string& bytes) {
  const auto json = parse_json_object(bytes, "the state", kMaxState);
  if (json.ok()) return Poco::Dynamic::Var(*json);
  const auto text = JsonText::parse(bytes, "the state", kMaxState);
  if (text.ok() && text->is_object()) return json.error();
  return Poco::Dynamic::Var(bytes);
}

/// Into the file as it is: its owner and mode are right already.
Result<void> write_state(const std::string& path, const Poco::Dynamic::Var& state) {
  std::string bytes;
  if (state.type() == typeid(Poco::JSON::Object::Ptr))
    bytes = to_canonical_json(*state.extract<Poco::JSON::Object::Ptr>());
  else if (state.isString())
    bytes = state.convert<std::string>();
  else
    return Error{Errc::refused, "take the state from", "migrate", "it returned neither a table nor a string"};
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
  if (!file) return system_error(errno, "write the state to", path);
  return {};
}

Result<HookLine> run(const std::string& text) {
  MIDAIR_TRY_ASSIGN(HookCall call, parse_hook_call(text));
  MIDAIR_TRY_ASSIGN(const std::string script, read_file(call.script, kMaxHookScript));
  if (!call.state_in.empty()) {
    MIDAIR_TRY_ASSIGN(const std::string state, read_file(call.state_in, kMaxState));
    MIDAIR_TRY_ASSIGN(auto value, state_value(state));
    call.arguments.insert(call.arguments.begin(), std::move(value));
  }
  unsigned logged = 0;
  const LuaApi api{[&logged](const std::string& line) {
                     if (++logged <= kMaxLogLines) answer({.log = line});
                   },
                   call.machine};
  MIDAIR_TRY_ASSIGN(const auto sandbox, LuaSandbox::create());
  register_lua_api(sandbox->state(), api);
  MIDAIR_TRY(sandbox->load(script, std::filesystem::path(call.script).filename().string()));
  if (call.only_look) return HookLine{.missing = !sandbox->defines(call.function)};
  MIDAIR_TRY_ASSIGN(auto returned, sandbox->call(call.function, call.arguments));
  if (!returned) return HookLine{.missing = true};
  if (!call.state_out.empty()) {
    MIDAIR_TRY(write_state(call.state_out, returned->empty() ? Poco::Dynamic::Var() : returned->front()));
    if (!returned->empty()) returned->erase(returned->begin());
  }
  return HookLine{.returned = std::move(*returned)};
}

}  // namespace

int run_hook_worker() {
  give_up_privileges();
  Result<HookLine> done = HookLine{};
  try {
    done = run(read_call());
  } catch (const std::bad_alloc&) {  // what it had is free again
    done = Error{Errc::no_space, "run", "the hook", "its process would need more than 128 MiB of memory"};
  }
  answer(done ? *done : HookLine{.failed = done.error().message()});
  return done ? 0 : 1;
}

}  // namespace midair::sidecar
