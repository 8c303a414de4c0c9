#include "server/commands/item_operations_move.h"

#include <algorithm>

#include "server/commands/collections.h"
#include "server/commands/status.h"
#include "server/conversations/conversations.h"
#include "server/sync/server_id.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::item_operations;
using storage::ErrorKind;

// [MS-ASCMD] 2.2.3.177.8, [MS-ASCON] 2.2.2.10
constexpr int kSuccess = 1;
constexpr int kProtocolError = 2;
constexpr int kServerError = 3;
constexpr int kNotFound = 6;
constexpr int kPartlyDone = 17;
constexpr int kNotAlways = 155;
constexpr int kNotForMail = 156;
constexpr std::size_t kConversationIdSize = 16;

int status_of(const storage::Error& error) {
  return error.kind == ErrorKind::not_found ? kNotFound : kServerError;
}

bool has_one(const wbxml::Element& parent, wbxml::Tag name) {
  return std::count_if(parent.children.begin(), parent.children.end(),
                       [&](const wbxml::Element& child) { return child.tag == name; }) == 1;
}

int carry_out(const wbxml::Element& move, const Request& request, const Services& services) {
  if (!has_one(move, tag::kConversationId) || !has_one(move, tag::kDstFldId)) {
    return kProtocolError;
  }
  const wbxml::Element* options = move.child(tag::kOptions);
  if (options == nullptr || !options->has(tag::kMoveAlways)) return kNotAlways;
  const std::string_view key = *move.text_of(tag::kConversationId);
  const auto destination = parse_collection_id(*move.text_of(tag::kDstFldId));
  if (!destination || key.size() != kConversationIdSize) return kNotFound;
  const auto item_class = find_collection(request, *destination);
  if (!item_class) return status_of(item_class.error());
  if (*item_class == ItemClass::recipients) return status::kInvalidCombination;
  if (*item_class != ItemClass::mail) return kNotForMail;
  const auto outcome =
      services.conversations->always_move(request.user, *request.mailbox, key, *destination);
  if (!outcome) return status_of(outcome.error());
  if (outcome->failed == 0) return kSuccess;
  return outcome->moved > 0 ? kPartlyDone : kServerError;
}

}  // namespace

void move_conversation(const wbxml::Element& move, const Request& request, const Services& services,
                       wbxml::Encoder& out) {
  const int status = carry_out(move, request, services);
  if (status != kSuccess) {
    log_refusal(request, "ItemOperations", status, "the conversation was not moved");
  }
  out.start(tag::kMove);
  out.number(tag::kStatus, status);
  // The schema wants one, also in answer to a request without.
  out.opaque(tag::kConversationId, move.text_of(tag::kConversationId).value_or("").substr(0, 64));
  out.end();
}

}  // namespace eas
