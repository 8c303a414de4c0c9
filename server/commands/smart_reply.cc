// SmartReply: the phone's message with the original, which only the server has, appended.
// [MS-ASCMD] 2.2.1.20
#include "server/commands/commands.h"
#include "server/commands/smart_answer.h"

namespace eas {

CommandResult run_smart_reply(Request& request, const Services& services) {
  return answer_mail(request, services, compose::Kind::reply);
}

}  // namespace eas
