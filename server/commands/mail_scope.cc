#include "server/commands/mail_scope.h"

#include <algorithm>
#include <set>

#include "server/sync/server_id.h"
#include "storage/base/text.h"

namespace eas {

storage::Result<std::vector<storage::CollectionId>> mail_scope(
    storage::Mailbox& mailbox, const std::vector<std::string_view>& ids, bool deep) {
  GODWIT_ASSIGN(const storage::HierarchyPage hierarchy, mailbox.folders());
  std::set<storage::CollectionId> wanted;
  bool all = ids.empty();
  for (const std::string_view text : ids) {
    const std::string_view id = storage::trim(text);
    if (id.empty() || id == "0") {
      all = true;
      continue;
    }
    const auto folder = parse_collection_id(id);
    if (folder && class_of(*folder) != ItemClass::mail &&
        *folder == default_collection(class_of(*folder))) {
      continue;
    }
    const bool lives =
        folder && std::any_of(hierarchy.folders.begin(), hierarchy.folders.end(),
                              [&](const storage::MailFolder& one) { return one.id == *folder; });
    if (!lives) return storage::fail(storage::ErrorKind::not_found, "no such folder");
    wanted.insert(*folder);
  }
  for (bool grew = deep; grew;) {
    grew = false;
    for (const storage::MailFolder& folder : hierarchy.folders) {
      if (wanted.contains(folder.parent)) grew = wanted.insert(folder.id).second || grew;
    }
  }
  std::vector<storage::CollectionId> scope;
  for (const storage::MailFolder& folder : hierarchy.folders) {
    if (all || wanted.contains(folder.id)) scope.push_back(folder.id);
  }
  return scope;
}

}  // namespace eas
