// The root of a thread names it: the first of References, which every reply repeats. So the id of
// the root is made from its own Message-ID, and that of a reply from the root's: mails of programs
// that write Thread-Index and of those that do not stay together. A Thread-Index names the thread
// only where a reply has no References.
#include "server/items/email/conversation.h"

#include <algorithm>
#include <vector>

#include "server/items/dates.h"
#include "server/items/email/conversation_key.h"
#include "server/items/email/headers.h"
#include "storage/base/crypto.h"
#include "storage/base/text.h"

namespace eas::email {
namespace {

constexpr std::size_t kMaxLevels = 40;
constexpr std::size_t kThreadHeader = 22;  // of a Thread-Index: 1 + 5 of time, 16 of GUID

// The ids between angle brackets; words when there are no brackets.
std::vector<std::string_view> message_ids(std::string_view raw) {
  std::vector<std::string_view> ids;
  std::size_t at = 0;
  while (at < raw.size() && ids.size() < 1000) {
    const std::size_t open = raw.find('<', at);
    if (open == std::string_view::npos) break;
    const std::size_t close = raw.find('>', open);
    if (close == std::string_view::npos) break;
    const std::string_view id = storage::trim(raw.substr(open + 1, close - open - 1));
    if (!id.empty()) ids.push_back(id);
    at = close + 1;
  }
  if (ids.empty()) {
    const std::string_view word = storage::trim(raw);
    if (!word.empty()) ids.push_back(word.substr(0, word.find_first_of(" \t\r\n")));
  }
  return ids;
}

std::string thread_index(const Mime& mime) {
  const std::string_view raw = storage::trim(mime.header("Thread-Index"));
  if (raw.empty() || raw.size() > 4096) return {};
  std::string bytes = storage::base64_decode(raw).value_or("");
  if (bytes.size() < kThreadHeader) return {};
  return bytes;
}

std::string hashed(std::string_view kind, std::string_view text) {
  std::string input(kind);
  input += '\0';
  input += text;
  return storage::sha256(input).substr(0, 16);
}

// Five bytes that stand for a message in a path (FNV-1a; the first bit is a flag of the format).
std::string level_of(std::string_view id) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  std::string bytes;
  for (int shift = 32; shift >= 0; shift -= 8) bytes += static_cast<char>(hash >> shift & 0xFF);
  bytes[0] = static_cast<char>(bytes[0] & 0x7F);
  return bytes;
}

// The header, with the empty line that ends it.
std::string_view head_of(std::string_view bytes) {
  std::size_t end = bytes.find("\n\r\n");
  const std::size_t bare = bytes.substr(0, end).find("\n\n");
  if (bare != std::string_view::npos) return bytes.substr(0, bare + 2);
  return end == std::string_view::npos ? bytes : bytes.substr(0, end + 3);
}

// The high 5 of the 6 bytes of a FILETIME that matter, as [MS-ASCON] 2.2.2.4.1 orders them.
std::string time_header(storage::UnixMillis time) {
  const std::uint64_t filetime = to_filetime(time);
  std::string bytes;
  for (int shift = 48; shift >= 16; shift -= 8) {
    bytes += static_cast<char>(filetime >> shift & 0xFF);
  }
  return bytes;
}

storage::UnixMillis sent_time(const Mime& mime, storage::UnixMillis received) {
  GDateTime* date = g_mime_message_get_date(mime.message());
  return date == nullptr ? received : g_date_time_to_unix(date) * 1000;
}

}  // namespace

std::string conversation_id(const Mime& mime, std::string_view thread_topic) {
  const auto references = message_ids(mime.header("References"));
  if (!references.empty()) return hashed("id", references.front());
  const auto parents = message_ids(mime.header("In-Reply-To"));
  if (!parents.empty()) return hashed("id", parents.front());
  const std::string index = thread_index(mime);
  if (index.size() > kThreadHeader) return index.substr(6, 16);  // a reply
  const auto own = message_ids(mime.header("Message-ID"));
  if (!own.empty()) return hashed("id", own.front());
  if (!index.empty()) return index.substr(6, 16);
  return hashed("topic", storage::to_lower(thread_topic));
}

std::string conversation_index(const Mime& mime, storage::UnixMillis received) {
  const std::string index = thread_index(mime);
  if (!index.empty()) {
    std::string bytes = index.substr(1, 5);
    const std::size_t levels = std::min((index.size() - kThreadHeader) / 5, kMaxLevels);
    return bytes + index.substr(kThreadHeader, levels * 5);
  }
  std::string bytes = time_header(sent_time(mime, received));
  std::vector<std::string_view> path = message_ids(mime.header("References"));
  if (path.empty()) path = message_ids(mime.header("In-Reply-To"));
  if (path.empty()) return bytes;
  // One level for each message between the root and this one, and one for this one. Times of the
  // others are not known; a hash of the id keeps siblings apart and children under their parent.
  path.erase(path.begin());
  const auto own = message_ids(mime.header("Message-ID"));
  path.push_back(own.empty() ? std::string_view("self") : own.front());
  if (path.size() > kMaxLevels) path.resize(kMaxLevels);
  for (const std::string_view id : path) bytes += level_of(id);
  return bytes;
}

std::string conversation_id_of(std::string_view bytes, const storage::MessageInfo& info) {
  const std::string_view head = head_of(bytes);
  if (const auto mime = Mime::parse(head)) return conversation_id(*mime, thread_topic_of(*mime));
  return hashed("placeholder", std::to_string(info.id) + ":" + std::to_string(info.date));
}

std::string placeholder_conversation_index(storage::UnixMillis received) {
  return time_header(received);
}

}  // namespace eas::email
