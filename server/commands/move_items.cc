// MoveItems. [MS-ASCMD] 2.2.1.12. Success is status 3 here, and 1 is a failure.
//
// A move that is sent again because its answer was lost gets the answer of the first time: the
// mailbox knows where the message went and under which id.
#include <map>
#include <string>
#include <string_view>

#include "server/commands/collections.h"
#include "server/commands/commands.h"
#include "server/commands/status.h"
#include "server/config/limits.h"
#include "server/conversations/conversations.h"
#include "server/sync/collection_locks.h"
#include "server/sync/server_id.h"
#include "server/sync/sync_engine.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::move;
using storage::ErrorKind;

constexpr int kBadSource = 1;
constexpr int kBadDestination = 2;
constexpr int kSuccess = 3;
constexpr int kSameFolder = 4;
constexpr int kCannotMove = 5;
constexpr int kLocked = 7;
constexpr std::size_t kMaxId = 64;

struct MoveOutcome {
  int status = kSuccess;
  std::string new_id;  // when it succeeded
};

// Folders looked up in this request: a thousand moves name the same two.
class Folders {
 public:
  explicit Folders(const Request& request) : request_(request) {}

  storage::Result<bool> exists(storage::CollectionId id) {
    const auto known = known_.find(id);
    if (known != known_.end()) return known->second;
    const auto folder = find_collection(request_, id);
    if (!folder && folder.error().kind != ErrorKind::not_found) {
      return storage::fail(folder.error());
    }
    return known_[id] = folder.has_value();
  }

 private:
  const Request& request_;
  std::map<storage::CollectionId, bool> known_;
};

int status_of(const storage::Error& error) {
  switch (error.kind) {
    case ErrorKind::not_found:
      return kBadSource;  // the destination was looked at before
    case ErrorKind::unavailable:
    case ErrorKind::conflict:
      return kLocked;
    default:
      return kCannotMove;
  }
}

MoveOutcome move_one(const wbxml::Element& move, const Request& request, const Services& services,
                     Folders& folders) {
  const auto item = parse_item_id(*move.text_of(tag::kSrcMsgId));
  const auto source = parse_collection_id(*move.text_of(tag::kSrcFldId));
  if (!item || !source || item->first != *source) return {kBadSource, {}};
  const auto source_exists = folders.exists(*source);
  if (!source_exists) return {status_of(source_exists.error()), {}};
  if (!*source_exists) return {kBadSource, {}};

  const auto destination = parse_collection_id(*move.text_of(tag::kDstFldId));
  if (!destination) return {kBadDestination, {}};
  const auto destination_exists = folders.exists(*destination);
  if (!destination_exists) return {status_of(destination_exists.error()), {}};
  if (!*destination_exists) return {kBadDestination, {}};
  if (*source == *destination) return {kSameFolder, {}};

  // A folder of another class does not take it, whatever the phone tries again.
  if (class_of(*source) != class_of(*destination)) return {kBadDestination, {}};
  const auto moved = request.mailbox->move(*source, item->second, *destination);
  if (!moved) return {status_of(moved.error()), {}};
  services.conversations->moved_by_user(request.user.id, *request.mailbox, *source, *destination,
                                        moved->id);
  const auto guard = services.locks->lock(request.device.id, {*destination});
  note_put_there(*services.state, request.device.id, *destination,
                 {moved->id, moved->destination_seq});
  return {kSuccess, to_item_id(*destination, moved->id)};
}

// Has each of the three ids, once; DstFldId is judged per move.
bool is_well_formed(const wbxml::Element& move) {
  const auto id = move.text_of(tag::kSrcMsgId);
  return move.tag == tag::kMove && id && !id->empty() && move.has(tag::kSrcFldId) &&
         move.has(tag::kDstFldId);
}

bool has_two_destinations(const wbxml::Element& move) {
  int count = 0;
  for (const wbxml::Element& child : move.children) count += child.tag == tag::kDstFldId ? 1 : 0;
  return count > 1;
}

}  // namespace

CommandResult run_move_items(Request& request, const Services& services) {
  const auto& moves = request.body->children;
  if (moves.empty()) return command_error(status::kInvalidXml, "no Move");
  if (moves.size() > static_cast<std::size_t>(services.limits->max_moves)) {
    return command_error(status::kInvalidXml, "too many moves");
  }
  for (const wbxml::Element& move : moves) {
    if (!is_well_formed(move)) return command_error(status::kInvalidXml, "a malformed Move");
  }
  Folders folders(request);
  wbxml::Encoder out;
  out.start(tag::kMoveItems);
  for (const wbxml::Element& move : moves) {
    const MoveOutcome outcome = has_two_destinations(move)
                                    ? MoveOutcome{kCannotMove, {}}
                                    : move_one(move, request, services, folders);
    if (outcome.status != kSuccess) {
      log_refusal(request, "MoveItems", outcome.status, "the move was not made");
    }
    out.start(tag::kResponse);
    out.text(tag::kSrcMsgId, storage::utf8_prefix(*move.text_of(tag::kSrcMsgId), kMaxId));
    out.number(tag::kStatus, outcome.status);
    if (!outcome.new_id.empty()) out.text(tag::kDstMsgId, outcome.new_id);
    out.end();
  }
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

}  // namespace eas
