#include "release/tar.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstring>

#include "gzip_files.h"
#include "midair/durable_file.h"
#include "result_asserts.h"

namespace midair {

namespace {

std::string text_of(const TarBlock& block) { return {block.data(), block.size()}; }

TarBlock header_of(const std::string& name, std::uint64_t size = 0) {
  return value_of(encode_ustar({.name = name, .size = size}));
}

/// Changes `bytes` at `offset` and mends the checksum (POSIX: the sum of all bytes, its own eight as spaces).
TarBlock with(TarBlock block, std::size_t offset, std::string_view bytes) {
  std::memcpy(block.data() + offset, bytes.data(), bytes.size());
  std::memset(block.data() + 148, ' ', 8);
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(block.data() + 148, 8, "%06o", sum);
  return block;
}

Result<std::vector<std::string>> names_in(const std::string& tarball) {
  const Fd fd = memory_file(tarball);
  TarReader reader(fd.get());
  std::vector<std::string> names;
  for (;;) {
    MIDAIR_TRY_ASSIGN(const auto entry, reader.next());
    if (!entry) return names;
    names.push_back(entry->name);
  }
}

}  // namespace

class TarTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TarTest);
  CPPUNIT_TEST(header_is_posix_ustar_byte_for_byte);
  CPPUNIT_TEST(header_survives_a_round_trip);
  CPPUNIT_TEST(long_names_are_split_at_a_slash);
  CPPUNIT_TEST(names_that_do_not_fit_get_a_pax_header);
  CPPUNIT_TEST(modes_of_all_three_kinds_survive);
  CPPUNIT_TEST(links_survive_a_round_trip);
  CPPUNIT_TEST(pax_headers_are_byte_for_byte_as_posix_has_them);
  CPPUNIT_TEST(pax_headers_of_any_other_kind_are_refused);
  CPPUNIT_TEST(files_beyond_eight_gigabytes_cannot_be_packed);
  CPPUNIT_TEST(mode_may_begin_with_the_type);
  CPPUNIT_TEST(bad_headers_are_corrupt);
  CPPUNIT_TEST(other_formats_types_and_modes_are_refused);
  CPPUNIT_TEST(every_single_bit_flip_in_a_header_is_noticed);
  CPPUNIT_TEST(entries_come_back_as_they_were_written);
  CPPUNIT_TEST(next_skips_what_was_not_read);
  CPPUNIT_TEST(archive_must_end_with_two_blocks_of_zeros_and_nothing_else);
  CPPUNIT_TEST(padding_must_be_zero);
  CPPUNIT_TEST_SUITE_END();

  void header_is_posix_ustar_byte_for_byte() {
    std::string expected(512, '\0');
    const auto put = [&](std::size_t offset, std::string_view text) { expected.replace(offset, text.size(), text); };
    put(0, "bin/run");
    put(100, "0000755");
    put(108, "0000000");
    put(116, "0000000");
    put(124, "00000011064");
    put(136, "00000000000");
    put(156, "0");
    put(257, std::string_view("ustar\00000", 8));
    put(329, "0000000");
    put(337, "0000000");
    put(148, "        ");
    unsigned sum = 0;
    for (const char c : expected) sum += static_cast<unsigned char>(c);
    char checksum[8];
    std::snprintf(checksum, sizeof checksum, "%06o", sum);
    put(148, std::string_view(checksum, 7));
    CPPUNIT_ASSERT_EQUAL(expected,
                         text_of(value_of(encode_ustar({.name = "bin/run", .executable = true, .size = 4660}))));
  }

  void header_survives_a_round_trip() {
    for (const bool executable : {false, true})
      for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{511}, kMaxTarFileBytes}) {
        const TarEntry entry =
            value_of(decode_ustar(value_of(encode_ustar({.name = "a/b", .executable = executable, .size = size}))));
        CPPUNIT_ASSERT_EQUAL(std::string("a/b"), entry.name);
        CPPUNIT_ASSERT(entry.executable == executable && entry.size == size && entry.kind == TarKind::file);
      }
    const TarEntry dir = value_of(decode_ustar(value_of(encode_ustar({.name = "a/b", .kind = TarKind::directory}))));
    CPPUNIT_ASSERT(dir.kind == TarKind::directory && dir.name == "a/b" && !dir.executable);
  }

  void long_names_are_split_at_a_slash() {
    for (const std::string& name : {std::string(100, 'n'), std::string("d/") + std::string(99, 'n'),
                                    std::string(155, 'd') + "/" + std::string(100, 'n'),
                                    std::string(50, 'd') + "/" + std::string(50, 'e') + "/" + std::string(99, 'n'),
                                    std::string(100, 'd') + "/" + std::string(54, 'e') + "/" + std::string(99, 'n')})
      CPPUNIT_ASSERT_EQUAL(name, value_of(decode_ustar(header_of(name))).name);
  }

  void names_that_do_not_fit_get_a_pax_header() {
    std::vector<std::string> names{std::string(101, 'n'),
                                   "d/" + std::string(101, 'n'),
                                   std::string(156, 'd') + "/n",
                                   std::string(155, 'd') + "/e/" + std::string(100, 'n'),
                                   std::string(255, 'd') + "/" + std::string(255, 'n'),
                                   "\u00e9/" + std::string(99, 'n')};
    for (int depth = 0; depth < 11; ++depth) names.back() += "/" + std::string(255, 'x');
    for (const TarKind kind : {TarKind::file, TarKind::directory}) {
      const Fd fd = memory_file();
      TarWriter writer(fd.get());
      for (const std::string& name : names) {
        CPPUNIT_ASSERT(!fits_ustar({.name = name, .kind = kind}));
        assert_ok(writer.add({.name = name, .kind = kind}));
      }
      assert_ok(writer.finish());
      TarReader reader(fd.get());
      for (const std::string& name : names) CPPUNIT_ASSERT_EQUAL(name, value_of(reader.next()).value().name);
      CPPUNIT_ASSERT(!value_of(reader.next()));
    }
  }

  void modes_of_all_three_kinds_survive() {
    for (const TarKind kind : {TarKind::file, TarKind::directory})
      for (const Access access : {Access::all, Access::group, Access::owner}) {
        const TarBlock block = value_of(encode_ustar({.name = "a", .kind = kind, .access = access}));
        CPPUNIT_ASSERT(value_of(decode_ustar(block)).access == access);
      }
    CPPUNIT_ASSERT(value_of(decode_ustar(with(header_of("a"), 100, "0000400"))).access == Access::owner);
    CPPUNIT_ASSERT(value_of(decode_ustar(with(header_of("a"), 100, "0000660"))).access == Access::group);
  }

  void links_survive_a_round_trip() {
    for (const std::string& target : {std::string("x"), std::string(100, 't'), std::string(101, 't'),
                                      std::string("/usr/bin/python3"), std::string(4000, 't')}) {
      const Fd fd = memory_file();
      TarWriter writer(fd.get());
      assert_ok(writer.add({.name = "a/link", .kind = TarKind::link, .target = target}));
      assert_ok(writer.finish());
      const TarEntry entry = value_of(TarReader(fd.get()).next()).value();
      CPPUNIT_ASSERT(entry.kind == TarKind::link && entry.name == "a/link" && entry.size == 0);
      CPPUNIT_ASSERT_EQUAL(target, entry.target);
    }
    const TarBlock link = value_of(encode_ustar({.name = "l", .kind = TarKind::link, .target = "t"}));
    assert_fails(decode_ustar(with(link, 157, std::string(1, '\0'))), Errc::corrupt, "link to nothing");
    assert_fails(decode_ustar(with(link, 134, "1")), Errc::corrupt, "link with content");
    assert_fails(decode_ustar(with(link, 158, std::string("\0x", 2))), Errc::corrupt, "after a NUL");
  }

  void pax_headers_are_byte_for_byte_as_posix_has_them() {
    CPPUNIT_ASSERT_EQUAL(std::string("19 linkpath=target\n9 path=a\n"),
                         encode_pax({.path = "a", .linkpath = "target"}));
    // The length counts its own digits, so at 100 it grows by two.
    CPPUNIT_ASSERT_EQUAL("99 path=" + std::string(90, 'n') + "\n", encode_pax({.path = std::string(90, 'n')}));
    CPPUNIT_ASSERT_EQUAL("101 path=" + std::string(91, 'n') + "\n", encode_pax({.path = std::string(91, 'n')}));
    for (std::size_t size = 1; size < 1100; ++size) {
      const PaxRecords records{.path = std::string(size, 'p'), .linkpath = std::string(size, 'l')};
      const PaxRecords read = value_of(decode_pax(encode_pax(records)));
      CPPUNIT_ASSERT(read.path == records.path && read.linkpath == records.linkpath);
    }
  }

  void pax_headers_of_any_other_kind_are_refused() {
    for (const auto& [content, words] :
         std::vector<std::pair<std::string, std::string>>{{"0 path=a\n", "another length"},
                                                          {"8 path=a\n", "another length"},
                                                          {"11 path=a\n", "another length"},
                                                          {"010 path=a\n", "another length"},
                                                          {"9 path=a ", "another length"},
                                                          {"9path=aa\n", "another length"},
                                                          {"-1 path=a\n", "another length"},
                                                          {"99999999999999999999 path=a\n", "another length"},
                                                          {"2 \n", "another length"},
                                                          {"7 path\n", "without a value"},
                                                          {"9 path=a\n9 path=b\n", "twice"},
                                                          {std::string("9 path=\0\n", 9), "NUL"}})
      assert_fails(decode_pax(content), Errc::corrupt, words);
    for (const char* content : {"10 size=9\n", "13 mtime=1.5\n", "30 hdrcharset=ISO-IR 8859-1 1\n", "14 comment=hi\n"})
      assert_fails(decode_pax(content), Errc::refused, "pax extended header in it has the record");
    assert_fails(decode_pax_block(encode_pax_block(kMaxPaxBytes + 1)), Errc::refused, "pax extended header of");
    assert_fails(decode_pax_block(encode_pax_block(0)), Errc::refused, "pax extended header of 0");
    const std::string pax = encode_pax({.path = "a"});
    const std::string twice = text_of(encode_pax_block(pax.size())) + pax + std::string(512 - pax.size(), '\0');
    assert_fails(names_in(gzip(twice + twice + text_of(header_of("b")) + std::string(1024, '\0'))), Errc::refused,
                 "pax extended");
    assert_fails(names_in(gzip(twice + std::string(1024, '\0'))), Errc::corrupt, "checksum");
  }

  void files_beyond_eight_gigabytes_cannot_be_packed() {
    assert_fails(encode_ustar({.name = "a", .size = kMaxTarFileBytes + 1}), Errc::bad_input, "larger than 8 GiB");
  }

  void mode_may_begin_with_the_type() {
    const TarBlock directory = value_of(encode_ustar({.name = "d", .kind = TarKind::directory}));
    CPPUNIT_ASSERT(value_of(decode_ustar(with(header_of("a"), 100, "0100755"))).executable);
    CPPUNIT_ASSERT(!value_of(decode_ustar(with(header_of("a"), 100, "0100644"))).executable);
    CPPUNIT_ASSERT(value_of(decode_ustar(with(directory, 100, "0040755"))).kind == TarKind::directory);
  }

  void bad_headers_are_corrupt() {
    const TarBlock good = header_of("a", 5);
    for (const auto& [offset, bytes, words] : std::vector<std::tuple<std::size_t, std::string, std::string>>{
             {124, "0000000000x", "size is not"},
             {124, "00000000008", "size is not"},
             {124, "           ", "size is not"},
             {124, "000000000001", "size is not"},
             {124,
              std::string("1\0"
                          "2",
                          3),
              "size is not"},
             {124, "-0000000001", "size is not"},
             {100, "0120644", "neither permissions nor its type"},
             {100, "0040755", "neither permissions nor its type"},
             {100, "1000644", "neither permissions nor its type"},
             {100, "000064x", "mode is not"},
             {100, std::string(8, '\0'), "mode is not"},
             {0, std::string("a\0b", 3), "goes on after a NUL"},
             {345, std::string("\0x", 2), "goes on after a NUL"}})
      assert_fails(decode_ustar(with(good, offset, bytes)), Errc::corrupt, words);
    TarBlock unsummed = good;
    unsummed[0] = 'b';
    assert_fails(decode_ustar(unsummed), Errc::corrupt, "bad checksum");
    assert_fails(decode_ustar(with(value_of(encode_ustar({.name = "d", .kind = TarKind::directory})), 134, "1")),
                 Errc::corrupt, "directory with content");
  }

  void other_formats_types_and_modes_are_refused() {
    const TarBlock good = header_of("a", 5);
    for (const auto& [offset, bytes, words] : std::vector<std::tuple<std::size_t, std::string, std::string>>{
             {257, std::string("ustar  \0", 8), "GNU tar's own format"},
             {257, std::string(8, '\0'), "not in the ustar format"},
             {257,
              std::string("ustar\0"
                          "01",
                          8),
              "not in the ustar format"},
             {156, "1", "hard link"},
             {156, "x", "pax extended header"},
             {156, "L", "GNU long name"},
             {156, "\n", R"(unknown type '\x0a')"},
             {100, "0004755", "setuid"},
             {100, "0002755", "setgid"},
             {100, "0001755", "sticky"},
             {124, "\x80", "base-256"},
             {124, std::string(12, '\xFF'), "base-256"},
             {157, "target", "target of a link"},
             {508, std::string("tar\0", 4), "extension"},
             {0, "../a", "'..' component"},
             {0, "/a", "absolute"},
             {0, "a/", "empty component"},
             {345, "..", "'..' component"},
             {345, "/etc", "absolute"}})
      assert_fails(decode_ustar(with(good, offset, bytes)), Errc::refused, words);
  }

  void every_single_bit_flip_in_a_header_is_noticed() {
    const TarBlock good = header_of("some/name", 4711);
    for (std::size_t bit = 0; bit < kTarBlockBytes * 8; ++bit) {
      TarBlock flipped = good;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const auto decoded = decode_ustar(flipped);
      // Space and NUL both end a number, and only there does a bit not matter.
      const bool equal = decoded.ok() && decoded->name == "some/name" && decoded->size == 4711;
      CPPUNIT_ASSERT_MESSAGE(std::to_string(bit), !decoded.ok() || (equal && bit / 8 >= 154 && bit / 8 < 156));
    }
  }

  void entries_come_back_as_they_were_written() {
    const std::string large(300'000, 'x');
    const Fd fd = memory_file();
    TarWriter writer(fd.get());
    for (const std::string& content : {std::string(), std::string("hello"), std::string(512, 'y'), large}) {
      assert_ok(writer.add({.name = "f" + std::to_string(content.size()), .size = content.size()}));
      assert_ok(writer.write(content));
    }
    assert_ok(writer.finish());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, writer.unpacked_size() % kTarBlockBytes);
    CPPUNIT_ASSERT_EQUAL(writer.gzip().packed_size(), static_cast<std::uint64_t>(content_of(fd).size()));
    CPPUNIT_ASSERT_EQUAL(writer.gzip().packed_sha256(), sha256_hex(content_of(fd)));

    TarReader reader(fd.get());
    for (const std::string& expected : {std::string(), std::string("hello"), std::string(512, 'y'), large}) {
      const TarEntry entry = value_of(reader.next()).value();
      CPPUNIT_ASSERT_EQUAL("f" + std::to_string(expected.size()), entry.name);
      std::string content;
      for (auto piece = value_of(reader.read()); !piece.empty(); piece = value_of(reader.read())) content += piece;
      CPPUNIT_ASSERT(expected == content);
    }
    CPPUNIT_ASSERT(!value_of(reader.next()));
  }

  void next_skips_what_was_not_read() {
    const std::string tar = text_of(header_of("a", 600)) + std::string(600, 'x') + std::string(424, '\0') +
                            text_of(header_of("b")) + std::string(1024, '\0');
    CPPUNIT_ASSERT((value_of(names_in(gzip(tar))) == std::vector<std::string>{"a", "b"}));
  }

  void archive_must_end_with_two_blocks_of_zeros_and_nothing_else() {
    const std::string entry = text_of(header_of("a"));
    const std::string zeros(512, '\0');
    CPPUNIT_ASSERT(names_in(gzip(entry + zeros + zeros)).ok());
    CPPUNIT_ASSERT(names_in(gzip(entry + std::string(10240, '\0'))).ok());
    CPPUNIT_ASSERT(names_in(gzip(entry + zeros + zeros + std::string(1, '\0'))).ok());
    assert_fails(names_in(gzip("")), Errc::corrupt, "truncated");
    assert_fails(names_in(gzip(entry)), Errc::corrupt, "truncated");
    assert_fails(names_in(gzip(entry + zeros)), Errc::corrupt, "truncated");
    assert_fails(names_in(gzip(entry + zeros + std::string(511, '\0'))), Errc::corrupt, "truncated");
    assert_fails(names_in(gzip(entry + zeros + entry + zeros + zeros)), Errc::corrupt, "one block of zeros");
    assert_fails(names_in(gzip(entry + zeros + zeros + "x")), Errc::corrupt, "follows the end");
    assert_fails(names_in(gzip(entry + std::string(2 << 20, '\0'))), Errc::corrupt, "1 MiB of zeros");
  }

  void padding_must_be_zero() {
    const std::string tar =
        text_of(header_of("a", 5)) + "hello" + std::string(506, '\0') + "!" + std::string(1024, '\0');
    assert_fails(names_in(gzip(tar)), Errc::corrupt, "padding");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(TarTest, "tar");

}  // namespace midair
