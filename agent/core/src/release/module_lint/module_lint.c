#include "module_lint.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
static const ElfW(Half) kMachine = EM_X86_64;
#elif defined(__aarch64__)
static const ElfW(Half) kMachine = EM_AARCH64;
#else
#error "tell the lint the ELF machine of this platform"
#endif

enum { kMaxSegments = 64, kMaxDynamic = 4096, kMaxSymbols = 1 << 22 };
static const off_t kMaxFile = (off_t)1 << 30;

struct span {
  const uint8_t* data;  // NULL: there is none
  size_t size;
};

struct image {
  struct span file;
  ElfW(Phdr) segments[kMaxSegments];
  size_t segment_count;
  struct midair_lint* result;
};

/// What the dynamic section says.
struct dynamic {
  ElfW(Addr) symbols, strings, hash, gnu_hash;
  size_t strings_size;
  bool textrel, rpath, pie;
  size_t needed[256];  // offsets of names
  size_t needed_count;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct midair_lint* result, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(result->problem, sizeof result->problem, format, arguments);
  va_end(arguments);
  for (char* at = result->problem; *at != '\0'; ++at)
    if (*at < ' ' || *at > '~') *at = '?';  // names in the file may hold anything
  return false;
}

/// `size` bytes from `offset`, if all of them are there.
static struct span part(struct span whole, uint64_t offset, uint64_t size) {
  if (whole.data == NULL || offset > whole.size || size > whole.size - offset) return (struct span){NULL, 0};
  return (struct span){whole.data + offset, (size_t)size};
}

/// From the address `address` of the loaded image to the end of the file's part that is loaded there.
static struct span at_address(const struct image* image, uint64_t address) {
  for (size_t i = 0; i < image->segment_count; ++i) {
    const ElfW(Phdr)* const segment = &image->segments[i];
    if (segment->p_type != PT_LOAD || address < segment->p_vaddr) continue;
    const uint64_t inside = address - segment->p_vaddr;
    if (inside < segment->p_filesz)
      return part(part(image->file, segment->p_offset, segment->p_filesz), inside, segment->p_filesz - inside);
  }
  return (struct span){NULL, 0};
}

static bool read_u32(struct span span, uint64_t index, uint32_t* value) {
  const struct span word = part(span, index * sizeof *value, sizeof *value);
  if (word.data == NULL) return false;
  memcpy(value, word.data, sizeof *value);
  return true;
}

/// The text at `offset`, or NULL if it doesn't end inside of `strings`.
static const char* text_at(struct span strings, uint64_t offset) {
  if (strings.data == NULL || offset >= strings.size) return NULL;
  const uint8_t* const text = strings.data + offset;
  return memchr(text, '\0', strings.size - offset) != NULL ? (const char*)text : NULL;
}

bool midair_find_build_id(const void* notes, size_t size, size_t alignment, char build_id[MIDAIR_BUILD_ID_SIZE]) {
  const struct span all = {notes, size};
  const uint64_t mask = alignment == 8 ? 7 : 3;
  uint64_t offset = 0;
  while (offset < size) {
    ElfW(Nhdr) note;
    const struct span header = part(all, offset, sizeof note);
    if (header.data == NULL) return false;
    memcpy(&note, header.data, sizeof note);
    const uint64_t name_at = offset + sizeof note;
    const uint64_t content_at = name_at + (((uint64_t)note.n_namesz + mask) & ~mask);
    const struct span name = part(all, name_at, note.n_namesz);
    const struct span content = part(all, content_at, note.n_descsz);
    if (name.data == NULL || content.data == NULL) return false;
    const bool gnu = name.size == sizeof ELF_NOTE_GNU && memcmp(name.data, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0;
    if (gnu && note.n_type == NT_GNU_BUILD_ID && content.size >= 8 && content.size <= 64) {
      for (size_t i = 0; i < content.size; ++i) snprintf(build_id + 2 * i, 3, "%02x", content.data[i]);
      return true;
    }
    offset = content_at + (((uint64_t)note.n_descsz + mask) & ~mask);
  }
  return false;
}

static bool read_header(struct image* image) {
  ElfW(Ehdr) header;
  const struct span start = part(image->file, 0, sizeof header);
  if (start.data == NULL || memcmp(start.data, ELFMAG, SELFMAG) != 0) return wrong(image->result, "it is no ELF file");
  memcpy(&header, start.data, sizeof header);
  const int native_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  if (header.e_ident[EI_CLASS] != native_class || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != kMachine)
    return wrong(image->result, "it is for another kind of machine");
  if (header.e_type != ET_DYN) return wrong(image->result, "it is no shared object");
  if (header.e_phentsize != sizeof *image->segments || header.e_phnum > kMaxSegments)
    return wrong(image->result, "its program headers are damaged");
  const struct span headers = part(image->file, header.e_phoff, (uint64_t)header.e_phnum * header.e_phentsize);
  if (headers.data == NULL) return wrong(image->result, "it is cut short");
  image->segment_count = header.e_phnum;
  memcpy(image->segments, headers.data, headers.size);
  return true;
}

static bool check_segments(struct image* image) {
  bool stack = false;
  bool build_id = false;
  for (size_t i = 0; i < image->segment_count; ++i) {
    const ElfW(Phdr)* const segment = &image->segments[i];
    const struct span content = part(image->file, segment->p_offset, segment->p_filesz);
    if (segment->p_type == PT_LOAD && content.data == NULL) return wrong(image->result, "it is cut short");
    if (segment->p_type == PT_INTERP) return wrong(image->result, "it is a program, no module");
    if (segment->p_type == PT_GNU_STACK && (segment->p_flags & PF_X) == 0) stack = true;
    if (segment->p_type == PT_NOTE && content.data != NULL && !build_id)
      build_id = midair_find_build_id(content.data, content.size, segment->p_align, image->result->build_id);
  }
  if (!stack) return wrong(image->result, "it wants an executable stack; link it with -z noexecstack");
  if (!build_id) return wrong(image->result, "it has no build id; link it with --build-id");
  return true;
}

static bool read_dynamic(const struct image* image, struct dynamic* dynamic) {
  struct span section = {NULL, 0};
  for (size_t i = 0; i < image->segment_count; ++i)
    if (image->segments[i].p_type == PT_DYNAMIC)
      section = part(image->file, image->segments[i].p_offset, image->segments[i].p_filesz);
  if (section.data == NULL) return wrong(image->result, "it has no dynamic section");
  for (size_t i = 0; i < kMaxDynamic; ++i) {
    ElfW(Dyn) entry;
    const struct span bytes = part(section, i * sizeof entry, sizeof entry);
    if (bytes.data == NULL) break;
    memcpy(&entry, bytes.data, sizeof entry);
    switch (entry.d_tag) {
      case DT_NULL: return true;
      case DT_SYMTAB: dynamic->symbols = entry.d_un.d_ptr; break;
      case DT_STRTAB: dynamic->strings = entry.d_un.d_ptr; break;
      case DT_STRSZ: dynamic->strings_size = entry.d_un.d_val; break;
      case DT_HASH: dynamic->hash = entry.d_un.d_ptr; break;
      case DT_GNU_HASH: dynamic->gnu_hash = entry.d_un.d_ptr; break;
      case DT_TEXTREL: dynamic->textrel = true; break;
      case DT_FLAGS: dynamic->textrel |= (entry.d_un.d_val & DF_TEXTREL) != 0; break;
      case DT_FLAGS_1: dynamic->pie |= (entry.d_un.d_val & DF_1_PIE) != 0; break;
      case DT_RPATH:
      case DT_RUNPATH: dynamic->rpath = true; break;
      case DT_NEEDED:
        if (dynamic->needed_count == sizeof dynamic->needed / sizeof *dynamic->needed)
          return wrong(image->result, "it needs more than 256 libraries");
        dynamic->needed[dynamic->needed_count++] = entry.d_un.d_val;
        break;
      default: break;
    }
  }
  return wrong(image->result, "its dynamic section has no end");
}

static bool check_dynamic(const struct image* image, const struct dynamic* dynamic, struct span strings) {
  if (dynamic->pie) return wrong(image->result, "it is a program, no module");
  if (dynamic->textrel) return wrong(image->result, "it has text relocations; compile it with -fPIC");
  if (dynamic->rpath) return wrong(image->result, "it has an RPATH or RUNPATH; link it without");
  for (size_t i = 0; i < dynamic->needed_count; ++i) {
    const char* const needed = text_at(strings, dynamic->needed[i]);
    if (needed == NULL) return wrong(image->result, "its dynamic section is damaged");
    if (strchr(needed, '/') != NULL) return wrong(image->result, "it needs a library by its path: %.150s", needed);
  }
  return true;
}

/// One more than the highest index that the GNU hash table leads to; undefined symbols come before all of them.
static uint64_t count_by_gnu_hash(struct span table) {
  uint32_t buckets = 0;
  uint32_t first = 0;
  uint32_t bloom = 0;
  if (!read_u32(table, 0, &buckets) || !read_u32(table, 1, &first) || !read_u32(table, 2, &bloom)) return 0;
  const uint64_t buckets_at = 4 + (uint64_t)bloom * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
  uint32_t highest = 0;
  for (uint32_t i = 0; i < buckets; ++i) {
    uint32_t symbol = 0;
    if (!read_u32(table, buckets_at + i, &symbol)) return 0;
    if (symbol > highest) highest = symbol;
  }
  if (highest < first) return first;
  const uint64_t chains_at = buckets_at + buckets;
  for (uint32_t link = 0;; ++highest) {
    if (!read_u32(table, chains_at + (highest - first), &link)) return 0;
    if ((link & 1U) != 0) return (uint64_t)highest + 1;
  }
}

static uint64_t count_symbols(const struct image* image, const struct dynamic* dynamic) {
  if (dynamic->gnu_hash != 0) return count_by_gnu_hash(at_address(image, dynamic->gnu_hash));
  uint32_t chains = 0;
  return dynamic->hash != 0 && read_u32(at_address(image, dynamic->hash), 1, &chains) ? chains : 0;
}

/// The dynamic symbols; their number is that of whole ones in it.
static struct span symbol_table(const struct image* image, const struct dynamic* dynamic) {
  const uint64_t count = count_symbols(image, dynamic);
  if (count > kMaxSymbols) return (struct span){NULL, 0};
  return part(at_address(image, dynamic->symbols), 0, count * sizeof(ElfW(Sym)));
}

static ElfW(Sym) symbol_at(struct span symbols, size_t index) {
  ElfW(Sym) symbol;
  memcpy(&symbol, symbols.data + index * sizeof symbol, sizeof symbol);
  return symbol;
}

static bool check_symbols(const struct image* image, const struct dynamic* dynamic, struct span strings) {
  const struct span symbols = symbol_table(image, dynamic);
  if (symbols.data == NULL) return wrong(image->result, "its symbol table is damaged");
  bool table = false;
  for (size_t i = 1; i < symbols.size / sizeof(ElfW(Sym)); ++i) {
    const ElfW(Sym) symbol = symbol_at(symbols, i);
    const char* const name = text_at(strings, symbol.st_name);
    if (name == NULL) return wrong(image->result, "its symbol table is damaged");
    if (symbol.st_shndx == SHN_UNDEF) continue;
    if (symbol.st_info >> 4 == STB_GNU_UNIQUE)
      return wrong(image->result,
                   "'%.150s' is a GNU-unique symbol, which old and new code would share; compile it with "
                   "-fno-gnu-unique",
                   name);
    table |= strcmp(name, "midair_module_table") == 0 && (symbol.st_info & 0xf) == STT_OBJECT;
  }
  return table || wrong(image->result, "it exports no midair_module_table, so it is no module");
}

bool midair_lint_module(const void* bytes, size_t size, struct midair_lint* result) {
  memset(result, 0, sizeof *result);
  struct image image = {.file = {bytes, size}, .result = result};
  struct dynamic dynamic = {0};
  if (!read_header(&image) || !check_segments(&image) || !read_dynamic(&image, &dynamic)) return false;
  const struct span strings = part(at_address(&image, dynamic.strings), 0, dynamic.strings_size);
  return check_dynamic(&image, &dynamic, strings) && check_symbols(&image, &dynamic, strings);
}

enum midair_constant midair_read_constant(const void* bytes, size_t size, const char* symbol, uint32_t* value,
                                          struct midair_lint* result) {
  memset(result, 0, sizeof *result);
  struct image image = {.file = {bytes, size}, .result = result};
  struct dynamic dynamic = {0};
  if (!read_header(&image) || !read_dynamic(&image, &dynamic)) return MIDAIR_CONSTANT_UNREADABLE;
  const struct span strings = part(at_address(&image, dynamic.strings), 0, dynamic.strings_size);
  const struct span symbols = symbol_table(&image, &dynamic);
  for (size_t i = 1; i < symbols.size / sizeof(ElfW(Sym)); ++i) {
    const ElfW(Sym) found = symbol_at(symbols, i);
    const char* const name = text_at(strings, found.st_name);
    if (name == NULL || strcmp(name, symbol) != 0 || found.st_shndx == SHN_UNDEF || found.st_size != sizeof *value)
      continue;
    if (read_u32(at_address(&image, found.st_value), 0, value)) return MIDAIR_CONSTANT_FOUND;
    wrong(result, "%.150s lies outside of the file", symbol);
    return MIDAIR_CONSTANT_UNREADABLE;
  }
  wrong(result, "it exports no %.150s", symbol);
  return MIDAIR_CONSTANT_MISSING;
}

bool midair_lint_file(const char* path, struct midair_lint* result) {
  memset(result, 0, sizeof *result);
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return wrong(result, "it cannot be opened: %s", strerror(errno));
  struct stat status;
  void* bytes = MAP_FAILED;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 && status.st_size <= kMaxFile)
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (bytes == MAP_FAILED) return wrong(result, "it is no regular file of 1 byte to 1 GiB that can be read");
  const bool fine = midair_lint_module(bytes, (size_t)status.st_size, result);
  munmap(bytes, (size_t)status.st_size);
  return fine;
}
