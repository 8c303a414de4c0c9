// Moving a message. The file keeps its base, so a move that was cut off is recognised: the source's
// row (or tombstone) names the base, and the destination has it. Only then is the destination
// scanned: a move costs the same whatever lies there.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string_view>

#include "storage/mail/maildir/filename.h"
#include "storage/mail/maildir/mailbox.h"

namespace storage::maildir {

namespace {

constexpr int kTries = 4;

// The base under which a message arrives whose own base is taken in the destination by another
// message: always the same one, so that a repeated move finds it.
std::string second_base(const std::string& base, std::int64_t source_key, ItemId id) {
  return identity_base(base + "/" + std::to_string(source_key) + "/" + std::to_string(id));
}

// Whether a file of this base lies there under one of the names that most have.
bool is_likely_there(const FolderFds& fds, const std::string& base) {
  if (facts_of(fds.new_.get(), base)) return true;
  constexpr std::string_view kSuffixes[] = {"", ":2,", ":2,S"};
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes), [&](std::string_view suffix) {
    return facts_of(fds.cur.get(), base + std::string(suffix)).has_value();
  });
}

}  // namespace

Result<MovedMessage> MaildirMailbox::move(CollectionId folder, ItemId id,
                                          CollectionId destination) {
  if (folder == destination) return fail(ErrorKind::invalid, "the folders are the same");
  // Always in the same order, so that two moves never wait for each other.
  const bool source_first = folder < destination;
  const CollectionId first = source_first ? folder : destination;
  const CollectionId second = source_first ? destination : folder;
  return in_folder<MovedMessage>(first, [&](OpenFolder& a) -> Result<MovedMessage> {
    FolderState& state = state_of(second);
    const GatePass pass(state.gate);
    auto b = open_inside(second);
    if (!b && b.error().kind == ErrorKind::conflict) b.error().kind = ErrorKind::unavailable;
    if (!b) return fail(std::move(b.error()));
    return source_first ? move_inside(a, *b, id) : move_inside(*b, a, id);
  });
}

Result<MovedMessage> MaildirMailbox::move_inside(OpenFolder& source, OpenFolder& target,
                                                 ItemId id) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    GODWIT_ASSIGN(const auto item, item_inside(source, id));
    if (!item) return fail(ErrorKind::not_found, "no such message");
    if (item->removed) {
      GODWIT_ASSIGN(const auto moved, moved_before(source, target, *item));
      if (moved) return *moved;
      return fail(ErrorKind::not_found, "the message was removed");
    }
    auto place = move_file(source, target, *item);
    if (place) return commit_move(source, target, *item, *place);
    if (place.error().kind == ErrorKind::not_found) {
      GODWIT_TRY(scan_inside(source));
    } else if (place.error().kind == ErrorKind::exists) {
      GODWIT_TRY(scan_inside(target));  // a file of that name that the index does not know
    } else {
      return fail(std::move(place.error()));
    }
  }
  return fail(ErrorKind::unavailable, "the message is renamed all the time");
}

// Whether a tombstone of the source is a message that lies in the target.
Result<std::optional<MovedMessage>> MaildirMailbox::moved_before(OpenFolder& source,
                                                                 OpenFolder& target,
                                                                 const ItemRow& item) {
  std::optional<MovedMessage> moved;
  if (item.moved_folder != 0 && item.moved_folder != target.row.id) return moved;
  // The file may be there without a row.
  if (item.moved_folder == 0) GODWIT_TRY(bring_up_to_date(target));
  const std::int64_t source_key = key_of(source.row.id);
  const std::int64_t target_key = key_of(target.row.id);
  const auto look = [&](Connection& connection) -> Result<void> {
    std::optional<ItemRow> there;
    if (item.moved_folder != 0) {
      GODWIT_ASSIGN(there, load_item(connection, target_key, item.moved_item));
    } else {
      GODWIT_ASSIGN(there, find_live(connection, target_key, item.location.base));
      if (!there) {
        const std::string base = second_base(item.location.base, source_key, item.id);
        GODWIT_ASSIGN(there, find_live(connection, target_key, base));
      }
    }
    moved.reset();
    if (there) moved = MovedMessage{there->id, item.seq, there->seq};
    return {};
  };
  GODWIT_TRY(context_.database.read(look));
  if (moved && item.moved_folder == 0) {
    // Found by a scan, the arrived message lacks what only the index held.
    GODWIT_TRY(context_.database.write([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(const std::int64_t given,
                    give_annotation(connection, target_key, moved->id, item.annotation));
      (void)given;
      return note_moved(connection, source_key, item.id, target.row.id, moved->id);
    }));
  }
  return moved;
}

// Renames the file into the target's cur/. not_found: it is not where the index says. exists: its
// name is taken there.
Result<Location> MaildirMailbox::move_file(OpenFolder& source, OpenFolder& target,
                                           const ItemRow& item) {
  const int from = source.fds.of(item.location.in_cur);
  GODWIT_ASSIGN(const FileFacts facts, facts_of(from, item.location.name()));
  // One of its names may be there, or another message of that base, without a row.
  if (facts.links > 1 || !target.row.scanned || is_likely_there(target.fds, item.location.base)) {
    GODWIT_TRY(bring_up_to_date(target));
  }
  // Letters stand for other keywords in the other folder: start without any.
  const std::string bare = with_flags(item.location.suffix, item.flags, 0);
  Location place;
  place.base = item.location.base;
  place.in_cur = true;
  GODWIT_ASSIGN(place.suffix, suffix_for(target, bare, item.flags, item.keywords));
  std::optional<ItemRow> taken;
  GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(taken, find_live(connection, key_of(target.row.id), place.base));
    return {};
  }));
  if (taken) {
    const auto other = facts_of(target.fds.of(taken->location.in_cur), taken->location.name());
    if (other && other->inode == facts.inode) {
      // The same file under two names: a link was made and the old name is left to be removed.
      context_.step("unlink moved");
      if (::unlinkat(from, item.location.name().c_str(), 0) != 0 && errno != ENOENT) {
        return fail(system_error("unlink", item.location.name(), errno));
      }
      return taken->location;
    }
    place.base = second_base(place.base, key_of(source.row.id), item.id);
  }
  context_.step("move");
  GODWIT_TRY(rename_file(from, item.location.name(), target.fds.cur.get(), place.name()));
  return place;
}

Result<MovedMessage> MaildirMailbox::commit_move(OpenFolder& source, OpenFolder& target,
                                                 const ItemRow& item, const Location& place) {
  context_.step("index");
  MovedMessage moved;
  Applied left;
  Applied arrived;
  GODWIT_TRY(context_.database.write([&](Connection& connection) -> Result<void> {
    Edit add;
    add.location = place;
    add.date = item.date;
    add.size = item.size;
    add.flags = item.flags;
    add.keywords = item.keywords;
    add.annotation = item.annotation;
    Edit gone;
    gone.kind = Edit::Kind::remove;
    gone.id = item.id;
    gone.moved_folder = target.row.id;
    // In the order of ids, as two processes that move in opposite directions would otherwise wait
    // for each other's row.
    if (source.row.id < target.row.id) {
      GODWIT_ASSIGN(left, apply(connection, user_, source.row.id, {}));
    }
    GODWIT_ASSIGN(arrived, apply(connection, user_, target.row.id, {&add, 1}));
    gone.moved_item = add.id;
    GODWIT_ASSIGN(left, apply(connection, user_, source.row.id, {&gone, 1}));
    moved = {add.id, gone.seq, add.seq};
    return {};
  }));
  publish(source.row.id, left.head, false, true);
  publish(target.row.id, arrived.head, true, false);
  return moved;
}

}  // namespace storage::maildir
