#include "release/deflate_piece.h"

#include <cppunit/extensions/HelperMacros.h>
#include <zlib.h>

#include <random>

namespace midair {

class DeflatePieceTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DeflatePieceTest);
  CPPUNIT_TEST(pieces_make_one_stream);
  CPPUNIT_TEST(same_input_gives_same_bytes);
  CPPUNIT_TEST_SUITE_END();

  /// Of one stream, which has to end where `packed` does.
  static std::string inflate_all(std::string& packed, std::size_t size) {
    std::string unpacked(size + 1, '\0');
    z_stream stream{};
    CPPUNIT_ASSERT_EQUAL(Z_OK, inflateInit2(&stream, -15));
    stream.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
    stream.avail_out = static_cast<uInt>(unpacked.size());
    CPPUNIT_ASSERT_EQUAL(Z_STREAM_END, ::inflate(&stream, Z_FINISH));
    CPPUNIT_ASSERT_EQUAL(0U, stream.avail_in);
    unpacked.resize(stream.total_out);
    inflateEnd(&stream);
    return unpacked;
  }

  /// Of every kind: noise, zeros, words, and changes between them, so that there are stored, static and dynamic blocks,
  /// one or several, which end at any bit.
  static std::string content(std::mt19937& dice) {
    std::string text;
    for (unsigned parts = 1 + dice() % 4; parts > 0; --parts) {
      const std::size_t size = 1 + dice() % (dice() % 2 == 0 ? 30 : 200'000);
      const unsigned letters = 1 + dice() % (dice() % 3 == 0 ? 256 : 8);
      for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(dice() % letters);
    }
    return text;
  }

  void pieces_make_one_stream() {
    std::mt19937 dice(1);
    for (int round = 0; round < 60; ++round) {
      std::string packed, whole;
      for (unsigned pieces = dice() % 4; pieces > 0; --pieces) {
        const std::string piece = content(dice);
        packed += deflate_piece(piece, PiecePosition::inside);
        whole += piece;
      }
      const std::string end = round % 3 == 0 ? "" : content(dice);
      packed += deflate_piece(end, PiecePosition::last);
      whole += end;
      CPPUNIT_ASSERT(inflate_all(packed, whole.size()) == whole);
    }
  }

  void same_input_gives_same_bytes() {
    std::mt19937 dice(2);
    const std::string text = content(dice);
    CPPUNIT_ASSERT(deflate_piece(text, PiecePosition::inside) == deflate_piece(text, PiecePosition::inside));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(DeflatePieceTest, "deflate_piece");

}  // namespace midair
