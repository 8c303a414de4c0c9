// The rows are written a page of the log at a time, together with the cursor behind it: a crash in
// between repeats at most one page, and repeating gives the same rows. Heads are read outside the
// transaction, since SQLite has one writer.
#include "storage/mail/threads/sql_thread_index.h"

#include <algorithm>
#include <unordered_map>

namespace storage {
namespace {

constexpr int kPage = 256;
constexpr std::size_t kMostHead = std::size_t{1} << 20;

constexpr Migration kMigrations[] = {
    {"thread-001", R"(
      CREATE TABLE thread_folder (
        user_id BIGINT NOT NULL,
        folder BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        PRIMARY KEY (user_id, folder)
      );
      CREATE TABLE thread_message (
        user_id BIGINT NOT NULL,
        folder BIGINT NOT NULL,
        id BIGINT NOT NULL,
        date BIGINT NOT NULL,
        thread {blob} NOT NULL,
        PRIMARY KEY (user_id, folder, id)
      );
      CREATE INDEX thread_message_thread ON thread_message (user_id, thread);
    )"},
};

// The header with the empty line behind it.
std::string_view head_of(std::string_view bytes) {
  bytes = bytes.substr(0, kMostHead);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos) return bytes;
    const bool empty = end == at || (end == at + 1 && bytes[at] == '\r');
    at = end + 1;
    if (empty) return bytes.substr(0, at);
  }
  return bytes;
}

std::vector<ThreadMember> read_members(const Rows& rows) {
  std::vector<ThreadMember> members;
  members.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    members.push_back({rows.integer(row, 0), rows.integer(row, 1), rows.integer(row, 2)});
  }
  return members;
}

}  // namespace

Result<void> SqlThreadIndex::migrate_tables(Database& database) {
  return migrate(database, kMigrations);
}

Result<Seq> SqlThreadIndex::cursor(std::int64_t user_id, CollectionId folder) {
  Seq seq = 0;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Rows rows, connection.query("SELECT seq FROM thread_folder WHERE user_id = "
                                                    "$1 AND folder = $2",
                                                    {user_id, folder}));
    if (!rows.empty()) seq = rows.integer(0, 0);
    return {};
  }));
  return seq;
}

Result<void> SqlThreadIndex::forget_folder(std::int64_t user_id, CollectionId folder) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("DELETE FROM thread_message WHERE user_id = $1 AND folder = $2",
                                  {user_id, folder}));
    GODWIT_TRY(connection.execute("DELETE FROM thread_folder WHERE user_id = $1 AND folder = $2",
                                  {user_id, folder}));
    return {};
  });
}

Result<SqlThreadIndex::Batch> SqlThreadIndex::read(Mailbox& mailbox, CollectionId folder,
                                                   const ChangePage& page) const {
  Batch batch;
  std::vector<ItemId> ids;
  for (const Change& change : page.changes) {
    batch.cursor = change.log_seq;
    if ((change.aspects & aspect::kRemoved) != 0) {
      batch.removed.push_back(change.id);
    } else if ((change.aspects & (aspect::kAdded | aspect::kContent)) != 0) {
      ids.push_back(change.id);
    }
  }
  GODWIT_ASSIGN(const std::vector<MessageInfo> infos, mailbox.messages(folder, ids));
  for (const MessageInfo& info : infos) {
    const auto bytes = mailbox.bytes(folder, info);
    if (!bytes) {
      if (bytes.error().kind == ErrorKind::unavailable) return fail(bytes.error());
      continue;  // gone meanwhile, or a file that cannot be read: it belongs to nothing
    }
    batch.added.push_back({info.id, info.date, key_of_(head_of(bytes->view()), info)});
  }
  return batch;
}

Result<void> SqlThreadIndex::store(std::int64_t user_id, CollectionId folder, const Batch& batch) {
  return database_.write([&](Connection& connection) -> Result<void> {
    for (const Row& row : batch.added) {
      GODWIT_TRY(connection.execute(
          "INSERT INTO thread_message (user_id, folder, id, date, thread) VALUES ($1, $2, $3, $4, "
          "$5) ON CONFLICT (user_id, folder, id) DO UPDATE SET thread = excluded.thread",
          {user_id, folder, row.id, row.date, Blob{row.key}}));
    }
    for (const ItemId id : batch.removed) {
      GODWIT_TRY(connection.execute(
          "DELETE FROM thread_message WHERE user_id = $1 AND folder = $2 AND id = $3",
          {user_id, folder, id}));
    }
    GODWIT_TRY(connection.execute(
        "INSERT INTO thread_folder (user_id, folder, seq) VALUES ($1, $2, $3) ON CONFLICT "
        "(user_id, folder) DO UPDATE SET seq = excluded.seq",
        {user_id, folder, batch.cursor}));
    return {};
  });
}

Result<void> SqlThreadIndex::update(std::int64_t user_id, Mailbox& mailbox, CollectionId folder) {
  const auto head = mailbox.head(folder);
  if (!head) {
    if (head.error().kind == ErrorKind::not_found) GODWIT_TRY(forget_folder(user_id, folder));
    return fail(head.error());
  }
  GODWIT_ASSIGN(Seq at, cursor(user_id, folder));
  while (at < *head) {
    auto page = mailbox.changes(folder, at, kPage);
    if (!page) {
      if (page.error().kind != ErrorKind::expired || at == 0) return fail(page.error());
      GODWIT_TRY(forget_folder(user_id, folder));
      at = 0;
      continue;
    }
    if (page->changes.empty()) break;
    GODWIT_ASSIGN(const Batch batch, read(mailbox, folder, *page));
    GODWIT_TRY(store(user_id, folder, batch));
    at = batch.cursor;
    if (!page->more) break;
  }
  return {};
}

Result<void> SqlThreadIndex::update_all(std::int64_t user_id, Mailbox& mailbox) {
  GODWIT_ASSIGN(const HierarchyPage page, mailbox.folders());
  for (const MailFolder& folder : page.folders) {
    auto updated = update(user_id, mailbox, folder.id);
    if (!updated && updated.error().kind != ErrorKind::not_found) return updated;
  }
  return {};
}

Result<std::vector<ThreadMember>> SqlThreadIndex::members(std::int64_t user_id,
                                                          std::string_view key) {
  std::vector<ThreadMember> members;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT folder, id, date FROM thread_message WHERE user_id = $1 "
                                   "AND thread = $2 ORDER BY folder, date, id",
                                   {user_id, Blob{std::string(key)}}));
    members = read_members(rows);
    return {};
  }));
  return members;
}

Result<std::vector<ThreadMember>> SqlThreadIndex::siblings(std::int64_t user_id,
                                                           CollectionId folder, ItemId id) {
  std::vector<ThreadMember> members;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(
        const Rows rows,
        connection.query("SELECT folder, id, date FROM thread_message WHERE user_id = $1 AND "
                         "folder = $2 AND thread = (SELECT thread FROM thread_message WHERE "
                         "user_id = $1 AND folder = $2 AND id = $3) ORDER BY date, id",
                         {user_id, folder, id}));
    members = read_members(rows);
    return {};
  }));
  return members;
}

Result<std::string> SqlThreadIndex::key(std::int64_t user_id, CollectionId folder, ItemId id) {
  std::string key;
  bool found = false;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(Rows rows, connection.query("SELECT thread FROM thread_message WHERE user_id = "
                                              "$1 AND folder = $2 AND id = $3",
                                              {user_id, folder, id}));
    found = !rows.empty();
    if (found) key = rows.take_text(0, 0);
    return {};
  }));
  if (!found) return fail(ErrorKind::not_found, "the message is in no conversation");
  return key;
}

Result<void> SqlThreadIndex::forget(std::int64_t user_id) {
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("DELETE FROM thread_message WHERE user_id = $1", {user_id}));
    GODWIT_TRY(connection.execute("DELETE FROM thread_folder WHERE user_id = $1", {user_id}));
    return {};
  });
}

}  // namespace storage
