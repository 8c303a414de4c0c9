// SendMail: raw MIME up to 12.1, WBXML around it from 14.0 on. [MS-ASCMD] 2.2.1.17
#include <string>
#include <utility>

#include "server/commands/commands.h"
#include "server/commands/status.h"
#include "server/commands/submission.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::compose_mail;

constexpr std::size_t kMaxClientId = 40;

// Takes the message out of the request, so that it is in memory once.
std::optional<CommandError> read_request(Request& request, Submission& submission) {
  for (wbxml::Element& child : request.body->children) {
    if (child.tag == tag::kMime) submission.mime = std::move(child.text);
  }
  const auto client_id = request.body->text_of(tag::kClientId);
  if (!client_id || client_id->empty() || client_id->size() > kMaxClientId) {
    return command_error(status::kInvalidXml, "ClientId is missing or too long");
  }
  if (!request.body->has(tag::kMime)) return command_error(status::kInvalidXml, "no Mime");
  // No account has an id here, see UserInformation of Settings.
  const auto account = request.body->text_of(tag::kAccountId);
  if (account && !account->empty()) {
    return command_error(status::kInvalidAccountId, "unknown AccountId");
  }
  submission.client_id = *client_id;
  // An empty tag; some write "1" into it, and then "0" may come too.
  const auto save = request.body->text_of(tag::kSaveInSentItems);
  submission.keep_copy = save && *save != "0";
  return std::nullopt;
}

}  // namespace

CommandResult run_send_mail(Request& request, const Services& services) {
  Submission submission;
  if (request.body) {
    if (auto error = read_request(request, submission)) return *std::move(error);
  } else {
    submission.mime = std::string(request.raw_body);
    submission.keep_copy = request.query.save_in_sent;
  }
  if (auto error = submit(request, services, std::move(submission))) return *std::move(error);
  return Reply{};  // success is an empty body
}

}  // namespace eas
