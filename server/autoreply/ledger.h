// What was answered, in the user's settings: so that nobody is answered twice in one period, also
// after a kill at any point, and so that a restart goes on where the last run ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/collection.h"
#include "storage/state/user_settings.h"

namespace eas::autoreply {

enum class Answered : std::uint8_t {
  no,
  begun,  // handed to the sender; whether it went out is not known
  yes,
};

// Of one user in one period. `topic` parts what is answered in different ways: server/receipts has
// messages where automatic replies have senders. Thread-safe as far as `settings` is; must not
// outlive it.
class Ledger {
 public:
  Ledger(storage::UserSettings& settings, std::int64_t user_id, std::string period,
         std::string topic = "autoreply")
      : settings_(settings),
        user_id_(user_id),
        period_(std::move(period)),
        topic_(std::move(topic)) {}

  storage::Result<Answered> answered(std::string_view sender) const;
  storage::Result<void> note(std::string_view sender, Answered answered);

  // How far the Inbox was looked through in this period; nullopt: not at all.
  storage::Result<std::optional<storage::Seq>> cursor(storage::CollectionId inbox) const;
  storage::Result<void> set_cursor(storage::CollectionId inbox, storage::Seq seq);

  // Removes the automatic replies of other periods ("" for all of the user's).
  static storage::Result<void> forget_others(storage::UserSettings& settings, std::int64_t user_id,
                                             std::string_view period);

  // Names the reply to `sender` for ever, for OutgoingMail::identity.
  std::string identity(std::string_view sender) const;

 private:
  std::string name_of(std::string_view sender) const;

  storage::UserSettings& settings_;
  const std::int64_t user_id_;
  const std::string period_;
  const std::string topic_;
};

}  // namespace eas::autoreply
