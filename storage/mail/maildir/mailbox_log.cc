// The change log, and the looking that keeps it true. Nothing here lists what is there when nothing
// happened: head() of an unchanged folder is one row and, unless it is watched, two stat() calls.
#include <algorithm>

#include "storage/mail/maildir/mailbox.h"

namespace storage::maildir {

bool MaildirMailbox::is_unchanged(const FolderRow& row) const {
  if (!row.scanned) return false;
  if (!row.exists_on_disk()) return true;
  if (row.new_stamp.mtime == 0 || row.cur_stamp.mtime == 0) return false;
  const std::string path = path_of(row.dir);
  return stamp_of(context_.root.get(), path + "/new") == row.new_stamp &&
         stamp_of(context_.root.get(), path + "/cur") == row.cur_stamp;
}

Result<Seq> MaildirMailbox::head(CollectionId collection) {
  const FolderState& state = state_of(collection);
  if (state.is_exact()) {
    context_.watcher->settle();
    if (state.is_exact()) {
      GODWIT_ASSIGN(const FolderRow row, live_folder(collection));
      return row.head;
    }
  }
  return refresh(collection, false);
}

Result<Seq> MaildirMailbox::refresh(CollectionId folder, bool force) {
  FolderState& state = state_of(folder);
  const std::uint32_t epoch = state.epoch.load();
  const bool watched = state.watched.load();
  GODWIT_ASSIGN(const FolderRow row, live_folder(folder));
  if (!force && is_unchanged(row)) {
    if (watched && row.exists_on_disk()) state.exact_in.store(epoch);
    return row.head;
  }
  if (!row.exists_on_disk()) {
    GODWIT_TRY(refresh_hierarchy(false));
    GODWIT_ASSIGN(FolderRow again, live_folder(folder));
    if (!again.exists_on_disk()) return again.head;
  }
  return in_folder<Seq>(folder, [&](OpenFolder& open) -> Result<Seq> {
    // Another thread may have scanned while this one waited to get in.
    if (!force && (state.is_exact() || is_unchanged(open.row))) return open.row.head;
    GODWIT_TRY(scan_inside(open));
    return open.row.head;
  });
}

Result<void> MaildirMailbox::scan_inside(OpenFolder& folder) {
  FolderState& state = *folder.state;
  const std::uint32_t epoch = state.epoch.load();
  const bool watched = state.watched.load();
  ScanResult result;
  {
    const ScanMark mark(state.gate);
    GODWIT_ASSIGN(result, scan_folder(context_, user_, folder.row, folder.fds));
  }
  publish(folder.row.id, result.head, result.added, result.other);
  state.has_all_appended.store(true);
  if (watched && !result.unknown_letters) state.exact_in.store(epoch);
  return {};
}

Result<void> MaildirMailbox::bring_up_to_date(OpenFolder& folder) {
  if (folder.state->is_exact() || is_unchanged(folder.row)) return {};
  return scan_inside(folder);
}

Result<void> MaildirMailbox::ensure_scanned(CollectionId folder) {
  GODWIT_ASSIGN(const FolderRow row, live_folder(folder));
  if (row.scanned || !row.exists_on_disk()) return {};
  GODWIT_TRY(head(folder));
  return {};
}

namespace {

// The entries of items created after `since`: the order of ids is the order of creation.
Result<std::vector<Change>> created_after(Connection& connection, std::int64_t key, Seq since,
                                          int limit) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query("SELECT id, date, removed FROM mail_item WHERE collection = $1 "
                                 "AND id > $2 ORDER BY id LIMIT $3",
                                 {key, since, std::int64_t{limit}}));
  std::vector<Change> changes;
  changes.reserve(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    Change& change = changes.emplace_back();
    change.id = rows.integer(r, 0);
    change.log_seq = change.id;
    change.created_seq = change.id;
    change.date = rows.integer(r, 1);
    change.aspects = aspect::kAdded | (rows.integer(r, 2) != 0 ? aspect::kRemoved : 0u);
  }
  return changes;
}

// The entries of what happened after `since` to items, their creation apart.
Result<std::vector<Change>> changed_after(Connection& connection, std::int64_t key, Seq since,
                                          int limit) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query(
                    "SELECT id, seq, date, removed, read_seq, flag_seq, category_seq, verb_seq, "
                    "content_seq FROM mail_item WHERE collection = $1 AND seq <> id AND seq > $2 "
                    "ORDER BY seq LIMIT $3",
                    {key, since, std::int64_t{limit}}));
  constexpr unsigned kAspects[] = {aspect::kRead, aspect::kFlag, aspect::kCategories, aspect::kVerb,
                                   aspect::kContent};
  std::vector<Change> changes;
  changes.reserve(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    Change& change = changes.emplace_back();
    change.id = rows.integer(r, 0);
    change.log_seq = rows.integer(r, 1);
    change.created_seq = change.id;
    change.date = rows.integer(r, 2);
    if (rows.integer(r, 3) != 0) {
      change.aspects = aspect::kRemoved;
      continue;
    }
    for (std::size_t i = 0; i < std::size(kAspects); ++i) {
      if (rows.integer(r, 4 + i) > since) change.aspects |= kAspects[i];
    }
  }
  return changes;
}

ListPage list_page(const Rows& rows, int limit) {
  ListPage page;
  const std::size_t count = std::min(rows.size(), static_cast<std::size_t>(limit));
  page.items.reserve(count);
  for (std::size_t r = 0; r < count; ++r) {
    page.items.push_back({rows.integer(r, 0), rows.integer(r, 0), rows.integer(r, 1)});
  }
  page.more = rows.size() > count;
  return page;
}

}  // namespace

Result<ChangePage> MaildirMailbox::changes(CollectionId collection, Seq since, int limit) {
  GODWIT_TRY(ensure_scanned(collection));
  const std::int64_t key = key_of(collection);
  std::vector<Change> created;
  std::vector<Change> changed;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const FolderRow row, live_folder(connection, collection));
    if (since < row.horizon) return fail(ErrorKind::expired, "the mail folder's log was cut");
    GODWIT_ASSIGN(created, created_after(connection, key, since, limit + 1));
    GODWIT_ASSIGN(changed, changed_after(connection, key, since, limit + 1));
    return {};
  }));
  ChangePage page;
  page.changes.resize(created.size() + changed.size());
  std::merge(created.begin(), created.end(), changed.begin(), changed.end(), page.changes.begin(),
             [](const Change& a, const Change& b) { return a.log_seq < b.log_seq; });
  page.more = page.changes.size() > static_cast<std::size_t>(limit);
  if (page.more) page.changes.resize(static_cast<std::size_t>(limit));
  return page;
}

Result<ListPage> MaildirMailbox::newest_first(CollectionId collection, Position before,
                                              Position cutoff, Seq created_upto, int limit) {
  GODWIT_TRY(ensure_scanned(collection));
  ListPage page;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const FolderRow folder, live_folder(connection, collection));
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT id, date FROM mail_item WHERE collection = $1 AND "
                                   "removed = 0 AND (date, id) < ($2, $3) AND (date, id) >= ($4, "
                                   "$5) AND id <= $6 ORDER BY date DESC, id DESC LIMIT $7",
                                   {key_of(collection), before.date, before.id, cutoff.date,
                                    cutoff.id, created_upto, std::int64_t{limit} + 1}));
    page = list_page(rows, limit);
    return {};
  }));
  return page;
}

Result<ListPage> MaildirMailbox::oldest_first(CollectionId collection, Position from, Position to,
                                              int limit) {
  GODWIT_TRY(ensure_scanned(collection));
  ListPage page;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const FolderRow folder, live_folder(connection, collection));
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT id, date FROM mail_item WHERE collection = $1 AND "
                                   "removed = 0 AND (date, id) >= ($2, $3) AND (date, id) < ($4, "
                                   "$5) ORDER BY date, id LIMIT $6",
                                   {key_of(collection), from.date, from.id, to.date, to.id,
                                    std::int64_t{limit} + 1}));
    page = list_page(rows, limit);
    return {};
  }));
  return page;
}

Result<std::int64_t> MaildirMailbox::count(CollectionId collection, Position before,
                                           Position cutoff, Seq created_upto) {
  GODWIT_TRY(ensure_scanned(collection));
  std::int64_t total = 0;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const FolderRow folder, live_folder(connection, collection));
    GODWIT_ASSIGN(const Rows rows,
                  connection.query("SELECT COUNT(*) FROM mail_item WHERE collection = $1 AND "
                                   "removed = 0 AND (date, id) < ($2, $3) AND (date, id) >= ($4, "
                                   "$5) AND id <= $6",
                                   {key_of(collection), before.date, before.id, cutoff.date,
                                    cutoff.id, created_upto}));
    total = rows.integer(0, 0);
    return {};
  }));
  return total;
}

}  // namespace storage::maildir
