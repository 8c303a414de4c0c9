// An edition is immutable: requests that began with an older one finish with it.
#include "server/policy/policy_book.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "storage/base/log.h"
#include "storage/base/text.h"

namespace eas::policy {
namespace {

using storage::Access;
using storage::MutexLock;
using storage::Result;

constexpr storage::UnixMillis kTrustGroups = 30'000;
constexpr storage::UnixMillis kTimeToTell = 600'000;
constexpr std::size_t kMostByGroups = 50'000;

constexpr std::array<std::string_view, 5> kFields = {"type", "model", "os", "agent", "version"};

PolicyPtr to_effective(const storage::Policy& policy) {
  auto result = std::make_shared<EffectivePolicy>();
  result->revision = policy.revision;
  result->name = policy.name;
  if (auto document = PolicyDocument::from_json(policy.settings)) {
    result->document = std::move(*document);
  } else {
    result->corrupt = true;
    storage::log_event(storage::LogLevel::error, "a policy cannot be read",
                       {{"policy", policy.name}, {"reason", document.error().message}});
  }
  return result;
}

// A member of DeviceInformation, "" when it is not known.
std::string info_field(std::string_view info, const char* name) {
  const auto json = nlohmann::json::parse(info, nullptr, false);
  if (!json.is_object()) return {};
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string fact(const DeviceFacts& device, std::string_view field) {
  if (field == "type") return std::string(device.type);
  if (field == "agent") return std::string(device.user_agent);
  if (field == "version") return std::string(device.version);
  if (field == "model") return info_field(device.info, "Model");
  if (field == "os") return info_field(device.info, "OS");
  return {};
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  const std::string wanted = storage::to_lower(pattern);
  const std::string given = storage::to_lower(text);
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string::npos;  // the last '*', to which to go back
  std::size_t from = 0;                  // where its text began
  while (t < given.size()) {
    if (p < wanted.size() && wanted[p] == '*') {
      star = p++;
      from = t;
    } else if (p < wanted.size() && (wanted[p] == '?' || wanted[p] == given[t])) {
      ++p;
      ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < wanted.size() && wanted[p] == '*') ++p;
  return p == wanted.size();
}

std::span<const std::string_view> rule_fields() { return kFields; }

struct PolicyBook::Edition {
  std::int64_t number = 0;
  std::unordered_map<std::int64_t, PolicyPtr> by_policy;
  std::unordered_map<std::int64_t, PolicyPtr> by_user;
  std::vector<std::pair<std::int64_t, PolicyPtr>> by_group;  // in the order of policies' names
  PolicyPtr fallback = std::make_shared<EffectivePolicy>();
  std::vector<storage::AccessRule> rules;
  Access default_access = Access::allow;
};

Result<std::shared_ptr<const PolicyBook::Edition>> PolicyBook::edition(std::int64_t world) {
  {
    const MutexLock lock(mutex_);
    if (edition_ && edition_->number >= world) return edition_;
  }
  GODWIT_ASSIGN(storage::PolicyWorld read, store_.world());
  auto fresh = std::make_shared<Edition>();
  fresh->number = read.number;
  fresh->rules = std::move(read.rules);
  fresh->default_access = read.default_access;
  for (const storage::Policy& policy : read.policies) {
    const PolicyPtr effective = to_effective(policy);
    fresh->by_policy[policy.id] = effective;
    if (policy.is_default) fresh->fallback = effective;
  }
  for (const storage::PolicyAssignment& assigned : read.assignments) {
    const auto policy = fresh->by_policy.find(assigned.policy);
    if (policy == fresh->by_policy.end()) continue;
    if (assigned.group) {
      fresh->by_group.emplace_back(assigned.subject, policy->second);
    } else {
      fresh->by_user[assigned.subject] = policy->second;
    }
  }
  std::sort(fresh->by_group.begin(), fresh->by_group.end(), [](const auto& a, const auto& b) {
    return storage::to_lower(a.second->name) < storage::to_lower(b.second->name);
  });
  const MutexLock lock(mutex_);
  if (!edition_ || edition_->number < fresh->number) {
    edition_ = fresh;
    by_groups_.clear();
  }
  return edition_;
}

Result<PolicyPtr> PolicyBook::policy_by_groups(const Edition& edition, std::int64_t user_id) {
  const storage::UnixMillis now = clock_.now_ms();
  {
    const MutexLock lock(mutex_);
    const auto known = by_groups_.find(user_id);
    if (known != by_groups_.end() && now < known->second.until) return known->second.policy;
  }
  GODWIT_ASSIGN(const std::vector<std::int64_t> groups, addresses_->groups_of(user_id));
  PolicyPtr policy = edition.fallback;
  for (const auto& [group, assigned] : edition.by_group) {
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) continue;
    policy = assigned;
    break;
  }
  const MutexLock lock(mutex_);
  if (by_groups_.size() >= kMostByGroups) by_groups_.clear();
  // A newer edition came meanwhile: what was found is of the old one.
  if (edition_ && edition_->number == edition.number) {
    by_groups_[user_id] = {policy, now + kTrustGroups};
  }
  return policy;
}

Result<PolicyPtr> PolicyBook::policy_of(std::int64_t user_id, std::int64_t world) {
  GODWIT_ASSIGN(const auto current, edition(world));
  if (const auto own = current->by_user.find(user_id); own != current->by_user.end()) {
    return own->second;
  }
  if (!current->by_group.empty() && addresses_ != nullptr) {
    return policy_by_groups(*current, user_id);
  }
  return current->fallback;
}

Result<AccessDecision> PolicyBook::access_of(const DeviceFacts& device, std::int64_t world) {
  if (device.own != Access::none) {
    return AccessDecision{device.own, "decided for this device", false};
  }
  GODWIT_ASSIGN(const auto current, edition(world));
  const bool may_tell_more = device.info.empty() && device.known_for < kTimeToTell;
  bool unsure = false;  // a rule before the one that decides could not be tried
  for (const storage::AccessRule& rule : current->rules) {
    const bool needs_info = rule.field == "model" || rule.field == "os";
    if (needs_info && may_tell_more) unsure = true;
    if (!matches_pattern(rule.pattern, fact(device, rule.field))) continue;
    return AccessDecision{
        rule.access, "rule " + std::to_string(rule.id) + ": " + rule.field + " " + rule.pattern,
        unsure && rule.access != Access::allow};
  }
  return AccessDecision{current->default_access, "the default",
                        unsure && current->default_access != Access::allow};
}

}  // namespace eas::policy
