// A message that cannot be shown goes out as a placeholder, is listed for the administrator, and
// holds up nothing behind it.
#include <doctest/doctest.h>

#include <string>

#include "tests/support/phone.h"

using eas::Version;
using eas::client::MailFolder;
using test::Phone;

TEST_CASE("sync: a message that cannot be shown is a placeholder, listed once (field.md pain 14)") {
  test::ServerProcess server;
  const std::string user = "user1@example.test";
  std::string broken = "Subject: Too many fields\r\n";
  for (int i = 0; i < 50'000; ++i) broken += "a:\r\n";
  server.deliver(user, test::mail_text(user, "Before it"));
  server.deliver(user, broken + "\r\nbody\r\n");
  server.deliver(user, test::mail_text(user, "After it"));
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(server, user, version, "Phone" + std::to_string(static_cast<int>(version)));
    phone.connect();
    MailFolder inbox(phone.inbox());
    phone.sync_all(inbox);
    CHECK(inbox.items().size() == 13);
    CHECK(inbox.find_subject("Before it") != nullptr);
    CHECK(inbox.find_subject("After it") != nullptr);
    const auto* item = inbox.find_subject("Too many fields");
    REQUIRE(item != nullptr);
    CHECK(item->body.find("could not be shown") != std::string::npos);
    CHECK(phone.sync(inbox).added.empty());
  }
  const auto listed =
      test::ServerProcess::run({"user", "broken", user, "--config", server.config_file()});
  CHECK_MESSAGE(listed.status == 0, listed.err);
  const std::size_t first = listed.out.find("Inbox");
  CHECK(first != std::string::npos);
  CHECK(listed.out.find("Inbox", first + 1) == std::string::npos);
  CHECK(server.log().find("message sent as a placeholder") != std::string::npos);
}
