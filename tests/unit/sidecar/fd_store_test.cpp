#include "process/fd_store.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include "result_asserts.h"

namespace midair::sidecar {

class FdStoreTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FdStoreTest);
  CPPUNIT_TEST(it_keeps_descriptors_by_name_oldest_first);
  CPPUNIT_TEST(the_newest_of_a_name_wins_and_the_other_is_closed);
  CPPUNIT_TEST(removing_closes);
  CPPUNIT_TEST(it_is_full_at_its_capacity_but_still_replaces);
  CPPUNIT_TEST(names_are_printable_ascii_without_a_colon);
  CPPUNIT_TEST_SUITE_END();

  FdStore store_;

  static Fd any() { return Fd(::eventfd(0, EFD_CLOEXEC)); }
  static bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

  void it_keeps_descriptors_by_name_oldest_first() {
    assert_ok(store_.add("b", any()));
    assert_ok(store_.add("a", any()));
    const auto named = store_.named();
    CPPUNIT_ASSERT_EQUAL(std::size_t(2), named.size());
    CPPUNIT_ASSERT_EQUAL(std::string("b"), named[0].first);
    CPPUNIT_ASSERT_EQUAL(std::string("a"), named[1].first);
    CPPUNIT_ASSERT(is_open(named[0].second) && is_open(named[1].second));
  }

  void the_newest_of_a_name_wins_and_the_other_is_closed() {
    Fd first = any();
    const int first_number = first.get();
    assert_ok(store_.add("state", std::move(first)));
    Fd second = any();
    const int second_number = second.get();
    assert_ok(store_.add("state", std::move(second)));
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), store_.named().size());
    CPPUNIT_ASSERT_EQUAL(second_number, store_.named().front().second);
    CPPUNIT_ASSERT(!is_open(first_number));
  }

  void removing_closes() {
    assert_ok(store_.add("state", any()));
    const int number = store_.named().front().second;
    store_.remove("other");
    CPPUNIT_ASSERT(is_open(number));
    store_.remove("state");
    CPPUNIT_ASSERT(!is_open(number));
    CPPUNIT_ASSERT(store_.named().empty());
  }

  void it_is_full_at_its_capacity_but_still_replaces() {
    for (std::size_t i = 0; i < FdStore::kCapacity; ++i) assert_ok(store_.add("fd" + std::to_string(i), any()));
    Fd excess = any();
    const int excess_number = excess.get();
    assert_fails(store_.add("one-more", std::move(excess)), Errc::refused, "128 are stored already");
    CPPUNIT_ASSERT(!is_open(excess_number));
    assert_ok(store_.add("fd7", any()));
    CPPUNIT_ASSERT_EQUAL(FdStore::kCapacity, store_.named().size());
  }

  void names_are_printable_ascii_without_a_colon() {
    for (const std::string& name : {std::string("a"), std::string("my state/1"), std::string(255, 'x')})
      CPPUNIT_ASSERT_MESSAGE(name, is_descriptor_name(name));
    for (const std::string& name : {std::string(), std::string(256, 'x'), std::string("a:b"), std::string("a\n"),
                                    std::string("\x7f"), std::string("\xc3\xa4"), std::string(1, '\0')}) {
      CPPUNIT_ASSERT_MESSAGE(name, !is_descriptor_name(name));
      assert_fails(store_.add(name, any()), Errc::bad_input);
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FdStoreTest, "fd_store");

}  // namespace midair::sidecar
