#include "server/commands/compose_request.h"

#include <utility>

#include "server/commands/account_id.h"
#include "server/commands/status.h"
#include "server/items/compose/addresses.h"
#include "server/items/dates.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::compose_mail;
namespace base = wbxml::airsync_base;
using Failure = std::optional<CommandError>;

constexpr std::size_t kMaxClientId = 40;
constexpr std::string_view kNoRestriction = "00000000-0000-0000-0000-000000000000";

CommandError invalid_xml(std::string reason) {
  return command_error(status::kInvalidXml, std::move(reason));
}

// An occurrence of a recurring item. A mail has none, so the whole of it is meant; a value that is
// no time is refused all the same.
Failure check_instance(std::string_view instance) {
  if (parse_date_time(instance)) return std::nullopt;
  return command_error(status::kInvalidDateTime, "InstanceId is no dateTime");
}

// [MS-ASCMD] 2.2.3.173, 2.2.3.74, 2.2.3.92.2, 2.2.3.93, 2.2.3.98.4
Failure read_source(const wbxml::Element& body, ComposeRequest& out) {
  const wbxml::Element* source = body.child(tag::kSource);
  if (source == nullptr) return invalid_xml("no Source");
  const auto item = source->text_of(tag::kItemId);
  const auto folder = source->text_of(tag::kFolderId);
  const auto long_id = source->text_of(tag::kLongId);
  const auto instance = source->text_of(tag::kInstanceId);
  if (long_id && (item || folder || instance)) {
    return command_error(status::kInvalidCombination, "LongId beside other ids");
  }
  out.item_id = item.value_or(long_id.value_or(""));
  out.folder_id = folder.value_or("");
  if (out.item_id.empty()) return invalid_xml("neither ItemId nor LongId");
  return instance ? check_instance(*instance) : std::nullopt;
}

// [MS-ASCMD] 2.2.3.3.1. No account, and the empty id that some phones send: the user's own.
Failure check_account(const Request& request) {
  const auto account = request.body->text_of(tag::kAccountId);
  if (!account) return std::nullopt;
  if (request.version < Version::v14_1) return invalid_xml("AccountId before 14.1");
  if (account->empty() || *account == account_id(request.user)) return std::nullopt;
  return command_error(status::kInvalidAccountId, "unknown AccountId");
}

// There is no rights management here; "no restriction" is what every message has.
Failure check_template(const Request& request) {
  const auto id = request.body->text_of(wbxml::rights_management::kTemplateID);
  if (!id || *id == kNoRestriction) return std::nullopt;
  if (request.version < Version::v14_1) return invalid_xml("TemplateID before 14.1");
  return command_error(status::kRightsManagementDisabled, "a TemplateID");
}

CommandError invalid_forward(std::string reason) {
  return command_error(status::kInvalidSmartForward, std::move(reason));
}

Failure read_forwardees(const wbxml::Element& element, ComposeRequest& out) {
  for (const wbxml::Element& child : element.children) {
    if (child.tag != tag::kForwardee) return invalid_forward("unexpected element in Forwardees");
    Forwardee forwardee;
    forwardee.address = storage::trim(child.text_of(tag::kEmail).value_or(""));
    forwardee.name = storage::trim(child.text_of(tag::kName).value_or(""));
    if (!compose::are_deliverable({forwardee.address})) {
      return invalid_forward("a Forwardee without address");
    }
    out.forwardees.push_back(std::move(forwardee));
  }
  if (out.forwardees.empty()) return invalid_forward("no Forwardee");
  return std::nullopt;
}

Failure read_body(const wbxml::Element& element, ComposeRequest& out) {
  const auto type = storage::parse_int(element.text_of(base::kType).value_or("1"));
  if (!type || (*type != 1 && *type != 2)) return invalid_forward("Body of another type");
  out.body = ComposeBody{static_cast<BodyType>(*type),
                         std::string(element.text_of(base::kData).value_or(""))};
  return std::nullopt;
}

// [MS-ASCMD] 2.2.3.169: Forwardees and Body stand instead of a message.
Failure read_meeting_forward(const Request& request, ComposeCommand command, ComposeRequest& out) {
  const wbxml::Element& root = *request.body;
  const wbxml::Element* forwardees = root.child(tag::kForwardees);
  const wbxml::Element* body = root.child(base::kBody);
  if (forwardees == nullptr && body == nullptr) return std::nullopt;
  if (command != ComposeCommand::forward || request.version < Version::v16_0) {
    return invalid_xml("Forwardees or Body");
  }
  if (root.has(tag::kMime) || root.has(tag::kSaveInSentItems) || root.has(tag::kReplaceMime) ||
      root.has(wbxml::rights_management::kTemplateID)) {
    return command_error(status::kInvalidMimeBodyCombination, "Forwardees or Body beside Mime");
  }
  if (forwardees == nullptr) return invalid_forward("Body without Forwardees");
  if (auto error = read_forwardees(*forwardees, out)) return error;
  return body == nullptr ? std::nullopt : read_body(*body, out);
}

Failure read_wbxml(Request& request, ComposeCommand command, ComposeRequest& out) {
  wbxml::Element& root = *request.body;
  const auto client_id = root.text_of(tag::kClientId);
  if (!client_id || client_id->empty() || client_id->size() > kMaxClientId) {
    return invalid_xml("ClientId is missing or too long");
  }
  out.client_id = *client_id;
  if (auto error = read_meeting_forward(request, command, out)) return error;
  if (out.forwardees.empty() && !root.has(tag::kMime)) return invalid_xml("no Mime");
  if (command != ComposeCommand::send) {
    if (auto error = read_source(root, out)) return error;
    out.replace_mime = root.has(tag::kReplaceMime);
  }
  if (auto error = check_account(request)) return error;
  if (auto error = check_template(request)) return error;
  // An empty tag; some write "1" into it, and then "0" may come too.
  const auto save = root.text_of(tag::kSaveInSentItems);
  out.keep_copy = save && *save != "0";
  for (wbxml::Element& child : root.children) {
    if (child.tag == tag::kMime) out.mime = std::move(child.text);
  }
  return std::nullopt;
}

Failure read_raw(const Request& request, ComposeCommand command, ComposeRequest& out) {
  const Query& query = request.query;
  if (command != ComposeCommand::send) {
    out.item_id = query.item_id.empty() ? query.long_id : query.item_id;
    out.folder_id = query.collection_id;
    if (out.item_id.empty()) return invalid_xml("neither ItemId nor LongId");
    if (!query.occurrence.empty()) {
      if (auto error = check_instance(query.occurrence)) return error;
    }
  }
  out.mime = std::string(request.raw_body);
  out.keep_copy = query.save_in_sent;
  return std::nullopt;
}

}  // namespace

std::variant<ComposeRequest, CommandError> read_compose_request(Request& request,
                                                                ComposeCommand command) {
  ComposeRequest out;
  auto error = request.body ? read_wbxml(request, command, out) : read_raw(request, command, out);
  if (error) return *std::move(error);
  return out;
}

}  // namespace eas
