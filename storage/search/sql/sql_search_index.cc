// The index is derived, so a change of its tables or of tokens.cc needs no migration: kVersion goes
// up, and everything is dropped and built again.
#include "storage/search/sql/sql_search_index.h"

#include <array>
#include <utility>

#include "storage/base/log.h"
#include "storage/base/text.h"
#include "storage/search/sql/query_compiler.h"

namespace storage::search {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kForgetAtOnce = 500;

constexpr std::array kMigrations = {
    Migration{"search-001", "CREATE TABLE search_version (version BIGINT NOT NULL PRIMARY KEY)"}};

Result<std::optional<SearchProgress>> read_progress(Connection& connection, std::int64_t user_id,
                                                    CollectionId folder) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query("SELECT cursor_seq, head_seq, loaded_date, loaded_id, is_full "
                                 "FROM search_folder WHERE user_id = $1 AND folder = $2",
                                 {user_id, folder}));
  if (rows.empty()) return std::optional<SearchProgress>();
  SearchProgress progress;
  progress.cursor = rows.integer(0, 0);
  progress.head = rows.integer(0, 1);
  progress.loaded = {rows.integer(0, 2), rows.integer(0, 3)};
  progress.full = rows.integer(0, 4) != 0;
  return std::optional<SearchProgress>(progress);
}

Result<void> write_progress(Connection& connection, std::int64_t user_id, CollectionId folder,
                            const SearchProgress& progress) {
  GODWIT_TRY(connection.execute(
      "INSERT INTO search_folder (user_id, folder, cursor_seq, head_seq, loaded_date, loaded_id, "
      "is_full) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, folder) DO UPDATE SET "
      "cursor_seq = excluded.cursor_seq, head_seq = excluded.head_seq, loaded_date = "
      "excluded.loaded_date, loaded_id = excluded.loaded_id, is_full = excluded.is_full",
      {user_id, folder, progress.cursor, progress.head, progress.loaded.date, progress.loaded.id,
       std::int64_t{progress.full ? 1 : 0}}));
  return {};
}

SearchHit read_hit(const Rows& rows, std::size_t row) {
  return {rows.integer(row, 0), rows.integer(row, 1), rows.integer(row, 2), rows.integer(row, 3)};
}

}  // namespace

struct SqlSearchIndex::Place {
  std::int64_t user_id = 0;
  CollectionId folder = 0;
};

Result<std::unique_ptr<SqlSearchIndex>> SqlSearchIndex::open(Database& database) {
  std::unique_ptr<SqlSearchIndex> index(new SqlSearchIndex(
      database, database.is_sqlite() ? make_fts5_table() : make_tsvector_table()));
  GODWIT_TRY(migrate(database, kMigrations));
  GODWIT_TRY(index->make_tables());
  return index;
}

Result<void> SqlSearchIndex::make_tables() {
  bool current = false;
  const auto look = [&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Rows rows, connection.query("SELECT version FROM search_version"));
    current = !rows.empty() && rows.integer(0, 0) == kVersion;
    return {};
  };
  GODWIT_TRY(database_.read(look));
  if (current) return {};
  return database_.write([&](Connection& connection) -> Result<void> {
    if (!database_.is_sqlite()) {
      GODWIT_TRY(connection.execute("LOCK TABLE search_version IN SHARE ROW EXCLUSIVE MODE"));
    }
    GODWIT_TRY(look(connection));
    if (current) return {};
    const std::array<std::string, 6> statements = {
        "DROP TABLE IF EXISTS search_text",
        "DROP TABLE IF EXISTS search_item",
        "DROP TABLE IF EXISTS search_folder",
        "CREATE TABLE search_item (id " + std::string(table_->key_type()) +
            ", user_id BIGINT NOT NULL, folder BIGINT NOT NULL, item BIGINT NOT NULL, received "
            "BIGINT NOT NULL, sent BIGINT NOT NULL, created_seq BIGINT NOT NULL, size BIGINT NOT "
            "NULL, importance BIGINT NOT NULL, flags BIGINT NOT NULL, categories TEXT NOT NULL, "
            "conversation {blob} NOT NULL, UNIQUE (user_id, folder, item))",
        "CREATE INDEX search_item_received ON search_item (user_id, received)",
        "CREATE TABLE search_folder (user_id BIGINT NOT NULL, folder BIGINT NOT NULL, cursor_seq "
        "BIGINT NOT NULL, head_seq BIGINT NOT NULL, loaded_date BIGINT NOT NULL, loaded_id BIGINT "
        "NOT NULL, is_full BIGINT NOT NULL, PRIMARY KEY (user_id, folder))"};
    for (const std::string& statement : statements) GODWIT_TRY(connection.execute(statement));
    for (const std::string_view statement : split(table_->schema(), ';')) {
      GODWIT_TRY(connection.execute(statement));
    }
    GODWIT_TRY(connection.execute("DELETE FROM search_version"));
    GODWIT_TRY(connection.execute("INSERT INTO search_version (version) VALUES ($1)", {kVersion}));
    return {};
  });
}

Result<std::optional<SearchProgress>> SqlSearchIndex::progress(std::int64_t user_id,
                                                               CollectionId folder) {
  std::optional<SearchProgress> found;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(found, read_progress(connection, user_id, folder));
    return {};
  }));
  return found;
}

Result<std::vector<CollectionId>> SqlSearchIndex::folders(std::int64_t user_id) {
  std::vector<CollectionId> found;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Rows rows, connection.query("SELECT folder FROM search_folder WHERE "
                                                    "user_id = $1 ORDER BY folder",
                                                    {user_id}));
    for (std::size_t row = 0; row < rows.size(); ++row) found.push_back(rows.integer(row, 0));
    return {};
  }));
  return found;
}

Result<std::vector<std::int64_t>> SqlSearchIndex::users() {
  std::vector<std::int64_t> found;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT DISTINCT user_id FROM search_folder ORDER BY user_id"));
    for (std::size_t row = 0; row < rows.size(); ++row) found.push_back(rows.integer(row, 0));
    return {};
  }));
  return found;
}

Result<void> SqlSearchIndex::remove(Connection& connection, const Place& place, ItemId item) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query("DELETE FROM search_item WHERE user_id = $1 AND folder = $2 AND "
                                 "item = $3 RETURNING id",
                                 {place.user_id, place.folder, item}));
  if (rows.empty()) return {};
  return table_->remove(connection, rows.integer(0, 0));
}

Result<void> SqlSearchIndex::put(Connection& connection, const Place& place,
                                 const SearchDocument& document) {
  GODWIT_TRY(remove(connection, place, document.item));
  GODWIT_ASSIGN(
      const Rows rows,
      connection.query(
          "INSERT INTO search_item (user_id, folder, item, received, sent, created_seq, size, "
          "importance, flags, categories, conversation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
          "$9, $10, $11) RETURNING id",
          {place.user_id, place.folder, document.item, document.date, document.sent,
           document.created_seq, document.size, std::int64_t{document.importance},
           static_cast<std::int64_t>(document.flags), category_lines(document.categories),
           Blob{document.conversation}}));
  return table_->put(connection, place.user_id, rows.integer(0, 0), document.texts);
}

Result<void> SqlSearchIndex::apply(std::int64_t user_id, CollectionId folder,
                                   const std::optional<SearchProgress>& expected,
                                   const SearchBatch& batch) {
  const Place place{user_id, folder};
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const auto current, read_progress(connection, user_id, folder));
    if (current != expected) {
      return fail(ErrorKind::conflict, "the index of the folder was changed meanwhile");
    }
    for (const SearchDocument& document : batch.put) GODWIT_TRY(put(connection, place, document));
    for (const SearchFlags& change : batch.flags) {
      constexpr std::int64_t kKept = ~static_cast<std::int64_t>(search_flag::kMutable);
      const auto set = static_cast<std::int64_t>(change.flags & search_flag::kMutable);
      GODWIT_TRY(connection.execute(
          "UPDATE search_item SET flags = (flags & $4) + $5, categories = $6 WHERE user_id = $1 "
          "AND folder = $2 AND item = $3",
          {user_id, folder, change.item, kKept, set, category_lines(change.categories)}));
    }
    for (const ItemId item : batch.removed) GODWIT_TRY(remove(connection, place, item));
    return write_progress(connection, user_id, folder, batch.next);
  });
}

Result<bool> SqlSearchIndex::forget_some(std::int64_t user_id, CollectionId folder) {
  bool done = false;
  const auto forget = [&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(
        const Rows rows,
        connection.query("DELETE FROM search_item WHERE id IN (SELECT id FROM search_item WHERE "
                         "user_id = $1 AND folder = $2 LIMIT $3) RETURNING id",
                         {user_id, folder, kForgetAtOnce}));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      GODWIT_TRY(table_->remove(connection, rows.integer(row, 0)));
    }
    done = rows.size() < static_cast<std::size_t>(kForgetAtOnce);
    if (done) {
      GODWIT_TRY(connection.execute("DELETE FROM search_folder WHERE user_id = $1 AND folder = $2",
                                    {user_id, folder}));
    }
    return {};
  };
  GODWIT_TRY(database_.write(forget));
  return done;
}

Result<SearchHits> SqlSearchIndex::search(std::int64_t user_id,
                                          std::span<const CollectionId> folders,
                                          const SearchQuery& query, std::int64_t offset,
                                          int limit) {
  SearchHits result;
  Statement where;
  // SQLite knows nothing of how many messages have a word and would look at every message of the
  // user: "+" keeps it from the index over users, so that it begins with the words.
  const std::string plus = database_.is_sqlite() && requires_text(query) ? "+" : "";
  where.sql = " FROM search_item i WHERE " + plus + "i.user_id = " + where.add(user_id) + " AND ";
  GODWIT_TRY(compile_query(query, user_id, *table_, where));
  if (folders.empty()) return result;
  where.sql += " AND " + plus + "i.folder IN (";
  for (std::size_t i = 0; i < folders.size(); ++i) {
    where.sql += (i > 0 ? ", " : "") + where.add(folders[i]);
  }
  where.sql += ")";
  Statement page = where;
  page.sql = "SELECT i.folder, i.item, i.received, i.created_seq, count(*) OVER ()" + where.sql +
             " ORDER BY i.received DESC, i.folder DESC, i.item DESC LIMIT ";
  page.sql += page.add(std::int64_t{limit});
  page.sql += " OFFSET " + page.add(offset);
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    result = {};
    GODWIT_ASSIGN(const Rows rows, connection.query(page.sql, page.parameters));
    for (std::size_t row = 0; row < rows.size(); ++row) result.hits.push_back(read_hit(rows, row));
    if (!rows.empty()) {
      result.total = rows.integer(0, 4);
    } else if (offset > 0 || limit == 0) {  // past the end, where no row could say it
      GODWIT_ASSIGN(const Rows count,
                    connection.query("SELECT count(*)" + where.sql, where.parameters));
      result.total = count.integer(0, 0);
    }
    return {};
  }));
  return result;
}

}  // namespace storage::search
