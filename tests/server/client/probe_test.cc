#include "server/client/probe.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/server/client/fake_server.h"
#include "wbxml/code_pages.h"

namespace {

using test::FakeAnswer;
using test::FakeRequest;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace em = wbxml::email;
namespace fh = wbxml::folder_hierarchy;
namespace pg = wbxml::ping;
namespace pv = wbxml::provision;

Element folder(const char* id, const char* name, const char* type) {
  return Element(fh::kAdd, {Element(fh::kServerId, id), Element(fh::kParentId, "0"),
                            Element(fh::kDisplayName, name), Element(fh::kType, type)});
}

Element mail(const std::string& id, const char* subject, const char* date) {
  return Element(as::kAdd, {Element(as::kServerId, id),
                            Element(as::kApplicationData,
                                    {Element(em::kSubject, subject),
                                     Element(em::kFrom, "Ann <ann@example.test>"),
                                     Element(em::kDateReceived, date), Element(em::kRead, "0")})});
}

// A mailbox with two messages in the Inbox; a third comes once a Ping has waited.
class FakeMailbox {
 public:
  FakeMailbox() {
    server.on("Provision", [](const FakeRequest&) {
      return Element(pv::kProvision,
                     {Element(pv::kStatus, "1"),
                      Element(pv::kPolicies, {Element(pv::kPolicy, {Element(pv::kStatus, "2")})})});
    });
    server.on("FolderSync", [](const FakeRequest&) {
      return Element(
          fh::kFolderSync,
          {Element(fh::kStatus, "1"), Element(fh::kSyncKey, "1"),
           Element(fh::kChanges, {folder("1", "Inbox", "2"), folder("5", "Calendar", "8")})});
    });
    server.on("Sync", [this](const FakeRequest& request) { return sync(request); });
    server.on("Ping", [this](const FakeRequest&) {
      pinged = pushes;
      return Element(pg::kPing, {Element(pg::kStatus, pushes ? "2" : "1"),
                                 Element(pg::kFolders, {Element(pg::kFolder, "1")})});
    });
  }

  FakeAnswer sync(const FakeRequest& request) {
    const Element& asked = request.tree.child(as::kCollections)->children.front();
    const std::string key(asked.text_of(as::kSyncKey).value());
    Element collection(as::kCollection,
                       {Element(as::kSyncKey, key + "x"), Element(as::kCollectionId, "1"),
                        Element(as::kStatus, "1")});
    std::vector<Element> commands;
    if (key == "0x") {
      commands = {mail("1:1", "older", "2026-11-20T10:00:00.000Z"),
                  mail("1:2", "newer\nline", "2026-11-21T10:00:00.000Z")};
    } else if (pinged) {
      commands = {mail("1:3", "pushed one", "2026-11-22T10:00:00.000Z")};
    }
    if (!commands.empty()) collection.children.emplace_back(as::kCommands, std::move(commands));
    return Element(as::kSync, {Element(as::kCollections, {collection})});
  }

  test::FakeServer server;
  bool pushes = true;
  std::atomic<bool> pinged{false};
};

eas::client::ProbeOptions options_for(const FakeMailbox& mailbox) {
  eas::client::ProbeOptions options;
  options.client.url = mailbox.server.url();
  options.client.user = "demo@example.test";
  return options;
}

}  // namespace

TEST_CASE("probe: tells folders, counts and the newest subjects, newest first") {
  FakeMailbox mailbox;
  std::ostringstream out;
  CHECK(eas::client::run_probe(options_for(mailbox), out) == 0);
  const std::string text = out.str();
  CHECK(text.find("Inbox (Inbox): 2 messages, 2 unread") != std::string::npos);
  CHECK(text.find("Calendar (Calendar)\n") != std::string::npos);
  CHECK(text.find("policy   none") != std::string::npos);
  const std::size_t newer = text.find("* newer line"), older = text.find("* older");
  CHECK(newer != std::string::npos);
  CHECK(older != std::string::npos);
  CHECK(newer < older);
}

TEST_CASE("probe: waits for a push and tells its subject") {
  FakeMailbox mailbox;
  eas::client::ProbeOptions options = options_for(mailbox);
  options.wait_push_seconds = 5;
  std::ostringstream out;
  CHECK(eas::client::run_probe(options, out) == 0);
  CHECK(out.str().find("waiting for a new message") != std::string::npos);
  CHECK(out.str().find("pushed one") != std::string::npos);
}

TEST_CASE("probe: no message in time is a failure") {
  FakeMailbox mailbox;
  mailbox.pushes = false;
  eas::client::ProbeOptions options = options_for(mailbox);
  options.wait_push_seconds = 1;
  std::ostringstream out;
  CHECK(eas::client::run_probe(options, out) == 1);
  CHECK(out.str().find("failed   no new message came in time") != std::string::npos);
}

TEST_CASE("probe: the JSON has the same facts") {
  FakeMailbox mailbox;
  eas::client::ProbeOptions options = options_for(mailbox);
  options.json = true;
  std::ostringstream out;
  CHECK(eas::client::run_probe(options, out) == 0);
  const auto json = nlohmann::json::parse(out.str());
  CHECK(json["ok"] == true);
  CHECK(json["folders"][0]["name"] == "Inbox");
  CHECK(json["folders"][0]["messages"] == 2);
  CHECK(json["newest"][0]["subject"] == "newer line");
  CHECK(json["newest"].size() == 2);
}

TEST_CASE("probe: a wrong password, a missing version and no server are told") {
  FakeMailbox mailbox;
  std::ostringstream out;
  SUBCASE("wrong password") {
    mailbox.server.on("Provision", [](const FakeRequest&) { return FakeAnswer::http(401); });
    CHECK(eas::client::run_probe(options_for(mailbox), out) == 1);
    CHECK(out.str().find("failed   HTTP status 401") != std::string::npos);
  }
  SUBCASE("version") {
    mailbox.server.versions = "2.5,12.1";
    CHECK(eas::client::run_probe(options_for(mailbox), out) == 1);
    CHECK(out.str().find("does not offer version 16.1") != std::string::npos);
  }
  SUBCASE("no server") {
    eas::client::ProbeOptions options = options_for(mailbox);
    options.client.url = "http://127.0.0.1:1";
    CHECK(eas::client::run_probe(options, out) == 1);
    CHECK(out.str().find("failed   no answer") != std::string::npos);
  }
}
