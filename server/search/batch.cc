// Changes go before older messages, so that what the index has is right before it gets more. They
// may name messages that are not loaded yet: removals and flags of those are ignored by the index,
// and the load reads them as they are by then.
#include "server/search/batch.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "server/items/email/search_text.h"

namespace eas {
namespace {

using storage::CollectionId;
using storage::ErrorKind;
using storage::ItemId;
using storage::Mailbox;
using storage::MessageInfo;
using storage::Position;
using storage::Result;
using storage::SearchProgress;
namespace aspect = storage::aspect;

constexpr int kDocuments = 100;                // of one batch
constexpr int kChanges = 1000;                 // of the log looked at for one batch
constexpr std::size_t kBatchBytes = 4u << 20;  // of stored messages; one more may go over it

constexpr Position kNewest{std::numeric_limits<storage::UnixMillis>::max(),
                           std::numeric_limits<ItemId>::max()};
constexpr Position kOldest{std::numeric_limits<storage::UnixMillis>::min(), 0};

Result<std::map<ItemId, MessageInfo>> infos_of(Mailbox& mailbox, CollectionId folder,
                                               const std::vector<ItemId>& ids) {
  std::map<ItemId, MessageInfo> infos;
  if (ids.empty()) return infos;
  GODWIT_ASSIGN(std::vector<MessageInfo> found, mailbox.messages(folder, ids));
  for (MessageInfo& info : found) {
    const ItemId id = info.id;
    infos.emplace(id, std::move(info));
  }
  return infos;
}

class Builder {
 public:
  Builder(Mailbox& mailbox, CollectionId folder, const std::function<bool()>& stop,
          FolderBatch& out)
      : mailbox_(mailbox), folder_(folder), stop_(stop), out_(out) {}

  // Adds the message's document. False: the batch is full, this one is of the next.
  Result<bool> add(const MessageInfo& info) {
    if (!out_.batch.put.empty()) {
      if (bytes_ + static_cast<std::size_t>(info.size) > kBatchBytes) return false;
      if (stop_()) return false;
    }
    auto bytes = mailbox_.bytes(folder_, info);
    if (!bytes) {
      if (bytes.error().kind == ErrorKind::not_found) return true;  // its removal is in the log
      if (bytes.error().kind == ErrorKind::unavailable) {
        return storage::fail(std::move(bytes.error()));
      }
    }
    bytes_ += static_cast<std::size_t>(info.size);
    // One that cannot be read has no words, and does not keep the others from being found.
    const std::string_view text = bytes ? bytes->view() : std::string_view();
    out_.batch.put.push_back(email::search_document(text, info));
    return true;
  }

  // What the log says after `progress.cursor`.
  Result<void> add_changes(const SearchProgress& progress) {
    GODWIT_ASSIGN(const storage::ChangePage page,
                  mailbox_.changes(folder_, progress.cursor, kChanges));
    std::map<ItemId, unsigned> aspects;
    std::vector<ItemId> wanted;
    int documents = 0;
    std::size_t taken = 0;
    for (const storage::Change& change : page.changes) {
      unsigned& of_item = aspects[change.id];
      if (of_item == 0) wanted.push_back(change.id);
      of_item |= change.aspects;
      if ((change.aspects & (aspect::kAdded | aspect::kContent)) != 0) ++documents;
      ++taken;
      if (documents >= kDocuments) break;
    }
    out_.more = page.more || taken < page.changes.size();
    GODWIT_ASSIGN(const auto infos, infos_of(mailbox_, folder_, wanted));
    for (std::size_t i = 0; i < taken; ++i) {
      const storage::Change& change = page.changes[i];
      GODWIT_ASSIGN(const bool fits, add_change(change.id, aspects[change.id], infos));
      if (!fits) {
        out_.more = true;
        return {};
      }
      out_.batch.next.cursor = change.log_seq;
    }
    return {};
  }

  // The next messages below `progress.loaded`.
  Result<void> add_older(const SearchProgress& progress) {
    GODWIT_ASSIGN(
        const storage::ListPage page,
        mailbox_.newest_first(folder_, progress.loaded, kOldest, progress.head, kDocuments));
    std::vector<ItemId> ids;
    for (const storage::Listed& item : page.items) ids.push_back(item.id);
    GODWIT_ASSIGN(const auto infos, infos_of(mailbox_, folder_, ids));
    for (const storage::Listed& item : page.items) {
      const auto info = infos.find(item.id);
      if (info != infos.end()) {
        GODWIT_ASSIGN(const bool fits, add(info->second));
        if (!fits) {
          out_.more = true;
          return {};
        }
      }
      out_.batch.next.loaded = item.position();
    }
    out_.batch.next.full = !page.more;
    out_.more = page.more;
    return {};
  }

 private:
  Result<bool> add_change(ItemId id, unsigned aspects, const std::map<ItemId, MessageInfo>& infos) {
    const auto info = infos.find(id);
    if (info == infos.end() || (aspects & aspect::kRemoved) != 0) {
      out_.batch.removed.push_back(id);
      return true;
    }
    if ((aspects & (aspect::kAdded | aspect::kContent)) != 0) {
      const bool known = std::any_of(out_.batch.put.begin(), out_.batch.put.end(),
                                     [id](const auto& document) { return document.item == id; });
      return known ? Result<bool>(true) : add(info->second);
    }
    out_.batch.flags.push_back(email::search_flags(info->second));
    return true;
  }

  Mailbox& mailbox_;
  const CollectionId folder_;
  const std::function<bool()>& stop_;
  FolderBatch& out_;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<FolderBatch> next_batch(Mailbox& mailbox, CollectionId folder,
                               const std::optional<SearchProgress>& progress,
                               const std::function<bool()>& stop) {
  FolderBatch result;
  GODWIT_ASSIGN(const storage::Seq head, mailbox.head(folder));
  if (!progress) {
    result.batch.next = {head, head, kNewest, false};
    result.more = true;
    return result;
  }
  result.batch.next = *progress;
  if (progress->cursor > head) {
    result.broken = true;
    return result;
  }
  Builder builder(mailbox, folder, stop, result);
  if (progress->cursor < head) {
    auto added = builder.add_changes(*progress);
    if (!added && added.error().kind == ErrorKind::expired) {
      result.broken = true;
      return result;
    }
    GODWIT_TRY(std::move(added));
    // The log may hold nothing of what moved its head.
    if (!result.more &&
        result.batch.put.size() + result.batch.flags.size() + result.batch.removed.size() == 0) {
      result.batch.next.cursor = head;
    }
    result.more = result.more || !progress->full;
  } else if (!progress->full) {
    GODWIT_TRY(builder.add_older(*progress));
  }
  result.empty = result.batch.next == *progress;
  return result;
}

}  // namespace eas
