// Field names and not words stand above the quoted text, since the server does not know the
// language of either side. HTML is cut with a small scanner: where it errs on broken markup the
// text is still all there.
#include "server/items/compose/quote.h"

#include <algorithm>

#include "server/items/charset.h"
#include "server/items/clean_text.h"
#include "server/items/email/headers.h"
#include "server/items/html/text_to_html.h"
#include "storage/base/text.h"

namespace eas::compose {
namespace {

constexpr std::size_t npos = std::string_view::npos;

struct Line {
  std::string_view name;
  const std::string& value;
};

template <typename Write>
void each_line(const Citation& citation, const Write& write) {
  const Line lines[] = {{"From", citation.from},
                        {"Sent", citation.sent},
                        {"To", citation.to},
                        {"Cc", citation.cc},
                        {"Subject", citation.subject}};
  for (const Line& line : lines) {
    if (!line.value.empty()) write(line.name, line.value);
  }
}

std::string_view title_of(Kind kind) {
  return kind == Kind::reply ? "-----Original Message-----" : "-----Forwarded Message-----";
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else {
      result += c;
    }
  }
  return result;
}

// The position of "<name" as a whole tag name in lower case text; npos when there is none.
std::size_t find_tag(std::string_view lower, std::string_view name, std::size_t from = 0) {
  const std::string tag = "<" + std::string(name);
  for (std::size_t at = from; (at = lower.find(tag, at)) != npos; at += tag.size()) {
    const std::size_t end = at + tag.size();
    if (end >= lower.size()) return npos;
    const char c = lower[end];
    if (c == '>' || c == '/' || c == ' ' || c == '\t' || c == '\r' || c == '\n') return at;
  }
  return npos;
}

// Behind the tag that begins at `at`.
std::size_t behind_tag(std::string_view lower, std::size_t at) {
  char quote = '\0';
  for (std::size_t i = at; i < lower.size(); ++i) {
    const char c = lower[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return i + 1;
    }
  }
  const std::size_t end = lower.find('>', at);  // an open quote: the next best
  return end == npos ? lower.size() : end + 1;
}

struct Content {
  std::string styles;  // the style elements of the head
  std::string_view body;
};

Content content_of(std::string_view document) {
  const std::string lower = storage::to_lower(document);
  Content content;
  std::size_t start = 0;
  if (const std::size_t body = find_tag(lower, "body"); body != npos) {
    start = behind_tag(lower, body);
  } else if (const std::size_t head = lower.find("</head"); head != npos) {
    start = behind_tag(lower, head);
  } else if (const std::size_t html = find_tag(lower, "html"); html != npos) {
    start = behind_tag(lower, html);
  }
  std::size_t end = lower.rfind("</body");
  if (end == npos || end < start) end = lower.rfind("</html");
  if (end == npos || end < start) end = lower.size();
  content.body = document.substr(start, end - start);
  const std::string_view head(lower.data(), start);
  for (std::size_t at = 0; (at = find_tag(head, "style", at)) != npos;) {
    const std::size_t close = head.find("</style", at);
    if (close == npos) break;
    const std::size_t stop = behind_tag(head, close);
    content.styles += document.substr(at, stop - at);
    at = stop;
  }
  return content;
}

std::string quoted_html(std::string_view original, const Citation& citation, Kind kind) {
  const Content content = content_of(original);
  std::string html = "<br>\r\n<div>";
  html += title_of(kind);
  each_line(citation, [&](std::string_view name, const std::string& value) {
    html += "<br>\r\n<b>";
    html += name;
    html += ":</b> " + escaped(value);
  });
  html += "</div><br>\r\n";
  html += kind == Kind::reply ? "<blockquote type=\"cite\">" : "<div>";
  html += content.styles;
  html += content.body;
  html += kind == Kind::reply ? "</blockquote>\r\n" : "</div>\r\n";
  return html;
}

}  // namespace

Citation citation_of(const email::Mime& original) {
  const email::Envelope envelope = email::read_envelope(original);
  Citation citation;
  citation.from = envelope.from;
  citation.sent = single_line(original.header("Date"));
  citation.to = envelope.to;
  citation.cc = envelope.cc;
  citation.subject = envelope.subject;
  return citation;
}

std::string join_plain(std::string_view own, std::string_view original, const Citation& citation,
                       Kind kind) {
  std::string text(own);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  text += text.empty() ? "\r\n" : "\r\n\r\n";
  text += title_of(kind);
  text += "\r\n";
  each_line(citation, [&](std::string_view name, const std::string& value) {
    text += name;
    text += ": " + value + "\r\n";
  });
  text += "\r\n";
  if (kind == Kind::forward) {
    text += original;
    if (!text.ends_with('\n')) text += "\r\n";
    return text;
  }
  while (original.ends_with('\n') || original.ends_with('\r')) original.remove_suffix(1);
  std::size_t at = 0;
  while (at <= original.size()) {
    const std::size_t end = std::min(original.find('\n', at), original.size());
    std::string_view line = original.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    text += line.starts_with('>') ? ">" : "> ";
    text += line;
    text += "\r\n";
    at = end + 1;
  }
  return text;
}

std::string join_html(std::string_view own, std::string_view original, const Citation& citation,
                      Kind kind) {
  std::string document(own);
  set_meta_charset_utf8(document);
  const std::string quote = quoted_html(original, citation, kind);
  const std::string lower = storage::to_lower(document);
  std::size_t end = lower.rfind("</body");
  if (end == npos) end = lower.rfind("</html");
  document.insert(end == npos ? document.size() : end, quote);
  return document;
}

}  // namespace eas::compose
