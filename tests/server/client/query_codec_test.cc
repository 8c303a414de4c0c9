#include "server/client/query_codec.h"

#include <doctest/doctest.h>

#include "storage/base/text.h"

using eas::client::ClientQuery;
using eas::client::decode_query;
using eas::client::encode_query;

namespace {

bool same(const ClientQuery& a, const ClientQuery& b) {
  return a.base64 == b.base64 && a.command == b.command && a.user == b.user &&
         a.device_id == b.device_id && a.device_type == b.device_type && a.params == b.params &&
         (!a.base64 || (a.version_byte == b.version_byte && a.locale == b.locale &&
                        a.policy_key == b.policy_key));
}

}  // namespace

TEST_CASE("query: the example of the document, both ways") {
  const auto query = decode_query("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l");
  REQUIRE(query.has_value());
  CHECK(query->base64);
  CHECK(query->command == "Sync");
  CHECK(query->version_byte == 140);
  CHECK(query->locale == 0x0409);
  CHECK(query->device_id == "v140Device");
  CHECK(query->device_type == "SmartPhone");
  CHECK_FALSE(query->policy_key.has_value());
  CHECK(query->params.empty());
  CHECK(encode_query(*query) == "jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l");
}

TEST_CASE("query: every command and every parameter survives either form") {
  for (const char* command : {"Sync",
                              "SendMail",
                              "SmartForward",
                              "SmartReply",
                              "GetAttachment",
                              "FolderSync",
                              "FolderCreate",
                              "FolderDelete",
                              "FolderUpdate",
                              "MoveItems",
                              "GetItemEstimate",
                              "MeetingResponse",
                              "Search",
                              "Settings",
                              "Ping",
                              "ItemOperations",
                              "Provision",
                              "ResolveRecipients",
                              "ValidateCert",
                              "Find"}) {
    for (const bool base64 : {false, true}) {
      CAPTURE(command);
      CAPTURE(base64);
      ClientQuery query;
      query.base64 = base64;
      query.command = command;
      query.user = "a b@example.test&x=%";
      query.device_id = "DEV1";
      query.device_type = "T";
      if (base64) query.policy_key = 0xFEDCBA98;
      query.params = {{"AttachmentName", "mail/INBOX/11/2"},
                      {"CollectionId", "5"},
                      {"ItemId", "5:7"},
                      {"LongId", "x=/+&"},
                      {"SaveInSent", "T"}};
      const auto read = decode_query(encode_query(query));
      REQUIRE(read.has_value());
      CHECK(same(*read, query));
    }
  }
}

TEST_CASE("query: what neither form reads") {
  for (const char* bad : {"", "x", "User=a&DeviceId=b", "Cmd=", "jAAJ",
                          "/////w==", "jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25lAQ==", "jAAJBP92MTQw"}) {
    CAPTURE(bad);
    CHECK_FALSE(decode_query(bad).has_value());
  }
}

TEST_CASE("query: an unknown command cannot be base64 and goes out in plain text") {
  ClientQuery query;
  query.base64 = true;
  query.command = "Nonsense";
  query.device_id = "D";
  CHECK(encode_query(query) == "Cmd=Nonsense&User=&DeviceId=D&DeviceType=");
}

TEST_CASE("query: percent encoding keeps only what every server keeps") {
  CHECK(eas::client::percent_encode("aZ09-._~") == "aZ09-._~");
  CHECK(eas::client::percent_encode("a@b/c d+\xC3\xA4") == "a%40b%2Fc%20d%2B%C3%A4");
}
