// The AccountId of a user's own account, as UserInformation names it and SendMail, SmartReply and
// SmartForward give it back. [MS-ASCMD] 2.2.3.3
#pragma once

#include <string>

#include "storage/directory/directory.h"

namespace eas {

// A text that stays the same as long as the user exists, whatever their address becomes, and that
// no other user has.
inline std::string account_id(const storage::User& user) {
  return "account-" + std::to_string(user.id);
}

}  // namespace eas
