// Escapes, and looks for addresses at the places where one can start.
#include "server/items/html/text_to_html.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "storage/base/text.h"

namespace eas::html {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_url_end(char c) {
  return is_space(c) || c == '<' || c == '>' || c == '"' || static_cast<unsigned char>(c) < 0x20;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_mail_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == '+';
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
}

void append_link(std::string& out, std::string_view scheme, std::string_view text) {
  out += "<a href=\"";
  out += scheme;
  append_escaped(out, text);
  out += "\">";
  append_escaped(out, text);
  out += "</a>";
}

// The length of the web address at the start of `text`, 0 when there is none.
std::size_t url_length(std::string_view text, std::string_view& scheme) {
  scheme = {};
  std::size_t prefix = 0;
  for (const std::string_view known : {"http://", "https://", "ftp://"}) {
    if (storage::starts_with_ignore_case(text, known)) prefix = known.size();
  }
  if (prefix == 0 && storage::starts_with_ignore_case(text, "www.")) {
    prefix = 4;
    scheme = "http://";
  }
  if (prefix == 0) return 0;
  std::size_t end = prefix;
  while (end < text.size() && !is_url_end(text[end])) ++end;
  const auto ends_with_any = [&](std::string_view any) {
    return any.find(text[end - 1]) != std::string_view::npos;
  };
  while (end > prefix && ends_with_any(".,;:!?'")) --end;
  if (end > prefix && text[end - 1] == ')' && text.substr(0, end).find('(') == text.npos) --end;
  return end > prefix ? end : 0;
}

// The length of the mail address at the start of `text`, 0 when there is none.
std::size_t mail_length(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && at < 64 && is_mail_character(text[at])) ++at;
  if (at == 0 || at >= text.size() || text[at] != '@') return 0;
  std::size_t end = at + 1;
  while (end < text.size() && end - at < 255 && is_mail_character(text[end])) ++end;
  while (end > at + 1 && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
  const std::string_view domain = text.substr(at + 1, end - at - 1);
  const std::size_t dot = domain.find('.');
  return dot != std::string_view::npos && dot > 0 ? end : 0;
}

enum Class : std::uint8_t { kCopy, kEscape, kSpace, kAt, kColon, kDot };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  classes['&'] = classes['<'] = classes['>'] = classes['"'] = kEscape;
  classes[' '] = classes['\t'] = classes['\r'] = classes['\n'] = kSpace;
  classes['@'] = kAt;
  classes[':'] = kColon;
  classes['.'] = kDot;
  return classes;
}

constexpr auto kClasses = make_classes();

std::uint8_t class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

bool is_word_start(std::string_view text, std::size_t at) {
  return at == 0 || class_of(text[at - 1]) == kSpace ||
         std::string_view("<([{\"'*_").find(text[at - 1]) != std::string_view::npos;
}

// Writes the mail address around the '@' at `at`, whose first part is in `out` already; returns the
// position after it, or `at` when it is none.
std::size_t append_mail(std::string& out, std::string_view text, std::size_t at) {
  std::size_t from = at;
  while (from > 0 && at - from < 64 && is_mail_character(text[from - 1])) --from;
  const std::size_t length = mail_length(text.substr(from));
  if (length == 0 || !is_word_start(text, from)) return at;
  out.resize(out.size() - (at - from));  // none of its characters was escaped
  append_link(out, "mailto:", text.substr(from, length));
  return from + length;
}

// The same for the web address whose "://", or whose dot after "www", is at `at`.
std::size_t append_url(std::string& out, std::string_view text, std::size_t at) {
  std::size_t from = at;
  while (from > 0 && at - from < 5 && is_letter(text[from - 1])) --from;
  std::string_view scheme;
  const std::size_t length = url_length(text.substr(from), scheme);
  if (length <= at - from || !is_word_start(text, from)) return at;
  out.resize(out.size() - (at - from));
  append_link(out, scheme, text.substr(from, length));
  return from + length;
}

bool may_be_url(std::string_view text, std::size_t at) {
  if (text[at] == ':') return text.substr(at, 3) == "://";
  return at >= 3 && (text[at - 1] == 'w' || text[at - 1] == 'W');
}

// Returns the position after the white space at `at`.
std::size_t append_space(std::string& out, std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == '\r' || c == '\n') {
    out += "<br>\r\n";
    return at + (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1);
  }
  if (c == '\t') {
    out += "&nbsp; &nbsp; ";
    return at + 1;
  }
  // A space at the start of a line or before another one would vanish.
  const bool line_start = at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r';
  const bool run = at + 1 < text.size() && text[at + 1] == ' ';
  out += line_start || run ? "&nbsp;" : " ";
  return at + 1;
}

// Whether a single space at `at` can be copied: it would vanish at the start of a line and beside
// another one.
bool is_single_space(std::string_view text, std::size_t at) {
  return text[at] == ' ' && at > 0 && class_of(text[at - 1]) != kSpace && at + 1 < text.size() &&
         class_of(text[at + 1]) != kSpace;
}

// The end of the run that can be copied: words with single spaces between them, up to what needs
// escaping or could be an address.
std::size_t run_end(std::string_view text, std::size_t at) {
  for (;; ++at) {
    while (at < text.size() && class_of(text[at]) == kCopy) ++at;
    if (at >= text.size()) return at;
    switch (class_of(text[at])) {
      case kSpace:
        if (!is_single_space(text, at)) return at;
        break;
      case kColon:
      case kDot:
        if (may_be_url(text, at)) return at;
        break;
      default:
        return at;
    }
  }
}

}  // namespace

std::string text_to_html_fragment(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 4 + 64);
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = run_end(text, at);
    out.append(text, at, end - at);
    at = end;
    if (at == text.size()) break;
    const std::uint8_t kind = class_of(text[at]);
    if (kind == kSpace) {
      at = append_space(out, text, at);
      continue;
    }
    std::size_t after = at;
    if (kind == kAt) after = append_mail(out, text, at);
    if (kind == kColon || kind == kDot) after = append_url(out, text, at);
    // No address after all: the character itself.
    if (after == at) append_escaped(out, text.substr(at, 1));
    at = std::max(after, at + 1);
  }
  return out;
}

std::string text_to_html(std::string_view text) {
  std::string out =
      "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">"
      "</head><body>\r\n<div>";
  out += text_to_html_fragment(text);
  out += "</div>\r\n</body></html>\r\n";
  return out;
}

}  // namespace eas::html
