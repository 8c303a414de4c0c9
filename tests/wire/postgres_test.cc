// The same server on PostgreSQL.
#include <doctest/doctest.h>

#include <thread>

#include "tests/support/phone.h"
#include "tests/support/postgres.h"

using namespace std::chrono_literals;
using eas::Version;
using eas::client::MailFolder;
using test::Phone;
using test::ServerProcess;

TEST_CASE("postgres: accounts, mail, push, flags, and a kill -9 in between") {
  const auto url = test::postgres_url();
  if (!url) return;
  test::ServerSetup setup;
  setup.users = 3;
  setup.database = *url;
  ServerProcess server(setup);
  MailFolder inbox("");
  for (const Version version : {Version::v2_5, Version::v14_1, Version::v16_1}) {
    CAPTURE(to_string(version));
    const std::string user = version == Version::v2_5    ? "user1@example.test"
                             : version == Version::v14_1 ? "user2@example.test"
                                                         : "user3@example.test";
    {
      Phone phone(server, user, version);
      phone.connect();
      inbox = MailFolder(phone.inbox());
      phone.sync_all(inbox);
      CHECK(inbox.items().size() == 10);
      std::thread delivery([&] {
        std::this_thread::sleep_for(300ms);
        server.deliver(user, test::mail_text(user, "On PostgreSQL"));
      });
      CHECK(phone.ping(60, {phone.inbox()}).status == 2);
      delivery.join();
      CHECK(phone.sync(inbox).added.size() == 1);
      const std::string id = inbox.find_subject("On PostgreSQL")->server_id;
      const auto changed = phone.sync(inbox, {eas::client::change_read(id, true)});
      CHECK((changed.empty || changed.status == 1));
    }
    server.kill9();
    server.restart();
    Phone phone(server, user, version);
    phone.connect();
    const auto quiet = phone.sync(inbox);
    CHECK((quiet.empty || quiet.status == 1));
    CHECK((quiet.added.empty() && quiet.changed.empty() && quiet.deleted.empty()));
    MailFolder fresh(phone.inbox());
    Phone second(server, user, version, "Second");
    second.connect();
    second.sync_all(fresh);
    REQUIRE(fresh.find_subject("On PostgreSQL") != nullptr);
    CHECK(fresh.find_subject("On PostgreSQL")->read);
    CHECK(fresh.items().size() == 11);
  }
  CHECK(server.stop() == 0);
}
