/// @file
/// What every TokenStore must do, as one suite. A store's own fixture derives from it, says how to open the store and
/// registers with CPPUNIT_TEST_SUB_SUITE(ItsFixture, TokenStoreConformance).
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <memory>

#include "midair/host/token_store.h"

namespace midair::host {

class TokenStoreConformance : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TokenStoreConformance);
  CPPUNIT_TEST(a_token_comes_back_as_it_was_stored);
  CPPUNIT_TEST(what_is_not_there_is_nothing);
  CPPUNIT_TEST(apps_and_slots_are_apart);
  CPPUNIT_TEST(putting_again_replaces);
  CPPUNIT_TEST(removal_is_idempotent);
  CPPUNIT_TEST(a_listing_is_complete_and_in_order);
  CPPUNIT_TEST(odd_but_legal_apps_work);
  CPPUNIT_TEST(illegal_apps_are_refused);
  CPPUNIT_TEST(a_long_token_is_kept_whole);
  CPPUNIT_TEST(all_handles_see_the_same);
  CPPUNIT_TEST(threads_may_share_a_store);
  CPPUNIT_TEST(its_name_is_for_people);
  CPPUNIT_TEST_SUITE_END_ABSTRACT();

 protected:
  /// Another handle on the same store, which is empty when a test starts.
  virtual std::shared_ptr<TokenStore> open() = 0;

 private:
  void a_token_comes_back_as_it_was_stored();
  void what_is_not_there_is_nothing();
  void apps_and_slots_are_apart();
  void putting_again_replaces();
  void removal_is_idempotent();
  void a_listing_is_complete_and_in_order();
  void odd_but_legal_apps_work();
  void illegal_apps_are_refused();
  void a_long_token_is_kept_whole();
  void all_handles_see_the_same();
  void threads_may_share_a_store();
  void its_name_is_for_people();
};

}  // namespace midair::host
