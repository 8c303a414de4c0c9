// Autodiscover and profiles on the real server: paths in any letter case, logins, what comes back.
#include <doctest/doctest.h>

#include "tests/support/phone.h"

namespace {

eas::client::EasClient client(const std::string& user, bool good = true) {
  const test::ServerProcess& server = test::shared_server();
  eas::client::ClientOptions options;
  options.url = server.url();
  options.user = user;
  options.password = good ? std::string(test::ServerProcess::kPassword) : "wrong";
  options.ca_file = server.dir() + "/tls/cert.pem";
  return eas::client::EasClient(options);
}

std::string question(const std::string& address) {
  return "<Autodiscover><Request><EMailAddress>" + address +
         "</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/"
         "autodiscover/mobilesync/responseschema/2006</AcceptableResponseSchema></Request>"
         "</Autodiscover>";
}

}  // namespace

TEST_CASE("autodiscover: POST finds the server, in whatever letters the path is written") {
  // covers: MS-ASHTTP R144
  const std::string user = test::fresh_user();
  for (const char* path : {"/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml",
                           "/AutoDiscover/AutoDiscover.xml"}) {
    auto phone = client(user);
    const auto answer = phone.send("POST", path, {{"Content-Type", "text/xml"}}, question(user));
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(answer->body.find(test::shared_server().url() + "/Microsoft-Server-ActiveSync") !=
          std::string::npos);
  }
}

TEST_CASE(
    "autodiscover: 401 for a wrong password, JSON for anybody, 404 for what there is not "
    "(quirks.md: Nine)") {
  const std::string user = test::fresh_user();
  auto wrong = client(user, false);
  const auto refused = wrong.send("POST", "/autodiscover/autodiscover.xml", {}, question(user));
  REQUIRE(refused.has_value());
  CHECK(refused->status == 401);
  auto anybody = client("", true);
  for (const char* target :
       {"/autodiscover/autodiscover.json?Email=x@example.test&Protocol=ActiveSync",
        "/Autodiscover/AutoDiscover.json/v1.0/x@example.test?Protocol=activesync"}) {
    const auto answer = anybody.send("GET", target, {}, "");
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(answer->body.find("/Microsoft-Server-ActiveSync") != std::string::npos);
  }
  // quirks.md: Nine tries Mozilla's form next; 404 is fine.
  const auto mozilla = anybody.send("GET", "/v1.1/mail/config", {}, "");
  REQUIRE(mozilla.has_value());
  CHECK(mozilla->status == 404);
}

TEST_CASE("autodiscover: the profile comes signed, to its owner") {
  const std::string user = test::fresh_user();
  auto phone = client(user);
  const auto page = phone.send("GET", "/mobileconfig", {}, "");
  REQUIRE(page.has_value());
  CHECK(page->status == 200);
  const auto profile = phone.send("GET", "/mobileconfig/" + user + ".mobileconfig", {}, "");
  REQUIRE(profile.has_value());
  CHECK(profile->status == 200);
  CHECK(profile->header("Content-Type") == "application/x-apple-aspen-config");
  CHECK(profile->body.find(user) != std::string::npos);
  CHECK(profile->body.front() == '\x30');
  const auto other = phone.send("GET", "/mobileconfig/user1@example.test.mobileconfig", {}, "");
  REQUIRE(other.has_value());
  CHECK(other->status == 404);
}
