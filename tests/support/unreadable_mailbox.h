// A mailbox in which one message cannot be read: as if a delivery agent had left the file to
// another user.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/mail/mail_store.h"

namespace test {

class UnreadableMailbox final : public storage::Mailbox {
 public:
  using CollectionId = storage::CollectionId;
  using ItemId = storage::ItemId;
  using Seq = storage::Seq;
  using Position = storage::Position;
  template <typename T>
  using Result = storage::Result<T>;

  UnreadableMailbox(std::shared_ptr<storage::Mailbox> inner, ItemId unreadable)
      : inner_(std::move(inner)), unreadable_(unreadable) {}

  Result<storage::MessageBytes> bytes(CollectionId folder, ItemId id) override {
    if (id != unreadable_) return inner_->bytes(folder, id);
    return storage::fail(storage::ErrorKind::corrupt, "the file cannot be opened");
  }

  // Everything else is the mailbox itself.
  Result<Seq> head(CollectionId id) override { return inner_->head(id); }
  Result<storage::ChangePage> changes(CollectionId id, Seq since, int limit) override {
    return inner_->changes(id, since, limit);
  }
  Result<storage::ListPage> newest_first(CollectionId id, Position before, Position cutoff,
                                         Seq upto, int limit) override {
    return inner_->newest_first(id, before, cutoff, upto, limit);
  }
  Result<storage::ListPage> oldest_first(CollectionId id, Position from, Position to,
                                         int limit) override {
    return inner_->oldest_first(id, from, to, limit);
  }
  Result<std::int64_t> count(CollectionId id, Position before, Position cutoff, Seq upto) override {
    return inner_->count(id, before, cutoff, upto);
  }
  Result<storage::HierarchyPage> folders() override { return inner_->folders(); }
  Result<storage::HierarchyPage> hierarchy_changes(Seq since) override {
    return inner_->hierarchy_changes(since);
  }
  Result<Seq> hierarchy_head() override { return inner_->hierarchy_head(); }
  Result<storage::MailFolder> folder(CollectionId id) override { return inner_->folder(id); }
  Result<storage::MailFolder> create_folder(CollectionId parent, std::string_view name) override {
    return inner_->create_folder(parent, name);
  }
  Result<void> rename_folder(CollectionId id, CollectionId parent, std::string_view name) override {
    return inner_->rename_folder(id, parent, name);
  }
  Result<void> remove_folder(CollectionId id) override { return inner_->remove_folder(id); }
  Result<storage::MessageInfo> message(CollectionId folder, ItemId id) override {
    return inner_->message(folder, id);
  }
  Result<bool> was_here(CollectionId folder, ItemId id) override {
    return inner_->was_here(folder, id);
  }
  Result<std::vector<storage::MessageInfo>> messages(CollectionId folder,
                                                     std::span<const ItemId> ids) override {
    return inner_->messages(folder, ids);
  }
  Result<storage::MessageInfo> append(CollectionId folder, std::string_view message,
                                      const storage::MessageFlags& flags, storage::UnixMillis date,
                                      std::string_view identity) override {
    return inner_->append(folder, message, flags, date, identity);
  }
  Result<storage::MessageInfo> set_flags(CollectionId folder, ItemId id,
                                         const storage::FlagChange& change) override {
    return inner_->set_flags(folder, id, change);
  }
  Result<storage::MessageInfo> replace(CollectionId folder, ItemId id, std::string_view message,
                                       Seq expected) override {
    return inner_->replace(folder, id, message, expected);
  }
  Result<storage::MovedMessage> move(CollectionId folder, ItemId id, CollectionId to) override {
    return inner_->move(folder, id, to);
  }
  Result<Seq> remove(CollectionId folder, ItemId id) override { return inner_->remove(folder, id); }
  Result<void> note_broken(CollectionId folder, ItemId id, std::string_view reason) override {
    return inner_->note_broken(folder, id, reason);
  }
  Result<std::vector<BrokenMessage>> broken_messages() override {
    return inner_->broken_messages();
  }
  Result<void> watch(std::span<const CollectionId> folders) override {
    return inner_->watch(folders);
  }
  void unwatch(std::span<const CollectionId> folders) override { inner_->unwatch(folders); }

 private:
  const std::shared_ptr<storage::Mailbox> inner_;
  const ItemId unreadable_;
};

}  // namespace test
