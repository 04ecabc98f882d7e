#include "json.h"

#include <stdio.h>
#include <string.h>

enum { kMaxDepth = 32 };
static const uint64_t kMaxNumber = (1ULL << 53) - 1;

static const char* skip_space(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

static bool is_digit(const char* at, const char* end) { return at < end && *at >= '0' && *at <= '9'; }

/// The length of the UTF-8 sequence at `at`; 0 if it is none.
static size_t utf8_length(const char* text, const char* end) {
  const unsigned char* const at = (const unsigned char*)text;
  const size_t length = *at < 0x80 ? 1 : *at >= 0xC2 && *at < 0xE0 ? 2 : *at >= 0xE0 && *at < 0xF0 ? 3 : 4;
  if (length == 1) return 1;
  if (*at < 0xC2 || *at > 0xF4 || (size_t)(end - text) < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((at[i] & 0xC0) != 0x80) return 0;
  const bool overlong = (*at == 0xE0 && at[1] < 0xA0) || (*at == 0xF0 && at[1] < 0x90);
  const bool no_character = (*at == 0xED && at[1] >= 0xA0) || (*at == 0xF4 && at[1] >= 0x90);
  return overlong || no_character ? 0 : length;
}

/// Four hexadecimal digits, or -1.
static int32_t hex4(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char digit = at[i];
    const int nibble = digit >= '0' && digit <= '9'   ? digit - '0'
                       : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                       : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                                      : -1;
    if (nibble < 0) return -1;
    value = value * 16 + nibble;
  }
  return value;
}

// --- checking: each of these gives the end of what it names, or NULL ---

static const char* check_string(const char* at, const char* end) {
  if (at == end || *at != '"') return NULL;
  for (++at; at < end && *at != '"';) {
    if ((unsigned char)*at < 0x20) return NULL;
    if (*at != '\\') {
      const size_t length = utf8_length(at, end);
      if (length == 0) return NULL;
      at += length;
      continue;
    }
    if (++at == end || strchr("\"\\/bfnrtu", *at) == NULL || *at == '\0') return NULL;
    if (*at == 'u' && hex4(at + 1, end) < 0) return NULL;
    at += *at == 'u' ? 5 : 1;
  }
  return at < end ? at + 1 : NULL;
}

static const char* check_digits(const char* at, const char* end) {
  if (!is_digit(at, end)) return NULL;
  while (is_digit(at, end)) ++at;
  return at;
}

static const char* check_number(const char* at, const char* end) {
  if (at < end && *at == '-') ++at;
  at = at < end && *at == '0' ? at + 1 : check_digits(at, end);
  if (at != NULL && at < end && *at == '.') at = check_digits(at + 1, end);
  if (at == NULL || at == end || (*at != 'e' && *at != 'E')) return at;
  ++at;
  if (at < end && (*at == '+' || *at == '-')) ++at;
  return check_digits(at, end);
}

static const char* check_word(const char* at, const char* end, const char* word) {
  const size_t length = strlen(word);
  return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 ? at + length : NULL;
}

static const char* check_value(const char* at, const char* end, int depth);

/// What stands between brackets, of an object or an array.
static const char* check_list(const char* at, const char* end, bool object, int depth) {
  const char close = object ? '}' : ']';
  if (depth == 0) return NULL;
  at = skip_space(at + 1, end);
  if (at < end && *at == close) return at + 1;
  for (;;) {
    if (object) {
      at = check_string(at, end);
      if (at == NULL) return NULL;
      at = skip_space(at, end);
      if (at == end || *at != ':') return NULL;
      at = skip_space(at + 1, end);
    }
    at = check_value(at, end, depth - 1);
    if (at == NULL) return NULL;
    at = skip_space(at, end);
    if (at == end || (*at != ',' && *at != close)) return NULL;
    if (*at == close) return at + 1;
    at = skip_space(at + 1, end);
  }
}

static const char* check_value(const char* at, const char* end, int depth) {
  if (at == end) return NULL;
  switch (*at) {
    case '{': return check_list(at, end, true, depth);
    case '[': return check_list(at, end, false, depth);
    case '"': return check_string(at, end);
    case 't': return check_word(at, end, "true");
    case 'f': return check_word(at, end, "false");
    case 'n': return check_word(at, end, "null");
    default: return check_number(at, end);
  }
}

bool midair_json_parse(const char* text, size_t size, struct midair_json* value) {
  const char* const end = text + size;
  const char* const at = skip_space(text, end);
  const char* const after = check_value(at, end, kMaxDepth);
  if (after == NULL || skip_space(after, end) != end) return false;
  *value = (struct midair_json){at, after};
  return true;
}

// --- reading what was checked ---

/// The value at `at`, and what follows it.
static struct midair_json take_value(const char* at, const char* end) {
  return (struct midair_json){at, check_value(at, end, kMaxDepth)};
}

/// Past a comma, or to the closing bracket.
static const char* next_item(const char* at, const char* end) {
  at = skip_space(at, end);
  return *at == ',' ? skip_space(at + 1, end) : at;
}

bool midair_json_member(struct midair_json object, const char* name, struct midair_json* value) {
  if (*object.at != '{') return false;
  const char* at = skip_space(object.at + 1, object.end);
  while (*at != '}') {
    const struct midair_json key = take_value(at, object.end);
    at = skip_space(key.end, object.end) + 1;  // the colon
    const struct midair_json member = take_value(skip_space(at, object.end), object.end);
    char text[64];
    if (midair_json_text(key, text, sizeof text) && strcmp(text, name) == 0) {
      *value = member;
      return true;
    }
    at = next_item(member.end, object.end);
  }
  return false;
}

bool midair_json_next(struct midair_json* rest, struct midair_json* element) {
  const bool first = *rest->at == '[';
  if (!first && *rest->at != ',') return false;
  const char* const at = skip_space(rest->at + 1, rest->end);
  if (first && *at == ']') return false;
  *element = take_value(at, rest->end);
  rest->at = skip_space(element->end, rest->end);
  return true;
}

/// Writes `code` as UTF-8; 0 if there is no room.
static size_t put_utf8(uint32_t code, char* to, size_t room) {
  const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
  if (room < length) return 0;
  for (size_t i = length; i-- > 1; code >>= 6) to[i] = (char)(0x80 | (code & 0x3F));
  to[0] = (char)(marks[length] | code);
  return length;
}

/// The character of the escape `\u` whose digits begin at *at, which is moved to its last digit; 0 if there is none.
static uint32_t take_unicode(const char** at, const char* end) {
  const uint32_t code = (uint32_t)hex4(*at, end);
  *at += 3;
  if (code < 0xD800 || code > 0xDFFF) return code;
  const bool pair = code < 0xDC00 && end - *at > 6 && (*at)[1] == '\\' && (*at)[2] == 'u';
  const int32_t low = pair ? hex4(*at + 3, end) : -1;
  if (low < 0xDC00 || low > 0xDFFF) return 0;
  *at += 6;
  return 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
}

bool midair_json_text(struct midair_json value, char* text, size_t size) {
  static const char escapes[] = "\"\\/bfnrt";
  static const char characters[] = "\"\\/\b\f\n\r\t";
  if (*value.at != '"') return false;
  size_t length = 0;
  for (const char* at = value.at + 1; *at != '"'; ++at) {
    uint32_t code = (unsigned char)*at;
    size_t added = 1;
    if (*at == '\\' && *++at == 'u') {
      ++at;
      code = take_unicode(&at, value.end);
      if (code == 0) return false;
      added = length < size ? put_utf8(code, text + length, size - length) : 0;
    } else if (length < size) {
      text[length] = code == '\\' ? characters[strchr(escapes, *at) - escapes] : *at;
    }
    if (added == 0 || length + added >= size) return false;
    length += added;
  }
  text[length] = '\0';
  return true;
}

bool midair_json_number(struct midair_json value, uint64_t* number) {
  *number = 0;
  for (const char* at = value.at; at < value.end; ++at) {
    if (!is_digit(at, value.end)) return false;
    *number = *number * 10 + (uint64_t)(*at - '0');
    if (*number > kMaxNumber) return false;
  }
  return true;
}

bool midair_json_boolean(struct midair_json value, bool* boolean) {
  *boolean = *value.at == 't';
  return *value.at == 't' || *value.at == 'f';
}

// --- writing ---

static void put_bytes(struct midair_line* line, const char* bytes, size_t size) {
  if (size > sizeof line->text - line->length) {
    line->full = true;
    return;
  }
  memcpy(line->text + line->length, bytes, size);
  line->length += size;
}

void midair_put(struct midair_line* line, const char* text) { put_bytes(line, text, strlen(text)); }

void midair_put_text(struct midair_line* line, const char* text) {
  const char* const end = text + strlen(text);
  midair_put(line, "\"");
  while (text < end) {
    const size_t length = utf8_length(text, end);
    char escape[8];
    if (length == 0) {
      midair_put(line, "?");
    } else if (*text == '"' || *text == '\\' || (unsigned char)*text < 0x20) {
      snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)*text);
      midair_put(line, escape);
    } else {
      put_bytes(line, text, length);
    }
    text += length > 0 ? length : 1;
  }
  midair_put(line, "\"");
}

void midair_put_number(struct midair_line* line, uint64_t number) {
  char digits[24];
  snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
  midair_put(line, digits);
}
