#include "midair/host/publish/tarball_upload.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>

#include "fleet_doubles.h"
#include "midair/digest.h"
#include "midair/durable_file.h"
#include "temp_dir.h"

namespace midair::host {

class TarballUploadTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TarballUploadTest);
  CPPUNIT_TEST(it_is_uploaded_once);
  CPPUNIT_TEST(other_bytes_under_the_same_name_are_refused);
  CPPUNIT_TEST(an_equal_upload_at_the_same_moment_is_fine);
  CPPUNIT_TEST(another_upload_at_the_same_moment_is_refused);
  CPPUNIT_TEST(an_upload_that_is_lost_is_repeated_but_not_for_ever);
  CPPUNIT_TEST(a_probe_writes_nothing);
  CPPUNIT_TEST(a_version_known_to_history_keeps_its_bytes);
  CPPUNIT_TEST_SUITE_END();

  const std::string key_ = kLayout.tarball("v1");
  MemoryObjectStore memory_;
  CountingStore store_{memory_};
  TempDir dir_;
  Fd file_;

  LocalTarball tarball(const std::string& bytes) {
    store_file(bytes);
    return {file_.get(), bytes.size(), sha256_hex(bytes)};
  }
  void store_file(const std::string& bytes) {
    assert_ok(write_file_durably(dir_ / "tarball", bytes));
    file_ = value_of(open_file(dir_ / "tarball", O_RDONLY));
  }

  void it_is_uploaded_once() {
    CPPUNIT_ASSERT(UploadOutcome::uploaded == value_of(upload_tarball(store_, key_, tarball("abc"), {})));
    CPPUNIT_ASSERT_EQUAL(std::string("abc"), text_at(memory_, key_));
    CPPUNIT_ASSERT_EQUAL(1, store_.take("put"));
    CPPUNIT_ASSERT(UploadOutcome::already_there == value_of(upload_tarball(store_, key_, tarball("abc"), {})));
    CPPUNIT_ASSERT_EQUAL(0, store_.take("put"));
  }

  void other_bytes_under_the_same_name_are_refused() {
    store_text(memory_, key_, "abc");
    assert_fails(upload_tarball(store_, key_, tarball("abd"), {}), Errc::refused, "another --version");
    assert_fails(upload_tarball(store_, key_, tarball("abcd"), {}), Errc::refused, "(3 bytes, this release has 4)");
    CPPUNIT_ASSERT_EQUAL(std::string("abc"), text_at(memory_, key_));
  }

  void an_equal_upload_at_the_same_moment_is_fine() {
    ScriptedStore racing(memory_, [this](const std::string& verb, const std::string&) -> Result<void> {
      if (verb == "put" && !exists(memory_, key_)) store_text(memory_, key_, "abc");
      return {};
    });
    CPPUNIT_ASSERT(UploadOutcome::uploaded == value_of(upload_tarball(racing, key_, tarball("abc"), {})));
  }

  void another_upload_at_the_same_moment_is_refused() {
    ScriptedStore racing(memory_, [this](const std::string& verb, const std::string&) -> Result<void> {
      if (verb == "put" && !exists(memory_, key_)) store_text(memory_, key_, "xyz");
      return {};
    });
    assert_fails(upload_tarball(racing, key_, tarball("abc"), {}), Errc::refused);
    CPPUNIT_ASSERT_EQUAL(std::string("xyz"), text_at(memory_, key_));
  }

  void an_upload_that_is_lost_is_repeated_but_not_for_ever() {
    int puts = 0;
    int losses = 100;
    ScriptedStore losing(memory_, [&](const std::string& verb, const std::string&) -> Result<void> {
      if (verb == "put" && puts++ < losses) return Error{Errc::precondition, "store", key_, "the answer was lost"};
      return {};
    });
    assert_fails(upload_tarball(losing, key_, tarball("abc"), {}), Errc::unavailable, "the answer was lost");
    CPPUNIT_ASSERT_EQUAL(3, puts);
    losses = 4;
    CPPUNIT_ASSERT(UploadOutcome::uploaded == value_of(upload_tarball(losing, key_, tarball("abc"), {})));
    CPPUNIT_ASSERT_EQUAL(std::string("abc"), text_at(memory_, key_));
  }

  void a_probe_writes_nothing() {
    CPPUNIT_ASSERT(UploadOutcome::uploaded == value_of(probe_tarball(store_, key_, tarball("abc"), {})));
    CPPUNIT_ASSERT(!exists(memory_, key_));
  }

  void a_version_known_to_history_keeps_its_bytes() {
    auto published = upgrade_named("01A", "v1");
    const std::vector<Pointer> publications{pointer_to(published)};
    assert_ok(check_version_is_free(publications, "v1", published.digest));
    assert_ok(check_version_is_free(publications, "v2", std::string(64, 'b')));
    assert_fails(check_version_is_free(publications, "v1", std::string(64, 'b')), Errc::refused, "version v1");
    published.digest.clear();  // FlyDeploy published it
    assert_ok(check_version_is_free({pointer_to(published)}, "v1", std::string(64, 'b')));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(TarballUploadTest, "tarball_upload");

}  // namespace midair::host
