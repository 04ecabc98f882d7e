/// @file
/// The app's end of the upgrade protocol's connection: lines in, lines out.
#pragma once

#include "json.h"
#include "midair/gate.h"
#include "midair/module.h"

struct midair_channel {
  int fd;
  size_t length;  ///< of what was received and not yet taken
  size_t taken;   ///< length of the line that was given out last
  char buffer[65536];
};

/// Connects to the Unix stream socket `path`.
enum midair_status midair_channel_connect(struct midair_channel* channel, const char* path, struct midair_error* error);
void midair_channel_close(struct midair_channel* channel);

/// Takes what has arrived, without waiting. False: the connection has ended.
bool midair_channel_receive(struct midair_channel* channel);

/// The next complete line, valid until the next call of anything here. False: there is none yet, or, with `broken`,
/// there will be none: what arrives is no message.
bool midair_channel_next(struct midair_channel* channel, struct midair_json* message, bool* broken);

/// Ends `line` and sends it, within `deadline_ms`. False: the connection is of no use any more.
bool midair_channel_send(struct midair_channel* channel, struct midair_line* line, uint32_t deadline_ms);

/// Waits until another line is there, something can be received, something is in `stop_fd` (-1: none), or `end_ns`
/// (midair_now_ns()) comes. False: only the time has passed.
bool midair_channel_wait(const struct midair_channel* channel, int stop_fd, uint64_t end_ns);
