#include "object_store_conformance.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace midair {

namespace {

const CallLimits kLimits{std::chrono::seconds(60)};
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kAnySize = 1 << 30;

/// The value of a result that must be one.
template <class T>
T must(Result<T> result) {
  CPPUNIT_ASSERT_MESSAGE(result.ok() ? "" : result.error().to_string(), result.ok());
  return std::move(result).value();
}

void must(const Result<void>& result) {
  CPPUNIT_ASSERT_MESSAGE(result.ok() ? "" : result.error().to_string(), result.ok());
}

template <class T>
void must_fail(Errc code, const Result<T>& result) {
  CPPUNIT_ASSERT_MESSAGE(std::string("success instead of ") + to_string(code), !result.ok());
  CPPUNIT_ASSERT_MESSAGE(result.error().to_string() + " instead of " + to_string(code), result.error().code == code);
}

Etag put(ObjectStore& store, const std::string& key, std::string_view text) {
  return must(put_text(store, key, text, PutCondition::none(), kLimits));
}

std::string text_of(ObjectStore& store, const std::string& key) {
  return must(get_text(store, key, kMiB, kLimits)).text;
}

void run_at_once(int count, const std::function<void(int)>& work) {
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
}

std::vector<std::string> keys_of(const std::vector<ObjectInfo>& listing) {
  std::vector<std::string> keys;
  keys.reserve(listing.size());
  for (const auto& info : listing) keys.push_back(info.key);
  return keys;
}

/// Counts up by compare-and-swap until its own increment is in.
void increment(ObjectStore& store, const std::string& key) {
  for (;;) {
    const auto read = get_text(store, key, kMiB, kLimits);
    if (!read) return;  // the test then misses increments
    const std::string next = std::to_string(std::stoi(read->text) + 1);
    const auto written = put_text(store, key, next, PutCondition::if_match(read->etag), kLimits);
    if (written || written.error().code != Errc::precondition) return;
  }
}

class LyingSource final : public ByteSource {
 public:
  [[nodiscard]] std::uint64_t size() const override { return 100; }
  Result<std::size_t> read(char* buffer, std::size_t capacity) override {
    const std::size_t n = std::min<std::size_t>(capacity, given_ ? 0 : 60);
    std::fill_n(buffer, n, 'x');
    given_ = true;
    return n;
  }
  Result<void> seek(std::uint64_t /*offset*/) override {
    given_ = false;
    return {};
  }

 private:
  bool given_ = false;
};

class FullSink final : public ByteSink {
 public:
  Result<void> write(std::string_view /*bytes*/) override { return Error{Errc::no_space, "write", "it", "disk full"}; }
  Result<void> restart() override { return {}; }
};

}  // namespace

Result<std::size_t> PatternSource::read(char* buffer, std::size_t capacity) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(capacity, size_ - offset_));
  for (std::size_t i = 0; i < n; ++i, ++offset_)
    buffer[i] = static_cast<char>(((offset_ >> 12) * (2 * seed_ + 1) * 0x9E3779B1 + offset_ * 31 + seed_) >> 3);
  return n;
}

Result<void> PatternSource::seek(std::uint64_t offset) {
  offset_ = offset;
  return {};
}

std::string PatternSource::sha256(std::uint64_t from) const {
  PatternSource copy(size_, seed_);
  must(copy.seek(from));
  Sha256 hash;
  std::vector<char> buffer(64 * 1024);
  for (std::size_t n = 0; (n = must(copy.read(buffer.data(), buffer.size()))) > 0;) hash.update({buffer.data(), n});
  return hash.finish_hex();
}

Result<void> HashSink::write(std::string_view text) {
  hash_.update(text);
  bytes += text.size();
  return {};
}

Result<void> HashSink::restart() {
  hash_ = Sha256();
  bytes = 0;
  ++restarts;
  return {};
}

void ObjectStoreConformance::an_object_comes_back_as_it_was_stored() {
  const auto store = open();
  const std::string text("a\0b\r\n\xff", 6);
  const Etag etag = put(*store, "releases/app-current.json", text);
  CPPUNIT_ASSERT(!etag.empty());
  const auto read = must(get_text(*open(), "releases/app-current.json", 6, kLimits));
  CPPUNIT_ASSERT(text == read.text);
  CPPUNIT_ASSERT_EQUAL(etag, read.etag);
}

void ObjectStoreConformance::what_is_not_there_is_not_found() {
  const auto store = open();
  put(*store, "a/b", "x");
  for (const char* key : {"nothing", "a/c", "a", "a/b/c", "c/d"}) {
    must_fail(Errc::not_found, get_text(*store, key, kMiB, kLimits));
    must_fail(Errc::not_found, store->head(key, kLimits));
  }
}

void ObjectStoreConformance::an_empty_object_is_an_object() {
  const auto store = open();
  put(*store, "empty", "");
  CPPUNIT_ASSERT_EQUAL(std::string(), text_of(*store, "empty"));
  CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, must(store->head("empty", kLimits)).size);
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, must(store->list("", kLimits)).size());
}

void ObjectStoreConformance::overwriting_changes_bytes_and_version() {
  const auto store = open();
  const Etag first = put(*store, "key", "one");
  const Etag second = put(*store, "key", "two");
  CPPUNIT_ASSERT(first != second);
  CPPUNIT_ASSERT_EQUAL(std::string("two"), text_of(*store, "key"));
}

void ObjectStoreConformance::every_verb_tells_the_same_version() {
  const auto store = open();
  const Etag etag = put(*store, "dir/key", "twelve bytes");
  CPPUNIT_ASSERT_EQUAL(etag, must(get_text(*store, "dir/key", kMiB, kLimits)).etag);
  const auto head = must(store->head("dir/key", kLimits));
  CPPUNIT_ASSERT_EQUAL(etag, head.etag);
  CPPUNIT_ASSERT_EQUAL(std::uint64_t{12}, head.size);
  const auto listing = must(store->list("dir/", kLimits));
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, listing.size());
  CPPUNIT_ASSERT_EQUAL(std::string("dir/key"), listing[0].key);
  CPPUNIT_ASSERT_EQUAL(etag, listing[0].etag);
  CPPUNIT_ASSERT_EQUAL(std::uint64_t{12}, listing[0].size);
  CPPUNIT_ASSERT_MESSAGE("a listing says when an object was stored", listing[0].modified.has_value());
  CPPUNIT_ASSERT(std::chrono::abs(std::chrono::system_clock::now() - *listing[0].modified) < std::chrono::hours(1));
}

void ObjectStoreConformance::an_unchanged_version_is_not_delivered() {
  const auto store = open();
  GetRequest request;
  request.key = "key";
  request.max_size = kMiB;
  request.if_none_match = put(*store, "key", "one");
  HashSink sink;
  const auto unchanged = must(store->get(request, sink, kLimits));
  CPPUNIT_ASSERT(unchanged.not_modified);
  CPPUNIT_ASSERT_EQUAL(request.if_none_match, unchanged.etag);
  CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, sink.bytes);
  const Etag second = put(*store, "key", "other");
  const auto changed = must(store->get(request, sink, kLimits));
  CPPUNIT_ASSERT(!changed.not_modified);
  CPPUNIT_ASSERT_EQUAL(second, changed.etag);
  CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, sink.bytes);
}

void ObjectStoreConformance::if_absent_stores_only_the_first() {
  const auto store = open();
  must(put_text(*store, "lock", "mine", PutCondition::if_absent(), kLimits));
  must_fail(Errc::precondition, put_text(*store, "lock", "yours", PutCondition::if_absent(), kLimits));
  CPPUNIT_ASSERT_EQUAL(std::string("mine"), text_of(*store, "lock"));
  must(store->remove("lock", kLimits));
  must(put_text(*store, "lock", "yours", PutCondition::if_absent(), kLimits));
}

void ObjectStoreConformance::if_match_replaces_only_that_version() {
  const auto store = open();
  const Etag first = put(*store, "key", "one");
  const Etag second = must(put_text(*store, "key", "two", PutCondition::if_match(first), kLimits));
  must_fail(Errc::precondition, put_text(*store, "key", "three", PutCondition::if_match(first), kLimits));
  CPPUNIT_ASSERT_EQUAL(std::string("two"), text_of(*store, "key"));
  must(store->remove("key", kLimits));
  must_fail(Errc::precondition, put_text(*store, "key", "three", PutCondition::if_match(second), kLimits));
  must_fail(Errc::not_found, store->head("key", kLimits));
}

void ObjectStoreConformance::an_old_version_never_comes_back() {
  const auto store = open();
  std::vector<Etag> versions;
  versions.reserve(50);
  for (int i = 0; i < 50; ++i) versions.push_back(put(*store, "key", std::to_string(100 + i)));
  std::sort(versions.begin(), versions.end());
  CPPUNIT_ASSERT(std::adjacent_find(versions.begin(), versions.end()) == versions.end());
}

void ObjectStoreConformance::twenty_concurrent_put_if_absent_have_one_winner() {
  std::atomic<int> winners{0};
  std::atomic<int> losers{0};
  const auto store = open();
  run_at_once(20, [&](int i) {
    const auto handle = i % 2 == 0 ? store : open();
    const auto stored = put_text(*handle, "lock", std::to_string(i), PutCondition::if_absent(), kLimits);
    if (stored) ++winners;
    if (!stored && stored.error().code == Errc::precondition) ++losers;
  });
  CPPUNIT_ASSERT_EQUAL(1, winners.load());
  CPPUNIT_ASSERT_EQUAL(19, losers.load());
}

void ObjectStoreConformance::concurrent_increments_are_all_counted() {
  const auto store = open();
  put(*store, "counter", "0");
  run_at_once(4, [&](int) {
    const auto handle = open();
    for (int i = 0; i < 10; ++i) increment(*handle, "counter");
  });
  CPPUNIT_ASSERT_EQUAL(std::string("40"), text_of(*store, "counter"));
}

void ObjectStoreConformance::removal_is_idempotent_and_conditional() {
  const auto store = open();
  must(store->remove("dir/key", kLimits));
  const Etag first = put(*store, "dir/key", "one");
  const Etag second = put(*store, "dir/key", "two");
  must_fail(Errc::precondition, store->remove("dir/key", kLimits, first));
  CPPUNIT_ASSERT_EQUAL(std::string("two"), text_of(*store, "dir/key"));
  must(store->remove("dir/key", kLimits, second));
  must_fail(Errc::not_found, store->head("dir/key", kLimits));
  must(store->remove("dir/key", kLimits, second));
  must(store->remove("dir/key", kLimits));
}

void ObjectStoreConformance::listing_gives_the_keys_of_a_prefix_in_order() {
  const auto store = open();
  CPPUNIT_ASSERT(must(store->list("", kLimits)).empty());
  for (const char* key : {"r/app/x", "r/app-b", "r/app-a/2", "r/app-a/1", "r/zoo", "s/app-c"}) put(*store, key, key);
  const std::vector<std::string> apps{"r/app-a/1", "r/app-a/2", "r/app-b", "r/app/x"};
  CPPUNIT_ASSERT(apps == keys_of(must(store->list("r/app", kLimits))));
  CPPUNIT_ASSERT_EQUAL(std::size_t{5}, must(store->list("r/", kLimits)).size());
  CPPUNIT_ASSERT_EQUAL(std::size_t{6}, must(store->list("", kLimits)).size());
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, must(store->list("r/zoo", kLimits)).size());
  CPPUNIT_ASSERT(must(store->list("none/", kLimits)).empty());
}

void ObjectStoreConformance::listing_goes_beyond_one_page() {
  constexpr int kCount = 1005;
  run_at_once(5, [&](int worker) {
    const auto store = open();
    for (int i = worker; i < kCount; i += 5) {
      const auto stored = put_text(*store, "many/" + std::to_string(10'000 + i), "x", PutCondition::none(), kLimits);
      if (!stored) return;
    }
  });
  const auto keys = keys_of(must(open()->list("many/", kLimits)));
  CPPUNIT_ASSERT_EQUAL(std::size_t{kCount}, keys.size());
  CPPUNIT_ASSERT(std::is_sorted(keys.begin(), keys.end()));
  CPPUNIT_ASSERT(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
}

void ObjectStoreConformance::odd_but_legal_keys_work() {
  const auto store = open();
  std::vector<std::string> keys{"releases/app@2-1.0+build.5.tar.gz",
                                "a b/c",
                                "x&y=z",
                                "100%",
                                "%2e%2e/x",
                                "q?r#s",
                                "~t/!u'(v)*",
                                "<tag>\"",
                                "...",
                                "a:b;c,d$e[f]{g}|h^i`j\\k"};
  for (const auto& key : keys) {
    put(*store, key, key);
    CPPUNIT_ASSERT_EQUAL(key, text_of(*store, key));
  }
  std::sort(keys.begin(), keys.end());
  CPPUNIT_ASSERT(keys == keys_of(must(store->list("", kLimits))));
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, must(store->list("releases/app@2-1.0+", kLimits)).size());
  for (const auto& key : keys) must(store->remove(key, kLimits));
  CPPUNIT_ASSERT(must(store->list("", kLimits)).empty());
}

void ObjectStoreConformance::illegal_keys_are_refused() {
  const auto store = open();
  HashSink sink;
  for (const std::string& key : {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"),
                                 std::string("../a"), std::string("a/../b"), std::string("./a"), std::string("a\nb"),
                                 std::string("caf\xc3\xa9"), std::string(1025, 'x')}) {
    must_fail(Errc::bad_input, put_text(*store, key, "x", PutCondition::none(), kLimits));
    must_fail(Errc::bad_input, get_text(*store, key, kMiB, kLimits));
    must_fail(Errc::bad_input, store->head(key, kLimits));
    must_fail(Errc::bad_input, store->remove(key, kLimits));
  }
  must_fail(Errc::bad_input, store->list("../", kLimits));
}

void ObjectStoreConformance::too_large_objects_are_refused_unread() {
  const auto store = open();
  put(*store, "key", "12345");
  GetRequest request;
  request.key = "key";
  request.max_size = 4;
  HashSink sink;
  must_fail(Errc::corrupt, store->get(request, sink, kLimits));
  CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, sink.bytes);
}

void ObjectStoreConformance::large_objects_stream_both_ways() {
  const auto store = open();
  PatternSource source(40 * kMiB + 12'345, 1);
  const Etag etag = must(store->put("large", source, PutCondition::if_absent(), kLimits));
  HashSink sink;
  GetRequest request;
  request.key = "large";
  request.max_size = source.size();
  const auto answer = must(store->get(request, sink, kLimits));
  CPPUNIT_ASSERT_EQUAL(etag, answer.etag);
  CPPUNIT_ASSERT_EQUAL(source.size(), answer.size);
  CPPUNIT_ASSERT_EQUAL(source.size(), sink.bytes);
  CPPUNIT_ASSERT_EQUAL(source.sha256(), sink.finish());
  PatternSource other(17 * kMiB, 2);
  must_fail(Errc::precondition, store->put("large", other, PutCondition::if_absent(), kLimits));
  CPPUNIT_ASSERT_EQUAL(etag, must(store->head("large", kLimits)).etag);
}

void ObjectStoreConformance::a_download_goes_on_where_it_ended() {
  const auto store = open();
  PatternSource source(300'000, 3);
  GetRequest request;
  request.key = "key";
  request.max_size = kAnySize;
  request.if_match = must(store->put("key", source, PutCondition::none(), kLimits));
  for (const std::uint64_t offset : {std::uint64_t{1}, std::uint64_t{100'000}, source.size()}) {
    request.offset = offset;
    HashSink sink;
    const auto answer = must(store->get(request, sink, kLimits));
    CPPUNIT_ASSERT_EQUAL(source.size(), answer.size);
    CPPUNIT_ASSERT_EQUAL(request.if_match, answer.etag);
    CPPUNIT_ASSERT_EQUAL(0, sink.restarts);
    CPPUNIT_ASSERT_EQUAL(source.size() - offset, sink.bytes);
    CPPUNIT_ASSERT_EQUAL(source.sha256(offset), sink.finish());
  }
}

void ObjectStoreConformance::a_download_of_another_version_starts_over() {
  const auto store = open();
  GetRequest request;
  request.key = "key";
  request.max_size = kAnySize;
  request.if_match = put(*store, "key", "the first version");
  request.offset = 5;
  PatternSource second(200'000, 4);
  const Etag etag = must(store->put("key", second, PutCondition::none(), kLimits));
  HashSink sink;
  const auto answer = must(store->get(request, sink, kLimits));
  CPPUNIT_ASSERT_EQUAL(etag, answer.etag);
  CPPUNIT_ASSERT_EQUAL(1, sink.restarts);
  CPPUNIT_ASSERT_EQUAL(second.sha256(), sink.finish());
}

void ObjectStoreConformance::a_source_that_lies_about_its_size_stores_nothing() {
  const auto store = open();
  LyingSource source;
  must_fail(Errc::corrupt, store->put("key", source, PutCondition::none(), kLimits));
  must_fail(Errc::not_found, store->head("key", kLimits));
}

void ObjectStoreConformance::an_error_of_the_sink_ends_the_download() {
  const auto store = open();
  put(*store, "key", "text");
  FullSink sink;
  GetRequest request;
  request.key = "key";
  request.max_size = kMiB;
  must_fail(Errc::no_space, store->get(request, sink, kLimits));
}

void ObjectStoreConformance::a_stop_request_ends_every_call() {
  const auto store = open();
  put(*store, "key", "text");
  std::stop_source stop;
  stop.request_stop();
  const CallLimits stopped{std::chrono::seconds(60), stop.get_token()};
  must_fail(Errc::cancelled, get_text(*store, "key", kMiB, stopped));
  must_fail(Errc::cancelled, put_text(*store, "key", "other", PutCondition::none(), stopped));
  must_fail(Errc::cancelled, store->head("key", stopped));
  must_fail(Errc::cancelled, store->remove("key", stopped));
  must_fail(Errc::cancelled, store->list("", stopped));
  CPPUNIT_ASSERT_EQUAL(std::string("text"), text_of(*store, "key"));
}

void ObjectStoreConformance::a_key_and_its_address_are_inverse() {
  const auto store = open();
  for (const char* key : {"releases/app-1.0.tar.gz", "a b/c+d@e", "%2e%2e/x", "q?r#s"}) {
    const auto back = store->key_of(store->url_of(key));
    CPPUNIT_ASSERT_MESSAGE(key, back.has_value());
    CPPUNIT_ASSERT_EQUAL(std::string(key), *back);
  }
  const std::string base = store->url_of("releases");
  for (const std::string& url :
       {base + "/../x", base + "/%2e%2e/x", base + "%2Fx", base + "/%zz", base + "//x", base + "/", base + "?x",
        base + "#x", "x" + base, std::string("https://evil.example/releases/x"), std::string("file:///etc/passwd"),
        std::string("/etc/passwd"), std::string()})
    CPPUNIT_ASSERT_MESSAGE(url, !store->key_of(url).has_value());
}

}  // namespace midair
