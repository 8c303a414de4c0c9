// ItemOperations: a batch of operations on items and folders, answered inline or multipart.
// [MS-ASCMD] 2.2.1.10
//
// They are carried out in the order of the request; the answer groups them by kind, as its schema
// wants it, and within a kind keeps that order.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/commands/commands.h"
#include "server/commands/item_operation.h"
#include "server/commands/item_operations_move.h"
#include "server/commands/multipart.h"
#include "server/commands/status.h"
#include "server/config/limits.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::item_operations;

void run_move_operation(ItemOperationContext& context, const wbxml::Element& operation,
                        wbxml::Encoder& out) {
  move_conversation(operation, context.request, context.services, out);
}

// In the order of the answer's schema.
constexpr std::array kOperations = {
    ItemOperation{tag::kMove, Version::v14_0, run_move_operation},
    ItemOperation{tag::kEmptyFolderContents, Version::v12_0, run_empty_folder_operation},
    ItemOperation{tag::kFetch, Version::v12_0, run_fetch_operation},
};

// Its place in kOperations; their number when there is no such operation in this version.
std::size_t find_operation(const wbxml::Element& child, Version version) {
  const auto found = std::find_if(
      kOperations.begin(), kOperations.end(),
      [&](const ItemOperation& row) { return row.element == child.tag && version >= row.since; });
  return static_cast<std::size_t>(found - kOperations.begin());
}

Reply refuse(const Request& request, int status, std::string_view reason) {
  return eas::refuse(request, tag::kItemOperations, tag::kStatus, status, reason);
}

}  // namespace

bool has_only(const wbxml::Element& options, std::initializer_list<wbxml::Tag> allowed) {
  return std::all_of(
      options.children.begin(), options.children.end(), [&](const wbxml::Element& option) {
        return std::find(allowed.begin(), allowed.end(), option.tag) != allowed.end();
      });
}

CommandResult run_item_operations(Request& request, const Services& services) {
  const auto& operations = request.body->children;
  if (operations.size() > static_cast<std::size_t>(services.limits->max_fetches)) {
    return refuse(request, item_status::kTooLarge, "too many operations");
  }
  const bool well_formed =
      !operations.empty() &&
      std::all_of(operations.begin(), operations.end(), [&](const wbxml::Element& operation) {
        return find_operation(operation, request.version) < kOperations.size();
      });
  if (!well_formed) return refuse(request, item_status::kProtocolError, "malformed operations");

  ItemOperationContext context{request, services, request.query.accept_multipart, {}, 0};
  std::vector<wbxml::Encoder> answers(kOperations.size(),
                                      wbxml::Encoder(wbxml::Encoder::Kind::fragment));
  for (const wbxml::Element& operation : operations) {
    const std::size_t at = find_operation(operation, request.version);
    kOperations[at].run(context, operation, answers[at]);
    context.bytes = 0;
    for (const wbxml::Encoder& answer : answers) context.bytes += answer.size();
    for (const std::string& part : context.parts) context.bytes += part.size();
  }
  wbxml::Encoder out;
  out.start(tag::kItemOperations);
  out.number(tag::kStatus, item_status::kSuccess);
  out.start(tag::kResponse);
  for (const wbxml::Encoder& answer : answers) {
    if (answer.size() > 0) out.append(answer);
  }
  out.end();
  out.end();
  Reply reply;
  if (context.multipart) {
    reply.content_type = kMultipartType;
    reply.body = encode_multipart(out.take(), context.parts);
  } else {
    reply.body = out.take();
  }
  return reply;
}

}  // namespace eas
