// The frame of a mailbox: its folders' states, gates and directories, watching, publishing.
#include "storage/mail/maildir/mailbox.h"

#include "storage/base/log.h"
#include "storage/mail/maildir/filename.h"
#include "storage/mail/maildir/folder_name.h"

namespace storage::maildir {

namespace {

// How long the watcher's event thread, on which all users depend, waits for one folder.
constexpr std::chrono::milliseconds kLongestGateWait{100};
// When a folder is looked at again in which something goes on that takes long.
constexpr std::chrono::milliseconds kLookAgain{500};

}  // namespace

MaildirMailbox::MaildirMailbox(StoreContext& context, std::int64_t user, std::string_view address)
    : context_(context), user_(user), address_(address) {}

FolderState& MaildirMailbox::state_of(CollectionId folder) {
  const MutexLock lock(states_mutex_);
  auto& state = states_[folder];
  if (state == nullptr) state = std::make_unique<FolderState>();
  return *state;
}

std::string MaildirMailbox::path_of(const std::string& dir) const {
  return dir.empty() ? address_ : address_ + "/" + dir;
}

Result<UniqueFd> MaildirMailbox::open_user() const {
  return open_directory(context_.root.get(), address_, true);
}

void MaildirMailbox::publish(CollectionId folder, Seq seq, bool added, bool other) const {
  const unsigned kinds = (added ? hub_event::kAdded : 0u) | (other ? hub_event::kOther : 0u);
  if (kinds != 0) context_.hub.publish({user_, folder, seq, kinds});
}

void MaildirMailbox::publish_hierarchy(Seq seq) const {
  context_.hub.publish({user_, 0, seq, hub_event::kHierarchy});
}

Result<FolderRow> MaildirMailbox::live_folder(Connection& connection, CollectionId folder) const {
  GODWIT_ASSIGN(auto row, load_folder(connection, user_, folder));
  if (!row || row->removed) return fail(ErrorKind::not_found, "no such mail folder");
  return std::move(*row);
}

Result<FolderRow> MaildirMailbox::live_folder(CollectionId folder) {
  FolderRow row;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(row, live_folder(connection, folder));
    return {};
  }));
  return row;
}

Result<MaildirMailbox::OpenFolder> MaildirMailbox::open_inside(CollectionId folder) {
  OpenFolder open;
  open.state = &state_of(folder);
  GODWIT_ASSIGN(open.row, live_folder(folder));
  GODWIT_ASSIGN(const UniqueFd user_fd, open_user());
  auto fds = open_folder(user_fd.get(), open.row.dir);
  if (!fds && fds.error().kind == ErrorKind::not_found && open.row.exists_on_disk()) {
    // Another program renamed or removed it: in_folder() reads the folder list again.
    return fail(ErrorKind::conflict, "the folder's directory is gone");
  }
  if (!fds || !fds->cur || !fds->new_) {
    GODWIT_ASSIGN(open.fds, open_folder_to_write(user_fd.get(), open.row.dir));
  } else {
    open.fds = std::move(*fds);
  }
  if (!open.state->tmp_cleaned.exchange(true)) clean_tmp(open.fds.folder.get());
  return open;
}

// --- watching ------------------------------------------------------------------------------------

Result<void> MaildirMailbox::watch(std::span<const CollectionId> folders) {
  for (std::size_t i = 0; i < folders.size(); ++i) {
    auto row = live_folder(folders[i]);
    if (!row) {
      unwatch(folders.first(i));
      return fail(std::move(row.error()));
    }
    context_.watcher->watch({user_, folders[i]}, shared_from_this(), path_of(row->dir));
  }
  return {};
}

void MaildirMailbox::unwatch(std::span<const CollectionId> folders) {
  for (const CollectionId folder : folders) context_.watcher->unwatch({user_, folder});
}

std::string MaildirMailbox::folder_path(CollectionId folder) {
  const auto row = live_folder(folder);
  return row ? path_of(row->dir) : std::string();
}

void MaildirMailbox::set_watched(CollectionId folder, bool watched) {
  FolderState& state = state_of(folder);
  state.epoch.fetch_add(1);
  state.watched.store(watched);
}

void MaildirMailbox::distrust(CollectionId folder) { state_of(folder).epoch.fetch_add(1); }

bool MaildirMailbox::names_changed(CollectionId folder, std::span<const TouchedName> names) {
  FolderState& state = state_of(folder);
  // Before the first look after the watch began there is nothing to keep exact.
  if (!state.gate.enter_within(kLongestGateWait)) return false;
  const GatePass pass(state.gate, GatePass::Inside{});
  auto open = open_inside(folder);
  if (!open) return false;
  auto result = apply_names(context_, user_, open->row, open->fds, names);
  if (!result) {
    log_event(LogLevel::warning, "mail folder events could not be applied",
              {{"user", user_}, {"folder", open->row.name}, {"reason", result.error().message}});
    return false;
  }
  publish(folder, result->head, result->added, result->other);
  if (result->unknown_letters) {
    context_.watcher->look_later({user_, folder}, std::chrono::milliseconds(300));
    context_.watcher->look_later({user_, folder}, std::chrono::milliseconds(2000));
    state.epoch.fetch_add(1);
  }
  return true;
}

void MaildirMailbox::look(CollectionId folder) {
  FolderState& state = state_of(folder);
  if (state.gate.is_scanning()) {
    context_.watcher->look_later({user_, folder}, kLookAgain);
    return;
  }
  const auto result = refresh(folder, state.watched.load() && !state.is_exact());
  if (!result && result.error().kind != ErrorKind::not_found) {
    log_event(LogLevel::warning, "a mail folder could not be looked at",
              {{"user", user_}, {"folder", folder}, {"reason", result.error().message}});
  }
}

void MaildirMailbox::save_exact_stamps(CollectionId folder, const std::function<void()>& settle) {
  FolderState& state = state_of(folder);
  if (!state.is_exact()) return;
  auto row = live_folder(folder);
  if (!row) return;
  // Stamps first, then the events up to them: what happens later makes the stamps stale.
  const Stamp new_stamp = stamp_of(context_.root.get(), path_of(row->dir) + "/new");
  const Stamp cur_stamp = stamp_of(context_.root.get(), path_of(row->dir) + "/cur");
  if (!is_settled(new_stamp, context_.options.granularity) ||
      !is_settled(cur_stamp, context_.options.granularity)) {
    return;
  }
  settle();
  const GatePass pass(state.gate);
  if (!state.is_exact()) return;
  row = live_folder(folder);
  if (!row || (row->new_stamp == new_stamp && row->cur_stamp == cur_stamp)) return;
  row->new_stamp = new_stamp;
  row->cur_stamp = cur_stamp;
  (void)context_.database.write(
      [&](Connection& connection) { return save_stamps(connection, user_, *row); });
}

}  // namespace storage::maildir
