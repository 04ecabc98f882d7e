#include "store/s3_xml.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair {

class S3XmlTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(S3XmlTest);
  CPPUNIT_TEST(reads_a_page_of_a_listing);
  CPPUNIT_TEST(decodes_keys_only_where_the_server_encoded_them);
  CPPUNIT_TEST(refuses_a_listing_that_lacks_something);
  CPPUNIT_TEST(tells_html_apart);
  CPPUNIT_TEST(reads_errors);
  CPPUNIT_TEST(survives_hostile_documents);
  CPPUNIT_TEST(writes_a_completion);
  CPPUNIT_TEST(strips_only_the_weak_prefix_of_an_etag);
  CPPUNIT_TEST_SUITE_END();

  static std::string object(const std::string& key) {
    return "<Contents><Key>" + key +
           "</Key><LastModified>2026-11-20T22:24:41.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size>"
           "<Owner><ID>x</ID></Owner></Contents>";
  }
  static std::string listing(const std::string& inside) {
    return "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + inside +
           "</ListBucketResult>";
  }

  void reads_a_page_of_a_listing() {
    const auto page =
        parse_list_page(listing("<Name>b</Name><IsTruncated>true</IsTruncated>" + object("a") + object("b&amp;c") +
                                "<NextContinuationToken>to+ken=</NextContinuationToken>"),
                        "it");
    CPPUNIT_ASSERT_MESSAGE(page.ok() ? "" : page.error().to_string(), page.ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, page->objects.size());
    CPPUNIT_ASSERT_EQUAL(std::string("b&c"), page->objects[1].key);
    CPPUNIT_ASSERT_EQUAL(std::string("\"e\""), page->objects[1].etag);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{7}, page->objects[1].size);
    CPPUNIT_ASSERT(page->objects[1].modified == WallTimeOf(1795213481));
    CPPUNIT_ASSERT_EQUAL(std::string("to+ken="), page->next);
    CPPUNIT_ASSERT(parse_list_page(listing(""), "it")->objects.empty());
  }

  static std::chrono::system_clock::time_point WallTimeOf(std::int64_t seconds) {
    return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
  }

  void decodes_keys_only_where_the_server_encoded_them() {
    const std::string encoding = "<EncodingType>url</EncodingType>";
    const auto key_of = [](const std::string& text) { return parse_list_page(text, "it")->objects.at(0).key; };
    CPPUNIT_ASSERT_EQUAL(std::string("a b+c/d"), key_of(listing(object("a+b%2Bc/d") + encoding)));
    CPPUNIT_ASSERT_EQUAL(std::string("a b"), key_of(listing(encoding + object("a%20b"))));
    CPPUNIT_ASSERT_EQUAL(std::string("a+b%2B"), key_of(listing(object("a+b%2B"))));
    CPPUNIT_ASSERT(!parse_list_page(listing(encoding + object("%zz")), "it").ok());
  }

  void refuses_a_listing_that_lacks_something() {
    for (const std::string& text :
         {listing("<IsTruncated>true</IsTruncated>"), listing("<Contents><Key>a</Key><Size>1</Size></Contents>"),
          listing("<Contents><ETag>e</ETag><Size>1</Size></Contents>"),
          listing("<Contents><Key>a</Key><ETag>e</ETag><Size>-1</Size></Contents>"),
          listing("<Contents><Key>a</Key><ETag>e&#10;X: y</ETag><Size>1</Size></Contents>"), listing("<Contents>"),
          std::string("<Other/>"), std::string("{}"), std::string()})
      CPPUNIT_ASSERT_MESSAGE(text, parse_list_page(text, "it").error().code == Errc::corrupt);
  }

  void tells_html_apart() {
    for (const char* text : {"<html><body>x</body></html>", " \n<!DOCTYPE HTML><html>", "<HTML>"}) {
      CPPUNIT_ASSERT(parse_list_page(text, "it").error().cause.find("HTML") != std::string::npos);
      CPPUNIT_ASSERT(parse_upload_id(text, "it").error().cause.find("HTML") != std::string::npos);
    }
  }

  void reads_errors() {
    const auto fault = parse_fault(
        "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message><RequestId>42</RequestId>"
        "<Endpoint>e.example</Endpoint><Region>eu-west-1</Region></Error>");
    CPPUNIT_ASSERT(fault.has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("PermanentRedirect"), fault->code);
    CPPUNIT_ASSERT_EQUAL(std::string("elsewhere"), fault->message);
    CPPUNIT_ASSERT_EQUAL(std::string("42"), fault->request_id);
    CPPUNIT_ASSERT_EQUAL(std::string("e.example"), fault->endpoint);
    CPPUNIT_ASSERT_EQUAL(std::string("eu-west-1"), fault->region);
    for (const char* text : {"", "<html>", "<Error><Code>x", "no", "<Fine/>"}) CPPUNIT_ASSERT(!parse_fault(text));
  }

  void survives_hostile_documents() {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<a>";
    std::string bomb = "<!DOCTYPE l [<!ENTITY a0 \"ha\">";
    for (int i = 1; i < 30; ++i) {
      const std::string before = "&a" + std::to_string(i - 1) + ";";
      bomb.append("<!ENTITY a").append(std::to_string(i)).append(" \"").append(before).append(before).append("\">");
    }
    bomb += "]><ListBucketResult><Name>&a29;</Name></ListBucketResult>";
    const std::string outside =
        "<!DOCTYPE l [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Error><Code>&x;</Code></Error>";
    CPPUNIT_ASSERT(!parse_list_page(deep, "it").ok());
    CPPUNIT_ASSERT(!parse_list_page(bomb, "it").ok());
    const auto fault = parse_fault(outside);
    CPPUNIT_ASSERT(!fault || fault->code.empty());
  }

  void writes_a_completion() {
    CPPUNIT_ASSERT_EQUAL(
        std::string("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part>"
                    "<Part><PartNumber>2</PartNumber><ETag>b&lt;&amp;</ETag></Part></CompleteMultipartUpload>"),
        completion_document({"\"a\"", "b<&"}));
    CPPUNIT_ASSERT_EQUAL(std::string("u"), parse_upload_id("<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                                                           "</InitiateMultipartUploadResult>",
                                                           "it")
                                               .value());
  }

  void strips_only_the_weak_prefix_of_an_etag() {
    CPPUNIT_ASSERT_EQUAL(std::string("\"x\""), to_etag("W/\"x\""));
    CPPUNIT_ASSERT_EQUAL(std::string("\"x\""), to_etag("\"x\""));
    CPPUNIT_ASSERT_EQUAL(std::string("x-2"), to_etag("x-2"));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(S3XmlTest, "s3_xml");

}  // namespace midair
