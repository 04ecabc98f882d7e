#include "release/stager.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <functional>

#include "forwarding_store.h"
#include "midair/digest.h"
#include "midair/durable_file.h"
#include "midair/release/layout.h"
#include "midair/store/memory_object_store.h"
#include "release/tarball_source.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

/// Cuts downloads, counts what was delivered, and calls back in between.
class CuttingStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override {
    if (before_download) return *before_download;
    ++gets;
    deadline = limits.deadline;
    CountingSink counting(*this, sink);
    return ForwardingStore::get(request, counting, limits);
  }
  Result<ObjectInfo> head(const std::string& key, const CallLimits& limits) override {
    ++heads;
    return ForwardingStore::head(key, limits);
  }

  std::optional<std::uint64_t> cut_after;  ///< bytes, of one download
  std::function<void()> before_bytes;
  std::optional<Error> before_download;
  std::uint64_t delivered = 0;
  std::chrono::milliseconds deadline{};  ///< of the last download
  int gets = 0;
  int heads = 0;

 private:
  class CountingSink final : public ByteSink {
   public:
    CountingSink(CuttingStore& store, ByteSink& sink) : store_(store), sink_(sink) {}
    Result<void> write(std::string_view bytes) override {
      if (store_.before_bytes) store_.before_bytes();
      const std::uint64_t room = store_.cut_after.value_or(UINT64_MAX) - written_;
      const std::string_view passed = bytes.substr(0, room);
      MIDAIR_TRY(sink_.write(passed));
      written_ += passed.size();
      store_.delivered += passed.size();
      if (passed.size() < bytes.size()) return Error{Errc::unavailable, "read", "it", "connection reset"};
      return {};
    }
    Result<void> restart() override {
      written_ = 0;
      return sink_.restart();
    }

   private:
    CuttingStore& store_;
    ByteSink& sink_;
    std::uint64_t written_ = 0;
  };
};

std::string noise(std::size_t size) {
  std::string text;
  for (std::uint32_t x = 1; text.size() < size; x = x * 1664525 + 1013904223) text += static_cast<char>(x >> 24);
  return text;
}

}  // namespace

class StagerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StagerTest);
  CPPUNIT_TEST(a_release_is_fetched_unpacked_and_sealed);
  CPPUNIT_TEST(a_sealed_release_is_used_again_without_asking_the_store);
  CPPUNIT_TEST(a_sealed_release_that_was_tampered_with_is_fetched_anew);
  CPPUNIT_TEST(a_cut_download_goes_on_where_it_stopped);
  CPPUNIT_TEST(a_whole_download_is_not_fetched_again);
  CPPUNIT_TEST(a_download_of_another_version_starts_over);
  CPPUNIT_TEST(a_download_that_changes_under_us_is_thrown_away);
  CPPUNIT_TEST(a_download_without_its_etag_starts_over);
  CPPUNIT_TEST(wrong_bytes_are_thrown_away_and_fetched_anew);
  CPPUNIT_TEST(a_truncated_tarball_is_noticed_before_the_download);
  CPPUNIT_TEST(a_longer_tarball_is_noticed_before_the_download);
  CPPUNIT_TEST(a_missing_tarball_is_an_error);
  CPPUNIT_TEST(a_manifest_that_tells_of_another_release_is_refused);
  CPPUNIT_TEST(what_is_no_archive_is_refused_for_good);
  CPPUNIT_TEST(a_bomb_is_refused);
  CPPUNIT_TEST(a_full_disk_is_noticed_before_the_first_byte);
  CPPUNIT_TEST(cancelling_keeps_the_download);
  CPPUNIT_TEST(a_transfer_has_time_by_its_size);
  CPPUNIT_TEST(a_store_that_refuses_says_nothing_about_the_release);
  CPPUNIT_TEST(downloads_of_other_releases_go);
  CPPUNIT_TEST(what_a_crash_left_does_not_matter);
  CPPUNIT_TEST(any_source_will_do);
  CPPUNIT_TEST_SUITE_END();

  TempDir temp_;
  MemoryObjectStore memory_;
  CuttingStore store_{memory_};
  StateDir state_ = value_of(StateDir::open(temp_ / "state"));
  TarballSource source_{state_, store_};
  WritableLinks links_{state_, temp_ / "base", {}};
  Stager stager_{state_, source_, links_};

  /// Packs a release and uploads it under the key of shop `version`; gives the target that names it.
  Target publish(const std::string& version, const std::string& app_in_manifest = "shop",
                 const std::string& version_in_manifest = {}) {
    const fs::path source = temp_ / ("source-" + version);
    fs::create_directories(source / "bin");
    assert_ok(write_file_durably(source / "bin/server", "#!/bin/sh\n# " + version, 0755));
    assert_ok(write_file_durably(source / "data", version + noise(300'000), 0644));
    const Fd file = value_of(open_file(temp_ / "tarball", O_RDWR | O_CREAT | O_TRUNC));
    const auto packed = value_of(
        pack_release(source, app_in_manifest, version_in_manifest.empty() ? version : version_in_manifest, file.get()));
    return upload(version, value_of(read_file(temp_ / "tarball", 1 << 24)));
  }

  Target upload(const std::string& version, const std::string& bytes) {
    Target target;
    target.upgrade_id = "01ABC";
    target.version = version;
    target.key = StoreLayout{"shop"}.tarball(version);
    target.digest = sha256_hex(bytes);
    target.strategy = "handover";
    target.size = bytes.size();
    put(target.key, bytes);
    return target;
  }

  void put(const std::string& key, const std::string& bytes) {
    value_of(put_text(memory_, key, bytes, PutCondition::none(), {10s}));
  }
  std::string bytes_of(const std::string& key) { return value_of(get_text(memory_, key, 1 << 24, {10s})).text; }

  Result<StagedRelease> stage(const Target& target, const std::stop_token& stop = {}) {
    return stager_.stage(target, stop);
  }

  [[nodiscard]] fs::path part_of(const Target& target) const { return state_.incoming() / (target.digest + ".part"); }

  void assert_nothing_left() const {
    CPPUNIT_ASSERT_MESSAGE("a download is left", fs::is_empty(state_.incoming()));
    for (const auto& entry : fs::directory_iterator(state_.releases()))
      CPPUNIT_ASSERT_MESSAGE(entry.path().string(), is_sha256_hex(entry.path().filename().string()));
  }

  void assert_staged(const Target& target, const Result<StagedRelease>& staged) {
    if (!staged) CPPUNIT_FAIL(staged.error().to_string());
    CPPUNIT_ASSERT_EQUAL(state_.release(target.digest).string(), staged->directory.string());
    CPPUNIT_ASSERT_EQUAL(target.version, staged->manifest.version);
    CPPUNIT_ASSERT_EQUAL(target.digest, staged->target.digest);
    const std::string server = value_of(read_file(staged->directory / "bin/server", 1000));
    CPPUNIT_ASSERT_EQUAL("#!/bin/sh\n# " + target.version, server);
    assert_nothing_left();
  }

  /// Leaves the first `kept` bytes of the download on disk, as a broken connection does.
  void cut(const Target& target, std::uint64_t kept) {
    store_.cut_after = kept;
    assert_fails(stage(target), Errc::unavailable);
    store_.cut_after.reset();
    CPPUNIT_ASSERT_EQUAL(static_cast<std::uintmax_t>(kept), fs::file_size(part_of(target)));
    store_.delivered = 0;
  }

  void a_release_is_fetched_unpacked_and_sealed() {
    const Target target = publish("1.0");
    store_.before_bytes = [&] {
      struct stat status {};
      CPPUNIT_ASSERT_EQUAL(0, ::stat(part_of(target).c_str(), &status));
      CPPUNIT_ASSERT_EQUAL(mode_t{0600}, status.st_mode & 07777);
    };
    const auto staged = stage(target);
    assert_staged(target, staged);
    for (const auto& [name, mode] : {std::pair{"", 0555U}, {"bin", 0555U}, {"bin/server", 0555U}, {"data", 0444U}}) {
      struct stat status {};
      CPPUNIT_ASSERT_EQUAL(0, ::stat((staged->directory / name).c_str(), &status));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(name, mode_t{mode}, status.st_mode & 07777);
    }
  }

  void a_sealed_release_is_used_again_without_asking_the_store() {
    const Target target = publish("1.0");
    assert_staged(target, stage(target));
    store_.heads = store_.gets = 0;
    assert_staged(target, stage(target));
    CPPUNIT_ASSERT_EQUAL(0, store_.heads + store_.gets);

    Target other = target;  // the same bytes cannot be another version
    other.version = "2.0";
    other.key = StoreLayout{"shop"}.tarball("2.0");
    assert_fails(stage(other), Errc::refused, "version '1.0'");
  }

  void a_sealed_release_that_was_tampered_with_is_fetched_anew() {
    const Target target = publish("1.0");
    assert_staged(target, stage(target));
    const fs::path server = state_.release(target.digest) / "bin/server";
    std::stop_source stopped;
    stopped.request_stop();
    assert_fails(stage(target, stopped.get_token()), Errc::cancelled);
    CPPUNIT_ASSERT(fs::exists(server));  // not known to be sound is not known to be bad

    fs::permissions(server.parent_path(), fs::perms::owner_all);
    assert_ok(write_file_durably(server, "#!/bin/sh\n# 6.6", 0555));
    assert_staged(target, stage(target));
    CPPUNIT_ASSERT_EQUAL(2, store_.gets);
  }

  void a_cut_download_goes_on_where_it_stopped() {
    const Target target = publish("1.0");
    for (const std::uint64_t kept : {std::uint64_t{1}, target.size / 2, target.size - 1}) {
      cut(target, kept);
      assert_staged(target, stage(target));
      CPPUNIT_ASSERT_EQUAL(target.size - kept, store_.delivered);
      assert_ok(state_.collect_garbage({}));
    }
  }

  void a_whole_download_is_not_fetched_again() {
    const Target target = publish("1.0");
    cut(target, target.size - 1);
    const std::string last = bytes_of(target.key).substr(target.size - 1);
    const Fd part = value_of(open_file(part_of(target), O_WRONLY | O_APPEND));
    assert_ok(write_all(part.get(), last, "it"));
    assert_staged(target, stage(target));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, store_.delivered);
  }

  void a_download_of_another_version_starts_over() {
    const Target target = publish("1.0");
    cut(target, 1000);
    put(target.key, bytes_of(target.key));  // the same bytes, but who is to know?
    assert_staged(target, stage(target));
    CPPUNIT_ASSERT_EQUAL(target.size, store_.delivered);
  }

  void a_download_that_changes_under_us_is_thrown_away() {
    const Target target = publish("1.0");
    const std::string sound = bytes_of(target.key);
    cut(target, 1000);
    std::string other = sound;
    other[500] ^= 1;
    class ReplacingStore final : public ForwardingStore {  // between our HEAD and our GET
     public:
      ReplacingStore(ObjectStore& store, std::function<void()> replace)
          : ForwardingStore(store), replace_(std::move(replace)) {}
      Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override {
        replace_();
        return ForwardingStore::get(request, sink, limits);
      }

     private:
      std::function<void()> replace_;
    } replacing(memory_, [&] { put(target.key, other); });
    TarballSource source(state_, replacing);
    assert_fails(Stager(state_, source, links_).stage(target, {}), Errc::corrupt, "SHA-256");
    assert_nothing_left();
    put(target.key, sound);
    assert_staged(target, stage(target));
  }

  void a_download_without_its_etag_starts_over() {
    const Target target = publish("1.0");
    cut(target, 1000);
    fs::remove(part_of(target).string() + ".etag");
    assert_staged(target, stage(target));
    CPPUNIT_ASSERT_EQUAL(target.size, store_.delivered);
  }

  void wrong_bytes_are_thrown_away_and_fetched_anew() {
    const Target target = publish("1.0");
    const std::string sound = bytes_of(target.key);
    std::string flipped = sound;
    flipped[flipped.size() / 2] ^= 1;
    put(target.key, flipped);
    assert_fails(stage(target), Errc::corrupt, target.digest + " was promised");
    assert_nothing_left();
    put(target.key, sound);
    assert_staged(target, stage(target));
  }

  void a_truncated_tarball_is_noticed_before_the_download() {
    const Target target = publish("1.0");
    put(target.key, bytes_of(target.key).substr(0, target.size - 1));
    assert_fails(stage(target), Errc::corrupt, "were promised");
    CPPUNIT_ASSERT_EQUAL(0, store_.gets);
    assert_nothing_left();
  }

  void a_longer_tarball_is_noticed_before_the_download() {
    const Target target = publish("1.0");
    put(target.key, bytes_of(target.key) + "x");
    assert_fails(stage(target), Errc::corrupt, "were promised");
    CPPUNIT_ASSERT_EQUAL(0, store_.gets);
    assert_nothing_left();
  }

  void a_missing_tarball_is_an_error() {
    const Target target = publish("1.0");
    assert_ok(memory_.remove(target.key, {10s}));
    assert_fails(stage(target), Errc::not_found);
  }

  void a_manifest_that_tells_of_another_release_is_refused() {
    assert_fails(stage(publish("1.0", "bank")), Errc::refused, "app 'bank'");
    assert_fails(stage(publish("1.1", "shop", "1.0")), Errc::refused, "version '1.0', the pointer for '1.1'");
    Target target = publish("1.2");
    target.strategy = "static";
    assert_fails(stage(target), Errc::refused, "strategy 'handover', the pointer 'static'");
    assert_nothing_left();
    CPPUNIT_ASSERT(fs::is_empty(state_.releases()));
  }

  void what_is_no_archive_is_refused_for_good() {
    const Target sound = publish("1.0");
    for (const std::string& bytes :
         {std::string("<html>"), noise(1000), bytes_of(sound.key).substr(0, sound.size - 9)}) {
      assert_fails(stage(upload("2.0", bytes)), Errc::refused);
      assert_nothing_left();
      CPPUNIT_ASSERT(fs::is_empty(state_.releases()));
    }
  }

  void a_bomb_is_refused() {
    const Target target = publish("1.0");
    ExtractLimits limits;
    limits.max_unpacked_bytes = 1000;
    assert_fails(Stager(state_, source_, links_, {.limits = limits}).stage(target, {}), Errc::refused);
    assert_nothing_left();
  }

  void a_full_disk_is_noticed_before_the_first_byte() {
    Target target = publish("1.0");
    target.size = 1ULL << 50;
    assert_fails(stage(target), Errc::no_space, "it needs 4503599694479360 bytes, the disk has");
    CPPUNIT_ASSERT_EQUAL(0, store_.heads + store_.gets);
  }

  void cancelling_keeps_the_download() {
    const Target target = publish("1.0");
    std::stop_source stop;
    store_.before_bytes = [&] { stop.request_stop(); };
    assert_fails(stage(target, stop.get_token()), Errc::cancelled);
    CPPUNIT_ASSERT(fs::file_size(part_of(target)) > 0);
    CPPUNIT_ASSERT(fs::is_empty(state_.releases()));
    store_.before_bytes = nullptr;
    const std::uint64_t before = std::exchange(store_.delivered, 0);
    assert_staged(target, stage(target));
    CPPUNIT_ASSERT_EQUAL(target.size, before + store_.delivered);
  }

  void a_transfer_has_time_by_its_size() {
    const Target target = publish("1.0");
    assert_staged(target, stage(target));
    CPPUNIT_ASSERT(store_.deadline == transfer_limits(target.size).deadline);
    CPPUNIT_ASSERT(transfer_limits(0).deadline == 30s);
    CPPUNIT_ASSERT(transfer_limits(128 << 20).deadline == 30s + 1024s);
  }

  void a_store_that_refuses_says_nothing_about_the_release() {
    const Target target = publish("1.0");
    for (const Errc refusal : {Errc::refused, Errc::bad_input}) {  // a certificate, a redirect
      store_.before_download = Error{refusal, "read", target.key, "no"};
      assert_fails(stage(target), Errc::unavailable, "no");
    }
    store_.before_download.reset();
    assert_staged(target, stage(target));
  }

  void downloads_of_other_releases_go() {
    const Target one = publish("1.0");
    const Target two = publish("2.0");
    cut(one, 1000);
    assert_staged(two, stage(two));
  }

  void what_a_crash_left_does_not_matter() {
    const Target target = publish("1.0");
    const fs::path half = state_.releases() / (target.digest + ".tmp-staging");
    fs::create_directories(half / "bin");
    assert_ok(write_file_durably(half / "extra", "x"));
    fs::permissions(half, fs::perms::owner_read | fs::perms::owner_exec);
    const auto staged = stage(target);
    assert_staged(target, staged);
    CPPUNIT_ASSERT(!fs::exists(staged->directory / "extra"));
  }

  /// Has the tarball as a file, and is told when it isn't needed any more.
  class FileSource final : public ReleaseSource {
   public:
    explicit FileSource(fs::path file) : file_(std::move(file)) {}
    Result<Fd> fetch(const Target&, const std::stop_token&) override { return open_file(file_, O_RDONLY); }
    void discard(const Target& target) override { discarded.push_back(target.version); }

    std::vector<std::string> discarded;

   private:
    const fs::path file_;
  };

  void any_source_will_do() {
    const Target target = publish("1.0");
    FileSource source(temp_ / "tarball");
    assert_staged(target, Stager(state_, source, links_).stage(target, {}));
    CPPUNIT_ASSERT(source.discarded == std::vector<std::string>{"1.0"});
    CPPUNIT_ASSERT_EQUAL(0, store_.heads + store_.gets);
    assert_nothing_left();

    const Target other = upload("2.0", "not what the source has");
    assert_fails(Stager(state_, source, links_).stage(other, {}), Errc::refused, "its manifest is for version '1.0'");
    CPPUNIT_ASSERT(source.discarded == (std::vector<std::string>{"1.0", "2.0"}));
    assert_nothing_left();
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(StagerTest, "stager");

}  // namespace midair::sidecar
