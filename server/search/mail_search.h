// The search over a user's mail: keeps the full-text index in step with the mail store, and asks
// it.
//
// What is promised: an answer never shows a message that is gone or of another user. Each folder's
// change log is read from a cursor, so keeping up costs what changed. A search first brings its
// folders up to date itself, newest mail first, but no longer than Options::catch_up; it then
// answers with what is in the index (`complete` says whether that is all) and has the rest done in
// the background. Killed at any point, it goes on where the last batch ended.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "server/search/result_sets.h"
#include "storage/base/mutex.h"
#include "storage/directory/directory.h"
#include "storage/mail/mail_store.h"
#include "storage/search/search_index.h"
#include "storage/state/state_store.h"

namespace eas {

struct MailSearchOptions {
  std::chrono::milliseconds catch_up{8000};  // what a search may spend on indexing
  std::chrono::seconds round{300};           // between two looks at every user's mail
  std::chrono::seconds first_round{20};      // after start()
};

struct FoundMessage {
  storage::CollectionId folder = 0;
  storage::MessageInfo info;
  int index = 0;  // among all results, from 0; those that are gone by now leave gaps
};

struct FoundPage {
  std::vector<FoundMessage> messages;  // newest received first
  std::int64_t total = 0;              // that match
  bool complete = true;                // every message of the folders was in the index
};

struct MailQuery {
  std::int64_t user_id = 0;
  std::string address;  // the user's
  std::vector<storage::CollectionId> folders;
  storage::SearchQuery query;
  // Names the set of results that pages are taken from: the same for all pages of one search.
  std::string set;
  // Whether a page that does not begin at 0 needs the set to be there: else it is found anew.
  bool needs_set = false;
  bool rebuild = false;  // find anew whatever the page
};

// The most results of one search that can be paged through.
inline constexpr int kMostResults = 1000;

// Thread-safe. The stores must outlive it.
class MailSearch {
 public:
  MailSearch(storage::SearchIndex& index, storage::MailStore& mail, storage::Directory& directory,
             storage::StateStore& state, MailSearchOptions options = {});
  ~MailSearch();
  MailSearch(const MailSearch&) = delete;
  MailSearch& operator=(const MailSearch&) = delete;

  // Keeps the index of every user who has a device up to date from now on, in a thread of low
  // priority. Without it the index is brought up to date by searches only.
  void start();
  // Ends the thread, and indexing by searches under way, within one batch. May come twice.
  void stop();

  // The results from `first` to `last` (0-based, both included), as far as `view` has them: the
  // mailbox or a part of it with the same ids. What is indexed is always the whole mailbox. A page
  // that begins at 0 is found anew; later ones come from the same set, without what is gone
  // meanwhile. expired: the set is needed and not there. invalid: the query is over the limits.
  storage::Result<FoundPage> find(storage::Mailbox& view, const MailQuery& query, int first,
                                  int last);

  // Brings these folders up to date. True: they are; false: `deadline` came first.
  storage::Result<bool> catch_up(std::int64_t user_id, storage::Mailbox& mailbox,
                                 std::span<const storage::CollectionId> folders,
                                 std::chrono::steady_clock::time_point deadline);

 private:
  enum class Step { done, more };
  storage::Result<Step> step(std::int64_t user_id, storage::Mailbox& mailbox,
                             storage::CollectionId folder);
  storage::Result<Step> forget(std::int64_t user_id, storage::CollectionId folder);
  storage::Result<std::vector<FoundMessage>> load(std::int64_t user_id, storage::Mailbox& mailbox,
                                                  std::span<const storage::SearchHit> hits);

  void run();
  void round();
  void keep_user(const storage::User& user);
  void forget_users(const std::vector<storage::User>& known);
  bool pause(std::chrono::milliseconds time) EXCLUDES(mutex_);  // false: told to stop
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  storage::SearchIndex& index_;
  storage::MailStore& mail_;
  storage::Directory& directory_;
  storage::StateStore& state_;
  const MailSearchOptions options_;
  ResultSets sets_;
  // One batch of a user at a time: a second indexer would only do the same work and lose.
  std::array<storage::Mutex, 64> batches_;

  std::atomic<bool> stopping_{false};
  storage::Mutex mutex_;
  storage::CondVar wake_;
  std::deque<std::int64_t> wanted_ GUARDED_BY(mutex_);  // users whose search was not complete
  std::thread thread_;
};

}  // namespace eas
