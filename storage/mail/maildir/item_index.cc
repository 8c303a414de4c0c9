// Items and their change log. Additions go in many rows per statement: that is what makes the first
// indexing of a large folder fast, on PostgreSQL above all, where each statement is a round trip.
#include <algorithm>
#include <limits>

#include "storage/base/text.h"
#include "storage/mail/maildir/filename.h"
#include "storage/mail/maildir/index.h"

namespace storage::maildir {

namespace {

#define GODWIT_ITEM_COLUMNS                                                               \
  "id, seq, date, size, flags, in_cur, removed, moved_folder, moved_item, base, suffix, " \
  "keywords, annotation"

constexpr std::size_t kRowsPerInsert = 32;
constexpr std::size_t kInsertColumns = 9;

Blob blob(std::string_view bytes) { return Blob{std::string(bytes)}; }

ItemRow item_from(const Rows& rows, std::size_t r) {
  ItemRow row;
  row.id = rows.integer(r, 0);
  row.seq = rows.integer(r, 1);
  row.date = rows.integer(r, 2);
  row.size = rows.integer(r, 3);
  row.flags = static_cast<unsigned>(rows.integer(r, 4));
  row.location.in_cur = rows.integer(r, 5) != 0;
  row.removed = rows.integer(r, 6) != 0;
  row.moved_folder = rows.integer(r, 7);
  row.moved_item = rows.integer(r, 8);
  row.location.base = rows.text(r, 9);
  row.location.suffix = rows.text(r, 10);
  row.keywords = split_keywords(rows.text(r, 11));
  row.annotation = rows.text(r, 12);
  return row;
}

Result<std::optional<ItemRow>> first_item(Result<Rows> rows) {
  if (!rows) return fail(std::move(rows.error()));
  if (rows->empty()) return std::optional<ItemRow>();
  return std::optional(item_from(*rows, 0));
}

// "INSERT … VALUES (…), (…) …" for `count` rows. The id is the seq, so one value serves for both.
std::string insert_text(std::size_t count) {
  std::string sql =
      "INSERT INTO mail_item (collection, id, seq, date, size, flags, in_cur, base, suffix, "
      "keywords, annotation, read_seq, flag_seq, category_seq, verb_seq, removed, moved_folder, "
      "moved_item) VALUES ";
  for (std::size_t row = 0; row < count; ++row) {
    const auto p = [&](std::size_t column) {
      return "$" + std::to_string(1 + row * kInsertColumns + column);
    };
    // $1 (the collection) is repeated per row, and the id of each row twice.
    sql += (row == 0 ? "(" : ", (") + p(0) + ", " + p(1) + ", " + p(1) + ", " + p(2) + ", " + p(3) +
           ", " + p(4) + ", " + p(5) + ", " + p(6) + ", " + p(7) + ", " + p(8) + ", $" +
           std::to_string(1 + count * kInsertColumns + row) + ", 0, 0, 0, 0, 0, 0, 0)";
  }
  sql += " ON CONFLICT DO NOTHING RETURNING id";
  return sql;
}

void append_insert_values(std::vector<SqlValue>& values, std::int64_t key, const Edit& edit) {
  values.emplace_back(key);
  values.emplace_back(edit.seq);
  values.emplace_back(edit.date);
  values.emplace_back(edit.size);
  values.emplace_back(std::int64_t{edit.flags});
  values.emplace_back(std::int64_t{edit.location.in_cur});
  values.emplace_back(blob(edit.location.base));
  values.emplace_back(blob(edit.location.suffix));
  values.emplace_back(blob(join_keywords(edit.keywords)));
}

// Inserts a group of additions. Those whose base is there already (another process came first)
// become that item.
Result<void> insert_group(Connection& connection, std::int64_t key, std::span<Edit*> group) {
  static const std::string many = insert_text(kRowsPerInsert);
  static const std::string one = insert_text(1);
  std::vector<SqlValue> values;
  values.reserve(group.size() * (kInsertColumns + 1));
  for (Edit* edit : group) append_insert_values(values, key, *edit);
  for (Edit* edit : group) values.emplace_back(blob(edit->annotation.value_or("")));
  GODWIT_ASSIGN(const Rows inserted, connection.query(group.size() == 1 ? one : many,
                                                      std::span<const SqlValue>(values)));
  if (inserted.size() == group.size()) return {};
  std::vector<ItemId> ids;
  for (std::size_t r = 0; r < inserted.size(); ++r) ids.push_back(inserted.integer(r, 0));
  for (Edit* edit : group) {
    if (std::find(ids.begin(), ids.end(), edit->id) != ids.end()) continue;
    GODWIT_ASSIGN(const auto row, find_live(connection, key, edit->location.base));
    if (!row) return fail(ErrorKind::unavailable, "an item was neither inserted nor found");
    edit->existed = true;
    edit->id = row->id;
    edit->seq = row->seq;
  }
  return {};
}

Result<void> insert_all(Connection& connection, std::int64_t key, std::vector<Edit*>& additions) {
  std::span<Edit*> rest(additions);
  while (rest.size() >= kRowsPerInsert) {
    GODWIT_TRY(insert_group(connection, key, rest.first(kRowsPerInsert)));
    rest = rest.subspan(kRowsPerInsert);
  }
  for (std::size_t i = 0; i < rest.size(); ++i) {
    GODWIT_TRY(insert_group(connection, key, rest.subspan(i, 1)));
  }
  return {};
}

// NULL where the column stays as it is.
SqlValue seq_if(const Edit& edit, unsigned aspects) {
  if ((edit.aspects & aspects) == 0) return nullptr;
  return edit.seq;
}

SqlValue annotation_if(const Edit& edit) {
  if (!edit.annotation) return nullptr;
  return blob(*edit.annotation);
}

// What was learnt of a content that is no longer there.
Result<void> forget_content(Connection& connection, std::int64_t key, ItemId id) {
  GODWIT_TRY(
      connection.execute("DELETE FROM mail_broken WHERE collection = $1 AND id = $2", {key, id}));
  return {};
}

Result<void> update_one(Connection& connection, std::int64_t key, const Edit& edit) {
  GODWIT_TRY(connection.execute(
      "UPDATE mail_item SET base = $3, suffix = $4, in_cur = $5, flags = $6, keywords = $7, "
      "seq = COALESCE($8, seq), read_seq = COALESCE($9, read_seq), "
      "flag_seq = COALESCE($10, flag_seq), category_seq = COALESCE($11, category_seq), "
      "verb_seq = COALESCE($12, verb_seq), annotation = COALESCE($13, annotation), "
      "content_seq = COALESCE($14, content_seq), size = COALESCE($15, size) "
      "WHERE collection = $1 AND id = $2 AND removed = 0",
      {key, edit.id, blob(edit.location.base), blob(edit.location.suffix),
       std::int64_t{edit.location.in_cur}, std::int64_t{edit.flags},
       blob(join_keywords(edit.keywords)), seq_if(edit, ~0u), seq_if(edit, aspect::kRead),
       seq_if(edit, aspect::kFlag), seq_if(edit, aspect::kCategories), seq_if(edit, aspect::kVerb),
       annotation_if(edit), seq_if(edit, aspect::kContent),
       edit.new_size ? SqlValue(*edit.new_size) : SqlValue(nullptr)}));
  if ((edit.aspects & aspect::kContent) == 0) return {};
  return forget_content(connection, key, edit.id);
}

// A tombstone keeps its annotation until it is known where the message went: a move that was cut
// off hands it on.
Result<void> remove_one(Connection& connection, std::int64_t key, const Edit& edit) {
  GODWIT_TRY(connection.execute(
      "UPDATE mail_item SET removed = 1, seq = $3, moved_folder = $4, moved_item = $5 WHERE "
      "collection = $1 AND id = $2 AND removed = 0",
      {key, edit.id, edit.seq, edit.moved_folder, edit.moved_item}));
  return forget_content(connection, key, edit.id);
}

bool takes_seq(const Edit& edit) { return edit.kind != Edit::Kind::update || edit.aspects != 0; }

}  // namespace

std::string join_keywords(const std::vector<std::string>& keywords) {
  std::string joined;
  for (const std::string& keyword : keywords) {
    if (!joined.empty()) joined += '\n';
    joined += keyword;
  }
  return joined;
}

std::vector<std::string> split_keywords(std::string_view joined) {
  std::vector<std::string> keywords;
  if (joined.empty()) return keywords;
  for (const std::string_view keyword : split(joined, '\n')) keywords.emplace_back(keyword);
  return keywords;
}

Result<std::optional<ItemRow>> load_item(Connection& connection, std::int64_t key, ItemId id) {
  return first_item(connection.query("SELECT " GODWIT_ITEM_COLUMNS
                                     " FROM mail_item WHERE collection = $1 AND id = $2",
                                     {key, id}));
}

Result<std::optional<ItemRow>> find_live(Connection& connection, std::int64_t key,
                                         std::string_view base) {
  return first_item(connection.query("SELECT " GODWIT_ITEM_COLUMNS
                                     " FROM mail_item WHERE collection = $1 AND base = $2 AND "
                                     "removed = 0",
                                     {key, blob(base)}));
}

namespace {

// The newest state below `generation` of the messages whose bases begin with the stem, and its
// tombstones instead when `removed`. The next character of such a base is one of ".,", or there is
// none.
Result<std::optional<ItemRow>> newest_of(Connection& connection, std::int64_t key,
                                         const Lineage& wanted, bool removed) {
  constexpr std::string_view kLive =
      "SELECT " GODWIT_ITEM_COLUMNS
      " FROM mail_item WHERE collection = $1 AND base >= $2 AND base < $3 AND removed = 0";
  constexpr std::string_view kGone =
      "SELECT " GODWIT_ITEM_COLUMNS
      " FROM mail_item WHERE collection = $1 AND base >= $2 AND base < $3 AND removed <> 0";
  GODWIT_ASSIGN(const Rows rows,
                connection.query(removed ? kGone : kLive,
                                 {key, blob(wanted.stem), blob(std::string(wanted.stem) + '/')}));
  std::optional<ItemRow> found;
  std::uint64_t newest = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    ItemRow row = item_from(rows, r);
    const Lineage lineage = lineage_of(row.location.base);
    const bool older = lineage.stem == wanted.stem && lineage.generation < wanted.generation;
    if (!older || (found && lineage.generation < newest)) continue;
    newest = lineage.generation;
    found = std::move(row);
  }
  return found;
}

}  // namespace

Result<std::optional<ItemRow>> find_replaced(Connection& connection, std::int64_t key,
                                             std::string_view base) {
  const Lineage wanted = lineage_of(base);
  if (wanted.generation == 0) return std::optional<ItemRow>();
  return newest_of(connection, key, wanted, false);
}

Result<std::optional<ItemRow>> find_in_any_state(Connection& connection, std::int64_t key,
                                                 std::string_view base) {
  constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
  const Lineage wanted{lineage_of(base).stem, kAny};
  GODWIT_ASSIGN(auto live, newest_of(connection, key, wanted, false));
  if (live) return live;
  return newest_of(connection, key, wanted, true);
}

Result<std::vector<Indexed>> live_by_base(Connection& connection, std::int64_t key,
                                          std::string_view after, int limit) {
  GODWIT_ASSIGN(Rows rows,
                connection.query("SELECT id, base, suffix, in_cur FROM mail_item WHERE collection "
                                 "= $1 AND removed = 0 AND base > $2 ORDER BY base LIMIT $3",
                                 {key, blob(after), std::int64_t{limit}}));
  std::vector<Indexed> items;
  items.reserve(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    items.push_back({rows.integer(r, 0),
                     {rows.take_text(r, 1), rows.take_text(r, 2), rows.integer(r, 3) != 0}});
  }
  return items;
}

Result<Applied> apply(Connection& connection, std::int64_t user, CollectionId folder,
                      std::span<Edit> edits) {
  const std::int64_t key = folder_key(user, folder);
  const std::int64_t wanted = std::count_if(edits.begin(), edits.end(), takes_seq);
  // The first statement locks the folder's row, so batches of several processes follow each other.
  // On PostgreSQL whoever waited for it is run again (Database::write), as the row is another one
  // by then: while one process indexes a large folder, a change by another one may run out of tries
  // and be `unavailable`. Its file is in place then, and found by the next look.
  GODWIT_ASSIGN(const Rows rows,
                connection.query("UPDATE mail_folder SET head = head + $3 WHERE user_id = $1 AND "
                                 "id = $2 AND removed = 0 RETURNING head",
                                 {user, folder, wanted}));
  if (rows.empty()) return fail(ErrorKind::not_found, "the folder was removed");
  Applied applied;
  applied.head = rows.integer(0, 0);
  Seq seq = applied.head - wanted;
  std::vector<Edit*> additions;
  for (Edit& edit : edits) {
    if (takes_seq(edit)) edit.seq = ++seq;
    switch (edit.kind) {
      case Edit::Kind::add:
        edit.id = edit.seq;
        edit.existed = false;
        additions.push_back(&edit);
        break;
      case Edit::Kind::update:
        GODWIT_TRY(update_one(connection, key, edit));
        applied.other = applied.other || edit.aspects != 0;
        break;
      case Edit::Kind::remove:
        GODWIT_TRY(remove_one(connection, key, edit));
        applied.other = true;
        break;
    }
  }
  GODWIT_TRY(insert_all(connection, key, additions));
  applied.added = std::any_of(additions.begin(), additions.end(),
                              [](const Edit* edit) { return !edit->existed; });
  return applied;
}

Result<std::int64_t> give_annotation(Connection& connection, std::int64_t key, ItemId id,
                                     std::string_view annotation) {
  return connection.execute(
      "UPDATE mail_item SET annotation = $3 WHERE collection = $1 AND id = $2 AND removed = 0 AND "
      "annotation = $4",
      {key, id, blob(annotation), Blob{}});
}

Result<void> note_moved(Connection& connection, std::int64_t key, ItemId id,
                        CollectionId moved_folder, ItemId moved_item) {
  GODWIT_TRY(connection.execute(
      "UPDATE mail_item SET moved_folder = $3, moved_item = $4 WHERE collection = $1 AND id = $2",
      {key, id, moved_folder, moved_item}));
  return {};
}

}  // namespace storage::maildir
