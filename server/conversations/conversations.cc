// The rules are few and are kept in memory beside the settings, so that a Sync of a user without
// any asks no database. Moving is idempotent (a message moves once, whoever does it), so the
// watcher and the phones' requests need not wait for each other.
#include "server/conversations/conversations.h"

#include <algorithm>
#include <optional>

#include "storage/base/log.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using storage::CollectionId;
using storage::ErrorKind;
using storage::FolderRole;
using storage::Result;
using storage::ThreadMember;

constexpr std::string_view kPrefix = "conversation:";
constexpr std::size_t kMostRules = 500;
// Dates of files may be coarser than the clock.
constexpr storage::UnixMillis kCoarse = 2000;

std::string setting_name(std::string_view key) {
  return std::string(kPrefix) + storage::to_hex(key);
}

std::optional<std::string> from_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::size_t high = kDigits.find(text[i]);
    const std::size_t low = kDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

bool is_gone(const storage::Error& error) { return error.kind == ErrorKind::not_found; }

// Moves one message; nothing to do when it has gone meanwhile.
Result<bool> move(storage::Mailbox& mailbox, const ThreadMember& member, CollectionId destination) {
  const auto moved = mailbox.move(member.folder, member.id, destination);
  if (moved) return true;
  if (is_gone(moved.error())) return false;
  return storage::fail(moved.error());
}

// The folders that a rule empties: all but Sent Items and where the conversation goes.
class Sources {
 public:
  Sources(storage::Mailbox& mailbox, CollectionId destination)
      : mailbox_(mailbox), destination_(destination) {}

  bool contain(CollectionId folder) {
    if (folder == destination_) return false;
    const auto known = known_.find(folder);
    if (known != known_.end()) return known->second;
    const auto found = mailbox_.folder(folder);
    return known_[folder] = found.has_value() && found->role != FolderRole::sent;
  }

 private:
  storage::Mailbox& mailbox_;
  const CollectionId destination_;
  std::map<CollectionId, bool> known_;
};

}  // namespace

Result<void> Conversations::load(storage::Directory& directory) {
  GODWIT_ASSIGN(const std::vector<storage::UserSetting> settings, settings_.list(0, kPrefix));
  if (settings.empty()) return {};
  GODWIT_ASSIGN(const std::vector<storage::User> users, directory.list());
  const storage::MutexLock lock(mutex_);
  for (const storage::UserSetting& setting : settings) {
    const auto user = std::find_if(users.begin(), users.end(), [&](const storage::User& other) {
      return other.id == setting.user_id;
    });
    const auto key = from_hex(std::string_view(setting.name).substr(kPrefix.size()));
    const std::size_t space = setting.value.find(' ');
    if (user == users.end() || !key || space == std::string::npos) continue;
    const auto destination = storage::parse_int(std::string_view(setting.value).substr(0, space));
    const auto since = storage::parse_int(std::string_view(setting.value).substr(space + 1));
    if (!destination || !since) continue;
    UserRules& rules = rules_[setting.user_id];
    rules.user = *user;
    rules.rules.push_back({*key, *destination, *since});
  }
  for (auto& [id, rules] : rules_) {
    std::sort(rules.rules.begin(), rules.rules.end(),
              [](const Rule& a, const Rule& b) { return a.since < b.since; });
  }
  return {};
}

std::vector<storage::User> Conversations::users() const {
  const storage::MutexLock lock(mutex_);
  std::vector<storage::User> users;
  for (const auto& entry : rules_) users.push_back(entry.second.user);
  return users;
}

bool Conversations::has_rules(std::int64_t user_id) const {
  const storage::MutexLock lock(mutex_);
  return rules_.find(user_id) != rules_.end();
}

std::vector<Conversations::Rule> Conversations::rules_of(std::int64_t user_id) const {
  const storage::MutexLock lock(mutex_);
  const auto found = rules_.find(user_id);
  return found == rules_.end() ? std::vector<Rule>() : found->second.rules;
}

Result<void> Conversations::keep(const storage::User& user, const Rule& rule) {
  GODWIT_TRY(settings_.set(user.id, setting_name(rule.key),
                           std::to_string(rule.destination) + " " + std::to_string(rule.since)));
  std::string oldest;
  bool first = false;
  {
    const storage::MutexLock lock(mutex_);
    UserRules& own = rules_[user.id];
    first = own.rules.empty();
    own.user = user;
    std::erase_if(own.rules, [&](const Rule& other) { return other.key == rule.key; });
    own.rules.push_back(rule);
    if (own.rules.size() > kMostRules) oldest = own.rules.front().key;
  }
  if (!oldest.empty()) drop(user.id, oldest, "there are too many rules");
  if (first && told_) told_(user);
  return {};
}

void Conversations::drop(std::int64_t user_id, std::string_view key, std::string_view reason) {
  storage::log_event(storage::LogLevel::info, "conversation no longer moved",
                     {{"user_id", user_id}, {"reason", reason}});
  {
    const storage::MutexLock lock(mutex_);
    const auto found = rules_.find(user_id);
    if (found == rules_.end()) return;
    std::erase_if(found->second.rules, [&](const Rule& rule) { return rule.key == key; });
    if (found->second.rules.empty()) rules_.erase(found);
  }
  if (const auto removed = settings_.remove(user_id, setting_name(key)); !removed) {
    storage::log_event(storage::LogLevel::warning, "rule of a conversation not removed",
                       {{"user_id", user_id}, {"reason", removed.error().message}});
  }
}

Result<Conversations::Outcome> Conversations::carry_out(std::int64_t user_id,
                                                        storage::Mailbox& mailbox,
                                                        const Rule& rule) {
  GODWIT_ASSIGN(const std::vector<ThreadMember> members, threads_.members(user_id, rule.key));
  Sources sources(mailbox, rule.destination);
  Outcome outcome;
  for (const ThreadMember& member : members) {
    if (member.date < rule.since || !sources.contain(member.folder)) continue;
    const auto moved = move(mailbox, member, rule.destination);
    if (moved) {
      outcome.moved += *moved ? 1 : 0;
      continue;
    }
    ++outcome.failed;
    storage::log_event(storage::LogLevel::warning, "message of a conversation not moved",
                       {{"user_id", user_id},
                        {"folder", member.folder},
                        {"item", member.id},
                        {"reason", moved.error().message}});
  }
  return outcome;
}

Result<Conversations::Outcome> Conversations::always_move(const storage::User& user,
                                                          storage::Mailbox& mailbox,
                                                          std::string_view key,
                                                          CollectionId destination) {
  GODWIT_TRY(threads_.update_all(user.id, mailbox));
  GODWIT_ASSIGN(const std::vector<ThreadMember> members, threads_.members(user.id, key));
  if (members.empty()) return storage::fail(ErrorKind::not_found, "no such conversation");
  Rule rule{std::string(key), destination, clock_.now_ms() - kCoarse};
  // First the rule: a message that arrives while the others are moved is moved too.
  GODWIT_TRY(keep(user, rule));
  rule.since = 0;
  return carry_out(user.id, mailbox, rule);
}

Result<int> Conversations::apply(std::int64_t user_id, storage::Mailbox& mailbox) {
  const std::vector<Rule> rules = rules_of(user_id);
  if (rules.empty()) return 0;
  GODWIT_TRY(threads_.update_all(user_id, mailbox));
  int total = 0;
  bool failed = false;
  for (const Rule& rule : rules) {
    const auto destination = mailbox.folder(rule.destination);
    if (!destination) {
      if (!is_gone(destination.error())) return storage::fail(destination.error());
      drop(user_id, rule.key, "its folder is gone");
      continue;
    }
    GODWIT_ASSIGN(const Outcome outcome, carry_out(user_id, mailbox, rule));
    total += outcome.moved;
    failed = failed || outcome.failed > 0;
  }
  if (failed) return storage::fail(ErrorKind::unavailable, "not all could be moved");
  return total;
}

void Conversations::moved_by_user(std::int64_t user_id, storage::Mailbox& mailbox,
                                  CollectionId from, CollectionId to, storage::ItemId id_there) {
  const std::vector<Rule> rules = rules_of(user_id);
  const bool concerned = std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
    return rule.destination == from && rule.destination != to;
  });
  if (!concerned) return;
  if (!threads_.update(user_id, mailbox, to)) return;
  const auto key = threads_.key(user_id, to, id_there);
  if (!key) return;
  for (const Rule& rule : rules) {
    if (rule.key == *key && rule.destination == from) drop(user_id, *key, "the user took it back");
  }
}

}  // namespace eas
