#include "midair/release/pointer.h"

#include <cppunit/extensions/HelperMacros.h>

#include "flydeploy_objects.h"
#include "midair/json/json.h"
#include "result_asserts.h"

namespace midair {

namespace {

const std::string kDigest(64, 'a');

Pointer parse(std::string_view text) { return value_of(Pointer::parse(text, "current.json")); }

HotUpgrade full_upgrade() {
  return {{.version = "1.2.0",
           .digest = kDigest,
           .hot_ref = "registry.fly.io/my-app:deployment-01NEW",
           .base_image_ref = "base",
           .sequence = 7},
          "https://fly.storage.tigris.dev/b/releases/my_app-1.2.0.tar.gz",
          "2026-11-20T21:09:29.904881Z",
          4711,
          "handover",
          3};
}

}  // namespace

class PointerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PointerTest);
  CPPUNIT_TEST(reads_what_flydeploy_wrote);
  CPPUNIT_TEST(writes_flydeploys_pointers_back_byte_for_byte);
  CPPUNIT_TEST(new_pointer_equals_flydeploys_first);
  CPPUNIT_TEST(hot_upgrade_survives_a_round_trip);
  CPPUNIT_TEST(unknown_fields_survive_a_read_modify_write);
  CPPUNIT_TEST(what_requires_features_is_for_no_base_image_that_older_sidecars_know);
  CPPUNIT_TEST(nothing_lingers_from_the_release_before);
  CPPUNIT_TEST(copies_do_not_share_changes);
  CPPUNIT_TEST(the_last_good_release_outlives_what_comes_after_it);
  CPPUNIT_TEST(a_last_good_release_of_another_base_image_is_forgotten);
  CPPUNIT_TEST(a_refusal_belongs_to_one_upgrade);
  CPPUNIT_TEST(what_makes_no_sense_of_ours_hides_no_pointer);
  CPPUNIT_TEST(without_image_ref_it_is_for_no_base_image);
  CPPUNIT_TEST(knows_what_a_blue_green_upgrade_needs);
  CPPUNIT_TEST(refuses_wrong_types_and_missing_fields);
  CPPUNIT_TEST(refuses_what_is_too_long_unread);
  CPPUNIT_TEST_SUITE_END();

  void reads_what_flydeploy_wrote() {
    const Pointer initial = parse(flydeploy::kPointerInitial);
    CPPUNIT_ASSERT_EQUAL(std::string("registry.fly.io/my-app:deployment-01JBASE0000000000000000000"),
                         initial.image_ref());
    CPPUNIT_ASSERT(!initial.hot_upgrade());

    const Pointer pointing = parse(flydeploy::kPointerWithHotUpgrade);
    const HotUpgrade upgrade = pointing.hot_upgrade().value();
    CPPUNIT_ASSERT_EQUAL(pointing.image_ref(), upgrade.base_image_ref);
    CPPUNIT_ASSERT_EQUAL(std::string("0.1.0"), upgrade.version);
    CPPUNIT_ASSERT_EQUAL(std::string("registry.fly.io/my-app:deployment-01KA93QZX1V2B3C4D5E6F7G8H9"), upgrade.hot_ref);
    CPPUNIT_ASSERT_EQUAL(std::string("http://127.0.0.1:7790/peer-bucket/releases/my_app-0.1.0.tar.gz"),
                         upgrade.tarball_url);
    CPPUNIT_ASSERT_EQUAL(std::string("2026-11-20T21:09:29.904881Z"), upgrade.deployed_at);
    CPPUNIT_ASSERT(upgrade.digest.empty() && upgrade.strategy.empty());
    CPPUNIT_ASSERT(upgrade.size == 0 && upgrade.sequence == 0 && upgrade.fence == 0);
  }

  void writes_flydeploys_pointers_back_byte_for_byte() {
    for (const char* text : {flydeploy::kPointerInitial, flydeploy::kPointerWithHotUpgrade})
      CPPUNIT_ASSERT_EQUAL(std::string(text), parse(text).to_json());
  }

  void new_pointer_equals_flydeploys_first() {
    const Pointer pointer = Pointer::for_base_image("registry.fly.io/my-app:deployment-01JBASE0000000000000000000",
                                                    "2026-11-20T21:09:25.241415Z");
    CPPUNIT_ASSERT_EQUAL(std::string(flydeploy::kPointerInitial), pointer.to_json());
  }

  void hot_upgrade_survives_a_round_trip() {
    Pointer pointer = Pointer::for_base_image("old", "then");
    pointer.set_hot_upgrade(full_upgrade(), "now");
    const Pointer read = parse(pointer.to_json());
    CPPUNIT_ASSERT_EQUAL(std::string("base"), read.image_ref());
    const HotUpgrade upgrade = read.hot_upgrade().value();
    CPPUNIT_ASSERT_EQUAL(std::string("base"), upgrade.base_image_ref);
    CPPUNIT_ASSERT_EQUAL(std::string("1.2.0"), upgrade.version);
    CPPUNIT_ASSERT_EQUAL(full_upgrade().hot_ref, upgrade.hot_ref);
    CPPUNIT_ASSERT_EQUAL(full_upgrade().tarball_url, upgrade.tarball_url);
    CPPUNIT_ASSERT_EQUAL(full_upgrade().deployed_at, upgrade.deployed_at);
    CPPUNIT_ASSERT_EQUAL(kDigest, upgrade.digest);
    CPPUNIT_ASSERT_EQUAL(std::string("handover"), upgrade.strategy);
    CPPUNIT_ASSERT(upgrade.size == 4711 && upgrade.sequence == 7 && upgrade.fence == 3);
    CPPUNIT_ASSERT_EQUAL(pointer.to_json(), read.to_json());
  }

  void unknown_fields_survive_a_read_modify_write() {
    Pointer pointer =
        parse(R"({"blue_green_upgrade":{"x":[1,2.5,"é"]},"future":{"b":null},"image_ref":"i","set_at":"s",)"
              R"("hot_upgrade":{"version":"1","source_image_ref":"r","tarball_url":"u","rollout":{"wave":2}}})");
    pointer.set_hot_upgrade(full_upgrade(), "now");
    const auto json = value_of(parse_json_object(pointer.to_json(), "current.json", kMaxPointerBytes));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"x":[1,2.5,"é"]})"),
                         to_canonical_json(*json->getObject("blue_green_upgrade")));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"b":null})"), to_canonical_json(*json->getObject("future")));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"wave":2})"),
                         to_canonical_json(*json->getObject("hot_upgrade")->getObject("rollout")));
    CPPUNIT_ASSERT_EQUAL(std::string("now"), json->getValue<std::string>("set_at"));
  }

  void what_requires_features_is_for_no_base_image_that_older_sidecars_know() {
    Pointer pointer = Pointer::for_base_image("old", "then");
    HotUpgrade demanding = full_upgrade();
    demanding.required_features = {"links", "names"};
    pointer.set_hot_upgrade(demanding, "now");
    auto json = value_of(parse_json_object(pointer.to_json(), "current.json", kMaxPointerBytes));
    CPPUNIT_ASSERT(json->isNull("image_ref"));
    const Pointer read = parse(pointer.to_json());
    CPPUNIT_ASSERT(read.is_for("base"));
    CPPUNIT_ASSERT_EQUAL(std::string("base"), read.image_ref());
    CPPUNIT_ASSERT_EQUAL(std::string("base"), read.hot_upgrade()->base_image_ref);
    CPPUNIT_ASSERT(read.hot_upgrade()->required_features == demanding.required_features);
    CPPUNIT_ASSERT_EQUAL(pointer.to_json(), read.to_json());

    pointer.set_hot_upgrade(full_upgrade(), "later");
    CPPUNIT_ASSERT_EQUAL(std::string::npos, pointer.to_json().find("requires"));
    CPPUNIT_ASSERT(parse(pointer.to_json()).is_for("base"));

    // An older agent names the image again, and leaves what it doesn't know.
    json->set("image_ref", std::string("newer"));
    const Pointer rewritten = parse(to_canonical_json(*json));
    CPPUNIT_ASSERT(rewritten.is_for("newer") && !rewritten.is_for("base"));
    CPPUNIT_ASSERT(rewritten.hot_upgrade()->required_features.empty());
    CPPUNIT_ASSERT_EQUAL(std::string("newer"), rewritten.hot_upgrade()->base_image_ref);
  }

  void nothing_lingers_from_the_release_before() {
    Pointer pointer = Pointer::for_base_image("base", "then");
    pointer.set_hot_upgrade(full_upgrade(), "then");
    HotUpgrade bare;
    bare.version = "2";
    bare.hot_ref = "r";
    bare.base_image_ref = "base";
    bare.tarball_url = "u";
    bare.deployed_at = "d";
    pointer.set_hot_upgrade(bare, "now");
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"blue_green_upgrade":null,"hot_upgrade":{"deployed_at":"d","source_image_ref":"r",)"
                    R"("tarball_url":"u","version":"2"},"image_ref":"base","set_at":"now"})"),
        pointer.to_json());
  }

  void copies_do_not_share_changes() {
    const Pointer original = parse(flydeploy::kPointerWithHotUpgrade);
    Pointer changed = original;
    changed.set_hot_upgrade(full_upgrade(), "now");
    CPPUNIT_ASSERT_EQUAL(std::string(flydeploy::kPointerWithHotUpgrade), original.to_json());
  }

  static HotUpgrade next_upgrade(const std::string& base = "base") {
    HotUpgrade upgrade = full_upgrade();
    upgrade.version = "1.3.0";
    upgrade.hot_ref = "midair/my_app:deployment-01NEXT";
    upgrade.base_image_ref = base;
    return upgrade;
  }

  void the_last_good_release_outlives_what_comes_after_it() {
    Pointer pointer = parse(R"({"image_ref":"base","hot_upgrade":{"version":"1.2.0","source_image_ref":"r",)"
                            R"("tarball_url":"u","note":"keep me"}})");
    CPPUNIT_ASSERT(!pointer.last_good());
    pointer.keep_as_last_good();
    pointer.set_hot_upgrade(next_upgrade(), "now");
    const Pointer read = parse(pointer.to_json());
    CPPUNIT_ASSERT_EQUAL(std::string("1.2.0"), read.last_good()->version);
    CPPUNIT_ASSERT_EQUAL(std::string("base"), read.last_good()->base_image_ref);
    CPPUNIT_ASSERT_EQUAL(std::string("1.3.0"), read.hot_upgrade()->version);
    CPPUNIT_ASSERT(pointer.to_json().find(R"("image_ref":"base","note":"keep me")") != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(pointer.to_json(), read.to_json());
  }

  void a_last_good_release_of_another_base_image_is_forgotten() {
    Pointer pointer = Pointer::for_base_image("base", "then");
    pointer.set_hot_upgrade(full_upgrade(), "then");
    pointer.keep_as_last_good();
    pointer.set_hot_upgrade(next_upgrade("another"), "now");
    CPPUNIT_ASSERT(!pointer.last_good());
    CPPUNIT_ASSERT(pointer.to_json().find("last_good") == std::string::npos);
  }

  void a_refusal_belongs_to_one_upgrade() {
    Pointer pointer = Pointer::for_base_image("base", "then");
    pointer.set_hot_upgrade(full_upgrade(), "then");
    CPPUNIT_ASSERT(!pointer.refused());
    pointer.refuse();
    CPPUNIT_ASSERT(pointer.refused() && parse(pointer.to_json()).refused());
    pointer.set_hot_upgrade(next_upgrade(), "now");
    CPPUNIT_ASSERT(!pointer.refused() && !parse(pointer.to_json()).refused());
  }

  void what_makes_no_sense_of_ours_hides_no_pointer() {
    for (const char* good : {"7", "{}", "[]", R"({"version":7,"source_image_ref":"r","tarball_url":"u"})"}) {
      const Pointer pointer = parse(R"({"image_ref":"i","last_good":)" + std::string(good) +
                                    R"(,"hot_upgrade":{"version":"1","source_image_ref":"r","tarball_url":"u",)" +
                                    R"("refused":"perhaps"}})");
      CPPUNIT_ASSERT(pointer.hot_upgrade() && !pointer.last_good() && !pointer.refused());
    }
  }

  void without_image_ref_it_is_for_no_base_image() {
    for (const char* image : {"", R"("image_ref":null,)"}) {
      Pointer pointer = parse("{" + std::string(image) +
                              R"("hot_upgrade":{"version":"1","source_image_ref":"r","tarball_url":"u"}})");
      CPPUNIT_ASSERT(pointer.hot_upgrade());
      CPPUNIT_ASSERT(!pointer.is_for("") && !pointer.is_for("base"));
      pointer.set_hot_upgrade(full_upgrade(), "now");
      CPPUNIT_ASSERT(pointer.is_for("base") && !pointer.is_for(""));
      CPPUNIT_ASSERT(parse(pointer.to_json()).is_for("base"));
    }
    CPPUNIT_ASSERT(parse(R"({"image_ref":""})").is_for(""));
  }

  void knows_what_a_blue_green_upgrade_needs() {
    const auto url_in = [](const std::string& value) {
      return parse(R"({"image_ref":"i","blue_green_upgrade":)" + value + "}").blue_green_tarball_url();
    };
    CPPUNIT_ASSERT_EQUAL(std::string("https://h/b/k"), url_in(R"({"tarball_url":"https://h/b/k"})"));
    for (const char* none : {"null", "{}", "7", R"({"tarball_url":7})"})
      CPPUNIT_ASSERT_EQUAL_MESSAGE(none, std::string(), url_in(none));
    CPPUNIT_ASSERT_EQUAL(std::string(), Pointer::for_base_image("i", "t").blue_green_tarball_url());
  }

  void refuses_wrong_types_and_missing_fields() {
    for (const char* text :
         {"", "[]", "{}", R"({"image_ref":null})", R"({"image_ref":7})", R"({"image_ref":"i","hot_upgrade":"x"})",
          R"({"image_ref":"i","hot_upgrade":{}})",
          R"({"image_ref":"i","hot_upgrade":{"version":1,"source_image_ref":"r","tarball_url":"u"}})",
          R"({"image_ref":"i","hot_upgrade":{"version":"1","source_image_ref":"r","tarball_url":["u"]}})",
          R"({"image_ref":"i","hot_upgrade":{"version":"1","source_image_ref":"r","tarball_url":"u","sequence":"7"}})",
          R"({"image_ref":"i","hot_upgrade":{"version":"1","source_image_ref":"r","tarball_url":"u","size":-1}})",
          R"({"image_ref":"i","hot_upgrade":{"version":"1","source_image_ref":"r","tarball_url":"u","sha256":"abc"}})"})
      assert_fails(Pointer::parse(text, "current.json"), Errc::corrupt, "current.json");
    assert_fails(Pointer::parse("<html>", "current.json"), Errc::corrupt, "looks like HTML");
  }

  void refuses_what_is_too_long_unread() {
    assert_fails(Pointer::parse(std::string(kMaxPointerBytes + 1, '{'), "current.json"), Errc::corrupt, "longer than");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(PointerTest, "pointer");

}  // namespace midair
