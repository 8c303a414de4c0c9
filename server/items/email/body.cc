// A body is decoded only as far as the phone wants it: a Sync of 10,000 mails with 500 bytes each
// must not decode megabytes. Where a part is read in pieces, the size of the whole is estimated
// from the share that was read.
#include "server/items/email/body.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "server/items/charset.h"
#include "server/items/clean_text.h"
#include "server/items/html/html_to_text.h"
#include "server/items/html/text_to_html.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas::email {
namespace {

namespace base = wbxml::airsync_base;
namespace mail = wbxml::email;

constexpr std::size_t kSlack = 16;          // a cut character and its neighbours
constexpr std::size_t kShortText = 1024;    // bodies cut this short serve as previews
constexpr std::size_t kPreviewText = 4096;  // of text that a preview is made from

struct PartText {
  std::string text;  // UTF-8
  bool complete = true;
  std::uint64_t estimated = 0;  // bytes of UTF-8 of the whole part
};

std::size_t grow(std::size_t limit) { return limit > kWhole / 4 ? kWhole : limit * 4; }

std::uint64_t scale(std::uint64_t value, std::uint64_t whole, std::uint64_t used) {
  if (used == 0) return std::max(value, whole);
  return static_cast<std::uint64_t>(static_cast<double>(value) * static_cast<double>(whole) /
                                    static_cast<double>(used));
}

// The beginning of a text part as UTF-8: more than `wanted` bytes of it, or all.
PartText part_text(const Mime& mime, GMimePart* part, std::size_t wanted) {
  const std::string_view raw = mime.raw_content(part);
  const GMimeContentEncoding encoding = g_mime_part_get_content_encoding(part);
  std::string_view label = content_type_parameter(GMIME_OBJECT(part), "charset");
  const bool html = has_type(GMIME_OBJECT(part), "text", "html");
  std::size_t limit = wanted > kWhole - 256 ? kWhole : wanted + 256;
  for (;; limit = grow(limit)) {
    Decoded decoded = decode_transfer(raw, encoding, limit);
    PartText result;
    result.complete = decoded.used == raw.size();
    std::string from_meta;
    if (html && label.empty()) from_meta = meta_charset(decoded.bytes);
    result.text =
        decode_text(std::move(decoded.bytes), label.empty() ? from_meta : label, !result.complete);
    result.estimated = result.text.size();
    if (!result.complete) {
      result.estimated = std::max<std::uint64_t>(
          scale(result.text.size(), raw.size(), decoded.used), result.text.size() + 1);
    }
    if (result.complete || result.text.size() > wanted + kSlack) return result;
  }
}

bool is_blank(std::string_view text) { return storage::trim(text).empty(); }

// Appends the text form of an HTML part; returns the estimated size of the whole of it.
std::uint64_t append_html_as_text(const Mime& mime, GMimePart* part, std::size_t max_size,
                                  bool links, std::string& out, bool& complete) {
  const std::size_t room = max_size == kWhole ? kWhole : max_size - std::min(max_size, out.size());
  std::size_t wanted = room > kWhole / 64 ? kWhole : room * 4 + 4 * 1024;
  for (;; wanted = grow(wanted)) {
    const PartText source = part_text(mime, part, wanted);
    html::TextOptions options;
    options.links = links;
    options.images = links;
    options.max_size = room;
    const html::Text text = html::html_to_text(source.text, options);
    if (!source.complete && text.text.size() <= room) continue;
    complete = source.complete && text.used == source.text.size();
    append_clean(out, text.text);
    return complete ? text.text.size() : scale(text.text.size(), source.estimated, text.used);
  }
}

// What is longer than `max_size` is cut at a character border, and not between CR and LF.
void cut(BodyText& body, std::size_t max_size) {
  if (body.data.size() > max_size) {
    body.data.resize(storage::utf8_prefix(body.data, max_size).size());
    if (body.data.ends_with('\r')) body.data.pop_back();
    body.truncated = true;
  }
  body.size =
      body.truncated ? std::max<std::uint64_t>(body.size, body.data.size() + 1) : body.data.size();
}

// Puts a further segment where it is still inside the document.
void insert_into_document(std::string& document, std::string_view fragment) {
  constexpr std::size_t kTail = 512;
  const std::size_t from = document.size() > kTail ? document.size() - kTail : 0;
  const std::string tail = storage::to_lower(std::string_view(document).substr(from));
  const std::size_t close = tail.rfind("</body");
  document.insert(close == std::string::npos ? document.size() : from + close, fragment);
}

// MIME goes out byte for byte: as a string where it is one, else opaque.
void write_stored(wbxml::Tag tag, std::string_view bytes, wbxml::Encoder& out) {
  is_clean(bytes) ? out.text(tag, bytes) : out.opaque(tag, bytes);
}

std::size_t limit_of(const std::optional<std::uint32_t>& size) {
  return size ? std::size_t{*size} : kWhole;
}

bool wants_mime(const BodyRequest& request, const BodyOptions& options) {
  return options.mime_support == 2 || (options.mime_support == 1 && request.smime);
}

void write_2_5(const BodySource& source, const BodyRequest& request, const BodyOptions& options,
               wbxml::Encoder& out) {
  if (wants_mime(request, options)) {
    const auto& limit = options.mime_truncation ? options.mime_truncation : options.truncation;
    const std::string_view data = storage::utf8_prefix(request.stored, limit_of(limit));
    out.text(mail::kMIMETruncated, data.size() < request.stored.size() ? "1" : "0");
    out.number(mail::kMIMESize, static_cast<std::int64_t>(request.stored.size()));
    if (!data.empty()) write_stored(mail::kMIMEData, data, out);
    return;
  }
  const BodyText body = source.read(BodyType::plain, limit_of(options.truncation));
  out.text(mail::kBodyTruncated, body.truncated ? "1" : "0");
  out.number(mail::kBodySize, static_cast<std::int64_t>(body.size));
  if (!body.data.empty()) out.text(mail::kBody, body.data);
}

// The preferences that can be met, the one to be tried first in front. [MS-ASAIRS] 2.2.2.3.2
std::vector<BodyPreference> order_preferences(const BodySource& source, const BodyRequest& request,
                                              const BodyOptions& options) {
  std::vector<BodyPreference> ordered;
  std::vector<BodyPreference> others;
  const BodyPreference* mime = nullptr;
  for (const BodyPreference& preference : options.preferences) {
    if (preference.type == BodyType::mime) {
      mime = &preference;
    } else if (preference.type == source.native_type()) {
      ordered.push_back(preference);
    } else if (preference.type != BodyType::rtf) {
      others.push_back(preference);
    }
  }
  ordered.insert(ordered.end(), others.begin(), others.end());
  if (mime != nullptr && wants_mime(request, options)) {
    BodyPreference first = *mime;
    if (!first.truncation_size) first.truncation_size = options.mime_truncation;
    ordered.insert(ordered.begin(), first);
  }
  if (ordered.empty()) {
    // Nothing asked for, or only forms that are not to be had: the native one, cut as asked.
    BodyPreference native;
    if (!options.preferences.empty()) native = options.preferences.front();
    native.type = options.preferences.empty() ? BodyType::plain : source.native_type();
    ordered.push_back(native);
  }
  return ordered;
}

struct Body {
  BodyType type = BodyType::plain;
  std::string text;         // not for mime
  std::string_view stored;  // for mime
  bool truncated = false;
  std::uint64_t size = 0;
  std::uint32_t preview = 0;
  bool empty() const { return type == BodyType::mime ? stored.empty() : text.empty(); }
};

Body read_body(const BodySource& source, const BodyRequest& request,
               const BodyPreference& preference) {
  Body body;
  body.type = preference.type;
  body.preview = preference.preview;
  const std::size_t limit = limit_of(preference.truncation_size);
  if (preference.type == BodyType::mime) {
    body.stored = storage::utf8_prefix(request.stored, limit);
    body.truncated = body.stored.size() < request.stored.size();
    body.size = request.stored.size();
    return body;
  }
  BodyText text = source.read(preference.type, limit);
  body.text = std::move(text.data);
  body.truncated = text.truncated;
  body.size = text.size;
  return body;
}

Body choose_body(const BodySource& source, const BodyRequest& request, const BodyOptions& options) {
  std::optional<Body> refused;
  for (const BodyPreference& preference : order_preferences(source, request, options)) {
    Body body = read_body(source, request, preference);
    if (!body.truncated || !preference.all_or_none || !preference.truncation_size) return body;
    body.text.clear();
    body.stored = {};
    if (!refused) refused = std::move(body);
  }
  return std::move(*refused);
}

// The children in the order of [MS-ASAIRS] 2.2.2.10. The message part is the message's own text,
// quotes included: what was quoted by hand cannot be told from what was written.
void write_body_part(const BodySource& source, const BodyPreference& wanted, wbxml::Encoder& out) {
  constexpr int kSuccess = 1;
  BodyText body = source.read(BodyType::html, limit_of(wanted.truncation_size));
  if (body.truncated && wanted.all_or_none) body.data.clear();
  out.start(base::kBodyPart);
  out.number(base::kStatus, kSuccess);
  out.number(base::kType, static_cast<int>(BodyType::html));
  out.number(base::kEstimatedDataSize, static_cast<std::int64_t>(body.size));
  if (body.truncated) out.text(base::kTruncated, "1");
  if (!body.data.empty()) out.text(base::kData, body.data);
  if (wanted.preview > 0) {
    const std::string preview = source.preview(wanted.preview);
    if (!preview.empty()) out.text(base::kPreview, preview);
  }
  out.end();
}

void write_airsync_base(const BodySource& source, const BodyRequest& request,
                        const BodyOptions& options, wbxml::Encoder& out) {
  Body body = choose_body(source, request, options);
  if (options.without_data) {
    body.text.clear();
    body.stored = {};
    body.truncated = true;
  }
  out.start(base::kBody);
  out.number(base::kType, static_cast<int>(body.type));
  out.number(base::kEstimatedDataSize, static_cast<std::int64_t>(body.size));
  // Required with MIME ([MS-ASCMD] 2.2.3.110.3); elsewhere left out when the body is whole.
  if (body.truncated || body.type == BodyType::mime) {
    out.text(base::kTruncated, body.truncated ? "1" : "0");
  }
  if (body.type == BodyType::mime) {
    if (!body.empty()) write_stored(base::kData, body.stored, out);
  } else if (!body.empty()) {
    out.text(base::kData, body.text);
  }
  // [MS-ASAIRS] 2.2.2.35.1: not beside the data of a plain body.
  const bool shown = body.type == BodyType::plain && !body.empty();
  if (body.preview > 0 && !shown && request.version >= Version::v14_0) {
    const std::string preview = source.preview(body.preview);
    if (!preview.empty()) out.text(base::kPreview, preview);
  }
  out.end();
}

bool starts_url(std::string_view word) {
  if (word.size() < 4 || std::string_view("hwmcHWMC").find(word[0]) == std::string_view::npos) {
    return false;
  }
  for (const std::string_view scheme : {"http://", "https://", "www.", "mailto:", "cid:"}) {
    if (storage::starts_with_ignore_case(word, scheme)) return true;
  }
  return false;
}

// A word of a preview: without addresses of the web and without lines drawn in characters.
std::string_view preview_word(std::string_view word) {
  while (!word.empty() && (word.front() == '<' || word.front() == '(' || word.front() == '[')) {
    if (!starts_url(word.substr(1))) break;
    word.remove_prefix(1);
  }
  if (starts_url(word) || word == ">") return {};
  const std::size_t different = word.find_first_not_of(word.empty() ? '\0' : word.front());
  const bool line = word.size() >= 3 && different == std::string_view::npos &&
                    std::string_view("-_=*~#>.").find(word.front()) != std::string_view::npos;
  return line ? std::string_view() : word;
}

// White space and invisible characters that mails are filled with behind their hidden first line.
std::size_t filler_length(std::string_view text) {
  const char c = text.front();
  if (c == ' ' || c == '\t' || c == '\r' || c == '\n') return 1;
  if (c != '\xC2' && c != '\xCD' && c != '\xE2' && c != '\xEF') return 0;
  for (const std::string_view filler :
       {"\xC2\xA0", "\xC2\xAD", "\xCD\x8F", "\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D",
        "\xE2\x80\x8E", "\xE2\x80\x8F", "\xE2\x80\x87", "\xE2\x80\xAF", "\xEF\xBB\xBF"}) {
    if (text.starts_with(filler)) return filler.size();
  }
  return 0;
}

}  // namespace

BodyText BodySource::read(BodyType type, std::size_t max_size) const {
  BodyText body =
      type == BodyType::html ? read_html(max_size) : read_plain(max_size, max_size > kShortText);
  // Phones stumble over an empty body, so an empty message is an empty line.
  if (!body.truncated && is_blank(body.data)) {
    body.data = "\r\n";
    body.truncated = false;
    cut(body, max_size);
  }
  return body;
}

BodyText BodySource::read_plain(std::size_t max_size, bool links) const {
  BodyText body;
  for (const Segment& segment : structure_.segments) {
    if (segment.in_earlier_plain) continue;
    if (body.data.size() > max_size) {
      body.truncated = true;
      GMimePart* rest = segment.plain != nullptr ? segment.plain : segment.html;
      body.size += mime_.raw_content(rest).size();
      continue;
    }
    if (!body.data.empty() && !body.data.ends_with('\n')) body.data += "\r\n";
    bool complete = true;
    PartText text;
    if (segment.plain != nullptr) text = part_text(mime_, segment.plain, max_size);
    if (segment.plain != nullptr && (segment.html == nullptr || !is_blank(text.text))) {
      const std::size_t before = body.data.size();
      const std::size_t used = append_clean_lines(body.data, text.text, max_size);
      complete = text.complete && used == text.text.size();
      body.size += complete ? body.data.size() - before
                            : scale(body.data.size() - before, text.estimated, used);
    } else {
      body.size += append_html_as_text(mime_, segment.html, max_size, links, body.data, complete);
    }
    if (!complete) body.truncated = true;
  }
  cut(body, max_size);
  return body;
}

BodyText BodySource::read_html(std::size_t max_size) const {
  BodyText body;
  if (!has_html_) {
    BodyText text = read_plain(max_size, true);
    if (is_blank(text.data)) return text;
    body.data = html::text_to_html(text.data);
    body.truncated = text.truncated;
    body.size = scale(body.data.size(), text.size, text.data.size());
    cut(body, max_size);
    return body;
  }
  for (const Segment& segment : structure_.segments) {
    if (body.data.size() > max_size) {
      GMimePart* rest = segment.html != nullptr ? segment.html : segment.plain;
      body.size += mime_.raw_content(rest).size();
      continue;
    }
    const bool is_html = segment.html != nullptr;
    PartText text = part_text(mime_, is_html ? segment.html : segment.plain, max_size);
    if (!text.complete) body.truncated = true;
    body.size += text.estimated;
    if (is_html) {
      set_meta_charset_utf8(text.text);
    } else {
      text.text = "<div>" + html::text_to_html_fragment(text.text) + "</div>\r\n";
    }
    if (body.data.empty() && is_clean_utf8(text.text)) {
      body.data = std::move(text.text);
    } else if (body.data.empty()) {
      append_clean(body.data, text.text);
    } else {
      std::string clean;
      append_clean(clean, text.text);
      insert_into_document(body.data, clean);
    }
  }
  cut(body, max_size);
  return body;
}

std::string BodySource::preview(std::size_t max_units) const {
  const std::string source = read_plain(max_units * 4 + kPreviewText, false).data;
  std::string text;
  std::string_view rest = source;
  while (!rest.empty() && text.size() < max_units * 4 + kSlack) {
    std::size_t length = 0;
    while (length < rest.size() && filler_length(rest.substr(length)) == 0) ++length;
    const std::string_view word = preview_word(rest.substr(0, length));
    if (!word.empty() && !text.empty()) text += ' ';
    text += word;
    rest.remove_prefix(length);
    while (!rest.empty() && filler_length(rest) > 0) rest.remove_prefix(filler_length(rest));
  }
  return std::string(storage::trim(utf16_prefix(text, max_units)));
}

void write_body(const BodySource& source, const BodyRequest& request, const BodyOptions& options,
                wbxml::Encoder& out) {
  if (request.version < Version::v12_0) return write_2_5(source, request, options, out);
  // Only a part was asked for: then there is no Body. [MS-ASCON] 3.2.5.7
  const bool part = options.part && request.version >= Version::v14_1;
  if (!part || !options.preferences.empty()) write_airsync_base(source, request, options, out);
  if (part) write_body_part(source, *options.part, out);
}

}  // namespace eas::email
