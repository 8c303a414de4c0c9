// What SendMail, SmartReply and SmartForward are asked, in either form: raw MIME with parameters in
// the query up to 12.1, ComposeMail from 14.0 on. [MS-ASCMD] 2.2.1.17, 2.2.1.19, 2.2.1.20
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/commands/command.h"
#include "server/items/body_preference.h"

namespace eas {

enum class ComposeCommand { send, reply, forward };

struct Forwardee {
  std::string name;
  std::string address;
};

struct ComposeBody {
  BodyType type = BodyType::plain;
  std::string data;
};

struct ComposeRequest {
  std::string mime;
  std::string client_id;  // "" up to 12.1
  bool keep_copy = false;
  bool replace_mime = false;
  // The original: an item id, "" for SendMail only. `folder_id` may be "".
  std::string item_id;
  std::string folder_id;
  // 16.x, SmartForward of a meeting without Mime: to whom, and the words that go with it.
  std::vector<Forwardee> forwardees;
  std::optional<ComposeBody> body;
};

// Takes the message out of the request, so that it is in memory once. The errors are those that
// [MS-ASCMD] 2.2.2 names for what the request lacks or has too much: 103, 104, 105, 166, 168, 178,
// 179.
std::variant<ComposeRequest, CommandError> read_compose_request(Request& request,
                                                                ComposeCommand command);

}  // namespace eas
