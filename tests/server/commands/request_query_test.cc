#include "server/commands/request_query.h"

#include <doctest/doctest.h>

#include <string>

#include "storage/base/text.h"

namespace {

using eas::parse_query;

// The documented fields up to the device type, then `parameters` as they are.
std::string base64_query(int version, int command, std::string_view device_id,
                         std::string_view policy_key, std::string_view device_type,
                         std::string_view parameters = {}) {
  std::string bytes;
  bytes += static_cast<char>(version);
  bytes += static_cast<char>(command);
  bytes += "\x09\x04";
  bytes += static_cast<char>(device_id.size());
  bytes += device_id;
  bytes += static_cast<char>(policy_key.size());
  bytes += policy_key;
  bytes += static_cast<char>(device_type.size());
  bytes += device_type;
  bytes += parameters;
  return storage::base64_encode(bytes);
}

}  // namespace

TEST_CASE("query: the plain form, percent-decoded, in any order and case of names") {
  // covers: MS-ASHTTP R282
  const auto query = parse_query(
      "deviceid=v140Device&Cmd=SendMail&User=DOMAIN%5Crm%40x&DeviceType=SmartPhone&SaveInSent=T"
      "&CollectionId=m1&ItemId=m1%3A2&AttachmentName=a%20b&Unknown=1");
  REQUIRE(query);
  CHECK(query->command == "SendMail");
  CHECK(query->user == "DOMAIN\\rm@x");
  CHECK(query->device_id == "v140Device");
  CHECK(query->device_type == "SmartPhone");
  CHECK(query->save_in_sent);
  CHECK(query->collection_id == "m1");
  CHECK(query->item_id == "m1:2");
  CHECK(query->attachment_name == "a b");
  CHECK_FALSE(query->version);
  CHECK(query->version_text.empty());
}

TEST_CASE("query: plus stays plus, the first of two counts") {
  const auto query = parse_query("Cmd=Sync&User=a+b&Cmd=SendMail&DeviceId=1&DeviceType=t");
  REQUIRE(query);
  CHECK(query->command == "Sync");
  CHECK(query->user == "a+b");
  CHECK_FALSE(query->save_in_sent);
}

TEST_CASE("query: the example of MS-ASHTTP") {
  // covers: MS-ASHTTP R282
  const auto query = parse_query("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l");
  REQUIRE(query);
  CHECK(query->version == eas::Version::v14_0);
  CHECK(query->version_text == "14.0");
  CHECK(query->command == "Sync");
  CHECK(query->locale == 0x0409);
  CHECK(query->device_id == "v140Device");
  CHECK(query->device_type == "SmartPhone");
  CHECK_FALSE(query->policy_key);
}

TEST_CASE(
    "query: base64 with policy key and parameters; Options is a bit mask (quirks.md: Options, "
    "field.md 1.1)") {
  // covers: MS-ASHTTP R486
  const std::string parameters("\x07\x01\x03\x01\x02m1\x03\x04m1:2\x00\x01x\x08\x02me", 20);
  const auto query = parse_query(
      base64_query(141, 19, "dev", std::string("\x01\x02\x00\x80", 4), "iPhone", parameters));
  REQUIRE(query);
  CHECK(query->command == "ItemOperations");
  CHECK(query->policy_key == 0x80000201u);
  CHECK(query->save_in_sent);
  CHECK(query->accept_multipart);
  CHECK(query->collection_id == "m1");
  CHECK(query->item_id == "m1:2");
  CHECK(query->attachment_name == "x");
  CHECK(query->user == "me");
}

TEST_CASE("query: base64 of the URL alphabet, without padding, or percent-encoded padding") {
  std::string text = base64_query(121, 18, "\x01\xFF\xFE\x02", "", "SP");
  std::string url = text;
  for (char& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (url.ends_with('=')) url.pop_back();
  for (const std::string& form : {text, url}) {
    const auto query = parse_query(form);
    REQUIRE(query);
    CHECK(query->command == "Ping");
    CHECK(query->device_id == "01fffe02");  // raw bytes, as hex
    CHECK(eas::is_valid_device_id(query->device_id));
  }
  CHECK(parse_query(base64_query(121, 18, "abcd", "", "SP1") + ""));
  CHECK(parse_query("eQ4JBAQBAQEBAAJTUA%3D%3D"));
}

TEST_CASE(
    "query: device type before policy key and a zero byte, as one client writes it (quirks.md: "
    "go-activesync)") {
  std::string bytes("\x8D\x00\x09\x04\x03", 5);
  bytes += "dev";
  bytes += "\x06iPhone";
  bytes += std::string("\x04\x05\x00\x00\x00", 5);
  bytes += std::string("\x00\x07\x01\x02", 4);
  const auto query = parse_query(storage::base64_encode(bytes));
  REQUIRE(query);
  CHECK(query->device_type == "iPhone");
  CHECK(query->policy_key == 5u);
  CHECK(query->accept_multipart);
}

TEST_CASE("query: a version and a command that are unknown are told, not refused") {
  const auto version = parse_query(base64_query(150, 0, "dev", "", "SP"));
  REQUIRE(version);
  CHECK_FALSE(version->version);
  CHECK(version->version_text == "15.0");
  const auto command = parse_query(base64_query(141, 77, "dev", "", "SP"));
  REQUIRE(command);
  CHECK(command->command.empty());
  const auto known = parse_query(base64_query(141, 3, "dev", "", "SP"));
  REQUIRE(known);
  CHECK(known->command == "SmartReply");
}

TEST_CASE("query: every cut of a base64 query is refused or still sensible, never a crash") {
  const std::string whole = *storage::base64_decode(
      base64_query(141, 19, "device", "\x01\x02\x03\x04", "iPhone", "\x01\x02m1\x03\x04m1:2"));
  int refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto query = parse_query(storage::base64_encode(whole.substr(0, size)));
    if (!query) ++refused;
  }
  CHECK(refused >= 18);  // all that end inside a field
}

TEST_CASE("query: neither form, empty, or too long") {
  CHECK_FALSE(parse_query(""));
  CHECK_FALSE(parse_query("%%%"));
  CHECK_FALSE(parse_query("hello world"));
  CHECK_FALSE(parse_query(std::string(100'000, 'A')));
  CHECK_FALSE(parse_query("Cmd=Sync&DeviceId=" + std::string(1000, 'A')));
  CHECK(parse_query("Cmd=Sync&DeviceId=1&DeviceType=t&User=" + std::string(300, 'A')));
}

TEST_CASE("query: device ids and types") {
  CHECK(eas::is_valid_device_id("MZTB95bce84ec33b6192f9da4007987e"));
  CHECK(eas::is_valid_device_id("android-1.2_{x}"));
  CHECK(eas::is_valid_device_id(std::string(64, 'a')));
  CHECK_FALSE(eas::is_valid_device_id(""));
  CHECK_FALSE(eas::is_valid_device_id(std::string(65, 'a')));
  CHECK_FALSE(eas::is_valid_device_id("a,b"));
  CHECK_FALSE(eas::is_valid_device_id("../etc"));
  CHECK_FALSE(eas::is_valid_device_id("a b"));
  CHECK_FALSE(eas::is_valid_device_id("a\n"));
  CHECK(eas::is_valid_device_type("Outlook for iOS"));
  CHECK_FALSE(eas::is_valid_device_type(""));
  CHECK_FALSE(eas::is_valid_device_type("x\x01"));
  CHECK_FALSE(eas::is_valid_device_type(std::string(65, 'x')));
}
