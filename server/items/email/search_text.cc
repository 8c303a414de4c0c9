// Both forms of a body are looked at: some newsletters say everything in HTML only and put "please
// use a better mail program" into the plain part, others the other way round. Where they say the
// same, which is usual, it is indexed once.
#include "server/items/email/search_text.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "server/items/email/attachments.h"
#include "server/items/email/body.h"
#include "server/items/email/conversation.h"
#include "server/items/email/flags.h"
#include "server/items/email/headers.h"
#include "server/items/email/message_class.h"
#include "server/items/email/mime.h"
#include "server/items/email/structure.h"
#include "server/items/html/html_to_text.h"

namespace eas::email {
namespace {

using storage::SearchField;

void add_line(std::string& out, std::string_view text) {
  if (text.empty() || out.size() + text.size() > kMostSearchHeader) return;
  if (!out.empty()) out += '\n';
  out += text;
}

void add_people(const Mime& mime, const char* header, std::string& out) {
  const std::string_view raw = mime.header(header);
  if (raw.empty()) return;
  const std::vector<Address> people = parse_addresses(raw);
  for (const Address& person : people) {
    add_line(out, person.name);
    add_line(out, person.address);
  }
  if (people.empty()) add_line(out, decode_header(raw));
}

bool is_inside_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Calls `use` with each word; stops when it returns false.
template <typename Use>
bool each_word(std::string_view text, Use use) {
  std::size_t at = 0;
  while (at < text.size()) {
    while (at < text.size() && !is_inside_word(text[at])) ++at;
    const std::size_t begin = at;
    while (at < text.size() && is_inside_word(text[at])) ++at;
    if (at > begin && !use(text.substr(begin, at - begin))) return false;
  }
  return true;
}

// Whether `text` has a word that is not in `known`.
bool says_more(std::string_view text, std::string_view known) {
  std::unordered_set<std::string_view> words;
  each_word(known, [&](std::string_view word) {
    words.insert(word);
    return true;
  });
  return !each_word(text, [&](std::string_view word) { return words.contains(word); });
}

std::string body_text(const Mime& mime, const Structure& structure) {
  const BodySource source(mime, structure);
  if (!structure.has_html()) return source.read(BodyType::plain, kMostSearchBody).data;
  // Markup takes its share of the HTML, so more of it is read than text is wanted.
  const BodyText markup = source.read(BodyType::html, 4 * kMostSearchBody);
  html::TextOptions options;
  options.links = false;
  options.max_size = kMostSearchBody;
  std::string text = html::html_to_text(markup.data, options).text;
  const bool has_plain =
      std::any_of(structure.segments.begin(), structure.segments.end(),
                  [](const Segment& segment) { return segment.plain != nullptr; });
  if (!has_plain) return text;
  const BodyText plain = source.read(BodyType::plain, kMostSearchBody);
  if (says_more(plain.data, text)) text += "\n" + plain.data;
  return text;
}

storage::UnixMillis sent_date(const Mime& mime, storage::UnixMillis received) {
  GDateTime* date = g_mime_message_get_date(mime.message());
  return date == nullptr ? received : g_date_time_to_unix(date) * 1000;
}

void read(const Mime& mime, storage::SearchDocument& out) {
  const Structure structure = read_structure(mime);
  const Envelope envelope = read_envelope(mime);
  const MessageClass message_class = classify(mime, structure);
  out.sent = sent_date(mime, out.date);
  out.importance = envelope.importance;
  out.conversation = conversation_id(mime, envelope.thread_topic);
  if (message_class.name.find(".Meeting") != std::string_view::npos) {
    out.flags |= storage::search_flag::kMeeting;
  }
  add_line(out.text(SearchField::subject), envelope.subject);
  add_people(mime, "From", out.text(SearchField::from));
  add_people(mime, "Sender", out.text(SearchField::from));
  add_people(mime, "To", out.text(SearchField::to));
  add_people(mime, "Cc", out.text(SearchField::cc));
  add_people(mime, "Bcc", out.text(SearchField::bcc));
  for (const AttachmentInfo& attachment : list_attachments(mime, structure)) {
    if (!attachment.is_inline) out.flags |= storage::search_flag::kAttachments;
    add_line(out.text(SearchField::attachment), attachment.name);
  }
  out.text(SearchField::body) = body_text(mime, structure);
}

}  // namespace

storage::SearchFlags search_flags(const storage::MessageInfo& info) {
  namespace flag = storage::search_flag;
  storage::SearchFlags result;
  result.item = info.id;
  result.flags = (info.flags.seen ? flag::kSeen : 0) | (info.flags.flagged ? flag::kFlagged : 0) |
                 (info.flags.answered ? flag::kAnswered : 0) |
                 (info.flags.forwarded ? flag::kForwarded : 0) |
                 (info.flags.draft ? flag::kDraft : 0);
  for (const std::string& keyword : info.flags.keywords) {
    if (is_category(keyword)) result.categories.push_back(keyword);
  }
  return result;
}

storage::SearchDocument search_document(std::string_view bytes, const storage::MessageInfo& info) {
  storage::SearchDocument document;
  storage::SearchFlags flags = search_flags(info);
  document.item = info.id;
  document.date = info.date;
  document.sent = info.date;
  document.created_seq = info.created_seq;
  document.size = info.size;
  document.flags = flags.flags;
  document.categories = std::move(flags.categories);
  if (const auto mime = Mime::parse(bytes)) read(*mime, document);
  return document;
}

}  // namespace eas::email
