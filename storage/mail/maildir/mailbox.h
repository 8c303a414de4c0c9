// One user's Maildir++ with its index. The files are the truth; the index is brought up to date by
// looking (head(), folders()) or, for watched folders, by events. Every operation changes the files
// first and the index in one transaction afterwards; what a kill leaves in between, the next look
// finds. The code is in mailbox.cc (frame), mailbox_log.cc (change log, looking), mailbox_read.cc,
// mailbox_write.cc, mailbox_replace.cc, mailbox_move.cc, mailbox_folders.cc and hierarchy.cc.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "storage/base/mutex.h"
#include "storage/mail/maildir/folder_gate.h"
#include "storage/mail/maildir/index.h"
#include "storage/mail/maildir/scanner.h"
#include "storage/mail/maildir/store_context.h"
#include "storage/mail/maildir/watcher.h"

namespace storage::maildir {

// What is kept in memory of a folder that was touched: no contents, only whether the index is known
// to be exact. Other processes may change index and files at any time.
struct FolderState {
  FolderGate gate;
  // Counts what makes earlier knowledge worthless: a watch that begins or ends, lost events.
  std::atomic<std::uint32_t> epoch{1};
  // The index was compared with the files in this epoch. Together with `watched`: it is exact.
  std::atomic<std::uint32_t> exact_in{0};
  std::atomic<bool> watched{false};
  std::atomic<bool> tmp_cleaned{false};
  // What an append that was cut off may have left is in the index. Not known at first: it may have
  // been this process's predecessor.
  std::atomic<bool> has_all_appended{false};

  bool is_exact() const { return watched.load() && exact_in.load() == epoch.load(); }
};

class MaildirMailbox final : public Mailbox,
                             public FolderListener,
                             public std::enable_shared_from_this<MaildirMailbox> {
 public:
  MaildirMailbox(StoreContext& context, std::int64_t user, std::string_view address);

  // Makes the user's directory and rows on first use, and finishes what a kill interrupted. At once
  // when it has succeeded before; callers wait for each other.
  Result<void> prepare();

  // ChangeLog
  Result<Seq> head(CollectionId collection) override;
  Result<ChangePage> changes(CollectionId collection, Seq since, int limit) override;
  Result<ListPage> newest_first(CollectionId collection, Position before, Position cutoff,
                                Seq created_upto, int limit) override;
  Result<ListPage> oldest_first(CollectionId collection, Position from, Position to,
                                int limit) override;
  Result<std::int64_t> count(CollectionId collection, Position before, Position cutoff,
                             Seq created_upto) override;

  // Mailbox
  Result<HierarchyPage> folders() override;
  Result<HierarchyPage> hierarchy_changes(Seq since) override;
  Result<Seq> hierarchy_head() override;
  Result<MailFolder> folder(CollectionId id) override;
  Result<MailFolder> create_folder(CollectionId parent, std::string_view name) override;
  Result<void> rename_folder(CollectionId id, CollectionId parent, std::string_view name) override;
  Result<void> remove_folder(CollectionId id) override;
  Result<MessageInfo> message(CollectionId folder, ItemId id) override;
  Result<bool> was_here(CollectionId folder, ItemId id) override;
  Result<MessageBytes> bytes(CollectionId folder, ItemId id) override;
  Result<MessageBytes> bytes(CollectionId folder, const MessageInfo& info) override;
  Result<std::vector<MessageInfo>> messages(CollectionId folder,
                                            std::span<const ItemId> ids) override;
  Result<MessageInfo> append(CollectionId folder, std::string_view bytes, const MessageFlags& flags,
                             UnixMillis date, std::string_view identity) override;
  Result<MessageInfo> set_flags(CollectionId folder, ItemId id, const FlagChange& change) override;
  Result<MessageInfo> replace(CollectionId folder, ItemId id, std::string_view bytes,
                              Seq expected) override;
  Result<MovedMessage> move(CollectionId folder, ItemId id, CollectionId destination) override;
  Result<Seq> remove(CollectionId folder, ItemId id) override;
  Result<void> note_broken(CollectionId folder, ItemId id, std::string_view reason) override;
  Result<std::vector<BrokenMessage>> broken_messages() override;
  Result<void> watch(std::span<const CollectionId> folders) override;
  void unwatch(std::span<const CollectionId> folders) override;

  // FolderListener
  std::string folder_path(CollectionId folder) override;
  void set_watched(CollectionId folder, bool watched) override;
  void distrust(CollectionId folder) override;
  bool names_changed(CollectionId folder, std::span<const TouchedName> names) override;
  void look(CollectionId folder) override;
  void save_exact_stamps(CollectionId folder, const std::function<void()>& settle) override;

 private:
  // A folder while the caller is inside its gate.
  struct OpenFolder {
    FolderRow row;
    FolderFds fds;
    FolderState* state = nullptr;
    KeywordMap keywords;
  };
  template <typename T>
  using FolderWork = std::function<Result<T>(OpenFolder&)>;

  FolderState& state_of(CollectionId folder) EXCLUDES(states_mutex_);
  std::int64_t key_of(CollectionId folder) const { return folder_key(user_, folder); }
  std::string path_of(const std::string& dir) const;
  Result<UniqueFd> open_user() const;
  void publish(CollectionId folder, Seq seq, bool added, bool other) const;
  void publish_hierarchy(Seq seq) const;

  // not_found for a tombstone too.
  Result<FolderRow> live_folder(CollectionId folder);
  // The same inside a transaction.
  Result<FolderRow> live_folder(Connection& connection, CollectionId folder) const;
  // Enters the gate and runs `work` with the folder's directories open for writing. When they are
  // not where the index says, the folder list is read again and the work started once more.
  template <typename T>
  Result<T> in_folder(CollectionId folder, const FolderWork<T>& work);
  Result<OpenFolder> open_inside(CollectionId folder);

  bool is_unchanged(const FolderRow& row) const;
  Result<Seq> refresh(CollectionId folder, bool force);
  // Scans; the caller is inside the gate.
  Result<void> scan_inside(OpenFolder& folder);
  Result<void> bring_up_to_date(OpenFolder& folder);
  Result<void> ensure_scanned(CollectionId folder);

  static MessageInfo info_of(const ItemRow& item);
  Result<std::optional<ItemRow>> item_inside(const OpenFolder& folder, ItemId id);
  Result<ItemRow> live_item(const OpenFolder& folder, ItemId id);
  // Applies edits in a transaction and publishes.
  Result<void> commit(OpenFolder& folder, std::span<Edit> edits);
  // The suffix for these flags in this folder; gives missing keywords a letter.
  Result<std::string> suffix_for(OpenFolder& folder, std::string_view old, unsigned flags,
                                 const std::vector<std::string>& keywords);
  Result<MessageInfo> append_inside(OpenFolder& folder, std::string_view bytes,
                                    const MessageFlags& flags, UnixMillis date,
                                    std::string_view identity);
  Result<std::optional<MessageInfo>> find_stored(OpenFolder& folder, const std::string& base,
                                                 const MessageFlags& flags);
  Result<MessageInfo> stored_before(OpenFolder& folder, const ItemRow& item,
                                    const MessageFlags& flags);
  Result<void> write_file(OpenFolder& folder, const Location& location, std::string_view bytes,
                          UnixMillis date);
  Result<std::optional<MessageInfo>> try_set_flags(OpenFolder& folder, ItemId id,
                                                   const FlagChange& change);
  Result<std::optional<MessageInfo>> try_replace(OpenFolder& folder, ItemId id,
                                                 std::string_view bytes, Seq expected);
  Result<MovedMessage> move_inside(OpenFolder& source, OpenFolder& target, ItemId id);
  Result<std::optional<MovedMessage>> moved_before(OpenFolder& source, OpenFolder& target,
                                                   const ItemRow& item);
  Result<Location> move_file(OpenFolder& source, OpenFolder& target, const ItemRow& item);
  Result<MovedMessage> commit_move(OpenFolder& source, OpenFolder& target, const ItemRow& item,
                                   const Location& place);
  Result<MessageBytes> read_file(const OpenFolder& folder, const Location& location) const;

  // hierarchy.cc
  Result<void> refresh_hierarchy(bool force) EXCLUDES(hierarchy_mutex_);
  Result<void> refresh_hierarchy_locked(bool force) REQUIRES(hierarchy_mutex_);
  Result<void> compare_hierarchy(int user_fd, const Stamp& known,
                                 const std::vector<FolderRow>& rows) REQUIRES(hierarchy_mutex_);
  Result<void> finish_rename(const UserRow& user, int user_fd) REQUIRES(hierarchy_mutex_);
  Result<void> update_rows_after_rename(const std::string& from, const std::string& to)
      REQUIRES(hierarchy_mutex_);
  Result<void> make_role_folders(int user_fd, const std::vector<FolderRow>& rows)
      REQUIRES(hierarchy_mutex_);
  Result<std::string> free_directory(CollectionId parent, std::string_view name)
      REQUIRES(hierarchy_mutex_);
  Result<HierarchyPage> page(bool changed_only, Seq since);

  StoreContext& context_;
  const std::int64_t user_;
  const std::string address_;
  std::atomic<bool> prepared_{false};
  Mutex hierarchy_mutex_;  // before any gate
  Mutex states_mutex_;     // innermost
  std::unordered_map<CollectionId, std::unique_ptr<FolderState>> states_ GUARDED_BY(states_mutex_);
};

template <typename T>
Result<T> MaildirMailbox::in_folder(CollectionId folder, const FolderWork<T>& work) {
  for (int attempt = 0;; ++attempt) {
    Error error;
    {
      FolderState& state = state_of(folder);
      const GatePass pass(state.gate);
      auto open = open_inside(folder);
      if (open) return work(*open);
      error = std::move(open.error());
    }
    if (error.kind != ErrorKind::conflict || attempt > 0) {
      if (error.kind == ErrorKind::conflict) error.kind = ErrorKind::unavailable;
      return fail(std::move(error));
    }
    GODWIT_TRY(refresh_hierarchy(true));
  }
}

}  // namespace storage::maildir
