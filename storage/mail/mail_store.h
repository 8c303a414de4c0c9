// A user's mail: folders, messages, flags, and the change log over them. RFC 5322 bytes in and
// out; nothing of ActiveSync. Implementations: maildir/ (imap/ later). Opened through
// open_mail_store() in backends.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/collection.h"

namespace storage {

enum class FolderRole { none, inbox, drafts, trash, sent, outbox, junk, archive };

struct MailFolder {
  CollectionId id = 0;
  CollectionId parent = 0;  // 0: top level
  std::string name;         // the last part of its path, UTF-8
  FolderRole role = FolderRole::none;
  Seq created_seq = 0;   // in the hierarchy's sequence, for FolderSync
  Seq changed_seq = 0;   // >= created_seq; renamed, moved or removed
  bool removed = false;  // a tombstone
};

struct HierarchyPage {
  Seq head = 0;
  std::vector<MailFolder> folders;  // parents before children
};

// What a message carries besides its bytes.
struct MessageFlags {
  bool seen = false;
  bool flagged = false;
  bool answered = false;
  bool forwarded = false;
  bool draft = false;
  // Categories, UTF-8, in the order given. Kept as Maildir (Dovecot) keywords.
  std::vector<std::string> keywords;
  // Opaque to storage; the follow-up details of a flag and the last verb. At most 4 KiB.
  std::string annotation;
  bool operator==(const MessageFlags&) const = default;
};

// Which flags to set; absent ones stay. Applied atomically.
struct FlagChange {
  std::optional<bool> seen;
  std::optional<bool> flagged;
  std::optional<bool> answered;
  std::optional<bool> forwarded;
  std::optional<std::vector<std::string>> keywords;
  std::optional<std::string> annotation;
};

struct MessageInfo {
  ItemId id = 0;
  UnixMillis date = 0;    // received
  std::int64_t size = 0;  // bytes of the stored message
  Seq seq = 0;
  Seq created_seq = 0;
  MessageFlags flags;
  // Opaque: where the backend found the message, so that bytes() need not look it up again. "" is
  // always right.
  std::string location;
};

// The bytes of one message, memory-mapped where the backend has a file. Unmapped on destruction.
// The view stays valid even when the message is moved or removed meanwhile. Movable; one thread.
class MessageBytes {
 public:
  MessageBytes() = default;
  explicit MessageBytes(std::string owned);
  // Takes over a mapping made with mmap().
  MessageBytes(void* mapping, std::size_t length);
  MessageBytes(MessageBytes&&) noexcept;
  MessageBytes& operator=(MessageBytes&&) noexcept;
  MessageBytes(const MessageBytes&) = delete;
  MessageBytes& operator=(const MessageBytes&) = delete;
  ~MessageBytes();
  std::string_view view() const;

 private:
  std::string owned_;
  void* mapping_ = nullptr;
  std::size_t length_ = 0;
};

struct MovedMessage {
  ItemId id = 0;  // in the destination
  Seq source_seq = 0;
  Seq destination_seq = 0;
};

// One user's mailbox. Thread-safe; operations on one folder are atomic against each other and
// against other programs that work on the same store.
class Mailbox : public ChangeLog {
 public:
  // --- hierarchy -------------------------------------------------------------------------------
  // All live folders. The folders with the roles inbox, drafts, trash, sent and outbox always
  // exist. Finds folders that another program made, renamed or removed.
  virtual Result<HierarchyPage> folders() = 0;
  // Folders created, changed or removed (tombstones) after `since`, and the hierarchy's head.
  virtual Result<HierarchyPage> hierarchy_changes(Seq since) = 0;
  virtual Result<Seq> hierarchy_head() = 0;
  // not_found: no such live folder.
  virtual Result<MailFolder> folder(CollectionId id) = 0;
  // exists: the parent has a folder of that name. invalid: an impossible name. not_found: parent.
  virtual Result<MailFolder> create_folder(CollectionId parent, std::string_view name) = 0;
  // Renames and/or moves; the id stays. denied: a folder with a role. invalid: into itself.
  virtual Result<void> rename_folder(CollectionId id, CollectionId parent,
                                     std::string_view name) = 0;
  // Removes the folder, its messages and its subfolders. denied: a folder with a role.
  virtual Result<void> remove_folder(CollectionId id) = 0;

  // --- messages --------------------------------------------------------------------------------
  // not_found: never there or gone (`was_here` tells which).
  virtual Result<MessageInfo> message(CollectionId folder, ItemId id) = 0;
  // True when the id was once given out in this folder: the item was removed or moved.
  virtual Result<bool> was_here(CollectionId folder, ItemId id) = 0;
  virtual Result<MessageBytes> bytes(CollectionId folder, ItemId id) = 0;
  // The same, cheaper where `info` came from messages() a moment ago.
  virtual Result<MessageBytes> bytes(CollectionId folder, const MessageInfo& info) {
    return bytes(folder, info.id);
  }
  // Several messages in one read, in the order asked; missing ones are left out.
  virtual Result<std::vector<MessageInfo>> messages(CollectionId folder,
                                                    std::span<const ItemId> ids) = 0;

  // Stores a message. With a non-empty `identity` (at most 64 bytes) doing it again finds the
  // message stored the first time and returns that one, also after a crash in between.
  virtual Result<MessageInfo> append(CollectionId folder, std::string_view bytes,
                                     const MessageFlags& flags, UnixMillis date,
                                     std::string_view identity = {}) = 0;
  // Returns the message after the change; its seq tells the caller's own change from later ones.
  // A change that changes nothing gives no new seq.
  virtual Result<MessageInfo> set_flags(CollectionId folder, ItemId id,
                                        const FlagChange& change) = 0;
  // Gives a message another content under its id: a draft that was changed. Flags, keywords,
  // annotation and date stay; the change log says aspect::kContent. Returns the message after it.
  // conflict: its seq is no longer `expected`: look again. not_found as for message(). A process
  // that ends in between leaves the one content or the other.
  virtual Result<MessageInfo> replace(CollectionId folder, ItemId id, std::string_view bytes,
                                      Seq expected) = 0;
  // Moves to another folder under a new id. Doing it again after it was done (lost answer, crash)
  // returns the same destination id. invalid: same folder. not_found: message or destination.
  virtual Result<MovedMessage> move(CollectionId folder, ItemId id, CollectionId destination) = 0;
  // Removes for good and returns the tombstone's seq. not_found as for message().
  virtual Result<Seq> remove(CollectionId folder, ItemId id) = 0;

  // --- messages that could not be rendered -----------------------------------------------------
  struct BrokenMessage {
    CollectionId folder = 0;
    ItemId id = 0;
    std::string reason;
    UnixMillis noticed = 0;
  };
  // Remembers that a message went out as a placeholder, once per message.
  virtual Result<void> note_broken(CollectionId folder, ItemId id, std::string_view reason) = 0;
  virtual Result<std::vector<BrokenMessage>> broken_messages() = 0;

  // --- waiting ---------------------------------------------------------------------------------
  // From now on changes that other programs make in these folders are noticed at once and
  // published at the change hub; reference-counted, ended by unwatch() with the same folders.
  // A folder that cannot be watched (the system's watch table is full) is polled, and logged once.
  // Changes made through this interface are published whether watched or not.
  virtual Result<void> watch(std::span<const CollectionId> folders) = 0;
  virtual void unwatch(std::span<const CollectionId> folders) = 0;
};

class MailStore {
 public:
  virtual ~MailStore() = default;
  // The mailbox of `user_id` (from the directory) with this canonical address; made on first use.
  // The object is shared by all threads and cached while anyone holds it. Thread-safe.
  virtual Result<std::shared_ptr<Mailbox>> open(std::int64_t user_id, std::string_view address) = 0;
  // Stops watching, joins threads. Mailboxes must not be used afterwards.
  virtual void stop() = 0;
};

}  // namespace storage
