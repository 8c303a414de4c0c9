// Search and Find on the wire, and what a restart, a kill and a lost index do to them.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/phone.h"
#include "tests/support/postgres.h"
#include "wbxml/code_pages.h"

using eas::Version;
using test::find_all;
using test::find_text;
using test::Phone;
using test::ServerProcess;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace se = wbxml::search;
namespace fi = wbxml::find;
namespace em = wbxml::email;

namespace {

Element search_mail(const std::string& words) {
  return Element(
      se::kSearch,
      {Element(se::kStore,
               {Element(se::kName, "Mailbox"),
                Element(se::kQuery, {Element(se::kAnd, {Element(as::kClass, "Email"),
                                                        Element(se::kFreeText, words)})}),
                Element(se::kOptions, {Element(se::kRange, "0-9")})})});
}

Element search_people(const std::string& text) {
  return Element(se::kSearch,
                 {Element(se::kStore, {Element(se::kName, "GAL"), Element(se::kQuery, text)})});
}

Element find_mail(const std::string& kql) {
  return Element(fi::kFind,
                 {Element(fi::kSearchId, "0d4c9a30-1111-2222-3333-444455556666"),
                  Element(fi::kExecuteSearch,
                          {Element(fi::kMailBoxSearchCriterion,
                                   {Element(fi::kQuery, {Element(as::kClass, "Email"),
                                                         Element(fi::kFreeText, kql)}),
                                    Element(fi::kOptions, {Element(fi::kRange, "0-9")})})})});
}

std::string total(const Element& answer, wbxml::Tag tag = se::kTotal) {
  return std::string(find_text(answer, tag));
}

}  // namespace

TEST_CASE("search: a message that was just delivered is found in every version that has it") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    test::shared_server().deliver(
        phone.user(), test::mail_text(phone.user(), "Zusammenfassung zum Jahresabschluss"));
    const Element answer = phone.call(search_mail("jahresab zusammenf"));
    if (version == Version::v2_5) {
      CHECK(total(answer).empty());
      CHECK(find_text(*answer.child(se::kResponse), se::kStatus) == "2");
      continue;
    }
    CHECK(total(answer) == "1");
    CHECK(find_text(answer, em::kSubject) == "Zusammenfassung zum Jahresabschluss");
    CHECK(find_text(answer, se::kLongId).starts_with(phone.inbox() + ":"));
  }
}

TEST_CASE("search: people are found by name and address in every version") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const Element answer = phone.call(search_people(phone.user()));
    CHECK(total(answer) == "1");
    CHECK(find_text(answer, wbxml::gal::kEmailAddress) == phone.user());
    CHECK(total(phone.call(search_people("nobody like that"))) == "0");
  }
}

TEST_CASE("find: mail by KQL in 16.1; older versions have no such command") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    if (version < Version::v16_1) {
      const auto refused = phone.post(find_mail("subject:plan"));
      CHECK(refused.status == (version < Version::v14_0 ? 400 : 200));
      continue;
    }
    test::shared_server().deliver(phone.user(), test::mail_text(phone.user(), "The zymurgy plan"));
    const Element answer =
        phone.call(find_mail("subject:zymurgy received:today OR subject:zymurgy"));
    CHECK(total(answer, fi::kTotal) == "1");
    CHECK(find_text(answer, em::kSubject) == "The zymurgy plan");
    CHECK(find_text(answer, as::kServerId).starts_with(phone.inbox() + ":"));
    const Element bad = phone.call(find_mail("subject:\"plan"));
    CHECK(find_text(*bad.child(fi::kResponse), fi::kStatus) == "2");
  }
}

TEST_CASE("search: kill -9, a deleted index and a damaged one: found again, nothing else") {
  test::ServerSetup setup;
  setup.messages = 200;
  ServerProcess server(setup);
  const std::string user = "user1@example.test";
  server.deliver(user, test::mail_text(user, "Wiederauffindbar"));
  const auto check = [&] {
    Phone phone(server, user, Version::v14_1);
    phone.connect();
    CHECK(total(phone.call(search_mail("wiederauffindbar"))) == "1");
    CHECK(find_all(phone.call(search_mail("wiederauffindbar")), se::kLongId).size() == 1);
  };
  check();
  server.kill9();
  server.restart();
  check();
  server.kill9();
  for (const char* end : {"", "-wal", "-shm"}) {
    std::filesystem::remove(server.dir() + "/search.db" + end);
  }
  server.restart();
  check();
  CHECK(server.stop() == 0);
  std::filesystem::resize_file(server.dir() + "/search.db", 100);
  server.restart();
  check();
  CHECK(server.stop() == 0);
}

TEST_CASE("search: on PostgreSQL, with mail in the same database") {
  const auto url = test::postgres_url();
  if (!url) return;
  test::ServerSetup setup;
  setup.database = *url;
  ServerProcess server(setup);
  const std::string user = "user1@example.test";
  server.deliver(user, test::mail_text(user, "Wiederauffindbar"));
  Phone phone(server, user, Version::v16_1);
  phone.connect();
  CHECK(total(phone.call(search_mail("WIEDERAUF"))) == "1");
  CHECK(total(phone.call(find_mail("subject:wiederauffindbar")), fi::kTotal) == "1");
  CHECK_FALSE(std::filesystem::exists(server.dir() + "/search.db"));
  CHECK(server.stop() == 0);
}
