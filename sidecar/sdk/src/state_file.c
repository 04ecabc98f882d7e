#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "migration.h"
#include "modules.h"
#include "text.h"

static const char kMagic[9] = "MIDAIR 1\n";
enum { kAlignment = 8, kBufferSize = 1 << 20 };

// --- writing ---

struct writer {
  FILE* file;
  void* memory;  // for one unit
  size_t capacity;
  struct midair_bytes unit;
  uint64_t written;
};

static void* make_room(struct midair_bytes* self, size_t size) {
  struct writer* const writer = (struct writer*)((char*)self - offsetof(struct writer, unit));
  if (size > writer->capacity) {
    void* const memory = realloc(writer->memory, size);
    if (memory == NULL) return NULL;
    writer->memory = memory;
    writer->capacity = size;
  }
  self->data = writer->memory;
  self->size = size;
  return writer->memory;
}

static void put(struct writer* writer, const void* data, size_t size) {
  if (size > 0) fwrite(data, size, 1, writer->file);  // what goes wrong is found by ferror()
  writer->written += size;
}

static void put_number(struct writer* writer, uint64_t number) { put(writer, &number, sizeof number); }

static void put_block(struct writer* writer, const void* data, size_t size) {
  static const char zeroes[kAlignment];
  put_number(writer, size);
  put(writer, data, size);
  put(writer, zeroes, -size % kAlignment);
}

static int write_module(struct writer* writer, const struct midair_running* module, struct midair_error* error) {
  const struct midair_module* const table = module->now.code.table;
  const struct midair_source from = midair_source_of(table, module->now.state);
  put_block(writer, module->name, strlen(module->name));
  put_block(writer, table->schema, strlen(table->schema));
  put_number(writer, from.units);
  for (size_t unit = 0; unit < from.units; ++unit) {
    struct midair_error why = {""};
    writer->unit = (struct midair_bytes){.room = make_room};
    if (from.read(&from, unit, &writer->unit, &why) != 0)
      return midair_fail(error, MIDAIR_FAILED, "%s: unit %zu of %zu: %.160s", module->name, unit, from.units, why.text);
    put_block(writer, writer->unit.data, writer->unit.size);
  }
  return MIDAIR_OK;
}

enum midair_status midair_write_state(const char* path, uint64_t* bytes, struct midair_error* error) {
  const int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return midair_fail(error, MIDAIR_FAILED, "%.160s: %s", path, strerror(errno));
  struct writer writer = {.file = fdopen(fd, "w")};
  if (writer.file == NULL) {
    close(fd);
    return midair_fail(error, MIDAIR_FAILED, "no memory");
  }
  setvbuf(writer.file, NULL, _IOFBF, kBufferSize);
  put(&writer, kMagic, sizeof kMagic);
  put(&writer, "\0\0\0\0\0\0", -sizeof kMagic % kAlignment);
  enum midair_status status = MIDAIR_OK;
  for (const struct midair_running* module = midair_modules; module != NULL && status == MIDAIR_OK;
       module = module->following)
    if (module->now.code.table->schema != NULL) status = write_module(&writer, module, error);
  put_number(&writer, 0);
  free(writer.memory);
  const bool failed = ferror(writer.file) != 0;
  if ((fclose(writer.file) != 0 || failed) && status == MIDAIR_OK)
    status = midair_fail(error, MIDAIR_FAILED, "%.160s cannot be written: %s", path, strerror(errno));
  *bytes = writer.written;
  return status;
}

// --- reading ---

struct reader {
  const char* at;
  const char* end;
};

static bool take_number(struct reader* reader, uint64_t* number) {
  if ((size_t)(reader->end - reader->at) < sizeof *number) return false;
  memcpy(number, reader->at, sizeof *number);
  reader->at += sizeof *number;
  return true;
}

static bool take_block(struct reader* reader, const char** data, size_t* size) {
  uint64_t length = 0;
  if (!take_number(reader, &length)) return false;
  const uint64_t left = (uint64_t)(reader->end - reader->at);
  if (length > left || left - length < -length % kAlignment) return false;
  *data = reader->at;
  *size = (size_t)length;
  reader->at += length + -length % kAlignment;
  return true;
}

static bool take_name(struct reader* reader, char name[65]) {
  const char* data = NULL;
  size_t size = 0;
  if (!take_block(reader, &data, &size) || size > 64) return false;
  memcpy(name, data, size);
  name[size] = '\0';
  return true;
}

/// Gives one block after the other. The units are asked for in order, as they are not `parallel`.
static int read_block(const struct midair_source* self, size_t unit, struct midair_bytes* out,
                      struct midair_error* error) {
  (void)unit;
  const char* data = NULL;
  struct reader* const reader = self->state;
  if (!take_block(reader, &data, &out->size)) {
    reader->at = reader->end;  // nothing after it is a unit
    return midair_fail(error, 1, "the state file is cut short");
  }
  out->data = data;
  return 0;
}

static bool never(void* context) {
  (void)context;
  return false;
}

/// Fresh instances, one for each module, in their order; NULL where the file has no state for it.
struct instances {
  void* state[64];
  bool made[64];
};

static enum midair_status read_module(struct reader* reader, const char* name, struct instances* instances,
                                      struct midair_error* error) {
  static const struct midair_interrupt uninterrupted = {never, NULL};
  char schema[65];
  uint64_t units = 0;
  if (!take_name(reader, schema) || !take_number(reader, &units) ||
      units > (uint64_t)(reader->end - reader->at) / sizeof units)
    return midair_fail(error, MIDAIR_FAILED, "the state file is damaged");
  size_t index = 0;
  const struct midair_running* module = midair_modules;
  while (module != NULL && strcmp(module->name, name) != 0) {
    module = module->following;
    ++index;
  }
  if (module == NULL || index >= 64 || instances->made[index] || !midair_imports(module->now.code.table, schema))
    return midair_fail(error, MIDAIR_FAILED, "nothing here reads the state '%s' of the module '%s'", schema, name);
  const struct midair_module* const table = module->now.code.table;
  if (table->start(&instances->state[index], error) != 0) return MIDAIR_FAILED;
  instances->made[index] = true;
  struct midair_units figures = {0, 0};
  const struct midair_source from = {.units = units, .schema = schema, .read = read_block, .state = reader};
  return midair_migrate(&from, table, instances->state[index], 1, &uninterrupted, &figures, error);
}

static enum midair_status read_modules(struct reader* reader, struct instances* instances, struct midair_error* error) {
  const size_t start = sizeof kMagic + -sizeof kMagic % kAlignment;
  if ((size_t)(reader->end - reader->at) < start || memcmp(reader->at, kMagic, sizeof kMagic) != 0)
    return midair_fail(error, MIDAIR_FAILED, "it is no state file of this SDK");
  reader->at += start;
  for (;;) {
    char name[65];
    if (!take_name(reader, name)) return midair_fail(error, MIDAIR_FAILED, "the state file is cut short");
    if (name[0] == '\0') break;
    const enum midair_status status = read_module(reader, name, instances, error);
    if (status != MIDAIR_OK) return status;
  }
  return reader->at == reader->end ? MIDAIR_OK : midair_fail(error, MIDAIR_FAILED, "the state file is too long");
}

enum midair_status midair_read_state(const char* path, struct midair_error* error) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return midair_fail(error, MIDAIR_FAILED, "%.160s: %s", path, strerror(errno));
  struct stat status;
  void* content = MAP_FAILED;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
    content = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (content == MAP_FAILED) return midair_fail(error, MIDAIR_FAILED, "%.160s cannot be read", path);
  struct reader reader = {content, (const char*)content + status.st_size};
  struct instances instances = {0};
  const enum midair_status result = read_modules(&reader, &instances, error);
  size_t index = 0;
  for (struct midair_running* module = midair_modules; module != NULL; module = module->following, ++index) {
    if (index >= 64 || !instances.made[index]) continue;
    if (result == MIDAIR_OK)
      midair_replace_state(module, instances.state[index]);
    else
      module->now.code.table->stop(instances.state[index]);
  }
  munmap(content, (size_t)status.st_size);
  return result;
}
