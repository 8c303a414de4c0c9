// A filter over the real mailbox: same ids, same sequence numbers, so the engine needs to know
// nothing of it. When the phone comes out of quarantine its states are dropped and it starts anew.
#include "server/commands/quarantine_view.h"

#include <algorithm>
#include <utility>

namespace eas {
namespace {

using storage::ChangePage;
using storage::CollectionId;
using storage::ErrorKind;
using storage::fail;
using storage::HierarchyPage;
using storage::ItemId;
using storage::ListPage;
using storage::MailFolder;
using storage::MessageInfo;
using storage::Position;
using storage::Result;
using storage::Seq;

class QuarantineView final : public storage::Mailbox {
 public:
  QuarantineView(std::shared_ptr<storage::Mailbox> inner, CollectionId inbox, ItemId notice)
      : inner_(std::move(inner)), inbox_(inbox), notice_(notice) {}

  // --- change log ------------------------------------------------------------------------------
  Result<Seq> head(CollectionId collection) override {
    GODWIT_TRY(check(collection));
    return inner_->head(collection);
  }
  Result<ChangePage> changes(CollectionId collection, Seq since, int limit) override {
    GODWIT_TRY(check(collection));
    ChangePage result;
    for (;;) {
      GODWIT_ASSIGN(ChangePage page, inner_->changes(collection, since, limit));
      for (const storage::Change& change : page.changes) {
        since = change.log_seq;
        if (change.id == notice_) result.changes.push_back(change);
      }
      result.more = page.more && !result.changes.empty();
      if (!page.more || page.changes.empty() || result.more) return result;
    }
  }
  Result<ListPage> newest_first(CollectionId collection, Position before, Position cutoff,
                                Seq created_upto, int) override {
    return list(collection, [&](const storage::Listed& item) {
      return cutoff <= item.position() && item.position() < before &&
             item.created_seq <= created_upto;
    });
  }
  Result<ListPage> oldest_first(CollectionId collection, Position from, Position to, int) override {
    return list(collection, [&](const storage::Listed& item) {
      return from <= item.position() && item.position() < to;
    });
  }
  Result<std::int64_t> count(CollectionId collection, Position before, Position cutoff,
                             Seq created_upto) override {
    GODWIT_ASSIGN(const ListPage page, newest_first(collection, before, cutoff, created_upto, 1));
    return static_cast<std::int64_t>(page.items.size());
  }

  // --- hierarchy -------------------------------------------------------------------------------
  Result<HierarchyPage> folders() override { return only_inbox(inner_->folders()); }
  Result<HierarchyPage> hierarchy_changes(Seq since) override {
    return only_inbox(inner_->hierarchy_changes(since));
  }
  Result<Seq> hierarchy_head() override { return inner_->hierarchy_head(); }
  Result<MailFolder> folder(CollectionId id) override {
    GODWIT_TRY(check(id));
    return inner_->folder(id);
  }
  Result<MailFolder> create_folder(CollectionId, std::string_view) override { return refused(); }
  Result<void> rename_folder(CollectionId, CollectionId, std::string_view) override {
    return refused();
  }
  Result<void> remove_folder(CollectionId) override { return refused(); }

  // --- messages --------------------------------------------------------------------------------
  Result<MessageInfo> message(CollectionId folder, ItemId id) override {
    GODWIT_TRY(check(folder, id));
    return inner_->message(folder, id);
  }
  Result<bool> was_here(CollectionId folder, ItemId id) override {
    if (!check(folder, id)) return false;
    return inner_->was_here(folder, id);
  }
  Result<storage::MessageBytes> bytes(CollectionId folder, ItemId id) override {
    GODWIT_TRY(check(folder, id));
    return inner_->bytes(folder, id);
  }
  Result<storage::MessageBytes> bytes(CollectionId folder, const MessageInfo& info) override {
    GODWIT_TRY(check(folder, info.id));
    return inner_->bytes(folder, info);
  }
  Result<std::vector<MessageInfo>> messages(CollectionId folder,
                                            std::span<const ItemId> ids) override {
    GODWIT_TRY(check(folder));
    if (std::find(ids.begin(), ids.end(), notice_) == ids.end()) {
      return std::vector<MessageInfo>();
    }
    return inner_->messages(folder, std::span(&notice_, 1));
  }
  Result<MessageInfo> append(CollectionId, std::string_view, const storage::MessageFlags&,
                             storage::UnixMillis, std::string_view) override {
    return refused();
  }
  Result<MessageInfo> replace(CollectionId, ItemId, std::string_view, Seq) override {
    return refused();
  }
  Result<MessageInfo> set_flags(CollectionId folder, ItemId id,
                                const storage::FlagChange& change) override {
    GODWIT_TRY(check(folder, id));
    return inner_->set_flags(folder, id, change);
  }
  Result<storage::MovedMessage> move(CollectionId folder, ItemId id,
                                     CollectionId destination) override {
    GODWIT_TRY(check(folder, id));
    return inner_->move(folder, id, destination);
  }
  Result<Seq> remove(CollectionId folder, ItemId id) override {
    GODWIT_TRY(check(folder, id));
    return inner_->remove(folder, id);
  }
  Result<void> note_broken(CollectionId folder, ItemId id, std::string_view reason) override {
    GODWIT_TRY(check(folder, id));
    return inner_->note_broken(folder, id, reason);
  }
  Result<std::vector<BrokenMessage>> broken_messages() override {
    return std::vector<BrokenMessage>();
  }
  Result<void> watch(std::span<const CollectionId> folders) override {
    return inner_->watch(folders);
  }
  void unwatch(std::span<const CollectionId> folders) override { inner_->unwatch(folders); }

 private:
  static tl::unexpected<storage::Error> refused() {
    return fail(ErrorKind::denied, "the phone is in quarantine");
  }
  Result<void> check(CollectionId collection) const {
    if (collection == inbox_) return {};
    return fail(ErrorKind::not_found, "not seen in quarantine");
  }
  Result<void> check(CollectionId collection, ItemId id) const {
    if (collection == inbox_ && id == notice_ && id != 0) return {};
    return fail(ErrorKind::not_found, "not seen in quarantine");
  }
  Result<HierarchyPage> only_inbox(Result<HierarchyPage> page) const {
    if (!page) return page;
    std::erase_if(page->folders, [&](const MailFolder& folder) { return folder.id != inbox_; });
    return page;
  }
  // The notice, when it is there and wanted.
  template <typename Wanted>
  Result<ListPage> list(CollectionId collection, const Wanted& wanted) {
    GODWIT_TRY(check(collection));
    ListPage page;
    if (notice_ == 0) return page;
    const auto info = inner_->message(collection, notice_);
    if (!info) {
      if (info.error().kind == ErrorKind::not_found) return page;
      return fail(info.error());
    }
    const storage::Listed item{info->id, info->created_seq, info->date};
    if (wanted(item)) page.items.push_back(item);
    return page;
  }

  const std::shared_ptr<storage::Mailbox> inner_;
  const CollectionId inbox_;
  const ItemId notice_;
};

}  // namespace

Result<std::shared_ptr<storage::Mailbox>> quarantine_view(std::shared_ptr<storage::Mailbox> mailbox,
                                                          ItemId notice) {
  GODWIT_ASSIGN(const HierarchyPage page, mailbox->folders());
  const auto inbox = std::find_if(
      page.folders.begin(), page.folders.end(),
      [](const MailFolder& folder) { return folder.role == storage::FolderRole::inbox; });
  if (inbox == page.folders.end()) return fail(ErrorKind::internal, "no Inbox");
  return std::make_shared<QuarantineView>(std::move(mailbox), inbox->id, notice);
}

}  // namespace eas
