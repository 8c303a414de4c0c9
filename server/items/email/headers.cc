// Encoded words are decoded here rather than by GMime, so that one place (charset.h) decides how
// bytes are read: words of a wrong label or in raw bytes come out as well as bodies do. Address
// headers are given to GMime's parser with the words already replaced by quoted strings.
#include "server/items/email/headers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/items/charset.h"
#include "server/items/clean_text.h"
#include "storage/base/text.h"

namespace eas::email {
namespace {

constexpr std::size_t npos = std::string_view::npos;
constexpr std::size_t kMaxAddressUnits = 32'768;  // To and From in Email.xsd
constexpr std::size_t kMaxBccUnits = 1024;        // Bcc in Email2.xsd
constexpr std::size_t kMaxSubjectUnits = 4096;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_plain(std::string_view raw) {
  if (raw.find("=?") != npos) return false;
  return std::all_of(raw.begin(), raw.end(),
                     [](char c) { return static_cast<signed char>(c) >= 0 && c != '\x1B'; });
}

std::string decode_q(std::string_view text) {
  std::string out;
  const auto hex = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '_' ? ' ' : text[i];
    }
  }
  return out;
}

std::string decode_b(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (c != '=' && !is_space(c)) letters += c;
  }
  if (letters.size() % 4 == 1) letters.pop_back();  // cut off
  return storage::base64_decode(letters).value_or(std::string(text));
}

struct Word {
  std::string_view charset;
  std::string bytes;
  std::size_t length = 0;  // 0: no encoded word here
};

// Reads the encoded words of one header. The positions asked for only ever grow, so that the end of
// a word is looked for once: text full of beginnings without an end costs no more than other text.
class WordReader {
 public:
  explicit WordReader(std::string_view text) : text_(text) {}

  // The encoded word at `at`. Spaces inside it, which some programs write, are read.
  Word read(std::size_t at) {
    constexpr std::size_t kMaxCharset = 60;
    constexpr std::size_t kMaxContent = 4096;
    const std::string_view text = text_.substr(at);
    if (!text.starts_with("=?")) return {};
    const std::size_t first = text.substr(0, kMaxCharset + 1).find('?', 2);
    if (first == npos || first == 2 || first + 2 >= text.size()) return {};
    if (text[first + 2] != '?') return {};
    const char encoding = text[first + 1];
    const std::size_t from = first + 3;
    std::size_t end = end_mark(at + from);
    if (end == npos || end - (at + from) > kMaxContent) return {};
    end -= at;
    // "=?utf-8?Q?=?=" and "?=3D?=": the first "?=" can be inside the text.
    if (end == from && text.substr(from + 1).starts_with("?=")) ++end;
    Word word;
    word.charset = text.substr(2, first - 2);
    word.charset = word.charset.substr(0, word.charset.find('*'));  // RFC 2231 language
    const std::string_view content = text.substr(from, end - from);
    if (encoding == 'q' || encoding == 'Q') {
      word.bytes = decode_q(content);
    } else if (encoding == 'b' || encoding == 'B') {
      word.bytes = decode_b(content);
    } else {
      return {};
    }
    word.length = end + 2;
    return word;
  }

  // The text of the words at `at`, which moves behind them; "" when there are none. Adjacent words
  // of one charset are joined before decoding: programs split characters between them.
  std::string read_all(std::size_t& at) {
    std::string out;
    std::string bytes;
    std::string_view charset;
    for (;;) {
      std::size_t start = at;
      while (start < text_.size() && is_space(text_[start])) ++start;
      Word word = read(start);
      if (word.length == 0) break;
      if (!bytes.empty() && !storage::equals_ignore_case(charset, word.charset)) {
        out += decode_text(std::exchange(bytes, {}), charset);
      }
      charset = word.charset;
      bytes += word.bytes;
      at = start + word.length;
    }
    return out + decode_text(std::move(bytes), charset);
  }

 private:
  // The first "?=" from `from` on.
  std::size_t end_mark(std::size_t from) {
    if (end_ < from) end_ = text_.find("?=", from);
    return end_;
  }

  const std::string_view text_;
  std::size_t end_ = 0;
};

void append_quoted(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += is_space(c) ? ' ' : c;
  }
}

// An address header with its words decoded and made quoted strings where they are not in one.
std::string decode_words_for_addresses(std::string_view raw) {
  const std::string text = decode_text(std::string(raw), "");
  WordReader reader(text);
  std::string out;
  bool quoted = false;
  int comment = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t word = at;
    const std::string words = text[at] == '=' ? reader.read_all(at) : "";
    if (at > word) {
      const bool quote = !quoted && comment == 0;
      if (quote) out += '"';
      append_quoted(out, words);
      if (quote) out += '"';
      continue;
    }
    const char c = text[at++];
    if (c == '\\' && at < text.size()) {
      out += c;
      out += text[at++];
      continue;
    }
    if (c == '"' && comment == 0) quoted = !quoted;
    if (c == '(' && !quoted) ++comment;
    if (c == ')' && !quoted && comment > 0) --comment;
    out += c;
  }
  return out;
}

// Wrapped names and old programs leave quotes around a name, or give the address as the name.
std::string clean_name(std::string_view name) {
  const std::string line = single_line(name);
  std::string_view text = line;
  while (text.size() >= 2 && ((text.front() == '"' && text.back() == '"') ||
                              (text.front() == '\'' && text.back() == '\''))) {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

void collect(InternetAddressList* list, std::vector<Address>& out, int depth) {
  const int count = internet_address_list_length(list);
  for (int i = 0; i < count; ++i) {
    InternetAddress* entry = internet_address_list_get_address(list, i);
    if (INTERNET_ADDRESS_IS_GROUP(entry)) {
      InternetAddressList* members =
          internet_address_group_get_members(INTERNET_ADDRESS_GROUP(entry));
      if (members != nullptr && depth < 4) collect(members, out, depth + 1);
      continue;
    }
    const char* name = internet_address_get_name(entry);
    const char* address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(entry));
    Address made{clean_name(name == nullptr ? "" : name),
                 single_line(address == nullptr ? "" : address)};
    if (!made.address.empty()) out.push_back(std::move(made));
  }
}

struct Recipients {
  std::vector<Address> list;
  std::string_view raw;
};

// GMime parsed plain headers already; others are decoded and parsed again.
Recipients read_addresses(const Mime& mime, GMimeAddressType type, const char* name) {
  Recipients result;
  result.raw = mime.header(name);
  if (result.raw.empty()) return result;
  if (is_plain(result.raw)) {
    InternetAddressList* list = g_mime_message_get_addresses(mime.message(), type);
    if (list != nullptr) collect(list, result.list, 0);
  } else {
    result.list = parse_addresses(result.raw);
  }
  return result;
}

// What cannot be read as addresses is shown as it stands rather than not at all.
std::string or_text(std::string formatted, const Recipients& recipients) {
  if (!formatted.empty() || recipients.raw.empty()) return formatted;
  const std::string text = decode_header(recipients.raw);
  if (text.ends_with(":;") || text.ends_with(": ;")) return {};  // an empty group
  return std::string(utf16_prefix(text, 256));
}

std::string display_names(const std::vector<Address>& addresses) {
  std::string out;
  for (const Address& entry : addresses) {
    const std::string& name = entry.name.empty() ? entry.address : entry.name;
    if (out.size() + name.size() > kMaxAddressUnits) break;
    if (!out.empty()) out += "; ";
    out += name;
  }
  return out;
}

int read_importance(const Mime& mime) {
  const std::string importance = storage::to_lower(storage::trim(mime.header("Importance")));
  if (importance == "high") return 2;
  if (importance == "low") return 0;
  if (importance == "normal") return 1;
  const std::string_view priority = storage::trim(mime.header("X-Priority"));
  if (!priority.empty() && priority[0] >= '1' && priority[0] <= '5') {
    return priority[0] < '3' ? 2 : (priority[0] == '3' ? 1 : 0);
  }
  std::string word = storage::to_lower(storage::trim(mime.header("X-MSMail-Priority")));
  if (word.empty()) word = storage::to_lower(storage::trim(mime.header("Priority")));
  if (word == "high" || word == "urgent") return 2;
  if (word == "low" || word == "non-urgent") return 0;
  return 1;
}

// Lower case; what mail programs of several languages put before a subject.
constexpr std::array<std::string_view, 22> kPrefixes = {
    "re",  "fw",  "fwd", "aw",  "wg", "sv",  "vs", "vb",  "antw", "tr",   "rv",
    "ref", "odp", "pd",  "rif", "ri", "ynt", "fs", "enc", "res",  "回复", "转发"};

// The length of one prefix at the start, "Re:", "RE[2]:", "AW :", "回复："; 0 when there is none.
std::size_t prefix_length(std::string_view subject) {
  std::size_t at = 0;
  while (at < subject.size() && at < 8 && subject[at] != ':' && subject[at] != '[' &&
         subject[at] != ' ' && !subject.substr(at).starts_with("：")) {
    ++at;
  }
  const std::string word = storage::to_lower(subject.substr(0, at));
  if (std::find(kPrefixes.begin(), kPrefixes.end(), word) == kPrefixes.end()) return 0;
  if (at < subject.size() && subject[at] == '[') {
    std::size_t close = at + 1;
    while (close < subject.size() && subject[close] >= '0' && subject[close] <= '9') ++close;
    if (close >= subject.size() || subject[close] != ']') return 0;
    at = close + 1;
  }
  while (at < subject.size() && subject[at] == ' ') ++at;
  if (subject.substr(at).starts_with("：")) return at + 3;
  return at < subject.size() && subject[at] == ':' ? at + 1 : 0;
}

}  // namespace

std::string decode_header(std::string_view raw) {
  if (is_plain(raw)) return single_line(raw);
  const std::string text = decode_text(std::string(raw), "");
  WordReader reader(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t word = std::min(text.find("=?", at), text.size());
    out.append(text, at, word - at);
    at = word;
    out += reader.read_all(at);
    if (at == word && at < text.size()) {
      out += "=?";
      at += 2;
    }
  }
  return single_line(out);
}

std::vector<Address> parse_addresses(std::string_view raw) {
  std::vector<Address> result;
  const std::string decoded = is_plain(raw) ? std::string(raw) : decode_words_for_addresses(raw);
  if (!can_parse_words(decoded)) return result;
  init_gmime();
  InternetAddressList* list = internet_address_list_parse(nullptr, decoded.c_str());
  if (list == nullptr) return result;
  collect(list, result, 0);
  g_object_unref(list);
  return result;
}

std::string format_addresses(const std::vector<Address>& addresses, std::string_view separator,
                             std::size_t max_units) {
  std::string out;
  for (const Address& entry : addresses) {
    std::string one = "\"";
    append_quoted(one, entry.name.empty() ? entry.address : entry.name);
    one += "\" <";
    one += entry.address;
    one += '>';
    // Bytes are never fewer than characters, so this errs on the safe side and stays cheap.
    if (out.size() + separator.size() + one.size() > max_units) break;
    if (!out.empty()) out += separator;
    out += one;
  }
  return out;
}

std::string_view topic_of(std::string_view subject) {
  std::string_view topic = storage::trim(subject);
  for (;;) {
    const std::size_t length = prefix_length(topic);
    if (length == 0) return topic;
    topic = storage::trim(topic.substr(length));
  }
}

std::string thread_topic_of(const Mime& mime) {
  std::string topic = decode_header(mime.header("Thread-Topic"));
  if (topic.empty()) topic = utf16_prefix(decode_header(mime.header("Subject")), kMaxSubjectUnits);
  return std::string(topic_of(topic));
}

Envelope read_envelope(const Mime& mime) {
  Envelope envelope;
  Recipients from = read_addresses(mime, GMIME_ADDRESS_TYPE_FROM, "From");
  const Recipients sender = read_addresses(mime, GMIME_ADDRESS_TYPE_SENDER, "Sender");
  const Recipients to = read_addresses(mime, GMIME_ADDRESS_TYPE_TO, "To");
  const Recipients cc = read_addresses(mime, GMIME_ADDRESS_TYPE_CC, "Cc");
  const Recipients bcc = read_addresses(mime, GMIME_ADDRESS_TYPE_BCC, "Bcc");
  const Recipients reply_to = read_addresses(mime, GMIME_ADDRESS_TYPE_REPLY_TO, "Reply-To");
  if (from.raw.empty()) from = sender;
  envelope.from = or_text(format_addresses(from.list, ", ", kMaxAddressUnits), from);
  if (!sender.list.empty() && !from.list.empty() &&
      !storage::equals_ignore_case(sender.list[0].address, from.list[0].address)) {
    envelope.sender = format_addresses({sender.list[0]}, ", ", kMaxAddressUnits);
  }
  envelope.to = or_text(format_addresses(to.list, ", ", kMaxAddressUnits), to);
  envelope.cc = or_text(format_addresses(cc.list, ", ", npos), cc);
  envelope.bcc = format_addresses(bcc.list, ", ", kMaxBccUnits);
  envelope.reply_to = format_addresses(reply_to.list, "; ", kMaxAddressUnits);
  envelope.display_to = display_names(to.list);
  envelope.display_cc = display_names(cc.list);
  envelope.display_bcc = display_names(bcc.list);
  envelope.subject = utf16_prefix(decode_header(mime.header("Subject")), kMaxSubjectUnits);
  envelope.thread_topic = thread_topic_of(mime);
  envelope.importance = read_importance(mime);
  return envelope;
}

}  // namespace eas::email
