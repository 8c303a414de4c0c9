#include "server/commands/status.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/base/log.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

constexpr int kRetryAfterSeconds = 60;

struct Row {
  int status;
  int http;  // for 2.5, 12.0 and 12.1
};

// Where [MS-ASCMD] 2.2.2 names no HTTP status the nearest one by meaning stands: 400 when the same
// request would fail again, 403 when the phone or the user is not let in, 500 otherwise.
constexpr std::array kRows = {
    Row{101, 400}, Row{102, 400}, Row{103, 400}, Row{104, 400}, Row{105, 400}, Row{106, 400},
    Row{107, 400}, Row{108, 400}, Row{109, 400}, Row{110, 500}, Row{111, 503}, Row{112, 403},
    Row{113, 507}, Row{114, 503}, Row{115, 403}, Row{116, 400}, Row{117, 403}, Row{118, 200},
    Row{119, 400}, Row{120, 500}, Row{121, 500}, Row{122, 413}, Row{123, 403}, Row{124, 403},
    Row{125, 403}, Row{126, 403}, Row{127, 403}, Row{128, 403}, Row{129, 403}, Row{130, 403},
    Row{131, 403}, Row{132, 403}, Row{133, 503}, Row{134, 500}, Row{137, 501}, Row{138, 400},
    Row{139, 403}, Row{140, 449}, Row{141, 449}, Row{142, 449}, Row{143, 449}, Row{144, 449},
    Row{145, 403}, Row{147, 400}, Row{165, 403}, Row{166, 400}, Row{177, 403},
};

Reply status_reply(wbxml::Tag root, wbxml::Tag status_tag, int status) {
  wbxml::Encoder out;
  out.start(root);
  out.number(status_tag, status);
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

}  // namespace

int http_status_of(int status) {
  const auto found = std::find_if(kRows.begin(), kRows.end(),
                                  [&](const Row& row) { return row.status == status; });
  return found == kRows.end() ? 500 : found->http;
}

CommandError command_error(int status, std::string reason) {
  return CommandError{status, http_status_of(status), std::move(reason)};
}

CommandError command_error(const storage::Error& error) {
  return command_error(is_temporary(error) ? status::kServerErrorRetryLater : status::kServerError,
                       std::string(storage::to_string(error.kind)) + ": " + error.message);
}

void log_refusal(const Request& request, std::string_view command, int status,
                 std::string_view reason) {
  storage::log_event(storage::LogLevel::warning, "request refused",
                     {{"reason", reason},
                      {"status", status},
                      {"user", request.user.address},
                      {"device", request.query.device_id},
                      {"command", command},
                      {"version", to_string(request.version)}});
}

Reply refuse(const Request& request, wbxml::Tag root, wbxml::Tag status_tag, int status,
             std::string_view reason) {
  log_refusal(request, request.query.command, status, reason);
  return status_reply(root, status_tag, status);
}

Reply error_reply(const CommandError& error, const CommandInfo& command, Version version) {
  if (version >= Version::v14_0 && command.root != kNoBody) {
    return status_reply(command.root, command.status, error.status);
  }
  Reply reply;
  reply.http_status = error.http_status;
  if (error.http_status == 503) {
    reply.headers.emplace_back("Retry-After", std::to_string(kRetryAfterSeconds));
  }
  return reply;
}

}  // namespace eas
