// Autodiscover in both forms, and Apple profiles, without a network. [MS-ASCMD] 2.2.1.1
#include "server/autodiscover/autodiscover.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <sstream>

#include "server/autodiscover/profile.h"
#include "storage/base/text.h"
#include "tests/support/paths.h"
#include "tests/support/service_fixture.h"
#include "tests/support/test_certificate.h"

namespace {

using eas::autodiscover::Autodiscover;
using eas::autodiscover::SetupOptions;

constexpr const char* kMobileSync =
    "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";
constexpr const char* kOutlook =
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

std::string question(const std::string& address, const std::string& schema = kMobileSync) {
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover xmlns=\"http://schemas.microsoft"
         ".com/exchange/autodiscover/mobilesync/requestschema/2006\"><Request><EMailAddress>" +
         address + "</EMailAddress><AcceptableResponseSchema>" + schema +
         "</AcceptableResponseSchema></Request></Autodiscover>";
}

struct Site {
  test::ServiceFixture server;
  SetupOptions options;
  eas::Authenticator authenticator{*server.services.directory, server.clock, 3};

  Site() {
    options.url = "https://mail.example.test";
    options.local_domains = {"example.test"};
  }

  http::HttpRequest request(const std::string& method, const std::string& body = "") {
    http::HttpRequest made;
    made.method = method;
    made.path = "/autodiscover/autodiscover.xml";
    made.headers = {{"Host", "mail.example.test"}};
    made.body = http::Body(body);
    made.peer = "192.0.2.1";
    made.tls = true;
    return made;
  }
  static void log_in(http::HttpRequest& made, const std::string& login = "ann@example.test",
                     const std::string& password = "secret") {
    made.headers.emplace_back("Authorization",
                              "Basic " + storage::base64_encode(login + ":" + password));
  }
  Autodiscover service() {
    return Autodiscover(options, authenticator, *server.services.directory, server.clock);
  }
  // A POST of ann's.
  http::HttpReply post(const std::string& body) {
    http::HttpRequest made = request("POST", body);
    log_in(made);
    return service().xml(made);
  }
  http::HttpReply json(const std::string& query,
                       const std::string& path = "/autodiscover/autodiscover.json") {
    http::HttpRequest made = request("GET");
    made.path = path;
    made.query = query;
    return service().json(made);
  }
};

std::string at(const http::HttpReply& reply, const char* path) {
  pugi::xml_document document;
  REQUIRE(document.load_string(reply.body.c_str()));
  return document.first_element_by_path(path).child_value();
}

std::string error_code(const http::HttpReply& reply) {
  CHECK(reply.status == 200);
  CHECK(reply.content_type.starts_with("text/xml"));
  return at(reply, "Autodiscover/Response/Error/ErrorCode");
}

std::string header(const http::HttpReply& reply, std::string_view name) {
  for (const http::Header& one : reply.headers) {
    if (one.first == name) return one.second;
  }
  return {};
}

int shell(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str());
}

// Whether the Response in an answer follows MS-ASCMD's schema; true where it cannot be checked.
bool follows_schema(const http::HttpReply& reply) {
  const auto schema = test::shared_dir() / "spec/schemas/AutodiscoverMobileSync.xsd";
  std::error_code ignored;
  if (!std::filesystem::exists(schema, ignored) || shell("command -v xmllint") != 0) return true;
  pugi::xml_document document;
  REQUIRE(document.load_string(reply.body.c_str()));
  test::TempDir dir;
  std::ofstream file(dir.file("response.xml"));
  document.child("Autodiscover").child("Response").print(file, "", pugi::format_raw);
  file.close();
  return shell("xmllint --noout --schema " + schema.string() + " " + dir.file("response.xml")) == 0;
}

}  // namespace

TEST_CASE("Autodiscover: the mobilesync answer names the user and the server's URL") {
  // covers: MS-ASCMD R41 R703 R735 R736 R1027 R1028 R806 R807 R1084 R2122 R2188 R2228 R3482 R3484
  // covers: MS-ASCMD R3815 R3816 R2480 R3890 R2562 R3951 R2624 R4646 R4648 R4649 R4691 R4693 R2888
  // covers: MS-ASHTTP R445
  // covers: MS-ASCMD R8 R1979-R1982 R2479 R2481 R2482 R2561 R2563 R2564 R2623 R2625 R2626
  // covers: MS-ASCMD R2859-R2862 R2883-R2886 R2887 R2889 R2890
  Site site;
  const auto reply = site.post(question("ANN@example.test"));
  CHECK(reply.status == 200);
  CHECK(reply.content_type == "text/xml; charset=utf-8");
  CHECK(follows_schema(reply));
  const std::string base = "Autodiscover/Response/";
  CHECK(at(reply, (base + "User/EMailAddress").c_str()) == "ann@example.test");
  CHECK(at(reply, (base + "User/DisplayName").c_str()) == "Ann Example");
  const std::string server = base + "Action/Settings/Server/";
  CHECK(at(reply, (server + "Type").c_str()) == "MobileSync");
  CHECK(at(reply, (server + "Url").c_str()) ==
        "https://mail.example.test/Microsoft-Server-ActiveSync");
  CHECK(at(reply, (server + "Name").c_str()) ==
        "https://mail.example.test/Microsoft-Server-ActiveSync");
  CHECK(reply.body.find(kMobileSync) != std::string::npos);
}

TEST_CASE("Autodiscover: without a configured URL the host of the request is named, if it is one") {
  Site site;
  site.options.url.clear();
  http::HttpRequest made = site.request("POST", question("ann@example.test"));
  site.log_in(made);
  made.headers[0].second = "other.example.test:8443";
  CHECK(at(site.service().xml(made), "Autodiscover/Response/Action/Settings/Server/Url") ==
        "https://other.example.test:8443/Microsoft-Server-ActiveSync");
  made.tls = false;
  made.headers.emplace_back("X-Forwarded-Proto", "https");
  CHECK(at(site.service().xml(made), "Autodiscover/Response/Action/Settings/Server/Url")
            .starts_with("https://"));
  for (const char* bad : {"", "evil\"/><x", "a b", "host/path"}) {
    made.headers[0].second = bad;
    CHECK(site.service().xml(made).status == 400);
  }
}

TEST_CASE("Autodiscover: wrong or missing credentials are 401, and too many are refused at once") {
  Site site;
  http::HttpRequest made = site.request("POST", question("ann@example.test"));
  CHECK(site.service().xml(made).status == 401);
  CHECK(header(site.service().xml(made), "WWW-Authenticate").starts_with("Basic"));
  for (const char* guess : {"a", "b", "c"}) {
    http::HttpRequest wrong = site.request("POST", question("ann@example.test"));
    site.log_in(wrong, "ann@example.test", guess);
    CHECK(site.service().xml(wrong).status == 401);
  }
  CHECK(site.post(question("ann@example.test")).status == 401);  // throttled
}

TEST_CASE("Autodiscover: an address that is not the login's own is 602, whoever it belongs to") {
  // covers: MS-ASCMD R2280 R1636 R2283 R3340 R3818
  Site site;
  const auto existing = site.post(question("bob@example.test"));
  const auto unknown = site.post(question("nobody@example.test"));
  CHECK(error_code(existing) == "602");
  CHECK(existing.body == unknown.body);
  CHECK(error_code(site.post(question("ann@elsewhere.test"))) == "602");
}

TEST_CASE("Autodiscover: another address of the user is answered with the primary one") {
  // covers: MS-ASCMD R2228
  Site site;
  REQUIRE(site.server.services.addresses != nullptr);
  storage::Profile profile;
  profile.other_addresses = {"annie@example.test"};
  REQUIRE(site.server.services.addresses->set_profile(site.server.user().id, profile).has_value());
  const auto reply = site.post(question("Annie@example.test"));
  CHECK(at(reply, "Autodiscover/Response/User/EMailAddress") == "ann@example.test");
}

TEST_CASE("Autodiscover: malformed requests are 600, unknown schemas 601") {
  // covers: MS-ASCMD R3799 R2283 R3818
  Site site;
  const std::string good = question("ann@example.test");
  std::string twice = good;
  const std::size_t request = twice.find("<Request>");
  const std::size_t end = twice.find("</Request>") + 10;
  twice.insert(end, twice.substr(request, end - request));
  for (const std::string& bad : {
           std::string("no xml at all"),
           std::string("<Autodiscover>"),
           std::string("<a/>"),
           std::string("<Autodiscover><Request/></Autodiscover>"),
           twice,
           question(""),
           question("ann@example.test", ""),
           "<!DOCTYPE a [<!ENTITY x \"y\">]>" + good.substr(38),
           std::string("\xff\xfe\0<", 4),
           std::string(16000, '<'),
       }) {
    CAPTURE(bad.substr(0, 60));
    CHECK(error_code(site.post(bad)) == "600");
  }
  CHECK(error_code(site.post(question("ann@example.test", "http://x.test/schema"))) == "601");
  CHECK(site.post(std::string(17'000, ' ') + good).status == 413);
  CHECK(error_code(site.post(question("ann@example.test", kOutlook))) == "601");  // not configured
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "<a>";
  CHECK(error_code(site.post(deep)) == "600");
}

TEST_CASE("Autodiscover: external entities are not read") {
  Site site;
  const auto reply = site.post(
      "<!DOCTYPE a [<!ENTITY x SYSTEM "
      "\"file:///etc/passwd\">]><Autodiscover><Request><EMailAddress>"
      "&x;</EMailAddress><AcceptableResponseSchema>s</AcceptableResponseSchema></Request>"
      "</Autodiscover>");
  CHECK(error_code(reply) == "600");
  CHECK(reply.body.find("root") == std::string::npos);
}

TEST_CASE("Autodiscover: a domain that moved is redirected to its new address") {
  // covers: MS-ASCMD R46 R3770 R2439-R2442
  Site site;
  site.options.redirects = {"old.test=new.test"};
  const auto reply = site.post(question("ann@OLD.test"));
  CHECK(follows_schema(reply));
  CHECK(at(reply, "Autodiscover/Response/Action/Redirect") == "ann@new.test");
}

TEST_CASE("Autodiscover: an account without ActiveSync gets Action/Error with Status 2") {
  // covers: MS-ASCMD R1632 R2280 R3996 R4002 R2136 R1896-R1899 R2691-R2694 R4001
  Site site;
  REQUIRE(site.server.services.directory->set_eas_enabled("ann@example.test", false).has_value());
  const auto reply = site.post(question("ann@example.test"));
  CHECK(follows_schema(reply));
  CHECK(at(reply, "Autodiscover/Response/Action/Error/Status") == "2");
  CHECK_FALSE(at(reply, "Autodiscover/Response/Action/Error/Message").empty());
}

TEST_CASE(
    "Autodiscover: GET, or POST without XML, means the login's own address "
    "(quirks.md: Autodiscover, Android)") {
  Site site;
  http::HttpRequest made = site.request("GET");
  site.log_in(made);
  CHECK(at(site.service().xml(made), "Autodiscover/Response/User/EMailAddress") ==
        "ann@example.test");
  CHECK(at(site.post("\r\n"), "Autodiscover/Response/User/EMailAddress") == "ann@example.test");
  http::HttpRequest put = site.request("PUT");
  CHECK(site.service().xml(put).status == 405);
}

TEST_CASE(
    "Autodiscover: a GET without login at another host is redirected "
    "(quirks.md: Autodiscover, HTTP 302)") {
  Site site;
  http::HttpRequest made = site.request("GET");
  made.headers[0].second = "autodiscover.example.test";
  made.tls = false;
  const auto reply = site.service().xml(made);
  CHECK(reply.status == 302);
  CHECK(header(reply, "Location") == "https://mail.example.test/autodiscover/autodiscover.xml");
  made.headers[0].second = "MAIL.example.test";
  CHECK(site.service().xml(made).status == 401);
}

TEST_CASE(
    "Autodiscover: Outlook is told of IMAP and SMTP, whatever the case of its schema "
    "(quirks.md: Autodiscover, Outlook desktop)") {
  Site site;
  site.options.imap = "imap://imap.example.test:143";
  site.options.smtp = "smtps://smtp.example.test";
  const auto reply = site.post(question("ann@example.test", storage::to_lower(kOutlook)));
  pugi::xml_document document;
  REQUIRE(document.load_string(reply.body.c_str()));
  const auto response = document.child("Autodiscover").child("Response");
  CHECK(std::string(response.attribute("xmlns").value()) == kOutlook);
  const auto account = response.child("Account");
  CHECK(std::string(account.child_value("Action")) == "settings");
  const auto imap = account.find_child_by_attribute("none", "");
  CHECK_FALSE(imap);
  std::vector<std::string> rows;
  for (const auto& protocol : account.children("Protocol")) {
    rows.push_back(std::string(protocol.child_value("Type")) + " " +
                   protocol.child_value("Server") + " " + protocol.child_value("Port") + " " +
                   protocol.child_value("SSL") + " " + protocol.child_value("LoginName"));
  }
  CHECK(rows == std::vector<std::string>{"IMAP imap.example.test 143 off ann@example.test",
                                         "SMTP smtp.example.test 465 on ann@example.test"});
}

TEST_CASE(
    "Autodiscover JSON: ActiveSync and AutodiscoverV1 in any letter case "
    "(quirks.md: Autodiscover, Outlook 2019)") {
  Site site;
  for (const char* name : {"ActiveSync", "activesync", "ACTIVESYNC"}) {
    const auto reply = site.json("Email=ann%40example.test&Protocol=" + std::string(name));
    CHECK(reply.status == 200);
    CHECK(reply.content_type.starts_with("application/json"));
    CHECK(reply.body == R"({"Protocol":"ActiveSync",)"
                        R"("Url":"https://mail.example.test/Microsoft-Server-ActiveSync"})");
  }
  for (const char* name : {"AutodiscoverV1", "Autodiscoverv1"}) {
    const auto reply = site.json("email=ann@example.test&PROTOCOL=" + std::string(name));
    CHECK(reply.body == R"({"Protocol":"AutodiscoverV1",)"
                        R"("Url":"https://mail.example.test/autodiscover/autodiscover.xml"})");
  }
  const auto by_path = site.json("Protocol=ActiveSync&RedirectCount=1",
                                 "/autodiscover/autodiscover.json/v1.0/ann%40example.test");
  CHECK(by_path.status == 200);
}

TEST_CASE(
    "Autodiscover JSON: anybody may ask, and unknown people look like known ones "
    "(quirks.md: Autodiscover, Outlook mobile)") {
  Site site;
  const auto known = site.json("Email=ann@example.test&Protocol=ActiveSync");
  const auto unknown = site.json("Email=nobody@example.test&Protocol=ActiveSync");
  CHECK(known.status == unknown.status);
  CHECK(known.body == unknown.body);
}

TEST_CASE("Autodiscover JSON: errors are JSON with a code") {
  Site site;
  const auto code = [&](const std::string& query, int status) {
    const auto reply = site.json(query);
    CHECK(reply.status == status);
    return nlohmann::json::parse(reply.body).at("ErrorCode").get<std::string>();
  };
  CHECK(code("Protocol=ActiveSync", 400) == "MandatoryParameterMissing");
  CHECK(code("Email=ann@example.test", 400) == "MandatoryParameterMissing");
  CHECK(code("Email=ann@example.test&Protocol=Ews", 400) == "InvalidProtocol");
  CHECK(code("Email=ann@example.test&Protocol=%ff%00%22", 400) == "InvalidProtocol");
  CHECK(code("Email=nonsense&Protocol=ActiveSync", 400) == "InvalidUserId");
  CHECK(code("Email=ann@elsewhere.test&Protocol=ActiveSync", 404) == "UserNotFound");
  http::HttpRequest post = site.request("POST");
  CHECK(site.service().json(post).status == 405);
}

TEST_CASE("profile: a page for the login's own account, and nothing for others") {
  Site site;
  http::HttpRequest made = site.request("GET");
  made.path = "/mobileconfig";
  CHECK(site.service().profile(made).status == 401);
  site.log_in(made);
  const auto page = site.service().profile(made);
  CHECK(page.status == 200);
  CHECK(page.content_type.starts_with("text/html"));
  CHECK(page.body.find("lang=\"en\"") != std::string::npos);
  CHECK(page.body.find("href=\"/mobileconfig/ann@example.test.mobileconfig\"") !=
        std::string::npos);
  CHECK(header(page, "Content-Security-Policy").starts_with("default-src 'none'"));
  for (const char* other : {"/mobileconfig/bob@example.test.mobileconfig",
                            "/mobileconfig/nobody@example.test.mobileconfig",
                            "/mobileconfig/ann@example.test", "/mobileconfig/../x"}) {
    made.path = other;
    const auto reply = site.service().profile(made);
    CHECK(reply.status == 404);
    CHECK(reply.body == "not found\n");
  }
}

TEST_CASE("profile: a valid property list with stable UUIDs and no password") {
  Site site;
  http::HttpRequest made = site.request("GET");
  made.path = "/mobileconfig/Ann%40example.test.mobileconfig";
  site.log_in(made);
  const auto reply = site.service().profile(made);
  CHECK(reply.status == 200);
  CHECK(reply.content_type == "application/x-apple-aspen-config");
  CHECK(reply.body == site.service().profile(made).body);
  CHECK(reply.body.find("assword") == std::string::npos);
  pugi::xml_document document;
  REQUIRE(document.load_string(reply.body.c_str()));
  std::map<std::string, std::string> account;
  const auto dict = document.child("plist").child("dict").child("array").child("dict");
  for (const auto& key : dict.children("key")) {
    account[key.child_value()] = key.next_sibling().child_value();
  }
  CHECK(account["PayloadType"] == "com.apple.eas.account");
  CHECK(account["Host"] == "mail.example.test");
  CHECK(account["EmailAddress"] == "ann@example.test");
  CHECK(account["UserName"] == "ann@example.test");
  CHECK(account["PayloadUUID"].size() == 36);
  CHECK(account["PayloadUUID"][14] == '8');
  if (shell("command -v python3") == 0) {
    test::TempDir dir;
    std::ofstream(dir.file("p")) << reply.body;
    CHECK(shell("python3 -c 'import plistlib,sys; d=plistlib.load(open(sys.argv[1],\"rb\")); "
                "assert d[\"PayloadContent\"][0][\"SSL\"] is True' " +
                dir.file("p")) == 0);
  }
}

TEST_CASE("profile: signed with the server's certificate when it has one") {
  Site site;
  test::TempDir dir;
  const auto files = test::write_test_certificate(dir.str(), "server");
  site.options.certificate = files.certificate;
  site.options.key = files.key;
  http::HttpRequest made = site.request("GET");
  made.path = "/mobileconfig/ann@example.test.mobileconfig";
  site.log_in(made);
  const auto reply = site.service().profile(made);
  CHECK(reply.status == 200);
  CHECK(reply.body.front() == '\x30');  // DER
  std::ofstream(dir.file("profile"), std::ios::binary) << reply.body;
  REQUIRE(shell("openssl cms -verify -noverify -inform DER -binary -in " + dir.file("profile") +
                " -out " + dir.file("plain")) == 0);
  std::ifstream plain(dir.file("plain"));
  std::ostringstream text;
  text << plain.rdbuf();
  site.options.certificate.clear();
  CHECK(text.str() == site.service().profile(made).body);

  const auto other = test::write_test_certificate(dir.str(), "other");
  CHECK(eas::autodiscover::sign_profile("x", files.certificate, other.key).error().kind ==
        storage::ErrorKind::invalid);
  CHECK(eas::autodiscover::sign_profile("x", dir.file("none"), files.key).error().kind ==
        storage::ErrorKind::unavailable);
  site.options.certificate = files.certificate;
  site.options.key = other.key;
  CHECK(site.service().profile(made).body.starts_with("<?xml"));  // unsigned is better than none
}

TEST_CASE("Autodiscover: mail servers are named by URL") {
  using eas::autodiscover::parse_endpoint;
  CHECK(parse_endpoint("imaps://a.test")->port == 993);
  CHECK(parse_endpoint("IMAP://a.test/")->host == "a.test");
  CHECK(parse_endpoint("smtp://a.test:25")->port == 25);
  CHECK_FALSE(parse_endpoint("smtp://a.test")->tls);
  for (const char* bad : {"", "a.test", "http://a.test", "imap://", "imap://a.test:0",
                          "imap://a.test:99999", "imap://a b"}) {
    CHECK_FALSE(parse_endpoint(bad).has_value());
  }
}
