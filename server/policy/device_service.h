// What the life of devices needs, in one place; made once in main and reached through Services.
#pragma once

#include <string>

#include "server/policy/notices.h"
#include "server/policy/policy_book.h"
#include "server/policy/storm_guard.h"

namespace eas::policy {

// Thread-safe, as its parts are. All that it is made with must outlive it.
struct DeviceService {
  DeviceService(storage::PolicyStore& policy_store, storage::AddressList* addresses,
                storage::MailStore& mail, storage::MailSender* sender, const storage::Clock& clock,
                std::string administrator, StormOptions storm_options)
      : store(policy_store),
        book(policy_store, addresses, clock),
        storms(storm_options),
        notices(mail, sender, clock, std::move(administrator)) {}

  storage::PolicyStore& store;
  PolicyBook book;
  StormGuard storms;
  Notices notices;
};

}  // namespace eas::policy
