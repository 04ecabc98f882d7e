/* An app for images that hold nothing: serves on PORT what its release is called and what its environment has. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t asked_to_end;

static void end(int signo) {
  (void)signo;
  asked_to_end = 1;
}

static int listen_at(int port) {
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (const struct sockaddr*)&any, sizeof any) != 0 || listen(fd, 64) != 0) {
    perror("server: cannot listen");
    exit(EXIT_FAILURE);
  }
  return fd;
}

static const char* variable(const char* name) {
  const char* value = getenv(name);
  return value == NULL ? "" : value;
}

static void answer(int client) {
  char request[4096];
  char body[2048];
  char head[256];
  if (read(client, request, sizeof request) <= 0) return;
  char version[64] = "";
  FILE* file = fopen("VERSION", "r");
  if (file != NULL) {
    if (fgets(version, sizeof version, file) == NULL) version[0] = '\0';
    fclose(file);
  }
  version[strcspn(version, "\n")] = '\0';
  const int length =
      snprintf(body, sizeof body, "{\"version\":\"%s\",\"LD_PRELOAD\":\"%s\",\"LD_LIBRARY_PATH\":\"%s\"}", version,
               variable("LD_PRELOAD"), variable("LD_LIBRARY_PATH"));
  const int head_length =
      snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", length);
  if (write(client, head, (size_t)head_length) > 0 && write(client, body, (size_t)length) > 0)
    shutdown(client, SHUT_WR);
}

int main(void) {
  const struct sigaction action = {.sa_handler = end}; /* interrupts accept() */
  sigaction(SIGTERM, &action, NULL);
  const int listener = listen_at(atoi(variable("PORT")));
  while (!asked_to_end) {
    const int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    answer(client);
    close(client);
  }
  return EXIT_SUCCESS;
}
