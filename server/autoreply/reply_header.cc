#include "server/autoreply/reply_header.h"

#include <algorithm>
#include <vector>

#include "server/items/clean_text.h"
#include "server/items/email/headers.h"
#include "storage/base/mail_date.h"
#include "storage/base/text.h"

namespace eas::autoreply {
namespace {

constexpr std::size_t kMaxSubject = 200;     // bytes of the original's subject
constexpr std::size_t kMaxReferences = 900;  // bytes
constexpr std::size_t kMaxText = std::size_t{512} << 10;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// RFC 2047 words for what is not ASCII, each short enough for a line.
std::string encoded_words(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  std::string words;
  while (!text.empty()) {
    const std::string_view piece = storage::utf8_prefix(text, 42);
    if (piece.empty()) break;
    if (!words.empty()) words += "\r\n ";
    words += "=?utf-8?B?" + storage::base64_encode(piece) + "?=";
    text.remove_prefix(piece.size());
  }
  return words;
}

std::string display_name(std::string_view name) {
  if (!is_ascii(name)) return encoded_words(name);
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// The original's References and its own id, the newest last, one to a line.
std::string references_of(const MessageHeader& original, const std::string& id) {
  std::string before = original.value("References");
  if (before.empty()) before = original.value("In-Reply-To");
  std::vector<std::string> ids;
  std::string_view rest = before;
  for (std::size_t open = rest.find('<'); open != std::string_view::npos; open = rest.find('<')) {
    const std::size_t close = rest.find('>', open);
    if (close == std::string_view::npos) break;
    const std::string_view one = rest.substr(open, close - open + 1);
    if (is_ascii(one) && one.find(' ') == std::string_view::npos) ids.emplace_back(one);
    rest.remove_prefix(close + 1);
  }
  ids.push_back(id);
  std::size_t total = 0;
  std::size_t first = ids.size();
  while (first > 0 && total + ids[first - 1].size() + 3 <= kMaxReferences) {
    total += ids[--first].size() + 3;
  }
  std::string text;
  for (std::size_t i = first; i < ids.size(); ++i) text += (text.empty() ? "" : "\r\n ") + ids[i];
  return text;
}

}  // namespace

std::string message_id_of(const MessageHeader& original) {
  const std::string id = original.value("Message-ID");
  const bool fine = id.size() <= 500 && id.starts_with('<') && id.ends_with('>') && is_ascii(id) &&
                    id.find(' ') == std::string::npos;
  return fine ? id : std::string();
}

std::string subject_of(const MessageHeader& original) {
  const std::string subject = single_line(email::decode_header(original.value("Subject")));
  return std::string(storage::utf8_prefix(subject, kMaxSubject));
}

void append_text(std::string& out, std::string_view type, std::string_view text) {
  std::string lines;
  append_clean_lines(lines, text, kMaxText);
  const std::string encoded = storage::base64_encode(lines);
  out += "Content-Type: " + std::string(type) +
         "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  for (std::size_t at = 0; at < encoded.size(); at += 76) {
    out += encoded.substr(at, 76);
    out += "\r\n";
  }
}

std::string reply_header(const MessageHeader& original, std::string_view subject_prefix,
                         const ReplyParts& parts) {
  std::string out;
  const std::string name = single_line(parts.from_name);
  out += "From: " + (name.empty() ? std::string() : display_name(name) + " ") + "<" +
         std::string(parts.from_address) + ">\r\n";
  out += "To: <" + std::string(parts.recipient) + ">\r\n";
  out += "Subject: " + encoded_words(std::string(subject_prefix) + subject_of(original)) + "\r\n";
  out += "Date: " + storage::mail_date(parts.now) + "\r\n";
  out += "Message-ID: <" + std::string(parts.message_id) + ">\r\n";
  if (const std::string id = message_id_of(original); !id.empty()) {
    out += "In-Reply-To: " + id + "\r\n";
    out += "References: " + references_of(original, id) + "\r\n";
  }
  out += "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n";
  out += "MIME-Version: 1.0\r\n";
  return out;
}

}  // namespace eas::autoreply
