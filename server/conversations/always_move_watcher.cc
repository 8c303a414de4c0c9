// Callbacks of the hub must not block, so they only put the user on a list; the thread does the
// rest. It subscribes before it looks, so that nothing falls between. A user whose last rule ended
// is let go at the next event.
#include "server/conversations/always_move_watcher.h"

#include <chrono>
#include <set>
#include <unordered_map>

#include "server/sync/waiting.h"
#include "storage/base/log.h"

namespace eas {
namespace {

constexpr std::chrono::milliseconds kRetry{5000};

}  // namespace

// Shared with the callbacks.
struct AlwaysMoveWatcher::Work {
  storage::Mutex mutex;
  storage::CondVar changed;
  bool stopping GUARDED_BY(mutex) = false;
  std::set<std::int64_t> due GUARDED_BY(mutex);                             // something arrived
  std::unordered_map<std::int64_t, storage::User> fresh GUARDED_BY(mutex);  // to be watched (again)

  void note(std::int64_t user_id) {
    const storage::MutexLock lock(mutex);
    due.insert(user_id);
    changed.notify_one();
  }
  void watch(const storage::User& user) {
    const storage::MutexLock lock(mutex);
    fresh[user.id] = user;
    changed.notify_one();
  }
};

// The thread's own part.
class AlwaysMoveWatcher::Runner {
 public:
  Runner(std::shared_ptr<Work> work, Conversations& conversations, storage::MailStore& mail,
         storage::ChangeHub& hub)
      : work_(std::move(work)), conversations_(conversations), mail_(mail), hub_(hub) {}

  void run() {
    for (;;) {
      std::set<std::int64_t> due;
      std::unordered_map<std::int64_t, storage::User> fresh;
      {
        const storage::MutexLock lock(work_->mutex);
        while (!work_->stopping && work_->due.empty() && work_->fresh.empty()) {
          if (failed_.empty()) {
            work_->changed.wait(work_->mutex);
          } else if (!work_->changed.wait_for(work_->mutex, kRetry)) {
            break;
          }
        }
        if (work_->stopping) return;
        due.swap(work_->due);
        fresh.swap(work_->fresh);
      }
      retry(due, fresh);
      for (const auto& entry : fresh) watch(entry.second);
      for (const std::int64_t user : due) look(user);
    }
  }

 private:
  struct Watched {
    storage::User user;
    std::shared_ptr<storage::Mailbox> mailbox;
    Waiting waiting;
  };

  void retry(std::set<std::int64_t>& due, std::unordered_map<std::int64_t, storage::User>& fresh) {
    for (const auto& [id, user] : failed_) {
      if (watched_.count(id) != 0) {
        due.insert(id);
      } else {
        fresh.emplace(id, user);
      }
    }
    failed_.clear();
  }

  // Also again, when the folders have changed.
  void watch(const storage::User& user) {
    const auto watched = try_to_watch(user);
    if (watched) return look(user.id);
    storage::log_event(storage::LogLevel::warning,
                       "mailbox with rules of conversations not watched",
                       {{"user", user.address}, {"reason", watched.error().message}});
    if (watched.error().kind == storage::ErrorKind::unavailable) failed_[user.id] = user;
  }

  storage::Result<void> try_to_watch(const storage::User& user) {
    GODWIT_ASSIGN(auto mailbox, mail_.open(user.id, user.address));
    GODWIT_ASSIGN(const storage::HierarchyPage folders, mailbox->folders());
    std::vector<storage::CollectionId> ids;
    for (const storage::MailFolder& folder : folders.folders) ids.push_back(folder.id);
    // `watched` is kept until the new one stands, so that no watch ends in between.
    Watched next{user, mailbox,
                 Waiting(hub_, user.id, mailbox, std::move(ids),
                         storage::hub_event::kAdded | storage::hub_event::kHierarchy,
                         [work = work_, user](const storage::HubEvent& event) {
                           if ((event.kinds & storage::hub_event::kHierarchy) != 0) {
                             work->watch(user);
                           } else {
                             work->note(user.id);
                           }
                         })};
    watched_.insert_or_assign(user.id, std::move(next));
    return {};
  }

  void look(std::int64_t user_id) {
    const auto found = watched_.find(user_id);
    if (found == watched_.end()) return;
    if (!conversations_.has_rules(user_id)) {
      watched_.erase(found);
      return;
    }
    const auto moved = conversations_.apply(user_id, *found->second.mailbox);
    if (moved) return;
    storage::log_event(storage::LogLevel::warning, "rules of conversations not carried out",
                       {{"user", found->second.user.address}, {"reason", moved.error().message}});
    failed_[user_id] = found->second.user;
  }

  const std::shared_ptr<Work> work_;
  Conversations& conversations_;
  storage::MailStore& mail_;
  storage::ChangeHub& hub_;
  std::unordered_map<std::int64_t, Watched> watched_;
  std::unordered_map<std::int64_t, storage::User> failed_;  // tried again later
};

AlwaysMoveWatcher::AlwaysMoveWatcher(Conversations& conversations, storage::MailStore& mail,
                                     storage::ChangeHub& hub)
    : work_(std::make_shared<Work>()), conversations_(conversations) {
  conversations_.on_first_rule([work = work_](const storage::User& user) { work->watch(user); });
  for (const storage::User& user : conversations_.users()) work_->watch(user);
  thread_ = std::thread([work = work_, &conversations, &mail, &hub] {
    Runner(work, conversations, mail, hub).run();
  });
}

AlwaysMoveWatcher::~AlwaysMoveWatcher() {
  conversations_.on_first_rule({});
  {
    const storage::MutexLock lock(work_->mutex);
    work_->stopping = true;
    work_->changed.notify_one();
  }
  thread_.join();
}

}  // namespace eas
