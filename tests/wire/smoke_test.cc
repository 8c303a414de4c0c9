// The whole way, once for every version: add the account, get folders and mail, be pushed.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/support/phone.h"

using namespace std::chrono_literals;
using eas::client::MailFolder;
using test::Phone;

TEST_CASE(
    "smoke: a phone of every version adds the account, gets its mail and is pushed new mail") {
  // covers: MS-ASHTTP R1 R319 R518 R167 R228 R239 R241 R244 R281 R450 R504
  for (const eas::Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    const auto options = phone.client().options();
    REQUIRE_MESSAGE(options.has_value(), options.error().message);
    CHECK(options->versions.size() == test::kAllVersions.size());
    CHECK(std::ranges::find(options->commands, "Sync") != options->commands.end());
    phone.connect();
    for (const int type : {2, 3, 4, 5, 6}) CHECK_FALSE(phone.folder_id(type).empty());

    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    CHECK(inbox.items().size() == test::kSharedMessages);

    std::thread delivery([&] {
      std::this_thread::sleep_for(300ms);
      test::shared_server().deliver(phone.user(), test::mail_text(phone.user(), "Pushed to you"));
    });
    const auto start = std::chrono::steady_clock::now();
    const auto ping = phone.ping(60, {phone.inbox()});
    delivery.join();
    CHECK(ping.status == 2);
    CHECK(ping.changed == std::vector<std::string>{phone.inbox()});
    CHECK(std::chrono::steady_clock::now() - start < 10s);
    const auto round = phone.sync(inbox);
    CHECK(round.status == 1);
    CHECK(round.added.size() == 1);
    CHECK(inbox.find_subject("Pushed to you") != nullptr);
  }
}

TEST_CASE("smoke: health is answered without a login, other paths are not found") {
  // covers: MS-ASHTTP R182
  Phone phone(eas::Version::v16_1);
  const auto health = phone.client().send("GET", "/healthz", {}, "");
  REQUIRE(health.has_value());
  CHECK(health->status == 200);
  CHECK(health->body == "ok\n");
  const auto other = phone.client().send("GET", "/etc/passwd", {}, "");
  REQUIRE(other.has_value());
  CHECK(other->status == 404);
}

TEST_CASE("smoke: a wrong password and an unknown user are 401, the right one goes on working") {
  Phone phone(eas::Version::v14_1);
  phone.connect();
  auto options = phone.client().settings();
  options.password = "wrong";
  eas::client::EasClient wrong(options);
  options.user = "nobody@example.test";
  eas::client::EasClient nobody(options);
  for (eas::client::EasClient* client : {&wrong, &nobody}) {
    eas::client::PostRequest request;
    request.command = "FolderSync";
    const auto answer = client->post(request);
    REQUIRE(answer.has_value());
    CHECK(answer->status == 401);
    CHECK(answer->header("WWW-Authenticate").starts_with("Basic"));
  }
  CHECK(phone.client().options().has_value());
}
