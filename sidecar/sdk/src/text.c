#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int midair_fail(struct midair_error* error, int status, const char* format, ...) {
  if (error == NULL) return status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  return status;
}

bool midair_is_name(const char* text, bool slash) {
  static const char allowed[] = "/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (text == NULL) return false;
  const size_t length = strnlen(text, 65);
  return length >= 1 && length <= 64 && strspn(text, slash ? allowed : allowed + 1) == length;
}
