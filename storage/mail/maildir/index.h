// The SQL index over a Maildir: folders, items with their change log. Rows and statements only;
// what they mean to the file system is the scanner's and the mailbox's business.
//
// An item's id is the seq that created it: so ids are never reused, and the order of ids is the
// order of creation. In the item tables a collection is known by folder_key(user, folder).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/mail/mail_store.h"
#include "storage/mail/maildir/directories.h"
#include "storage/sql/database.h"

namespace storage::maildir {

std::span<const Migration> migrations();

// Folder ids fit in 20 bits; create_folder() refuses more.
inline constexpr CollectionId kMaxFolder = (CollectionId{1} << 20) - 1;
inline std::int64_t folder_key(std::int64_t user, CollectionId folder) {
  return user * (kMaxFolder + 1) + folder;
}

// Categories as one column: separated by line feeds.
std::string join_keywords(const std::vector<std::string>& keywords);
std::vector<std::string> split_keywords(std::string_view joined);

// --- folders -----------------------------------------------------------------------------------

struct UserRow {
  Seq hierarchy_seq = 0;
  CollectionId next_folder = 1;
  Stamp root;  // of the user's directory when the folders were last compared with it
  // A rename under way: directories below rename_from still have to become rename_to.
  std::string rename_from;
  std::string rename_to;
};

struct FolderRow {
  CollectionId id = 0;
  CollectionId parent = 0;
  std::string dir;  // "" is the Inbox
  std::string name;
  FolderRole role = FolderRole::none;
  Seq created_seq = 0;
  Seq changed_seq = 0;
  bool removed = false;
  Seq head = 0;
  Seq horizon = 0;  // changes before it are forgotten
  // What the directories looked like when they were last scanned; a zero mtime: not to be trusted.
  Stamp new_stamp;
  Stamp cur_stamp;
  Stamp keywords_stamp;
  bool scanned = false;        // the first scan is complete
  DirectoryIdentity identity;  // inode 0: the folder exists only as the parent of others

  MailFolder to_folder() const;
  bool exists_on_disk() const { return identity.inode != 0; }
};

// nullopt: the user was never opened.
Result<std::optional<UserRow>> load_user(Connection& connection, std::int64_t user);
Result<void> insert_user(Connection& connection, std::int64_t user);
Result<void> save_root_stamp(Connection& connection, std::int64_t user, const Stamp& stamp);
Result<void> save_rename(Connection& connection, std::int64_t user, std::string_view from,
                         std::string_view to);
Result<Seq> next_hierarchy_seq(Connection& connection, std::int64_t user);
Result<CollectionId> next_folder_id(Connection& connection, std::int64_t user);

// nullopt: never there. A tombstone is returned as one.
Result<std::optional<FolderRow>> load_folder(Connection& connection, std::int64_t user,
                                             CollectionId folder);
Result<std::vector<FolderRow>> load_live_folders(Connection& connection, std::int64_t user);
Result<std::vector<FolderRow>> load_changed_folders(Connection& connection, std::int64_t user,
                                                    Seq since);
Result<void> insert_folder(Connection& connection, std::int64_t user, const FolderRow& row);
// Saves dir, name, parent, role, changed_seq and identity.
Result<void> update_folder(Connection& connection, std::int64_t user, const FolderRow& row);
// Frees the dir of a folder that update_folder() gives another one in the same transaction.
Result<void> release_folder_dir(Connection& connection, std::int64_t user, CollectionId folder);
// Makes it a tombstone and forgets its items.
Result<void> remove_folder(Connection& connection, std::int64_t user, CollectionId folder,
                           Seq changed_seq);
// Saves the three stamps and `scanned`.
Result<void> save_stamps(Connection& connection, std::int64_t user, const FolderRow& row);

// --- items -------------------------------------------------------------------------------------

// Where a message file lies.
struct Location {
  std::string base;
  std::string suffix;
  bool in_cur = false;
  std::string name() const { return base + suffix; }
  bool operator==(const Location&) const = default;
};

struct ItemRow {
  ItemId id = 0;
  Seq seq = 0;
  UnixMillis date = 0;
  std::int64_t size = 0;
  unsigned flags = 0;
  Location location;
  bool removed = false;
  CollectionId moved_folder = 0;  // where it was moved to, 0 when it was not
  ItemId moved_item = 0;
  std::vector<std::string> keywords;
  std::string annotation;
};

// Finds by id; tombstones too.
Result<std::optional<ItemRow>> load_item(Connection& connection, std::int64_t key, ItemId id);
Result<std::optional<ItemRow>> find_live(Connection& connection, std::int64_t key,
                                         std::string_view base);
// The message that was stored under that base, however often it was replaced since; its tombstone
// when it is gone.
Result<std::optional<ItemRow>> find_in_any_state(Connection& connection, std::int64_t key,
                                                 std::string_view base);
// The live message that the file with this base is the next state of (lineage_of); nullopt when the
// base says of none, or none is there.
Result<std::optional<ItemRow>> find_replaced(Connection& connection, std::int64_t key,
                                             std::string_view base);

// A page of live items in the order of their bases, as the scanner compares them with a listing.
struct Indexed {
  ItemId id = 0;
  Location location;
};
Result<std::vector<Indexed>> live_by_base(Connection& connection, std::int64_t key,
                                          std::string_view after, int limit);

// One change to a folder's items. A batch of them is applied in the caller's transaction; each gets
// its own seq, in order, but for updates without aspects, which get none.
struct Edit {
  enum class Kind { add, update, remove };
  Kind kind = Kind::add;
  ItemId id = 0;  // add: set by apply(), also when the base was there already (`existed`)
  Location location;
  UnixMillis date = 0;    // add
  std::int64_t size = 0;  // add
  unsigned flags = 0;
  std::vector<std::string> keywords;
  std::optional<std::string> annotation;  // update: absent stays
  unsigned aspects = 0;                   // update: aspect:: bits
  std::optional<std::int64_t> new_size;   // update: with aspect::kContent; absent stays
  CollectionId moved_folder = 0;          // remove
  ItemId moved_item = 0;
  Seq seq = 0;  // set by apply()
  bool existed = false;
};
struct Applied {
  Seq head = 0;
  bool added = false;
  bool other = false;
};
// not_found: the folder was removed.
Result<Applied> apply(Connection& connection, std::int64_t user, CollectionId folder,
                      std::span<Edit> edits);
// Gives a live item an annotation if it has none; how many rows that changed.
Result<std::int64_t> give_annotation(Connection& connection, std::int64_t key, ItemId id,
                                     std::string_view annotation);
// Notes where the item of a tombstone went, when that is found out later.
Result<void> note_moved(Connection& connection, std::int64_t key, ItemId id,
                        CollectionId moved_folder, ItemId moved_item);

}  // namespace storage::maildir
