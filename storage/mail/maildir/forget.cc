#include "storage/mail/maildir/forget.h"

#include <vector>

#include "storage/mail/maildir/index.h"

namespace storage::maildir {

// Folder by folder, so that no transaction keeps others waiting for long.
Result<void> forget_user(Database& database, std::int64_t user_id) {
  GODWIT_TRY(migrate(database, migrations()));
  std::vector<FolderRow> folders;  // tombstones too
  GODWIT_TRY(database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(folders, load_changed_folders(connection, user_id, -1));
    return {};
  }));
  for (const FolderRow& folder : folders) {
    GODWIT_TRY(database.write([&](Connection& connection) {
      return remove_folder(connection, user_id, folder.id, folder.changed_seq);
    }));
  }
  return database.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.execute("DELETE FROM mail_folder WHERE user_id = $1", {user_id}));
    GODWIT_TRY(connection.execute("DELETE FROM mail_user WHERE user_id = $1", {user_id}));
    return {};
  });
}

}  // namespace storage::maildir
