/// @file
/// What every ObjectStore must do, as one suite. A store's own fixture derives from it, says how to open the store and
/// registers with CPPUNIT_TEST_SUB_SUITE(ItsFixture, ObjectStoreConformance).
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <string>
#include <string_view>

#include "midair/digest.h"
#include "midair/store/object_store.h"

namespace midair {

/// `size` bytes that differ with `seed`, made as they are read.
class PatternSource final : public ByteSource {
 public:
  PatternSource(std::uint64_t size, std::uint64_t seed) : size_(size), seed_(seed) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  Result<std::size_t> read(char* buffer, std::size_t capacity) override;
  Result<void> seek(std::uint64_t offset) override;
  /// SHA-256 in hex of bytes [from, size).
  [[nodiscard]] std::string sha256(std::uint64_t from = 0) const;

 private:
  const std::uint64_t size_;
  const std::uint64_t seed_;
  std::uint64_t offset_ = 0;
};

/// Hashes and counts what it gets.
class HashSink final : public ByteSink {
 public:
  Result<void> write(std::string_view bytes) override;
  Result<void> restart() override;
  std::uint64_t bytes = 0;
  int restarts = 0;
  [[nodiscard]] std::string finish() { return hash_.finish_hex(); }

 private:
  Sha256 hash_;
};

class ObjectStoreConformance : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ObjectStoreConformance);
  CPPUNIT_TEST(an_object_comes_back_as_it_was_stored);
  CPPUNIT_TEST(what_is_not_there_is_not_found);
  CPPUNIT_TEST(an_empty_object_is_an_object);
  CPPUNIT_TEST(overwriting_changes_bytes_and_version);
  CPPUNIT_TEST(every_verb_tells_the_same_version);
  CPPUNIT_TEST(an_unchanged_version_is_not_delivered);
  CPPUNIT_TEST(if_absent_stores_only_the_first);
  CPPUNIT_TEST(if_match_replaces_only_that_version);
  CPPUNIT_TEST(an_old_version_never_comes_back);
  CPPUNIT_TEST(twenty_concurrent_put_if_absent_have_one_winner);
  CPPUNIT_TEST(concurrent_increments_are_all_counted);
  CPPUNIT_TEST(removal_is_idempotent_and_conditional);
  CPPUNIT_TEST(listing_gives_the_keys_of_a_prefix_in_order);
  CPPUNIT_TEST(listing_goes_beyond_one_page);
  CPPUNIT_TEST(odd_but_legal_keys_work);
  CPPUNIT_TEST(illegal_keys_are_refused);
  CPPUNIT_TEST(too_large_objects_are_refused_unread);
  CPPUNIT_TEST(large_objects_stream_both_ways);
  CPPUNIT_TEST(a_download_goes_on_where_it_ended);
  CPPUNIT_TEST(a_download_of_another_version_starts_over);
  CPPUNIT_TEST(a_source_that_lies_about_its_size_stores_nothing);
  CPPUNIT_TEST(an_error_of_the_sink_ends_the_download);
  CPPUNIT_TEST(a_stop_request_ends_every_call);
  CPPUNIT_TEST(a_key_and_its_address_are_inverse);
  CPPUNIT_TEST_SUITE_END_ABSTRACT();

 protected:
  /// Another handle on the same store, which is empty when a test starts.
  virtual std::shared_ptr<ObjectStore> open() = 0;

 private:
  void an_object_comes_back_as_it_was_stored();
  void what_is_not_there_is_not_found();
  void an_empty_object_is_an_object();
  void overwriting_changes_bytes_and_version();
  void every_verb_tells_the_same_version();
  void an_unchanged_version_is_not_delivered();
  void if_absent_stores_only_the_first();
  void if_match_replaces_only_that_version();
  void an_old_version_never_comes_back();
  void twenty_concurrent_put_if_absent_have_one_winner();
  void concurrent_increments_are_all_counted();
  void removal_is_idempotent_and_conditional();
  void listing_gives_the_keys_of_a_prefix_in_order();
  void listing_goes_beyond_one_page();
  void odd_but_legal_keys_work();
  void illegal_keys_are_refused();
  void too_large_objects_are_refused_unread();
  void large_objects_stream_both_ways();
  void a_download_goes_on_where_it_ended();
  void a_download_of_another_version_starts_over();
  void a_source_that_lies_about_its_size_stores_nothing();
  void an_error_of_the_sink_ends_the_download();
  void a_stop_request_ends_every_call();
  void a_key_and_its_address_are_inverse();
};

}  // namespace midair
