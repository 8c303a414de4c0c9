// A change touches as little as it can: recipients and subject only their fields, and only a new
// text or other attachments put the body together anew, from the parts as they stand.
#include "server/items/compose/draft.h"

#include <algorithm>
#include <map>

#include "server/items/compose/addresses.h"
#include "server/items/compose/header_fields.h"
#include "server/items/email/attachments.h"
#include "server/items/email/body.h"
#include "server/items/email/structure.h"
#include "storage/base/text.h"

namespace eas::compose {
namespace {

using email::AttachedPart;
using email::Mime;
using email::Structure;
using storage::ErrorKind;
using storage::Result;

constexpr std::string_view kMarkField = "X-Godwit-Draft";
constexpr std::size_t kMaxMarks = 8;

// "COMMAND=2,3,-": who added which parts. One in a line of the field, the newest last.
struct Mark {
  std::string command;
  std::vector<std::string> numbers;  // "" for one that is gone
};

std::vector<Mark> read_marks(const Header& header) {
  std::vector<Mark> marks;
  const Field* field = header.find(kMarkField);
  if (field == nullptr) return marks;
  for (const std::string_view line : storage::split(field->value, '\n')) {
    const std::string_view text = storage::trim(line);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    Mark& mark = marks.emplace_back();
    mark.command = text.substr(0, equals);
    const std::string_view list = text.substr(equals + 1);
    if (list.empty()) continue;
    for (const std::string_view number : storage::split(list, ',')) {
      mark.numbers.emplace_back(number == "-" ? std::string_view() : number);
    }
  }
  return marks;
}

std::string mark_field(const std::vector<Mark>& marks) {
  if (marks.empty()) return {};
  std::string field = std::string(kMarkField) + ":";
  const std::size_t first = marks.size() > kMaxMarks ? marks.size() - kMaxMarks : 0;
  for (std::size_t i = first; i < marks.size(); ++i) {
    field += i == first ? " " : "\r\n ";
    field += marks[i].command + "=";
    for (std::size_t n = 0; n < marks[i].numbers.size(); ++n) {
      if (n > 0) field += ',';
      field += marks[i].numbers[n].empty() ? "-" : marks[i].numbers[n];
    }
  }
  return field + "\r\n";
}

std::string importance_fields(int importance) {
  if (importance == 0) return "Importance: low\r\nX-Priority: 5\r\n";
  if (importance == 2) return "Importance: high\r\nX-Priority: 1\r\n";
  return {};
}

bool is_any_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view one) { return storage::equals_ignore_case(name, one); });
}

// Do attachments stand here that a phone knows by their numbers?
bool has_attachments(std::string_view message) {
  if (message.empty()) return false;
  const auto mime = email::Mime::parse(message);
  return mime && !email::list_attachments(*mime, email::read_structure(*mime)).empty();
}

class Editor {
 public:
  Editor(std::string_view stored, const DraftEdit& edit, const DraftStamp& stamp)
      : edit_(edit),
        stamp_(stamp),
        is_new_mime_(edit.body_type == BodyType::mime),
        stored_(stored),
        source_(is_new_mime_ ? std::string_view(edit.body) : stored),
        header_(parse_header(source_)),
        marks_(read_marks(parse_header(stored))) {}

  Result<Draft> run() {
    marks_.push_back({stamp_.command, {}});
    if (rebuilds_body()) return rebuild();
    if (is_new_mime_) follow({});  // all parts are others now
    Draft draft;
    draft.renumbered = is_new_mime_ && (has_attachments(stored_) || has_attachments(source_));
    draft.bytes = fields(true);
    if (header_.find("MIME-Version") == nullptr) draft.bytes += "MIME-Version: 1.0\r\n";
    draft.bytes += mark_field(marks_);
    draft.bytes += "\r\n";
    draft.bytes += source_.substr(header_.body);
    return draft;
  }

 private:
  bool rebuilds_body() const {
    if (!edit_.added.empty()) return true;
    if (is_new_mime_) return false;
    return edit_.body_type || !edit_.removed.empty() || source_.empty();
  }

  // The fields of the new state without the mark.
  std::string fields(bool with_mime) const {
    std::string text;
    for (const Field& field : header_.fields) {
      if (is_replaced(field.name) || (!with_mime && is_mime_field(field.name))) continue;
      text += field.text;
      if (!text.ends_with('\n')) text += "\r\n";
    }
    if (header_.find("From") == nullptr) text += stamp_.from;
    text += stamp_.date;
    if (header_.find("Message-ID") == nullptr) text += "Message-ID: " + stamp_.message_id + "\r\n";
    if (edit_.to) text += address_field("To", *edit_.to);
    if (edit_.cc) text += address_field("Cc", *edit_.cc);
    if (edit_.bcc) text += address_field("Bcc", *edit_.bcc);
    if (edit_.reply_to) text += address_field("Reply-To", *edit_.reply_to);
    if (edit_.subject && !storage::trim(*edit_.subject).empty()) {
      text += "Subject: " + encode_text(*edit_.subject) + "\r\n";
    }
    if (edit_.importance) text += importance_fields(*edit_.importance);
    return text;
  }

  bool is_replaced(std::string_view name) const {
    return (edit_.to && is_any_of(name, {"To"})) || (edit_.cc && is_any_of(name, {"Cc"})) ||
           (edit_.bcc && is_any_of(name, {"Bcc"})) ||
           (edit_.reply_to && is_any_of(name, {"Reply-To"})) ||
           (edit_.subject && is_any_of(name, {"Subject"})) ||
           (edit_.importance &&
            is_any_of(name, {"Importance", "X-Priority", "Priority", "X-MSMail-Priority"})) ||
           is_any_of(name, {kMarkField, "Date"});
  }

  Result<Draft> rebuild() {
    std::optional<Mime> mime;
    Structure structure;
    if (!source_.empty()) {
      auto parsed = Mime::parse(source_);
      if (!parsed) return storage::fail(ErrorKind::invalid, "the draft cannot be read");
      mime.emplace(std::move(*parsed));
      structure = email::read_structure(*mime);
    }
    Assembly parts;
    take_texts(mime ? &*mime : nullptr, structure, parts);
    std::vector<std::string> related;  // the old numbers, "" for a new part
    std::vector<std::string> attached;
    std::vector<std::pair<bool, std::size_t>> added;  // where each new one went
    const auto place = [&](Entity entity, bool shown, const std::string& number) {
      (shown ? parts.related : parts.attached).push_back(std::move(entity));
      (shown ? related : attached).push_back(number);
    };
    for (const AttachedPart& part : structure.attachments) {
      if (parts.whole_body) break;  // they are in it
      if (is_removed(part.number)) continue;
      place(entity_of(*mime, part), shows(parts.html, g_mime_object_get_content_id(part.object)),
            part.number);
    }
    for (const AddedFile& file : edit_.added) {
      const bool shown = !file.is_message && shows(parts.html, file.file.content_id.c_str());
      added.emplace_back(shown, shown ? related.size() : attached.size());
      place(file.is_message ? message_entity(file.bytes, file.file.name)
                            : file_entity(file.file, file.bytes),
            shown, "");
    }
    // Numbers first: they stand in the header.
    const Assembled numbers = assemble("", parts);
    Draft draft;
    std::map<std::string, std::string> moved;
    for (std::size_t i = 0; i < related.size(); ++i) moved[related[i]] = numbers.related[i];
    for (std::size_t i = 0; i < attached.size(); ++i) moved[attached[i]] = numbers.attached[i];
    moved.erase("");
    draft.renumbered = is_new_mime_ || parts.whole_body ||
                       std::any_of(moved.begin(), moved.end(), [](const auto& number) {
                         return number.first != number.second;
                       });
    follow(moved);
    for (const auto& [shown, index] : added) {
      marks_.back().numbers.push_back(shown ? numbers.related[index] : numbers.attached[index]);
    }
    draft.bytes = assemble(fields(false) + mark_field(marks_), parts).bytes;
    return draft;
  }

  // What earlier commands added has other numbers now, or is gone.
  void follow(const std::map<std::string, std::string>& moved) {
    for (Mark& mark : marks_) {
      for (std::string& number : mark.numbers) {
        const auto found = moved.find(number);
        number = found == moved.end() ? std::string() : found->second;
      }
    }
  }

  void take_texts(const Mime* mime, const Structure& structure, Assembly& parts) const {
    if (edit_.body_type && !is_new_mime_) {
      (edit_.body_type == BodyType::html ? parts.html : parts.plain) = edit_.body;
      return;
    }
    if (mime == nullptr) return;
    if (is_sealed(*mime)) {
      parts.whole_body = body_entity(source_);
      return;
    }
    const email::BodySource body(*mime, structure);
    if (structure.has_html()) parts.html = body.read(BodyType::html, email::kWhole).data;
    const bool plain =
        std::any_of(structure.segments.begin(), structure.segments.end(),
                    [](const email::Segment& segment) { return segment.plain != nullptr; });
    if (plain) parts.plain = body.read(BodyType::plain, email::kWhole).data;
  }

  bool is_removed(const std::string& number) const {
    return std::find(edit_.removed.begin(), edit_.removed.end(), number) != edit_.removed.end();
  }

  static bool shows(const std::optional<std::string>& html, const char* id) {
    return html && id != nullptr && *id != '\0' &&
           html->find("cid:" + std::string(id)) != std::string::npos;
  }

  const DraftEdit& edit_;
  const DraftStamp& stamp_;
  const bool is_new_mime_;
  const std::string_view stored_;
  const std::string_view source_;
  const Header header_;
  std::vector<Mark> marks_;
};

}  // namespace

Result<Draft> edit_draft(std::string_view stored, const DraftEdit& edit, const DraftStamp& stamp) {
  return Editor(stored, edit, stamp).run();
}

std::optional<std::vector<std::string>> added_by(std::string_view draft, std::string_view command) {
  for (Mark& mark : read_marks(parse_header(draft))) {
    if (mark.command == command) return std::move(mark.numbers);
  }
  return std::nullopt;
}

std::string draft_to_send(std::string_view draft) {
  const Header header = parse_header(draft);
  std::string result;
  result.reserve(draft.size());
  for (const Field& field : header.fields) {
    if (!is_any_of(field.name, {kMarkField, "Date"})) result += field.text;
  }
  if (!result.empty() && !result.ends_with('\n')) result += "\r\n";
  result +=
      header.body == header.size ? "\r\n" : draft.substr(header.size, header.body - header.size);
  result += draft.substr(header.body);
  return result;
}

bool has_valid_recipients(std::string_view draft) {
  bool any = false;
  for (const Field& field : parse_header(draft).fields) {
    if (!is_any_of(field.name, {"To", "Cc", "Bcc"})) continue;
    const std::vector<std::string> pieces = split_addresses(field.value);
    if (!are_deliverable(pieces)) return false;
    any = any || !pieces.empty();
  }
  return any;
}

}  // namespace eas::compose
