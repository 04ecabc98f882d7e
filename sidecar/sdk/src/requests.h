/// @file
/// What the sidecar may ask, and what is answered. See "The upgrade protocol, version 1" in sidecar/README.md.
#pragma once

#include "channel.h"
#include "midair/app.h"

/// Whose requests these are. It belongs to the protocol's thread.
struct midair_session {
  const struct midair_app_options* options;
  struct midair_channel channel;
  int stop_fd;  ///< readable once all shall end
};

/// The line that greets the sidecar.
void midair_write_hello(const struct midair_session* session, struct midair_line* line);

/// Does what `message` asks and writes the answer. False: it is no request, so that the connection must end.
bool midair_serve_request(struct midair_session* session, struct midair_json message, struct midair_line* answer);

/// The name of the app's whole state, NULL if it has none that can be carried.
const char* midair_app_schema(const struct midair_app_options* options);

/// One line for the app's log.
__attribute__((format(printf, 2, 3))) void midair_log(const struct midair_app_options* options, const char* format,
                                                      ...);
