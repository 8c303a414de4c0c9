// Drafts of 16.x: what a phone says of one in Email elements ⇄ the stored message. [MS-ASEMAIL]
// 2.2.2.9, 2.2.2.42, 2.2.2.69, 3.1.5.4; [MS-ASAIRS] 2.2.2.2, 2.2.2.21. Pure, thread-safe.
//
// Which commands made a draft what it is, is written into it (a header field that never leaves the
// server), so that one that comes again is recognised whatever happened in between.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/items/body_preference.h"
#include "server/items/compose/assembly.h"
#include "server/protocol_version.h"
#include "storage/base/result.h"
#include "storage/mail/mail_store.h"
#include "wbxml/element.h"

namespace eas::compose {

struct AddedFile {
  std::string client_id;
  File file;
  std::string bytes;
  bool is_message = false;  // Method 5: an embedded message
};

// What is absent stays as it is.
struct DraftEdit {
  std::optional<std::string> to, cc, bcc, reply_to, subject;  // UTF-8
  std::optional<int> importance;                              // 0 low, 1 normal, 2 high
  std::optional<BodyType> body_type;                          // plain, html or mime
  std::string body;
  std::vector<AddedFile> added;
  std::vector<std::string> removed;  // part numbers
  storage::FlagChange flags;         // Read, Flag, Categories

  bool changes_content() const;
};

// Reads the ApplicationData of an Add or Change. `reference`: the item's id, which its
// FileReferences begin with; "" for an Add. invalid: an element that a draft cannot have, or a
// malformed value.
storage::Result<DraftEdit> parse_draft(const wbxml::Element& data, std::string_view reference,
                                       const storage::MessageInfo& current, Version version);

// Does the data hold more than parse_change() of a mail knows?
bool is_draft_data(const wbxml::Element& data);

struct DraftStamp {
  std::string from;        // the From field of a draft that has none, with its CRLF
  std::string date;        // the Date field of a new state
  std::string message_id;  // "<…>", for a draft that has none
  std::string command;     // tells this command from all others; letters and digits
};

struct Draft {
  std::string bytes;
  // An attachment that stays has another part number than before.
  bool renumbered = false;
};

// `stored`: the draft until now, "" for a new one. invalid: Type 4 data that is no message.
storage::Result<Draft> edit_draft(std::string_view stored, const DraftEdit& edit,
                                  const DraftStamp& stamp);

// The part numbers of what this command added, in its order ("" for one that was deleted since);
// nullopt when the command has no part in the draft (one of the last 8 states).
std::optional<std::vector<std::string>> added_by(std::string_view draft, std::string_view command);

// The draft as it is to be sent: without what is of the server alone, dated anew when it goes out.
std::string draft_to_send(std::string_view draft);

// At least one recipient, and each an address that a mail server takes (else status 183).
bool has_valid_recipients(std::string_view draft);

}  // namespace eas::compose
