// What becomes of whole conversations: moved once and, by a rule that the user keeps, ever after.
// [MS-ASCON] 3.2.5.3, [MS-ASCMD] 2.2.3.117.1, 2.2.3.118
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"
#include "storage/directory/directory.h"
#include "storage/mail/mail_store.h"
#include "storage/mail/thread_index.h"
#include "storage/state/user_settings.h"

namespace eas {

// Thread-safe. What it was made of must outlive it.
class Conversations {
 public:
  Conversations(storage::ThreadIndex& threads, storage::UserSettings& settings,
                const storage::Clock& clock)
      : threads_(threads), settings_(settings), clock_(clock) {}

  // Reads the rules of all users of the directory. Before anything else.
  storage::Result<void> load(storage::Directory& directory);

  struct Outcome {
    int moved = 0;   // or there already
    int failed = 0;  // could not be moved now
  };
  // Moves the conversation's messages from all folders but Sent Items to `destination`, and what
  // arrives later too. `key` is the ConversationId. not_found: no message of it is anywhere.
  // REQUIRES: the destination exists.
  storage::Result<Outcome> always_move(const storage::User& user, storage::Mailbox& mailbox,
                                       std::string_view key, storage::CollectionId destination);

  // Carries out the user's rules on what was received since they were made. Returns how many
  // messages were moved. Costs nothing for a user without rules. Problems are logged; what could
  // not be done is done the next time. REQUIRES: the whole mailbox, not a view of it: a rule whose
  // folder is not in it ends.
  storage::Result<int> apply(std::int64_t user_id, storage::Mailbox& mailbox);

  // A phone has moved a message: out of where its conversation always goes ends the rule.
  void moved_by_user(std::int64_t user_id, storage::Mailbox& mailbox, storage::CollectionId from,
                     storage::CollectionId to, storage::ItemId id_there);

  // Users with at least one rule.
  std::vector<storage::User> users() const;
  bool has_rules(std::int64_t user_id) const;
  // Called after a user got a first rule, on the thread that made it. At most one; set before use.
  void on_first_rule(std::function<void(const storage::User&)> told) { told_ = std::move(told); }

 private:
  struct Rule {
    std::string key;
    storage::CollectionId destination = 0;
    storage::UnixMillis since = 0;
  };
  struct UserRules {
    storage::User user;
    std::vector<Rule> rules;  // oldest first
  };

  storage::Result<void> keep(const storage::User& user, const Rule& rule);
  void drop(std::int64_t user_id, std::string_view key, std::string_view reason);
  storage::Result<Outcome> carry_out(std::int64_t user_id, storage::Mailbox& mailbox,
                                     const Rule& rule);
  std::vector<Rule> rules_of(std::int64_t user_id) const;

  storage::ThreadIndex& threads_;
  storage::UserSettings& settings_;
  const storage::Clock& clock_;
  std::function<void(const storage::User&)> told_;
  mutable storage::Mutex mutex_;
  std::map<std::int64_t, UserRules> rules_ GUARDED_BY(mutex_);
};

}  // namespace eas
