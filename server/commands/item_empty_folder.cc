// ItemOperations EmptyFolderContents: removes what is in a folder, for good. [MS-ASCMD] 2.2.3.58,
// 2.2.3.44
//
// Only what was there at the beginning: what is delivered meanwhile stays. Every phone, also the
// one that asked, is told by Sync and FolderSync; a request that comes again goes on where the
// first one was cut off.
#include <limits>
#include <optional>

#include "server/commands/collections.h"
#include "server/commands/item_operation.h"
#include "server/commands/status.h"
#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::item_operations;
namespace airsync = wbxml::airsync;
using storage::CollectionId;
using storage::ErrorKind;
using storage::Result;

constexpr std::size_t kMaxId = 64;

struct Emptied {
  std::int64_t removed = 0;
  bool whole = true;  // false: something could not be removed
};

void note_failure(const Request& request, Emptied& emptied, const storage::Error& error) {
  if (error.kind == ErrorKind::not_found) return;  // somebody else was faster
  emptied.whole = false;
  log_refusal(request, "ItemOperations", item_status::kPartialSuccess, error.message);
}

Result<void> remove_items(const Request& request, CollectionId folder, Emptied& emptied) {
  constexpr int kPage = 256;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  storage::Mailbox& mailbox = *request.mailbox;
  GODWIT_ASSIGN(const storage::Seq head, mailbox.head(folder));
  storage::Position before{kMost, kMost};
  for (bool more = true; more;) {
    GODWIT_ASSIGN(const storage::ListPage page,
                  mailbox.newest_first(folder, before, {}, head, kPage));
    more = page.more;
    for (const storage::Listed& item : page.items) {
      before = item.position();
      const auto removed = mailbox.remove(folder, item.id);
      if (removed) {
        ++emptied.removed;
      } else if (is_temporary(removed.error())) {
        return storage::fail(removed.error());
      } else {
        note_failure(request, emptied, removed.error());
      }
    }
  }
  return {};
}

Result<void> remove_subfolders(const Request& request, CollectionId folder, Emptied& emptied) {
  GODWIT_ASSIGN(const storage::HierarchyPage page, request.mailbox->folders());
  for (const storage::MailFolder& child : page.folders) {
    if (child.parent != folder) continue;
    const auto removed = request.mailbox->remove_folder(child.id);
    if (removed) {
      ++emptied.removed;
    } else if (is_temporary(removed.error())) {
      return storage::fail(removed.error());
    } else {
      note_failure(request, emptied, removed.error());
    }
  }
  return {};
}

int empty_mail_folder(const Request& request, CollectionId folder, bool subfolders) {
  Emptied emptied;
  auto done = remove_items(request, folder, emptied);
  if (done && subfolders) done = remove_subfolders(request, folder, emptied);
  if (!done)
    log_refusal(request, "ItemOperations", item_status::kServerError, done.error().message);
  if (done && emptied.whole) return item_status::kSuccess;
  return emptied.removed > 0 ? item_status::kPartialSuccess : item_status::kServerError;
}

// nullopt: malformed. An empty tag is true.
std::optional<bool> wants_subfolders(const wbxml::Element& operation) {
  const wbxml::Element* options = operation.child(tag::kOptions);
  if (options == nullptr) return false;
  if (!has_only(*options, {tag::kDeleteSubFolders})) return std::nullopt;
  const auto text = options->text_of(tag::kDeleteSubFolders);
  if (!text || *text == "0") return false;
  if (text->empty() || *text == "1") return true;
  return std::nullopt;
}

int empty_folder(const Request& request, const wbxml::Element& operation) {
  const auto text = operation.text_of(airsync::kCollectionId);
  const auto subfolders = wants_subfolders(operation);
  if (!text || text->empty() || !subfolders) return item_status::kProtocolError;
  const auto folder = parse_collection_id(*text);
  if (!folder) return item_status::kNotFound;
  const auto item_class = find_collection(request, *folder);
  if (!item_class) {
    return is_temporary(item_class.error()) ? item_status::kServerError : item_status::kNotFound;
  }
  // [MS-ASCMD] R196
  if (*item_class == ItemClass::recipients) return item_status::kAccessDenied;
  // A class without a store: its folder is empty.
  if (*item_class != ItemClass::mail) return item_status::kSuccess;
  return empty_mail_folder(request, *folder, *subfolders);
}

}  // namespace

void run_empty_folder_operation(ItemOperationContext& context, const wbxml::Element& operation,
                                wbxml::Encoder& out) {
  const int status = empty_folder(context.request, operation);
  if (status != item_status::kSuccess) {
    log_refusal(context.request, "ItemOperations", status, "EmptyFolderContents");
  }
  out.start(tag::kEmptyFolderContents);
  out.number(tag::kStatus, status);
  const auto id = operation.text_of(airsync::kCollectionId);
  out.text(airsync::kCollectionId, storage::utf8_prefix(id.value_or(""), kMaxId));
  out.end();
}

}  // namespace eas
