// The elements of a draft. What only the server can say of a message (From, dates, classes) is
// passed over when a phone sends it back; what is not of a draft at all is refused.
#include <algorithm>
#include <array>

#include "server/items/compose/draft.h"
#include "server/items/compose/header_fields.h"
#include "server/items/email/email.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas::compose {
namespace {

namespace base = wbxml::airsync_base;
namespace mail = wbxml::email;
namespace mail2 = wbxml::email2;
using storage::ErrorKind;
using storage::Result;
using wbxml::Element;

constexpr std::array kServersOwn = {
    mail::kFrom,          mail::kDateReceived, mail::kDisplayTo,          mail::kThreadTopic,
    mail::kMessageClass,  mail::kInternetCPID, mail::kContentClass,       mail2::kSender,
    mail2::kIsDraft,      mail2::kSend,        mail2::kConversationIndex, mail2::kConversationId,
    base::kNativeBodyType};

constexpr std::array kFlagElements = {mail::kRead, mail::kFlag, mail::kCategories};

template <typename Tags>
bool contains(const Tags& tags, wbxml::Tag tag) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

storage::Error invalid(std::string reason) { return {ErrorKind::invalid, std::move(reason)}; }

Result<void> read_body(const Element& element, DraftEdit& edit) {
  const auto type = storage::parse_int(element.text_of(base::kType).value_or("1"));
  if (!type || (*type != 1 && *type != 2 && *type != 4)) {
    return storage::fail(invalid("a Body of a Type that a draft cannot have"));
  }
  edit.body_type = static_cast<BodyType>(*type);
  const std::string_view data = element.text_of(base::kData).value_or("");
  const bool is_mime = edit.body_type == BodyType::mime;
  edit.body = is_mime ? std::string(data) : storage::to_xml_safe_utf8(data);
  if (is_mime && parse_header(data).fields.empty()) {
    return storage::fail(invalid("Type 4 data that is no message"));
  }
  return {};
}

// Opaque as the documents say; some write base64. [MS-ASDTYPE] 2.7.1
std::string content_of(const Element& add) {
  const Element* content = add.child(base::kContent);
  if (content->opaque) return content->text;
  auto decoded = storage::base64_decode(content->text);
  if (decoded) return *std::move(decoded);
  return content->text;
}

Result<void> read_added(const Element& add, DraftEdit& edit) {
  AddedFile file;
  file.client_id = add.text_of(base::kClientId).value_or("");
  file.file.name = storage::to_xml_safe_utf8(add.text_of(base::kDisplayName).value_or(""));
  const auto method = storage::parse_int(add.text_of(base::kMethod).value_or("1"));
  if (file.client_id.empty() || !add.has(base::kContent) || !method ||
      (*method != 1 && *method != 5)) {
    return storage::fail(invalid("an attachment without ClientId, Content or Method"));
  }
  if (file.file.name.empty()) file.file.name = "attachment";
  file.file.content_type = add.text_of(base::kContentType).value_or("");
  file.file.content_id = storage::trim(add.text_of(base::kContentId).value_or(""));
  std::erase_if(file.file.content_id, [](char c) { return c == '<' || c == '>'; });
  file.file.content_location = add.text_of(base::kContentLocation).value_or("");
  const auto is_inline = add.text_of(base::kIsInline);
  file.file.is_inline = is_inline && *is_inline != "0" && *is_inline != "false";
  file.bytes = content_of(add);
  file.is_message = *method == 5 && !parse_header(file.bytes).fields.empty();
  edit.added.push_back(std::move(file));
  return {};
}

Result<void> read_attachments(const Element& element, std::string_view reference, DraftEdit& edit) {
  for (const Element& child : element.children) {
    if (child.tag == base::kAdd) {
      GODWIT_TRY(read_added(child, edit));
    } else if (child.tag == base::kDelete) {
      const std::string_view file = child.text_of(base::kFileReference).value_or("");
      const bool ours = !reference.empty() && file.size() > reference.size() + 1 &&
                        file.starts_with(reference) && file[reference.size()] == ':';
      if (!ours) return storage::fail(invalid("an attachment of another item"));
      edit.removed.emplace_back(file.substr(reference.size() + 1));
    } else if (child.tag != base::kAttachment) {  // what is there already, sent back
      return storage::fail(invalid("unexpected element in Attachments"));
    }
  }
  return {};
}

std::optional<std::string>* text_member(DraftEdit& edit, wbxml::Tag tag) {
  if (tag == mail::kTo) return &edit.to;
  if (tag == mail::kCc) return &edit.cc;
  if (tag == mail2::kBcc) return &edit.bcc;
  if (tag == mail::kReplyTo) return &edit.reply_to;
  if (tag == mail::kSubject) return &edit.subject;
  return nullptr;
}

}  // namespace

bool DraftEdit::changes_content() const {
  return to || cc || bcc || reply_to || subject || importance || body_type || !added.empty() ||
         !removed.empty();
}

bool is_draft_data(const Element& data) {
  return std::any_of(data.children.begin(), data.children.end(),
                     [](const Element& child) { return !contains(kFlagElements, child.tag); });
}

Result<DraftEdit> parse_draft(const Element& data, std::string_view reference,
                              const storage::MessageInfo& current, Version version) {
  DraftEdit edit;
  Element flags(data.tag);
  for (const Element& child : data.children) {
    if (contains(kFlagElements, child.tag)) {
      flags.children.push_back(child);
    } else if (auto* text = text_member(edit, child.tag)) {
      *text = storage::to_xml_safe_utf8(child.text);
    } else if (child.tag == mail::kImportance) {
      const auto value = storage::parse_int(child.text);
      if (!value || *value < 0 || *value > 2) return storage::fail(invalid("Importance"));
      edit.importance = static_cast<int>(*value);
    } else if (child.tag == base::kBody) {
      GODWIT_TRY(read_body(child, edit));
    } else if (child.tag == base::kAttachments) {
      GODWIT_TRY(read_attachments(child, reference, edit));
    } else if (!contains(kServersOwn, child.tag)) {
      return storage::fail(invalid(wbxml::to_string(child.tag) + " is not of a draft"));
    }
  }
  GODWIT_ASSIGN(edit.flags, email::parse_change(flags, current, version));
  return edit;
}

}  // namespace eas::compose
