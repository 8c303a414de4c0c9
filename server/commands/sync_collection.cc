#include "server/commands/sync_collection.h"

#include <algorithm>

#include "server/commands/client_commands.h"
#include "server/commands/collections.h"
#include "server/commands/sync_render.h"
#include "server/sync/server_id.h"
#include "server/sync/sync_engine.h"
#include "server/sync/sync_plan.h"
#include "server/sync/thread_lookup.h"

namespace eas {
namespace {

using storage::ErrorKind;

// Status values of a collection. [MS-ASCMD] 2.2.3.177.17
constexpr int kInvalidKey = 3;
constexpr int kProtocolError = 4;
constexpr int kNoCollection = 8;
constexpr int kHierarchyChanged = 12;

CollectionAnswer status_answer(int status, std::string key) {
  CollectionAnswer answer;
  answer.has_content = true;
  answer.status = status;
  answer.sync_key = std::move(key);
  return answer;
}

// A folder that was there and is gone: the phone must look at the hierarchy; one that never was is
// simply not found.
storage::Result<int> missing_status(storage::Mailbox& mailbox, storage::CollectionId collection) {
  GODWIT_ASSIGN(const storage::HierarchyPage page, mailbox.hierarchy_changes(0));
  const bool removed = std::any_of(
      page.folders.begin(), page.folders.end(),
      [&](const storage::MailFolder& folder) { return folder.id == collection && folder.removed; });
  return removed ? kHierarchyChanged : kNoCollection;
}

class Turn {
 public:
  Turn(const CollectionTask& task, storage::CollectionId collection)
      : task_(task), log_(change_log(*task.request.mailbox, collection)), collection_(collection) {}

  storage::Result<CollectionAnswer> start_again() {
    GODWIT_TRY(find_collection(task_.request, collection_));
    CollectionState initial;
    if (task_.collection.options) {
      initial.options = encode(*task_.collection.options);
      initial.filter = task_.collection.options->filter;
    }
    initial.conversations = task_.collection.conversations.value_or(false);
    GODWIT_ASSIGN(const SyncKey key, start_epoch(*task_.services.state, task_.request.device.id,
                                                 collection_, initial));
    return status_answer(1, to_string(key));
  }

  storage::Result<CollectionAnswer> go_on() {
    GODWIT_ASSIGN(const SyncTurn turn, load());
    if (task_.only_newest && !is_newest(turn)) return CollectionAnswer{};
    CollectionState state = turn.state;
    const SyncOptions options = adopt_options(state);

    CollectionAnswer answer;
    const bool has_commands = !task_.collection.commands.empty();
    if (has_commands) {
      // A folder that is gone takes no commands.
      GODWIT_TRY(find_collection(task_.request, collection_));
      GODWIT_TRY(apply_client_commands(
          {task_.request, task_.services, collection_, task_.collection, options, task_.budget},
          state, answer.responses));
    }
    bool told = has_commands;
    if (task_.collection.get_changes && task_.window > 0) {
      GODWIT_TRY(tell_changes(options, state, answer));
      told = told || answer.operations > 0 || answer.more_available || !turn.state.started;
    }
    if (told) {
      GODWIT_ASSIGN(const SyncKey key, commit_turn(*task_.services.state, turn, state));
      answer.has_content = true;
      answer.sync_key = to_string(key);
    } else {
      if (state != turn.state) refresh_turn(*task_.services.state, turn, state);
      answer.sync_key = to_string(turn.key);
    }
    return answer;
  }

 private:
  storage::Result<SyncTurn> load() {
    storage::StateStore& store = *task_.services.state;
    const std::int64_t device = task_.request.device.id;
    const auto key = parse_sync_key(task_.collection.sync_key);
    if (!key) return storage::fail(ErrorKind::invalid, "not a key of this server");
    return begin_turn(store, device, collection_, *key);
  }

  SyncOptions adopt_options(CollectionState& state) const {
    if (const auto mode = task_.collection.conversations) {
      if (*mode && !state.conversations && state.started) state.ask_from = kAskAll;
      state.conversations = *mode;
    }
    if (!task_.collection.options) return decode_sync_options(state.options);
    state.options = encode(*task_.collection.options);
    state.filter = task_.collection.options->filter;
    return *task_.collection.options;
  }

  storage::Result<void> tell_changes(const SyncOptions& options, CollectionState& state,
                                     CollectionAnswer& answer) {
    const storage::UnixMillis cutoff = filter_cutoff(state.filter, task_.services.clock->now_ms());
    ThreadLookup threads(*task_.services.threads, task_.request.user.id, *task_.request.mailbox,
                         collection_);
    // The index is of the whole mailbox: it must not be filled from what quarantine shows.
    const bool looks = state.conversations && !task_.request.quarantined;
    ConversationLookup* const lookup = looks ? &threads : nullptr;
    GODWIT_ASSIGN(SyncPlan plan, plan_sync(log_, collection_, state, cutoff, task_.window, lookup));
    const std::size_t used = answer.responses.size();
    const std::size_t budget = task_.budget > used ? task_.budget - used : 1;
    GODWIT_ASSIGN(const int fitting, operations_within(task_.request, collection_, plan.operations,
                                                       options.body, budget));
    if (fitting < static_cast<int>(plan.operations.size())) {
      GODWIT_ASSIGN(plan, plan_sync(log_, collection_, state, cutoff, fitting, lookup));
    }
    const RenderTask rendering{task_.request, collection_, options.body, task_.services.spare};
    GODWIT_ASSIGN(answer.operations,
                  render_operations(rendering, plan.operations, answer.commands));
    answer.more_available = plan.more;
    state = std::move(plan.next);
    return {};
  }

  const CollectionTask& task_;
  storage::ChangeLog& log_;
  const storage::CollectionId collection_;
};

}  // namespace

storage::Result<CollectionAnswer> sync_collection(const CollectionTask& task) {
  const CollectionRequest& wanted = task.collection;
  if (wanted.malformed) return status_answer(kProtocolError, wanted.sync_key);
  if (wanted.refused != 0) return status_answer(wanted.refused, wanted.sync_key);
  const auto collection = parse_collection_id(wanted.collection_id);
  if (!collection) return status_answer(kNoCollection, wanted.sync_key);

  Turn turn(task, *collection);
  auto answer = wanted.sync_key == "0" ? turn.start_again() : turn.go_on();
  if (answer) return answer;
  switch (answer.error().kind) {
    case ErrorKind::invalid:      // neither key
    case ErrorKind::corrupt:      // state that cannot be read
    case ErrorKind::expired:      // the change log was cut behind the cursor
    case ErrorKind::not_found: {  // never synced, or a folder that is not there
      if (find_collection(task.request, *collection)) return status_answer(kInvalidKey, "0");
      GODWIT_ASSIGN(const int status, missing_status(*task.request.mailbox, *collection));
      return status_answer(status, wanted.sync_key);
    }
    default:
      return answer;
  }
}

}  // namespace eas
