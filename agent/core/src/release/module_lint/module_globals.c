#include "module_globals.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

enum { kMaxSections = 4096, kMaxSegments = 64, kMaxSymbols = 1 << 22 };

struct elf {
  const uint8_t* bytes;
  size_t size;
  ElfW(Ehdr) header;
};

/// `size` bytes at `offset`, or NULL if they aren't all there.
static const uint8_t* part(const struct elf* elf, uint64_t offset, uint64_t size) {
  return offset <= elf->size && size <= elf->size - offset ? elf->bytes + offset : NULL;
}

static bool section_at(const struct elf* elf, size_t index, ElfW(Shdr) * section) {
  if (index >= elf->header.e_shnum) return false;
  const uint8_t* const bytes = part(elf, elf->header.e_shoff + (uint64_t)index * sizeof *section, sizeof *section);
  if (bytes != NULL) memcpy(section, bytes, sizeof *section);
  return bytes != NULL;
}

static bool read_header(struct elf* elf) {
  const uint8_t* const bytes = part(elf, 0, sizeof elf->header);
  if (bytes == NULL) return false;
  memcpy(&elf->header, bytes, sizeof elf->header);
  return memcmp(elf->header.e_ident, ELFMAG, SELFMAG) == 0 && elf->header.e_ident[EI_CLASS] == ELFCLASS64 &&
         elf->header.e_shentsize == sizeof(ElfW(Shdr)) && elf->header.e_phentsize == sizeof(ElfW(Phdr)) &&
         elf->header.e_shnum <= kMaxSections && elf->header.e_phnum <= kMaxSegments && elf->header.e_shoff <= elf->size;
}

/// Data that the loader makes read-only once it has filled in addresses: constants.
static bool is_constant(const struct elf* elf, uint64_t address) {
  for (size_t i = 0; i < elf->header.e_phnum; ++i) {
    ElfW(Phdr) segment;
    const uint8_t* const bytes = part(elf, elf->header.e_phoff + (uint64_t)i * sizeof segment, sizeof segment);
    if (bytes == NULL) return false;
    memcpy(&segment, bytes, sizeof segment);
    if (segment.p_type == PT_GNU_RELRO && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_memsz)
      return true;
  }
  return false;
}

static bool is_writable(const struct elf* elf, const ElfW(Shdr) * section) {
  const bool data = section->sh_type == SHT_PROGBITS || section->sh_type == SHT_NOBITS;
  const ElfW(Xword) wanted = SHF_WRITE | SHF_ALLOC;
  // Thread-local data has no place of its own: .tbss would seem to lie where the constants do.
  const bool thread_local_data = (section->sh_flags & SHF_TLS) != 0;
  return data && (section->sh_flags & wanted) == wanted && (thread_local_data || !is_constant(elf, section->sh_addr));
}

/// What isn't the module's own: marks of the C runtime, references for exceptions, whether a local static was
/// initialised, and what <iostream> puts into each file that includes it.
static bool is_of_the_compiler(const char* name) {
  static const char* const prefixes[] = {"completed.",     "DW.ref.",      "_ZGV",       "_ZL19midair_module_calls",
                                         "_ZStL8__ioinit", "__dso_handle", "__TMC_END__"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; ++i)
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) return true;
  return false;
}

/// The table of all symbols, else of those that are exported.
static bool find_symbols(const struct elf* elf, ElfW(Shdr) * symbols) {
  bool found = false;
  for (size_t i = 0; i < elf->header.e_shnum; ++i) {
    ElfW(Shdr) section;
    if (!section_at(elf, i, &section) || section.sh_entsize != sizeof(ElfW(Sym))) continue;
    if (section.sh_type != SHT_SYMTAB && (section.sh_type != SHT_DYNSYM || found)) continue;
    *symbols = section;
    found = true;
    if (section.sh_type == SHT_SYMTAB) return true;
  }
  return found;
}

static const char* name_of(const struct elf* elf, const ElfW(Shdr) * strings, const ElfW(Sym) * symbol) {
  const uint8_t* const text = part(elf, strings->sh_offset, strings->sh_size);
  if (text == NULL || symbol->st_name >= strings->sh_size) return NULL;
  const uint8_t* const name = text + symbol->st_name;
  return memchr(name, '\0', strings->sh_size - symbol->st_name) != NULL ? (const char*)name : NULL;
}

static uint64_t list_symbols(const struct elf* elf, midair_global_found found, void* context) {
  ElfW(Shdr) table;
  ElfW(Shdr) strings;
  uint64_t named = 0;
  if (!find_symbols(elf, &table) || !section_at(elf, table.sh_link, &strings)) return 0;
  for (uint64_t i = 1; i < table.sh_size / sizeof(ElfW(Sym)) && i < kMaxSymbols; ++i) {
    ElfW(Sym) symbol;
    ElfW(Shdr) section;
    const uint8_t* const bytes = part(elf, table.sh_offset + i * sizeof symbol, sizeof symbol);
    if (bytes == NULL) break;
    memcpy(&symbol, bytes, sizeof symbol);
    const unsigned type = symbol.st_info & 0xf;
    if ((type != STT_OBJECT && type != STT_TLS) || symbol.st_size == 0 || symbol.st_size > elf->size + UINT32_MAX)
      continue;
    if (symbol.st_shndx == SHN_UNDEF || !section_at(elf, symbol.st_shndx, &section) || !is_writable(elf, &section))
      continue;
    const char* const name = name_of(elf, &strings, &symbol);
    if (name == NULL || is_of_the_compiler(name)) continue;
    named += symbol.st_size;
    found(context, name, symbol.st_size);
  }
  return named;
}

uint64_t midair_list_globals(const void* bytes, size_t size, midair_global_found found, void* context) {
  struct elf elf = {.bytes = bytes, .size = size};
  if (!read_header(&elf)) return 0;
  uint64_t all = 0;
  for (size_t i = 0; i < elf.header.e_shnum; ++i) {
    ElfW(Shdr) section;
    if (section_at(&elf, i, &section) && is_writable(&elf, &section)) all += section.sh_size;
  }
  const uint64_t named = list_symbols(&elf, found, context);
  return named < all ? all - named : 0;
}
