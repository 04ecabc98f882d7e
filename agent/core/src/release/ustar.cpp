#include "release/ustar.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "midair/foreign_text.h"
#include "midair/release/manifest.h"
#include "release/entry_mode.h"

namespace midair {

namespace {

/// Where a field lies in the block. POSIX.1-2017, pax, table "ustar Header Block".
struct Field {
  std::size_t offset, length;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kMtime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr Field kType{156, 1};
constexpr Field kLinkName{157, 100};
constexpr Field kMagic{257, 8};  // with the version
constexpr Field kDevMajor{329, 8};
constexpr Field kDevMinor{337, 8};
constexpr Field kPrefix{345, 155};
constexpr Field kUnused{500, 12};

constexpr std::string_view kUstarMagic{"ustar\00000", 8};
constexpr std::string_view kGnuMagic{"ustar  \0", 8};

constexpr char kRegularFile = '0';
constexpr char kLink = '2';
constexpr char kDirectory = '5';
constexpr char kPaxHeader = 'x';

std::string_view get(const TarBlock& block, Field field) { return {block.data() + field.offset, field.length}; }

void put(TarBlock& block, Field field, std::string_view text) {
  std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(field.offset));
}

/// Zero-padded octal digits that leave the last byte of the field NUL.
void put_octal(TarBlock& block, Field field, std::uint64_t number) {
  for (std::size_t i = field.length - 1; i-- > 0; number >>= 3)
    block[field.offset + i] = static_cast<char>('0' + (number & 7));
}

/// At least one octal digit, then at least one NUL or space up to the end of the field.
std::optional<std::uint64_t> get_octal(const TarBlock& block, Field field) {
  const std::string_view text = get(block, field);
  const std::size_t digits = std::min(text.find_first_not_of("01234567"), text.size());
  if (digits == 0 || digits == text.size()) return std::nullopt;
  if (text.find_first_not_of(std::string_view(" \0", 2), digits) != std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : text.substr(0, digits)) number = number << 3 | static_cast<std::uint64_t>(digit - '0');
  return number;
}

/// The bytes before the first NUL; nothing if there are others than NULs after it, where another reader might look.
std::optional<std::string_view> get_text(const TarBlock& block, Field field) {
  const std::string_view all = get(block, field);
  const std::string_view text = all.substr(0, all.find('\0'));
  if (all.find_first_not_of('\0', text.size()) != std::string_view::npos) return std::nullopt;
  return text;
}

/// The sum of all bytes, those of the checksum itself counted as spaces.
std::uint64_t checksum_of(TarBlock block) {
  put(block, kChecksum, "        ");
  std::uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  return sum;
}

std::string shown_name(const TarBlock& block) {
  const std::string_view name = get(block, kName);
  return "'" + printable(name.substr(0, name.find('\0'))) + "'";
}

Error corrupt(const TarBlock& block, const std::string& cause) {
  return {Errc::corrupt, "unpack", shown_name(block), cause};
}

Error refused(const TarBlock& block, const std::string& cause) {
  return {Errc::refused, "unpack", shown_name(block), cause,
          "pack only files, directories and symbolic links, with midair or with tar --format=ustar"};
}

std::string describe_type(char type) {
  switch (type) {
    case '\0': return "it is in the format from before POSIX";
    case '1': return "it is a hard link";
    case '3': return "it is a character device";
    case '4': return "it is a block device";
    case '6': return "it is a fifo";
    case '7': return "it is a contiguous file";
    case 'x':
    case 'X': return "it is a pax extended header";
    case 'g': return "it is a pax global header";
    case 'L': return "it is a GNU long name";
    case 'K': return "it is a GNU long link name";
    case 'S': return "it is a GNU sparse file";
    case 'M': return "it is the continuation of another volume";
    case 'V': return "it is a volume label";
    default: return "it is of the unknown type '" + printable({&type, 1}) + "'";
  }
}

Result<void> check_format(const TarBlock& block) {
  const auto checksum = get_octal(block, kChecksum);
  if (!checksum || *checksum != checksum_of(block)) return corrupt(block, "its header has a bad checksum");
  const std::string_view magic = get(block, kMagic);
  if (magic == kGnuMagic) return refused(block, "its header is in GNU tar's own format");
  if (magic != kUstarMagic) return refused(block, "its header is not in the ustar format");
  if (get(block, kUnused).find_first_not_of('\0') != std::string_view::npos)
    return refused(block, "its header has an extension after the prefix");
  return {};
}

Result<TarKind> decode_kind(const TarBlock& block) {
  switch (const char type = block[kType.offset]) {
    case kRegularFile: return TarKind::file;
    case kDirectory: return TarKind::directory;
    case kLink: return TarKind::link;
    default: return refused(block, describe_type(type));
  }
}

Result<std::string> decode_name(const TarBlock& block, TarKind kind, const PaxRecords& pax) {
  const auto name = get_text(block, kName);
  const auto prefix = get_text(block, kPrefix);
  if (!name || !prefix) return corrupt(block, "its name goes on after a NUL byte");
  std::string full = prefix->empty() ? std::string(*name) : std::string(*prefix) + "/" + std::string(*name);
  if (pax.path) full = *pax.path;
  if (kind == TarKind::directory && full.ends_with('/')) full.pop_back();
  MIDAIR_TRY(check_entry_name(full));
  return full;
}

Result<std::string> decode_target(const TarBlock& block, TarKind kind, const PaxRecords& pax) {
  const auto target = get_text(block, kLinkName);
  if (!target) return corrupt(block, "the target of its link goes on after a NUL byte");
  const std::string full = pax.linkpath ? *pax.linkpath : std::string(*target);
  if (kind == TarKind::link && full.empty()) return corrupt(block, "it is a symbolic link to nothing");
  if (kind != TarKind::link && !full.empty()) return refused(block, "it names the target of a link");
  return full;
}

mode_t file_type_of(TarKind kind) {
  switch (kind) {
    case TarKind::file: return S_IFREG;
    case TarKind::directory: return S_IFDIR;
    case TarKind::link: return S_IFLNK;
  }
  return S_IFREG;
}

/// The permissions. Erlang's erl_tar writes the whole st_mode, so the file's type may stand before them.
Result<mode_t> decode_mode(const TarBlock& block, TarKind kind) {
  const auto mode = get_octal(block, kMode);
  if (!mode) return corrupt(block, "its mode is not an octal number");
  if ((*mode & 07000) != 0) return refused(block, "its mode has a setuid, setgid or sticky bit");
  const std::uint64_t type = *mode & ~std::uint64_t{0777};
  if (type != 0 && type != file_type_of(kind))
    return corrupt(block, "its mode has bits that are neither permissions nor its type");
  return static_cast<mode_t>(*mode & 0777);
}

Result<std::uint64_t> decode_size(const TarBlock& block, TarKind kind) {
  const auto size = get_octal(block, kSize);
  if ((get(block, kSize)[0] & 0x80) != 0) return refused(block, "its size is a base-256 number");
  if (!size) return corrupt(block, "its size is not an octal number");
  if (kind == TarKind::directory && *size != 0) return corrupt(block, "it is a directory with content");
  if (kind == TarKind::link && *size != 0) return corrupt(block, "it is a symbolic link with content");
  return *size;
}

/// A directory's ends with a slash.
std::string stored_name(const TarEntry& entry) {
  return entry.kind == TarKind::directory ? entry.name + "/" : entry.name;
}

/// Where to cut `name` so that the slash at that place can be left out; npos if it need not be, nothing if it can't.
std::optional<std::size_t> split_point(const std::string& name) {
  if (name.size() <= kName.length) return std::string::npos;
  const std::size_t slash = name.find('/', name.size() - kName.length - 1);
  if (slash == std::string::npos || slash > kPrefix.length || slash + 1 == name.size()) return std::nullopt;
  return slash;
}

void put_name(TarBlock& block, const std::string& name) {
  const auto split = split_point(name);
  if (split && *split != std::string::npos) {
    put(block, kPrefix, std::string_view(name).substr(0, *split));
    put(block, kName, std::string_view(name).substr(*split + 1));
  } else {
    put(block, kName, std::string_view(name).substr(0, kName.length));
  }
}

/// What all headers have, and the checksum of it.
void finish_block(TarBlock& block, char type) {
  put_octal(block, kUid, 0);
  put_octal(block, kGid, 0);
  block[kType.offset] = type;
  put(block, kMagic, kUstarMagic);
  put_octal(block, kDevMajor, 0);
  put_octal(block, kDevMinor, 0);
  put_octal(block, {kChecksum.offset, kChecksum.length - 1}, checksum_of(block));
  block[kChecksum.offset + kChecksum.length - 1] = ' ';
}

char type_of(TarKind kind) {
  switch (kind) {
    case TarKind::file: return kRegularFile;
    case TarKind::directory: return kDirectory;
    case TarKind::link: return kLink;
  }
  return kRegularFile;
}

}  // namespace

bool fits_ustar(const TarEntry& entry) {
  return split_point(stored_name(entry)).has_value() && entry.target.size() <= kLinkName.length;
}

Result<TarBlock> encode_ustar(const TarEntry& entry) {
  if (entry.size > kMaxTarFileBytes)
    return Error{Errc::bad_input, "pack", "'" + printable(entry.name) + "'", "it is larger than 8 GiB"};
  TarBlock block{};
  put_name(block, stored_name(entry));
  const bool passable = entry.executable || entry.kind == TarKind::directory;
  put_octal(block, kMode, entry.kind == TarKind::link ? 0777 : mode_of(entry.access, passable));
  put_octal(block, kSize, entry.size);
  put_octal(block, kMtime, entry.mtime);
  put(block, kLinkName, std::string_view(entry.target).substr(0, kLinkName.length));
  finish_block(block, type_of(entry.kind));
  return block;
}

Result<TarEntry> decode_ustar(const TarBlock& block, const PaxRecords& pax) {
  MIDAIR_TRY(check_format(block));
  TarEntry entry;
  MIDAIR_TRY_ASSIGN(entry.kind, decode_kind(block));
  MIDAIR_TRY_ASSIGN(entry.target, decode_target(block, entry.kind, pax));
  MIDAIR_TRY_ASSIGN(entry.name, decode_name(block, entry.kind, pax));
  MIDAIR_TRY_ASSIGN(const mode_t mode, decode_mode(block, entry.kind));
  MIDAIR_TRY_ASSIGN(entry.size, decode_size(block, entry.kind));
  if (entry.kind == TarKind::link) return entry;
  entry.executable = entry.kind == TarKind::file && (mode & S_IXUSR) != 0;
  entry.access = access_of(mode);
  return entry;
}

TarBlock encode_pax_block(std::uint64_t size) {
  TarBlock block{};
  put(block, kName, "././@PaxHeader");  // as Python names them
  put_octal(block, kMode, 0644);
  put_octal(block, kSize, size);
  put_octal(block, kMtime, 0);
  finish_block(block, kPaxHeader);
  return block;
}

Result<std::optional<std::uint64_t>> decode_pax_block(const TarBlock& block) {
  if (block[kType.offset] != kPaxHeader) return std::optional<std::uint64_t>();
  MIDAIR_TRY(check_format(block));
  MIDAIR_TRY_ASSIGN(const std::uint64_t size, decode_size(block, TarKind::file));
  if (size == 0 || size > kMaxPaxBytes)
    return refused(block, "it is a pax extended header of " + std::to_string(size) + " bytes");
  return std::optional(size);
}

}  // namespace midair
