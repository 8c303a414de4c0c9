// Batches are short (some ten milliseconds), and everything is looked at again between two of them:
// the deadline of a search, the end of the server, and whose turn it is.
#include "server/search/mail_search.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "server/search/batch.h"
#include "storage/base/log.h"

namespace eas {

using std::chrono::steady_clock;
using storage::CollectionId;
using storage::ErrorKind;
using storage::LogLevel;
using storage::Mailbox;
using storage::MessageInfo;
using storage::Result;
using storage::SearchHit;

MailSearch::MailSearch(storage::SearchIndex& index, storage::MailStore& mail,
                       storage::Directory& directory, storage::StateStore& state,
                       MailSearchOptions options)
    : index_(index), mail_(mail), directory_(directory), state_(state), options_(options) {}

MailSearch::~MailSearch() { stop(); }

void MailSearch::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void MailSearch::stop() {
  {
    const storage::MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

// --- indexing -----------------------------------------------------------------------------------

Result<MailSearch::Step> MailSearch::forget(std::int64_t user_id, CollectionId folder) {
  const storage::MutexLock lock(batches_.at(static_cast<std::size_t>(user_id) % batches_.size()));
  GODWIT_ASSIGN(const bool gone, index_.forget_some(user_id, folder));
  return gone ? Step::done : Step::more;
}

Result<MailSearch::Step> MailSearch::step(std::int64_t user_id, Mailbox& mailbox,
                                          CollectionId folder) {
  bool broken = false;
  {
    const storage::MutexLock lock(batches_.at(static_cast<std::size_t>(user_id) % batches_.size()));
    GODWIT_ASSIGN(const auto progress, index_.progress(user_id, folder));
    GODWIT_ASSIGN(const FolderBatch next,
                  next_batch(mailbox, folder, progress, [this] { return stopping(); }));
    broken = next.broken;
    if (!broken) {
      if (progress && next.empty) return Step::done;
      const auto applied = index_.apply(user_id, folder, progress, next.batch);
      // Another node was faster: what it did is looked at in the next step.
      if (!applied && applied.error().kind != ErrorKind::conflict) return fail(applied.error());
      return !applied || next.more ? Step::more : Step::done;
    }
  }
  storage::log_event(LogLevel::warning, "the index of a folder is made anew",
                     {{"user_id", user_id}, {"folder", folder}});
  for (Step left = Step::more; left == Step::more && !stopping();) {
    GODWIT_ASSIGN(left, forget(user_id, folder));
  }
  return Step::more;
}

Result<bool> MailSearch::catch_up(std::int64_t user_id, Mailbox& mailbox,
                                  std::span<const CollectionId> folders,
                                  steady_clock::time_point deadline) {
  // In turns, so that a large folder does not keep the others waiting.
  std::vector<CollectionId> left(folders.begin(), folders.end());
  while (!left.empty()) {
    std::vector<CollectionId> again;
    for (const CollectionId folder : left) {
      if (stopping() || steady_clock::now() >= deadline) return false;
      const auto done = step(user_id, mailbox, folder);
      if (!done && done.error().kind == ErrorKind::not_found) continue;  // gone meanwhile
      if (!done) return fail(done.error());
      if (*done == Step::more) again.push_back(folder);
    }
    left = std::move(again);
  }
  return true;
}

// --- searching ----------------------------------------------------------------------------------

Result<FoundPage> MailSearch::find(Mailbox& view, const MailQuery& query, int first, int last) {
  std::shared_ptr<const ResultSet> set;
  if (first > 0 && !query.rebuild) {
    set = sets_.get(query.set);
    if (!set && query.needs_set)
      return fail(ErrorKind::expired, "the search is not known any more");
  }
  if (!set) {
    auto fresh = std::make_shared<ResultSet>();
    GODWIT_ASSIGN(const auto mailbox, mail_.open(query.user_id, query.address));
    GODWIT_ASSIGN(fresh->complete, catch_up(query.user_id, *mailbox, query.folders,
                                            steady_clock::now() + options_.catch_up));
    if (!fresh->complete) {
      const storage::MutexLock lock(mutex_);
      wanted_.push_back(query.user_id);
      wake_.notify_all();
    }
    GODWIT_ASSIGN(fresh->found,
                  index_.search(query.user_id, query.folders, query.query, 0, kMostResults));
    set = fresh;
    sets_.put(query.set, set);
  }
  FoundPage page;
  page.total = set->found.total;
  page.complete = set->complete;
  const auto& hits = set->found.hits;
  const auto begin = std::min(static_cast<std::size_t>(first), hits.size());
  const auto end = std::min(static_cast<std::size_t>(last) + 1, hits.size());
  if (begin >= end) return page;
  GODWIT_ASSIGN(page.messages, load(query.user_id, view,
                                    std::span<const SearchHit>(hits).subspan(begin, end - begin)));
  for (FoundMessage& found : page.messages) found.index += static_cast<int>(begin);
  return page;
}

Result<std::vector<FoundMessage>> MailSearch::load(std::int64_t user_id, Mailbox& mailbox,
                                                   std::span<const SearchHit> hits) {
  std::map<CollectionId, std::vector<storage::ItemId>> wanted;
  for (const SearchHit& hit : hits) wanted[hit.folder].push_back(hit.item);
  std::map<std::pair<CollectionId, storage::ItemId>, MessageInfo> infos;
  for (const auto& [folder, ids] : wanted) {
    auto found = mailbox.messages(folder, ids);
    if (!found && found.error().kind == ErrorKind::not_found) continue;
    if (!found) return fail(found.error());
    for (MessageInfo& info : *found) {
      const std::pair key(folder, info.id);
      infos.emplace(key, std::move(info));
    }
  }
  std::vector<FoundMessage> messages;
  std::set<CollectionId> foreign;
  int index = -1;
  for (const SearchHit& hit : hits) {
    ++index;
    const auto info = infos.find({hit.folder, hit.item});
    if (info == infos.end()) continue;  // gone meanwhile
    if (info->second.created_seq != hit.created_seq || info->second.date != hit.date) {
      foreign.insert(hit.folder);  // the index is of an older life of this mailbox
      continue;
    }
    messages.push_back({hit.folder, info->second, index});
  }
  for (const CollectionId folder : foreign) {
    for (Step left = Step::more; left == Step::more && !stopping();) {
      GODWIT_ASSIGN(left, forget(user_id, folder));
    }
  }
  return messages;
}

// --- the background -----------------------------------------------------------------------------

bool MailSearch::pause(std::chrono::milliseconds time) {
  const storage::MutexLock lock(mutex_);
  if (!stopping_ && wanted_.empty()) wake_.wait_for(mutex_, time);
  return !stopping_;
}

void MailSearch::run() {
  // For this thread alone, as Linux has it: phones come first.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 19);
  pause(options_.first_round);
  while (!stopping()) {
    round();
    pause(options_.round);
  }
}

void MailSearch::round() {
  const auto users = directory_.list();
  const auto devices = state_.devices(0);
  if (!users || !devices) {
    storage::log_event(LogLevel::warning, "mail is not indexed",
                       {{"reason", (users ? devices.error() : users.error()).message}});
    return;
  }
  std::set<std::int64_t> due;
  for (const storage::Device& device : *devices) due.insert(device.user_id);
  {
    const storage::MutexLock lock(mutex_);
    due.insert(wanted_.begin(), wanted_.end());
    wanted_.clear();
  }
  for (const storage::User& user : *users) {
    if (stopping()) return;
    if (due.contains(user.id)) keep_user(user);
  }
  forget_users(*users);
}

void MailSearch::keep_user(const storage::User& user) {
  const auto work = [&]() -> Result<void> {
    GODWIT_ASSIGN(const auto mailbox, mail_.open(user.id, user.address));
    GODWIT_ASSIGN(const storage::HierarchyPage hierarchy, mailbox->folders());
    std::vector<CollectionId> left;
    for (const storage::MailFolder& folder : hierarchy.folders) left.push_back(folder.id);
    GODWIT_ASSIGN(const auto indexed, index_.folders(user.id));
    for (const CollectionId folder : indexed) {
      const bool lives = std::find(left.begin(), left.end(), folder) != left.end();
      for (Step rest = lives ? Step::done : Step::more; rest == Step::more && !stopping();) {
        GODWIT_ASSIGN(rest, forget(user.id, folder));
      }
    }
    bool complete = false;
    while (!complete && !stopping()) {
      const auto begin = steady_clock::now();
      GODWIT_ASSIGN(complete,
                    catch_up(user.id, *mailbox, left, begin + std::chrono::milliseconds(50)));
      // Half of the time is left to others, also on a machine with one core.
      const auto took = steady_clock::now() - begin;
      if (!complete) pause(std::chrono::duration_cast<std::chrono::milliseconds>(took));
    }
    return {};
  };
  if (const auto done = work(); !done && !stopping()) {
    storage::log_event(LogLevel::warning, "mail of a user is not indexed",
                       {{"user", user.address}, {"reason", done.error().message}});
  }
}

void MailSearch::forget_users(const std::vector<storage::User>& known) {
  const auto indexed = index_.users();
  if (!indexed) return;
  for (const std::int64_t user_id : *indexed) {
    const bool lives =
        std::any_of(known.begin(), known.end(),
                    [user_id](const storage::User& user) { return user.id == user_id; });
    if (lives) continue;
    const auto folders = index_.folders(user_id);
    if (!folders) return;
    for (const CollectionId folder : *folders) {
      auto left = Result<Step>(Step::more);
      while (left && *left == Step::more && !stopping()) left = forget(user_id, folder);
    }
  }
}

}  // namespace eas
