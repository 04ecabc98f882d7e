/// @file
/// A small strict reader of JSON (RFC 8259) that allocates nothing, and a writer into a line of limited length. Values
/// are read in place; a text is checked as a whole first, so that what was checked is all that the other functions see.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A value inside of a text that midair_json_parse() took.
struct midair_json {
  const char* at;
  const char* end;
};

/// True if the whole of `text` is one JSON value in valid UTF-8, not nested deeper than 32.
bool midair_json_parse(const char* text, size_t size, struct midair_json* value);

/// The member `name` of an object; of several the first. False: there is none, or it is no object.
bool midair_json_member(struct midair_json object, const char* name, struct midair_json* value);

/// One element of an array after the other: `rest` starts as the array. False: there is no other, or it is no array.
bool midair_json_next(struct midair_json* rest, struct midair_json* element);

/// A string, decoded, with NUL. False: it is none, doesn't fit, or has a NUL or half a surrogate pair in it.
bool midair_json_text(struct midair_json value, char* text, size_t size);

/// An integer from 0 to 2^53 - 1. False: it is none.
bool midair_json_number(struct midair_json value, uint64_t* number);

/// true or false. False: it is neither.
bool midair_json_boolean(struct midair_json value, bool* boolean);

/// A line that is written. What doesn't fit is left out, and `full` says so.
struct midair_line {
  size_t length;
  bool full;
  char text[65536];
};

/// Appends `text` as it is, or as a JSON string (bytes that are not UTF-8 become '?'), or a number.
void midair_put(struct midair_line* line, const char* text);
void midair_put_text(struct midair_line* line, const char* text);
void midair_put_number(struct midair_line* line, uint64_t number);
