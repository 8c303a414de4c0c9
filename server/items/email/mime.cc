// GMime reads from a memory stream over the caller's bytes; parts remember offsets, so content is
// decoded from slices of the original, and only where it is needed.
//
// GMime itself bounds nesting (1024) but neither headers nor parts, each of which costs it some
// hundred bytes: a small file could ask for gigabytes. So large input is counted first, by a pass
// over its line starts, and what is beyond the limits is not given to the parser.
#include "server/items/email/mime.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <mutex>
#include <utility>

#include "storage/base/text.h"

namespace eas::email {
namespace {

using storage::ErrorKind;

constexpr std::size_t kMaxMessage = std::size_t{1} << 30;
constexpr std::size_t kMaxHeaderBlock = std::size_t{1} << 20;
constexpr std::size_t kMaxHeaderLines = 20'000;
constexpr std::size_t kMaxPartLines = 50'000;    // lines that could be boundaries
constexpr std::size_t kMaxFieldLines = 200'000;  // lines that could be headers of parts
constexpr std::size_t kCountFrom = 64 * 1024;    // smaller input cannot do harm
constexpr std::size_t kMaxWordCost = std::size_t{1} << 28;

bool could_be_header(std::string_view line) {
  for (std::size_t i = 0; i < line.size() && i < 78; ++i) {
    if (line[i] == ':') return i > 0;
    if (line[i] <= ' ' || line[i] == 127) return false;
  }
  return false;
}

// How many bytes GMime goes through, at most, to find the ends of the encoded words of a field: it
// may try each beginning by itself, up to the next end or through all the rest.
std::size_t open_word_cost(std::string_view field) {
  std::size_t cost = 0;
  std::size_t end = 0;
  for (std::size_t at = field.find("=?"); at != std::string_view::npos;
       at = field.find("=?", at + 2)) {
    if (end < at + 2) end = std::min(field.find("?=", at + 2), field.size());
    cost += end - at;
  }
  return cost;
}

// Sums up what the encoded words of header fields cost, which are found line by line.
class FieldCost {
 public:
  explicit FieldCost(std::string_view bytes) : bytes_(bytes) {}

  // A line starts at `at`. True: with the field that ends there the limit is reached.
  bool over_limit_at(std::size_t at, bool begins_field) {
    const bool has_field = field_ != std::string_view::npos;
    if (has_field && at < bytes_.size() && (bytes_[at] == ' ' || bytes_[at] == '\t')) return false;
    if (has_field) cost_ += open_word_cost(bytes_.substr(field_, at - field_));
    if (cost_ > kMaxWordCost) return true;
    field_ = begins_field ? at : std::string_view::npos;
    return false;
  }
  std::size_t field() const { return field_; }  // where the current one began

 private:
  const std::string_view bytes_;
  std::size_t field_ = std::string_view::npos;
  std::size_t cost_ = 0;
};

// Where the empty line that ends the header block is; too_large when it is beyond the limits.
storage::Result<std::size_t> header_block_end(std::string_view bytes) {
  FieldCost fields(bytes);
  std::size_t lines = 0;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (at > kMaxHeaderBlock || ++lines > kMaxHeaderLines) {
      return storage::fail(ErrorKind::too_large, "header block over the limit");
    }
    if (bytes[at] == '\n' || bytes.substr(at, 2) == "\r\n") break;
    if (fields.over_limit_at(at, true)) break;
    const std::size_t end = bytes.find('\n', at);
    at = end == std::string_view::npos ? bytes.size() : end + 1;
  }
  if (at > kMaxHeaderBlock) {
    return storage::fail(ErrorKind::too_large, "header block over the limit");
  }
  if (fields.over_limit_at(at, false)) {
    return storage::fail(ErrorKind::too_large, "encoded words over the limit");
  }
  return at;
}

// How much of the body may be parsed: all, or up to where a limit is reached.
std::size_t parse_limit(std::string_view bytes, std::size_t header_end) {
  if (bytes.size() < kCountFrom) return bytes.size();
  const std::string head = storage::to_lower(bytes.substr(0, header_end));
  if (head.find("multipart/") == std::string::npos && head.find("message/") == std::string::npos) {
    return bytes.size();
  }
  FieldCost costs(bytes);
  std::size_t boundaries = 0;
  std::size_t fields = 0;
  std::size_t at = header_end;
  while (at < bytes.size()) {
    const std::string_view line = bytes.substr(at, 80);
    const bool boundary = line.starts_with("--");
    const bool field = !boundary && could_be_header(line);
    if (boundary && ++boundaries > kMaxPartLines) return at;
    if (field && ++fields > kMaxFieldLines) return at;
    if (costs.over_limit_at(at, field)) return costs.field();
    const void* newline = std::memchr(bytes.data() + at, '\n', bytes.size() - at);
    if (newline == nullptr) {
      at = bytes.size();
      break;
    }
    at = static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data()) + 1;
  }
  return costs.over_limit_at(at, false) ? costs.field() : bytes.size();
}

GMimeParserOptions* make_options() {
  static GMimeParserOptions* const options = [] {
    GMimeParserOptions* made = g_mime_parser_options_new();
    std::array<const char*, 3> charsets = {"utf-8", "windows-1252", nullptr};
    g_mime_parser_options_set_fallback_charsets(made, charsets.data());
    return made;
  }();
  return options;  // read only from now on
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Copies eight bytes at a time up to the next '=', into `to`, which has room for all of them;
// returns how many bytes were copied.
std::size_t copy_to_sign(std::string_view raw, char* to) {
  constexpr std::uint64_t kSigns = 0x3D3D3D3D3D3D3D3D;
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::size_t at = 0;
  while (at + 8 <= raw.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, raw.data() + at, 8);
    std::memcpy(to + at, &word, 8);
    word ^= kSigns;
    const std::uint64_t found = (word - kOnes) & ~word & (kOnes << 7);
    if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(found)) / 8;
    at += 8;
  }
  for (; at < raw.size() && raw[at] != '='; ++at) to[at] = raw[at];
  return at;
}

// What the '=' at the start of `raw` stands for: adds to `to`, returns the bytes of `raw` used.
// Malformed escapes stay as they are; a '=' at the very end is a soft line end.
std::size_t decode_sign(std::string_view raw, char*& to) {
  if (raw.size() > 2) {
    const int high = hex_digit(raw[1]);
    const int low = hex_digit(raw[2]);
    if (high >= 0 && low >= 0) {
      *to++ = static_cast<char>(high * 16 + low);
      return 3;
    }
  }
  std::size_t next = 1;
  while (next < raw.size() && (raw[next] == ' ' || raw[next] == '\t')) ++next;
  if (next >= raw.size()) return next;
  if (raw[next] == '\n') return next + 1;
  if (raw[next] == '\r' && raw.substr(next, 2) == "\r\n") return next + 2;
  *to++ = '=';
  return 1;
}

// Several times as fast as going byte by byte. The result is never longer than the input.
Decoded decode_quoted_printable(std::string_view raw, std::size_t max_size) {
  constexpr std::size_t kMaxStep = 4096;
  Decoded result;
  result.bytes.reserve(std::min(raw.size(), max_size) + kMaxStep + 64);
  std::size_t size = 0;
  while (result.used < raw.size() && size <= max_size) {
    const std::size_t step = max_size - size < kMaxStep ? max_size - size + 32 : kMaxStep;
    const std::size_t stop = std::min(raw.size(), result.used + step);
    result.bytes.resize(size + step + 8);
    char* to = result.bytes.data() + size;
    while (result.used < stop) {
      const std::size_t copied = copy_to_sign(raw.substr(result.used, stop - result.used), to);
      to += copied;
      result.used += copied;
      if (result.used < stop) result.used += decode_sign(raw.substr(result.used), to);
    }
    size = static_cast<std::size_t>(to - result.bytes.data());
  }
  result.bytes.resize(size);
  return result;
}

Decoded decode_with_gmime(std::string_view raw, GMimeContentEncoding encoding,
                          std::size_t max_size) {
  Decoded result;
  result.bytes.reserve(std::min(raw.size(), max_size) + 128);
  GMimeEncoding state;
  g_mime_encoding_init_decode(&state, encoding);
  constexpr std::size_t kChunk = 16 * 1024;
  while (result.used < raw.size() && result.bytes.size() <= max_size) {
    const std::string_view chunk = raw.substr(result.used, kChunk);
    const std::size_t before = result.bytes.size();
    result.bytes.resize(before + g_mime_encoding_outlen(&state, chunk.size()) + 16);
    const std::size_t count =
        g_mime_encoding_step(&state, chunk.data(), chunk.size(), result.bytes.data() + before);
    result.bytes.resize(before + count);
    result.used += chunk.size();
  }
  if (result.used == raw.size()) {
    std::array<char, 64> rest{};
    const std::size_t count = g_mime_encoding_flush(&state, "", 0, rest.data());
    result.bytes.append(rest.data(), count);
  }
  return result;
}

// The C library loads a charset's module when its first converter is opened and unloads it with the
// last. GMime opens and closes one per encoded word; so one of each usual charset stays open, or a
// sixth of a first sync's time goes into loading modules (measured).
void keep_charsets_loaded() {
  static constexpr const char* kUsual[] = {
      "iso-8859-1",   "iso-8859-2",   "iso-8859-3",   "iso-8859-4",   "iso-8859-5",
      "iso-8859-7",   "iso-8859-8",   "iso-8859-9",   "iso-8859-13",  "iso-8859-15",
      "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
      "windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874",
      "koi8-r",       "koi8-u",       "gb18030",      "gbk",          "gb2312",
      "big5",         "shift_jis",    "euc-jp",       "iso-2022-jp",  "euc-kr",
      "utf-16",       "utf-7"};
  // Absent ones do no harm. About 32 kB each, for the life of the process.
  static std::array<iconv_t, std::size(kUsual)> kept;
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = ::iconv_open("utf-8", kUsual[i]);
}

}  // namespace

void init_gmime() {
  static std::once_flag once;
  std::call_once(once, [] {
    g_mime_init();
    keep_charsets_loaded();
  });
}

bool can_parse_words(std::string_view field) { return open_word_cost(field) <= kMaxWordCost; }

storage::Result<Mime> Mime::parse(std::string_view bytes) {
  init_gmime();
  if (bytes.size() > kMaxMessage) {
    return storage::fail(ErrorKind::too_large, "message over the limit");
  }
  if (storage::trim(bytes.substr(0, 4096)).empty()) {
    return storage::fail(ErrorKind::invalid, "no message");
  }
  GODWIT_ASSIGN(const std::size_t header_end, header_block_end(bytes));
  const std::size_t limit = parse_limit(bytes, header_end);
  // The array only borrows: the stream does not own it, and it is released without its bytes.
  auto* data = const_cast<char*>(bytes.data());  // NOLINT: GMime only reads from it
  GByteArray* array = g_byte_array_new_take(reinterpret_cast<guint8*>(data), limit);
  GMimeStream* stream = g_mime_stream_mem_new_with_byte_array(array);
  g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
  GMimeParser* parser = g_mime_parser_new_with_stream(stream);
  GMimeMessage* message = g_mime_parser_construct_message(parser, make_options());
  g_object_unref(parser);
  g_object_unref(stream);
  if (message == nullptr) {
    g_byte_array_free(array, FALSE);
    return storage::fail(ErrorKind::invalid, "not a message");
  }
  return Mime(bytes.substr(0, limit), array, message);
}

Mime::Mime(Mime&& other) noexcept
    : bytes_(other.bytes_),
      array_(std::exchange(other.array_, nullptr)),
      message_(std::exchange(other.message_, nullptr)) {}

Mime::~Mime() {
  if (message_ != nullptr) g_object_unref(message_);
  if (array_ != nullptr) g_byte_array_free(array_, FALSE);
}

std::string_view Mime::header(const char* name) const {
  return header_of(GMIME_OBJECT(message_), name);
}

std::string_view Mime::raw_content(GMimePart* part) const {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (content == nullptr) return {};
  const GMimeStream* stream = g_mime_data_wrapper_get_stream(content);
  if (stream == nullptr || stream->bound_start < 0) return {};
  const auto start = static_cast<std::size_t>(stream->bound_start);
  const std::size_t end =
      stream->bound_end < 0 ? bytes_.size() : static_cast<std::size_t>(stream->bound_end);
  if (start >= end || end > bytes_.size()) return {};
  return bytes_.substr(start, end - start);
}

std::size_t Mime::last_content_end(GMimeObject* object, int depth) const {
  if (object == nullptr || depth > 64) return 0;
  if (GMIME_IS_PART(object)) {
    const std::string_view raw = raw_content(GMIME_PART(object));
    return raw.empty() ? 0 : static_cast<std::size_t>(raw.data() - bytes_.data()) + raw.size();
  }
  if (GMIME_IS_MESSAGE_PART(object)) {
    GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    return inner == nullptr ? 0 : last_content_end(g_mime_message_get_mime_part(inner), depth + 1);
  }
  if (!GMIME_IS_MULTIPART(object)) return 0;
  std::size_t end = 0;
  const int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
  for (int i = std::max(0, count - 2); i < count; ++i) {
    end = std::max(
        end, last_content_end(g_mime_multipart_get_part(GMIME_MULTIPART(object), i), depth + 1));
  }
  return end;
}

std::string_view Mime::raw_message(GMimeMessagePart* part, const char* boundary) const {
  GMimeMessage* inner = g_mime_message_part_get_message(part);
  if (inner == nullptr) return {};
  GMimeHeaderList* headers = g_mime_object_get_header_list(GMIME_OBJECT(inner));
  if (g_mime_header_list_get_count(headers) == 0) return {};
  const gint64 offset = g_mime_header_get_offset(g_mime_header_list_get_header_at(headers, 0));
  if (offset < 0 || static_cast<std::size_t>(offset) >= bytes_.size()) return {};
  const auto start = static_cast<std::size_t>(offset);
  std::size_t end = bytes_.size();
  if (boundary != nullptr) {
    const std::size_t from =
        std::max(start, last_content_end(g_mime_message_get_mime_part(inner), 0));
    const std::string line = std::string("\n--") + boundary;
    // The line end in front of the boundary may belong to the last content.
    end = std::min(bytes_.find(line, from == 0 ? 0 : from - 1), bytes_.size());
    if (end > start && end < bytes_.size() && bytes_[end - 1] == '\r') --end;
  }
  return end <= start ? std::string_view() : bytes_.substr(start, end - start);
}

std::string_view header_of(GMimeObject* object, const char* name) {
  GMimeHeader* header = g_mime_header_list_get_header(g_mime_object_get_header_list(object), name);
  if (header == nullptr) return {};
  const char* value = g_mime_header_get_raw_value(header);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::string_view content_type_parameter(GMimeObject* object, const char* name) {
  const char* value = g_mime_object_get_content_type_parameter(object, name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::string content_type_of(GMimeObject* object) {
  GMimeContentType* type = g_mime_object_get_content_type(object);
  if (type == nullptr) return "text/plain";
  const char* media = g_mime_content_type_get_media_type(type);
  const char* subtype = g_mime_content_type_get_media_subtype(type);
  std::string name = media == nullptr ? "text" : media;
  name += '/';
  name += subtype == nullptr ? "plain" : subtype;
  return storage::to_lower(name);
}

bool has_type(GMimeObject* object, const char* type, const char* subtype) {
  GMimeContentType* content_type = g_mime_object_get_content_type(object);
  return content_type != nullptr && g_mime_content_type_is_type(content_type, type, subtype) != 0;
}

Decoded decode_transfer(std::string_view raw, GMimeContentEncoding encoding, std::size_t max_size) {
  switch (encoding) {
    case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
      return decode_quoted_printable(raw, max_size);
    case GMIME_CONTENT_ENCODING_BASE64:
    case GMIME_CONTENT_ENCODING_UUENCODE:
      return decode_with_gmime(raw, encoding, max_size);
    default:
      break;
  }
  Decoded result;
  result.used = max_size < raw.size() ? max_size + 1 : raw.size();
  result.bytes = raw.substr(0, result.used);
  return result;
}

std::uint64_t estimate_decoded_size(std::string_view raw, GMimeContentEncoding encoding) {
  if (encoding == GMIME_CONTENT_ENCODING_UUENCODE) return raw.size() * 45ULL / 62;
  if (encoding != GMIME_CONTENT_ENCODING_BASE64) return raw.size();
  // Lines have the length of the first one; each but the last has one line end.
  const std::string_view text = storage::trim(raw);
  const std::size_t newline = text.find('\n');
  std::uint64_t letters = text.size();
  if (newline != std::string_view::npos && newline > 0) {
    letters -= text.size() / (newline + 1) * (text[newline - 1] == '\r' ? 2 : 1);
  }
  std::uint64_t padding = 0;
  for (std::size_t i = text.size(); i > 0 && padding < 2 && text[i - 1] == '='; --i) ++padding;
  const std::uint64_t size = letters / 4 * 3;
  return size > padding ? size - padding : 0;
}

}  // namespace eas::email
