#include "release/gzip_reader.h"

#include <cppunit/extensions/HelperMacros.h>

#include "gzip_files.h"
#include "midair/digest.h"
#include "result_asserts.h"

namespace midair {

namespace {

const std::string kText = "several several words words, some of them of them twice";

/// Bytes that can't be compressed.
std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& c : bytes) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

/// All that `file` unpacks to, read in pieces.
Result<std::string> gunzip(std::string_view file) {
  const Fd fd = memory_file(file);
  GzipReader reader(fd.get());
  std::string unpacked;
  std::string piece(10'000, '\0');
  for (;;) {
    MIDAIR_TRY_ASSIGN(const std::size_t filled, reader.read(piece));
    unpacked.append(piece, 0, filled);
    if (filled < piece.size()) return unpacked;
  }
}

}  // namespace

class GzipTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(GzipTest);
  CPPUNIT_TEST(has_neither_name_nor_time);
  CPPUNIT_TEST(any_size_survives_a_round_trip);
  CPPUNIT_TEST(how_the_bytes_are_written_makes_no_difference);
  CPPUNIT_TEST(what_was_seen_shortly_before_costs_little);
  CPPUNIT_TEST(what_unpacks_to_a_thousand_times_its_size_is_read);
  CPPUNIT_TEST(cut_anywhere_it_is_truncated);
  CPPUNIT_TEST(must_be_one_whole_member);
  CPPUNIT_TEST(a_name_from_another_tool_is_skipped);
  CPPUNIT_TEST_SUITE_END();

  void has_neither_name_nor_time() {
    // RFC 1952: magic, deflate, no flags, no time, no extra flags, Unix.
    CPPUNIT_ASSERT_EQUAL(std::string("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10), gzip("hello").substr(0, 10));
    CPPUNIT_ASSERT_EQUAL(gzip("hello"), gzip("hello"));
  }

  void any_size_survives_a_round_trip() {
    for (const std::size_t size : {0, 1, 511, 128 * 1024, 1024 * 1024, 3'000'003}) {
      const std::string content = noise(size);
      const Fd fd = memory_file(gzip(content));
      GzipReader reader(fd.get());
      std::string unpacked(size + 10, 'x');
      CPPUNIT_ASSERT_EQUAL(size, value_of(reader.read(unpacked)));
      CPPUNIT_ASSERT(unpacked.substr(0, size) == content);
      CPPUNIT_ASSERT_EQUAL(std::size_t{0}, value_of(reader.read(unpacked)));
    }
  }

  void how_the_bytes_are_written_makes_no_difference() {
    const std::string content = noise(700'000);
    const std::string at_once = gzip(content);
    for (const std::size_t piece : {1'000, 128 * 1024, 300'001}) {
      const Fd fd = memory_file();
      GzipWriter writer(fd.get());
      for (std::size_t at = 0; at < content.size(); at += piece)
        assert_ok(writer.write(std::string_view(content).substr(at, piece)));
      assert_ok(writer.finish());
      CPPUNIT_ASSERT(content_of(fd) == at_once);
      CPPUNIT_ASSERT_EQUAL(std::uint64_t{at_once.size()}, writer.packed_size());
      CPPUNIT_ASSERT_EQUAL(sha256_hex(at_once), writer.packed_sha256());
    }
  }

  void what_was_seen_shortly_before_costs_little() {
    const std::string phrase = noise(20'000);
    std::string content;
    for (int i = 0; i < 100; ++i) content += phrase;
    const std::string packed = gzip(content);
    CPPUNIT_ASSERT(packed.size() < 3 * phrase.size());  // once for each of two blocks
    CPPUNIT_ASSERT(value_of(gunzip(packed)) == content);
  }

  void what_unpacks_to_a_thousand_times_its_size_is_read() {
    const std::string zeros(16 << 20, '\0');
    const std::string packed = gzip(zeros);
    CPPUNIT_ASSERT(packed.size() * 700 < zeros.size());
    CPPUNIT_ASSERT(value_of(gunzip(packed)) == zeros);
  }

  void cut_anywhere_it_is_truncated() {
    const std::string whole = gzip(kText);
    for (std::size_t size = 1; size < whole.size(); ++size)
      assert_fails(gunzip(whole.substr(0, size)), Errc::corrupt, "truncated");
    assert_fails(gunzip(""), Errc::corrupt, "it is empty");
  }

  void must_be_one_whole_member() {
    const std::string whole = gzip(kText);
    std::string bad_crc = whole;
    bad_crc[whole.size() - 8] ^= 1;
    std::string bad_length = whole;
    bad_length[whole.size() - 1] ^= 1;
    assert_fails(gunzip(whole + whole), Errc::corrupt, "second gzip member");
    assert_fails(gunzip(whole + "x"), Errc::corrupt, "bytes follow its end");
    assert_fails(gunzip(whole + std::string(1, '\0')), Errc::corrupt, "bytes follow its end");
    assert_fails(gunzip(bad_crc), Errc::corrupt, "not valid gzip");
    assert_fails(gunzip(bad_length), Errc::corrupt, "not valid gzip");
    assert_fails(gunzip("<html>an endpoint that answers everything</html>"), Errc::corrupt, "not valid gzip");
  }

  void a_name_from_another_tool_is_skipped() {
    std::string named = gzip(kText);
    named.replace(3, 5, std::string("\x08\x01\x02\x03\x04", 5));  // FNAME, and a time
    named.insert(10, std::string("release.tar\0", 12));
    CPPUNIT_ASSERT_EQUAL(kText, value_of(gunzip(named)));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(GzipTest, "gzip");

}  // namespace midair
