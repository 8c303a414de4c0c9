// The folders that a search over the mailbox is about. [MS-ASCMD] 2.2.3.30, 2.2.3.41
#pragma once

#include <string_view>
#include <vector>

#include "storage/mail/mail_store.h"

namespace eas {

// The folders with these ids, as phones know them, and with `deep` those below them; all when there
// is no id, or one that is "0" or empty. Each once. The default folders of other classes exist, and
// hold no mail. not_found: one of them does not exist.
storage::Result<std::vector<storage::CollectionId>> mail_scope(
    storage::Mailbox& mailbox, const std::vector<std::string_view>& ids, bool deep);

}  // namespace eas
