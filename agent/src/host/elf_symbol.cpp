#include "host/elf_symbol.h"

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "midair/durable_file.h"

namespace midair::host {

namespace {

using ElfHandle = std::unique_ptr<Elf, decltype(&elf_end)>;

Error unusable(Errc code, const std::filesystem::path& path, std::string cause) {
  return {code, "read the plugin", path.string(), std::move(cause)};
}

/// The header of the running program: what a loadable object's must resemble.
const ElfW(Ehdr) & own_header() {
  static const auto header = [] {
    ElfW(Ehdr) own{};
    if (auto self = open_file("/proc/self/exe", O_RDONLY)) {
      if (::pread(self->get(), &own, sizeof own, 0) != sizeof own) own = {};
    }
    return own;
  }();
  return header;
}

bool loadable_here(Elf* elf) {
  GElf_Ehdr header;
  return elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) != nullptr && header.e_type == ET_DYN &&
         header.e_machine == own_header().e_machine && header.e_ident[EI_CLASS] == own_header().e_ident[EI_CLASS];
}

/// The defined data symbol `name` of the dynamic symbol table.
std::optional<GElf_Sym> find_dynamic_symbol(Elf* elf, const std::string& name) {
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNSYM || header.sh_entsize == 0) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
    for (int i = 0; i < count; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, i, &symbol) == nullptr) break;
      const char* found = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (found != nullptr && name == found && symbol.st_shndx != SHN_UNDEF) return symbol;
    }
  }
  return std::nullopt;
}

/// Where in the file the `size` bytes at `address` of the loaded image come from.
std::optional<GElf_Off> file_offset(Elf* elf, GElf_Addr address, std::size_t size) {
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_LOAD) continue;
    if (address >= segment.p_vaddr && address - segment.p_vaddr + size <= segment.p_filesz)
      return segment.p_offset + (address - segment.p_vaddr);
  }
  return std::nullopt;
}

}  // namespace

Result<std::uint32_t> read_elf_u32(const std::filesystem::path& path, const std::string& symbol) {
  MIDAIR_TRY_ASSIGN(const Fd file, open_file(path, O_RDONLY));
  if (elf_version(EV_CURRENT) == EV_NONE) return unusable(Errc::bug, path, "libelf is too old");
  const ElfHandle elf(elf_begin(file.get(), ELF_C_READ, nullptr), &elf_end);
  if (!elf || !loadable_here(elf.get()))
    return unusable(Errc::corrupt, path, "it is no shared object for this kind of machine");

  std::uint32_t value = 0;
  const auto found = find_dynamic_symbol(elf.get(), symbol);
  if (!found || found->st_size != sizeof value)
    return unusable(Errc::not_found, path, "it doesn't export " + symbol + ", so it is no Midair plugin");
  const auto offset = file_offset(elf.get(), found->st_value, sizeof value);
  if (!offset || ::pread(file.get(), &value, sizeof value, static_cast<off_t>(*offset)) != sizeof value)
    return unusable(Errc::corrupt, path, symbol + " lies outside of the file");
  return value;
}

}  // namespace midair::host
