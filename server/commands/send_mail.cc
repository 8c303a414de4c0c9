// SendMail: raw MIME up to 12.1, WBXML around it from 14.0 on. [MS-ASCMD] 2.2.1.17
#include <utility>

#include "server/commands/commands.h"
#include "server/commands/compose_request.h"
#include "server/commands/submission.h"

namespace eas {

CommandResult run_send_mail(Request& request, const Services& services) {
  auto read = read_compose_request(request, ComposeCommand::send);
  if (auto* error = std::get_if<CommandError>(&read)) return std::move(*error);
  auto& wanted = std::get<ComposeRequest>(read);
  Submission submission;
  submission.mime = std::move(wanted.mime);
  submission.client_id = std::move(wanted.client_id);
  submission.keep_copy = wanted.keep_copy;
  auto sent = submit(request, services, std::move(submission));
  if (auto* error = std::get_if<CommandError>(&sent)) return std::move(*error);
  return Reply{};  // success is an empty body
}

}  // namespace eas
