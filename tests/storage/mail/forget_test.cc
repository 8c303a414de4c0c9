// What the index keeps of a user goes when the user does; the mail stays.
#include "tests/storage/mail/mail_fixture.h"

using namespace test;

namespace {

std::int64_t rows_of(World& world, const char* sql) {
  std::int64_t count = -1;
  must(world.database->read([&](storage::Connection& connection) -> storage::Result<void> {
    GODWIT_ASSIGN(const storage::Rows rows, connection.query(sql));
    count = rows.integer(0, 0);
    return {};
  }));
  return count;
}

void check_forgetting(const std::string& url, const std::string& root) {
  World world(url, root);
  const auto other = must(world.store->open(2, "other@example.test"));
  storage::CollectionId inbox_of_other = 0;
  for (const auto& folder : must(other->folders()).folders) {
    if (folder.role == storage::FolderRole::inbox) inbox_of_other = folder.id;
  }
  must(other->append(inbox_of_other, kMessage, {}, kDate));
  const auto inbox = world.inbox();
  world.add(inbox);
  const auto broken = world.add(inbox);
  must(world.box->note_broken(inbox, broken.id, "told to"));
  must(world.box->remove_folder(must(world.box->create_folder(0, "Gone")).id));

  must(storage::forget_mail_of(*world.database, 1));
  CHECK(rows_of(world, "SELECT COUNT(*) FROM mail_user") == 1);
  CHECK(rows_of(world, "SELECT COUNT(*) FROM mail_folder WHERE user_id = 1") == 0);
  CHECK(rows_of(world, "SELECT COUNT(*) FROM mail_item") == 1);
  CHECK(rows_of(world, "SELECT COUNT(*) FROM mail_broken") == 0);
  must(storage::forget_mail_of(*world.database, 1));  // again changes nothing
  CHECK(must(other->head(inbox_of_other)) > 0);

  world.reopen();
  CHECK(world.ids(world.inbox()).size() == 2);
}

}  // namespace

TEST_CASE_TEMPLATE("mailbox: what is known of a removed user is forgotten, the mail is not", DB,
                   Sqlite, Postgres) {
  TempDir dir;
  const auto url = DB::url(dir);
  if (!url) return;
  check_forgetting(*url, dir.file("mail"));
}
