// `godwit user` and `godwit group` beside a running server: what they set is found, resolved and
// delivered to at once.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "storage/base/text.h"
#include "tests/support/phone.h"
#include "tests/support/test_ca.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

using eas::Version;
using nlohmann::json;
using test::Phone;
using test::ServerProcess;
using wbxml::Element;
namespace rr = wbxml::resolve_recipients;
namespace vc = wbxml::validate_cert;

namespace {

// A server with user1 to user3, and the command line on its data.
struct Admin {
  explicit Admin(const std::string& config = {}) {
    test::ServerSetup setup;
    setup.users = 3;
    setup.config += config;
    server = std::make_unique<ServerProcess>(setup);
  }
  ServerProcess::RunResult run(std::vector<std::string> arguments,
                               const std::string& input = {}) const {
    arguments.insert(arguments.end(), {"--config", server->config_file()});
    return ServerProcess::run(arguments, input);
  }
  // Must succeed; what it prints as JSON.
  json ask(std::vector<std::string> arguments, const std::string& input = {}) const {
    arguments.emplace_back("--json");
    const auto result = run(std::move(arguments), input);
    REQUIRE_MESSAGE(result.status == 0, result.err);
    return json::parse(result.out);
  }
  void refuses(const std::vector<std::string>& arguments, const std::string& why) const {
    const auto result = run(arguments);
    CHECK(result.status == 1);
    CHECK_MESSAGE(result.err.find(why) != std::string::npos, result.err);
  }
  std::string file(const std::string& name, const std::string& bytes) const {
    std::ofstream(dir.file(name), std::ios::binary) << bytes;
    return dir.file(name);
  }

  test::TempDir dir;
  std::unique_ptr<ServerProcess> server;
};

std::string jpeg(std::size_t size) { return "\xff\xd8\xff\xe0" + std::string(size - 4, 'j'); }

std::string leaf(const std::string& email) { return test::make_leaf(email); }

Element resolve(const std::string& to) {
  return Element(
      rr::kResolveRecipients,
      {Element(rr::kTo, to),
       Element(rr::kOptions, {Element(rr::kCertificateRetrieval, "2"), Element(rr::kPicture)})});
}

}  // namespace

TEST_CASE("admin: user set and show: every property of the address list, as text and as JSON") {
  const Admin admin;
  const std::string der = leaf("user1@example.test");
  const std::string pem_file = admin.file("one.pem", test::certificate_pem(der));
  const std::string der_file = admin.file("two.der", leaf("second@example.test"));
  const json set = admin.ask({"user",
                              "set",
                              "user1",
                              "--display-name",
                              "Ann Lée",
                              "--alias",
                              "annie",
                              "--first-name",
                              "Ann",
                              "--last-name",
                              "Lée",
                              "--title",
                              "Captain",
                              "--company",
                              "Birds",
                              "--office",
                              "4/11",
                              "--phone",
                              "+49 1",
                              "--home-phone",
                              "+49 2",
                              "--mobile-phone",
                              "+49 3",
                              "--picture",
                              admin.file("ann.jpg", jpeg(100 * 1024)),
                              "--add-address",
                              "A.Lee@example.test",
                              "--add-address",
                              "lee@other.test",
                              "--add-certificate",
                              pem_file,
                              "--add-certificate",
                              der_file});
  CHECK(set == admin.ask({"user", "show", "lee@other.test"}));
  CHECK(set["address"] == "user1@example.test");
  CHECK(set["display_name"] == "Ann Lée");
  CHECK(set["activesync"] == true);
  CHECK(set["alias"] == "annie");
  CHECK(set["first_name"] == "Ann");
  CHECK(set["last_name"] == "Lée");
  CHECK(set["title"] == "Captain");
  CHECK(set["company"] == "Birds");
  CHECK(set["office"] == "4/11");
  CHECK(set["phone"] == "+49 1");
  CHECK(set["home_phone"] == "+49 2");
  CHECK(set["mobile_phone"] == "+49 3");
  CHECK(set["other_addresses"] == json({"a.lee@example.test", "lee@other.test"}));
  CHECK(set["picture"] == json({{"type", "image/jpeg"}, {"bytes", 102400}}));
  REQUIRE(set["certificates"].size() == 2);
  CHECK(set["certificates"][0]["subject"] == "CN=user1@example.test");
  CHECK(set["certificates"][0]["issuer"] == "CN=Unknown CA");
  CHECK(set["certificates"][0]["not_after"] == "2036-07-18 13:20");
  CHECK(set["certificates"][0]["sha256"].get<std::string>().size() == 64);
  const std::string text = admin.run({"user", "show", "user1"}).out;
  for (const char* part : {"Ann Lée", "Captain", "4/11", "lee@other.test", "102400 bytes",
                           "CN=user1@example.test by CN=Unknown CA", "ActiveSync       on"}) {
    CAPTURE(std::string(part));
    CHECK(text.find(part) != std::string::npos);
  }
  const json less = admin.ask({"user", "set", "user1", "--title", "", "--no-picture",
                               "--no-certificates", "--remove-address", "lee@other.test"});
  CHECK(less["title"] == "");
  CHECK(less["company"] == "Birds");
  CHECK(less["picture"].is_null());
  CHECK(less["certificates"].empty());
  CHECK(less["other_addresses"] == json({"a.lee@example.test"}));
}

TEST_CASE("admin: user set refuses what cannot be, and changes nothing then") {
  const Admin admin;
  admin.refuses({"user", "set", "user1"}, "nothing to set");
  admin.refuses({"user", "set", "nobody", "--title", "x"}, "no such user");
  admin.refuses({"user", "show", "nobody"}, "no such user");
  admin.refuses({"user", "set", "user1", "--picture", admin.file("a.gif", "GIF89a")}, "JPEG");
  admin.refuses({"user", "set", "user1", "--picture", admin.file("a.jpg", jpeg(102401))},
                "100 KiB");
  admin.refuses({"user", "set", "user1", "--picture", admin.dir.file("none.jpg")}, "none.jpg");
  admin.refuses({"user", "set", "user1", "--picture", admin.file("b.jpg", jpeg(1100000))}, "1 MiB");
  admin.refuses({"user", "set", "user1", "--add-certificate", admin.file("a.pem", "no PEM")},
                "neither PEM nor DER");
  admin.refuses({"user", "set", "user1", "--add-address", "user2@example.test"}, "taken");
  admin.refuses({"user", "set", "user1", "--add-address", "no address"}, "not an address");
  admin.refuses({"user", "set", "user1", "--remove-address", "x@example.test"}, "no other address");
  admin.refuses({"user", "set", "user1", "--title", std::string(257, 'x'), "--alias", "y"}, "256");
  const json user = admin.ask({"user", "show", "user1"});
  CHECK(user["alias"] == "");
  CHECK(user["picture"].is_null());
}

TEST_CASE("admin: user add with properties, list, enable, disable, passwd and remove as JSON") {
  const Admin admin;
  const json added =
      admin.ask({"user", "add", "anna", "--display-name", "Anna", "--title", "Captain",
                 "--add-address", "captain@example.test", "--password-stdin"},
                "first\n");
  CHECK(added["address"] == "anna@example.test");
  CHECK(added["title"] == "Captain");
  CHECK(added["other_addresses"] == json({"captain@example.test"}));
  // What is refused leaves no half user behind.
  CHECK(admin
            .run({"user", "add", "bert", "--add-address", "anna@example.test", "--password-stdin"},
                 "x\n")
            .status == 1);
  admin.refuses({"user", "show", "bert"}, "no such user");
  CHECK(admin.ask({"user", "disable", "anna"})["activesync"] == false);
  CHECK(admin.ask({"user", "list"})[3] ==
        json({{"address", "anna@example.test"}, {"display_name", "Anna"}, {"activesync", false}}));
  CHECK(admin.run({"user", "list"}).out.find("off") != std::string::npos);
  CHECK(admin.ask({"user", "enable", "captain"})["activesync"] == true);
  CHECK(admin.ask({"user", "passwd", "anna", "--password-stdin"}, "second\n")["address"] ==
        "anna@example.test");
  CHECK(admin.ask({"user", "broken", "user1"}).empty());
  const json removed = admin.ask({"user", "remove", "anna"});
  CHECK(removed["removed"] == "anna@example.test");
  CHECK(removed["purged"] == false);
  admin.refuses({"user", "show", "captain"}, "no such user");
}

TEST_CASE("admin: groups are made, filled, listed and removed") {
  const Admin admin;
  CHECK(admin.ask({"group", "add", "all", "--name", "Everybody"}) ==
        json({{"address", "all@example.test"},
              {"name", "Everybody"},
              {"users", 0},
              {"members", json::array()}}));
  admin.ask({"group", "add", "few@example.test"});
  admin.ask({"group", "add-member", "few", "user1", "user2@example.test"});
  const json all = admin.ask({"group", "add-member", "all", "few", "user2"});
  CHECK(all["users"] == 2);
  CHECK(all["members"] == json({{{"address", "few@example.test"}, {"kind", "group"}},
                                {{"address", "user2@example.test"}, {"kind", "user"}}}));
  admin.refuses({"group", "add-member", "few", "all"}, "member of itself");
  admin.refuses({"group", "add-member", "few", "user1"}, "is a member of");
  admin.refuses({"group", "add-member", "few", "nobody"}, "no user or group");
  admin.refuses({"group", "add-member", "none", "user1"}, "no group");
  admin.refuses({"group", "add", "user1"}, "exists already");
  admin.refuses({"group", "remove-member", "all", "user1"}, "no member");
  CHECK(admin.ask({"user", "show", "user1"})["groups"] ==
        json({"all@example.test", "few@example.test"}));
  CHECK(admin.ask({"group", "rename", "few", "--name", "The Few"})["name"] == "The Few");
  CHECK(admin.ask({"group", "list"}) ==
        json({{{"address", "all@example.test"}, {"name", "Everybody"}, {"users", 2}},
              {{"address", "few@example.test"}, {"name", "The Few"}, {"users", 2}}}));
  CHECK(admin.run({"group", "list"}).out.find("The Few") != std::string::npos);
  CHECK(admin.run({"group", "show", "all"}).out.find("few@example.test") != std::string::npos);
  CHECK(admin.ask({"group", "remove-member", "few", "user1"})["users"] == 1);
  CHECK(admin.ask({"group", "remove", "few"})["removed"] == "few@example.test");
  CHECK(admin.ask({"group", "show", "all"})["members"].size() == 1);
  admin.refuses({"group", "show", "few"}, "no group");
}

TEST_CASE("directory on the wire: mail to a group and to another address arrives once each") {
  const Admin admin;
  admin.ask({"group", "add", "all"});
  admin.ask({"group", "add-member", "all", "user1", "user2", "user3"});
  admin.ask({"user", "set", "user2", "--add-address", "second@other.test"});
  Phone phone(*admin.server, "user1@example.test", Version::v16_1);
  phone.connect();
  const auto send = [&](const std::string& to, const std::string& subject) {
    const auto sent = phone.client().send_mail(
        "From: user1@example.test\r\nTo: " + to + "\r\nSubject: " + subject + "\r\n\r\nHello.\r\n",
        subject, false);
    REQUIRE_MESSAGE(sent.has_value(), sent.error().message);
  };
  send("all@example.test, second@other.test, user3@example.test", "group");
  for (const char* user : {"user1@example.test", "user2@example.test", "user3@example.test"}) {
    CAPTURE(std::string(user));
    CHECK(admin.server->count_messages(user) == 11);
  }
  send("second@other.test", "other");
  CHECK(admin.server->count_messages("user2@example.test") == 12);
  CHECK(admin.server->count_messages("user1@example.test") == 11);
  admin.ask({"group", "remove", "all"});
  send("all@example.test", "gone");  // comes back
  CHECK(admin.server->count_messages("user1@example.test") == 12);
}

TEST_CASE("resolverecipients on the wire: what was set is found at once, in every version") {
  const Admin admin;
  const std::string picture = jpeg(5000);
  const std::string der = leaf("user2@example.test");
  admin.ask({"user", "set", "user2", "--display-name", "Åsa Ørsted", "--picture",
             admin.file("a.jpg", picture), "--add-certificate", admin.file("a.der", der)});
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(*admin.server, "user1@example.test", version);
    phone.connect();
    const Element root = phone.call(resolve("asa orsted"));
    CHECK(test::find_text(root, rr::kEmailAddress) == "user2@example.test");
    CHECK(test::find_text(root, rr::kDisplayName) == "Åsa Ørsted");
    CHECK(test::find_all(root, rr::kCertificate).size() == 1);
    const auto data = test::find_all(root, rr::kData);
    REQUIRE(data.size() == (version >= Version::v14_1 ? 1 : 0));
    if (!data.empty()) CHECK(data[0]->text == picture);
    CHECK(test::find_all(phone.call(resolve("nobody")), rr::kRecipient).empty());
  }
}

TEST_CASE("validatecert on the wire: the configured authorities are trusted, others are not") {
  test::TempDir dir;
  const test::TestCa root("Root");
  std::ofstream(dir.file("ca.pem")) << root.pem();
  const Admin admin("[certificates]\nca_file = \"" + dir.file("ca.pem") + "\"\n");
  const Element request(
      vc::kValidateCert,
      {Element(vc::kCertificates,
               {Element(vc::kCertificate, storage::base64_encode(root.issue({}))),
                Element(vc::kCertificate, storage::base64_encode(leaf("x@y.test")))})});
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(*admin.server, "user1@example.test", version);
    phone.connect();
    const Element answer = phone.call(request);
    const auto statuses = test::find_all(answer, vc::kStatus);
    REQUIRE(statuses.size() == 3);
    CHECK(statuses[0]->text == "1");
    CHECK(statuses[1]->text == "1");
    CHECK(statuses[2]->text == "4");
  }
}

TEST_CASE("admin: a file of authorities that cannot be used keeps the server from starting") {
  test::TempDir dir;
  const std::string path = dir.file("ca.pem");
  std::ofstream(path) << test::TestCa("Root").pem();
  const Admin admin("[certificates]\nca_file = \"" + path + "\"\n");
  REQUIRE(admin.server->stop() == 0);
  std::ofstream(path) << "no PEM\n";
  const auto started = ServerProcess::run({"serve", "--config", admin.server->config_file()});
  CHECK(started.status == 1);
  CHECK_MESSAGE(started.err.find(path) != std::string::npos, started.err);
}
