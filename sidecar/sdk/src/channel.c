#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gate_internal.h"
#include "text.h"

enum midair_status midair_channel_connect(struct midair_channel* channel, const char* path,
                                          struct midair_error* error) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  *channel = (struct midair_channel){.fd = -1};
  if (strlen(path) >= sizeof address.sun_path)
    return midair_fail(error, MIDAIR_FAILED, "the path in MIDAIR_SOCKET is too long");
  strcpy(address.sun_path, path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (const struct sockaddr*)&address, sizeof address) == 0) {
    channel->fd = fd;
    return MIDAIR_OK;
  }
  const int failure = errno;
  if (fd >= 0) close(fd);
  return midair_fail(error, MIDAIR_FAILED, "%.160s: %s", path, strerror(failure));
}

void midair_channel_close(struct midair_channel* channel) {
  if (channel->fd >= 0) close(channel->fd);
  channel->fd = -1;
}

/// Forgets the line that was given out.
static void drop_taken(struct midair_channel* channel) {
  channel->length -= channel->taken;
  memmove(channel->buffer, channel->buffer + channel->taken, channel->length);
  channel->taken = 0;
}

bool midair_channel_receive(struct midair_channel* channel) {
  drop_taken(channel);
  if (channel->length == sizeof channel->buffer) return true;  // what is there comes first
  const ssize_t got =
      recv(channel->fd, channel->buffer + channel->length, sizeof channel->buffer - channel->length, MSG_DONTWAIT);
  if (got > 0) channel->length += (size_t)got;
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

bool midair_channel_next(struct midair_channel* channel, struct midair_json* message, bool* broken) {
  drop_taken(channel);
  *broken = false;
  const char* const end = memchr(channel->buffer, '\n', channel->length);
  if (end == NULL) {
    *broken = channel->length == sizeof channel->buffer;
    return false;
  }
  channel->taken = (size_t)(end - channel->buffer) + 1;
  *broken = !midair_json_parse(channel->buffer, channel->taken - 1, message) || *message->at != '{';
  return !*broken;
}

bool midair_channel_send(struct midair_channel* channel, struct midair_line* line, uint32_t deadline_ms) {
  midair_put(line, "\n");
  if (line->full) return false;
  const uint64_t end_ns = midair_now_ns() + (uint64_t)deadline_ms * 1000000U;
  size_t sent = 0;
  while (sent < line->length) {
    const ssize_t now = send(channel->fd, line->text + sent, line->length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (now > 0) sent += (size_t)now;
    if (now > 0 || errno == EINTR) continue;
    struct pollfd writable = {.fd = channel->fd, .events = POLLOUT};
    if (errno != EAGAIN || midair_now_ns() >= end_ns) return false;
    poll(&writable, 1, 100);
  }
  return true;
}

bool midair_channel_wait(const struct midair_channel* channel, int stop_fd, uint64_t end_ns) {
  const size_t untaken = channel->length - channel->taken;
  if (memchr(channel->buffer + channel->taken, '\n', untaken) != NULL) return true;
  struct pollfd events[] = {{.fd = channel->fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
  const uint64_t now = midair_now_ns();
  const uint64_t left_ms = now < end_ns ? (end_ns - now + 999999U) / 1000000U : 0;
  return poll(events, 2, left_ms > 3600000 ? 3600000 : (int)left_ms) > 0;
}
