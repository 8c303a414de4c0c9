// What differs between a recorded answer and the live one, in plain words. Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "wbxml/element.h"

namespace eas::client {

enum class Severity {
  note,         // the mailboxes differ, or the live server does better
  unsupported,  // the live server does not have the command
  problem,      // it worked in the recorded session and does not work here
};

struct Finding {
  Severity severity = Severity::note;
  std::string text;
};

// Both answers with HTTP status 200; nullptr: no body. `carried_over` is false when an id or a key
// of the request has no counterpart here: then a failure is no problem of the server.
// `folder_names` gives the recorded id of each live folder, to compare like with like.
struct ComparedAnswers {
  const wbxml::Element* recorded = nullptr;
  const wbxml::Element* live = nullptr;
  bool carried_over = true;
  std::vector<std::pair<std::string, std::string>> folder_names;  // live id → recorded id
};

std::vector<Finding> compare_answers(const ComparedAnswers& answers);

// Whether a status of that element means success: 1, but 3 in MoveItems, 1 and 2 in Ping.
bool is_success(wbxml::Tag status, std::string_view value);

}  // namespace eas::client
