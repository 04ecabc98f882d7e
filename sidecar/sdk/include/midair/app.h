/// @file
/// What an app calls that is upgraded without being restarted. C11, nothing but the C library.
///
///     midair_app_start(&options, &error);                         // loads modules/*.so, meets the sidecar
///     const struct midair_call* add = midair_bind("counter", "add");
///     midair_app_wait_for_turn(UINT32_MAX, &error);               // at once, unless it succeeds another
///     ...
///     if (midair_enter()) {                                       // in any thread, as often as one likes
///       total = ((add_function*)add->function)(add->state, 5);
///       midair_leave();
///     }
///
/// Without a sidecar (no MIDAIR_SOCKET in the environment) all of it works as in any other program.
#pragma once

#include "midair/gate.h"
#include "midair/module.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/// A call of a module: always the code and the state that serve. Read it only inside of the gate. It lives for ever.
struct midair_call {
  void (*function)(void);  ///< to be cast to what the module documents; its first argument is `state`
  void* state;
};

/// The call `call_name` of the module `module_name`, to be kept for as long as one likes. From then on every newer
/// version of the module must offer it. NULL: there is no such module or call (or it comes or goes with the swap in
/// flight). Any thread, at any time after midair_app_start().
const struct midair_call* midair_bind(const char* module_name, const char* call_name);

/// How this app takes part. All zero is fine.
struct midair_app_options {
  /// Where the first modules are: all NAME.so in it are loaded. NULL: `modules` in $MIDAIR_RELEASE_DIR, else in the
  /// working directory. That there is no such directory is an error, that it is empty is not.
  const char* modules_dir;
  /// Name of the whole state and, ended by NULL, of those that can be imported: for an app of several modules that
  /// hands its state over to another process. An app with one module that has state may leave it to that.
  const char* schema;
  const char* const* imports;
  /// Optional: whether the app is well, asked by the sidecar, in the protocol's thread. 0: it is.
  int (*health)(void* context, struct midair_error* error);
  /// Optional: a line for the log, from any thread. NULL: standard error.
  void (*log)(void* context, const char* line);
  void* context;  ///< for health and log
};

/// Loads the modules and starts them; with MIDAIR_SOCKET in the environment also meets the sidecar (5 s at most) and
/// starts the one thread that does all swapping. Once in a process, before other threads use the SDK. `options` may be
/// NULL and may go afterwards, what it points at must stay. MIDAIR_FAILED: `error` says which module, and why. That the
/// sidecar doesn't answer is no error: then there are no swaps.
enum midair_status midair_app_start(const struct midair_app_options* options, struct midair_error* error);

/// Waits until this process may serve: at once without a sidecar or where no other process serves; else when the state
/// was imported and it is this one's turn. To be called before the first accept(). MIDAIR_BUSY: not within `timeout_ms`
/// (UINT32_MAX: no limit). MIDAIR_FAILED: it will never be (the sidecar is gone, or
/// midair_app_stop() was called): exit. MIDAIR_OK also means that the
/// modules' resume() has been called.
enum midair_status midair_app_wait_for_turn(uint32_t timeout_ms, struct midair_error* error);

/// Ends swapping, for good: to be called on SIGTERM, before what is under way is finished. A swap in flight is undone.
/// If the successor has the state already, callers at the gate are refused from now on (midair_enter() is false), so
/// that no answer is given that it doesn't know of: close their connections. Not from inside of a gated call.
void midair_app_stop(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
