#include "server/http/head_parser.h"

#include <string>
#include <utility>

#include "storage/base/text.h"

namespace http {
namespace {

tl::unexpected<FrameError> refuse(int status, const char* reason) {
  return tl::unexpected<FrameError>(FrameError{status, reason});
}

bool is_token_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// An escaped CR, LF or NUL: harmless here, but whoever decodes it later gets a line break.
bool has_escaped_line_break(std::string_view text) {
  for (std::size_t at = text.find("%0"); at != std::string_view::npos;
       at = text.find("%0", at + 1)) {
    if (at + 2 >= text.size()) return false;
    const char digit = text[at + 2];
    if (digit == 'd' || digit == 'D' || digit == 'a' || digit == 'A' || digit == '0') return true;
  }
  return false;
}

// Cuts the next CRLF-terminated line off `head`.
std::string_view next_line(std::string_view& head) {
  const std::size_t end = head.find("\r\n");
  const std::string_view line = head.substr(0, end);
  head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
  return line;
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The path and query of an origin-form ("/path?query"), absolute-form or asterisk-form target.
tl::expected<void, FrameError> parse_target(std::string_view target, const FramerLimits& limits,
                                            HttpRequest& request) {
  if (target.size() > limits.max_target) return refuse(414, "request target too long");
  for (const char c : target) {
    if (is_control(c) || c == ' ') return refuse(400, "control character in the request target");
  }
  if (storage::starts_with_ignore_case(target, "http://") ||
      storage::starts_with_ignore_case(target, "https://")) {
    target.remove_prefix(target.find("//") + 2);
    const std::size_t slash = target.find_first_of("/?");
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const std::size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  if (path.empty() && question == 0) path = "/";
  if (path != "*" && !path.starts_with('/')) return refuse(400, "malformed request target");
  if (path.size() > limits.max_path) return refuse(414, "path too long");
  if (has_escaped_line_break(path)) return refuse(400, "escaped line break in the path");
  request.path = path;
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  return {};
}

tl::expected<void, FrameError> parse_request_line(std::string_view line, const FramerLimits& limits,
                                                  ParsedHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(400, "bad request line");
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method) || method.size() > 32) return refuse(400, "bad method");
  if (version == "HTTP/1.0") {
    head.keep_alive = false;
  } else if (version != "HTTP/1.1") {
    return version.starts_with("HTTP/") ? refuse(505, "HTTP version not supported")
                                        : refuse(400, "bad request line");
  }
  head.request.method = method;
  return parse_target(line.substr(first + 1, last - first - 1), limits, head.request);
}

tl::expected<void, FrameError> parse_header(std::string_view line, HttpRequest& request) {
  if (line.front() == ' ' || line.front() == '\t') return refuse(400, "folded header line");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return refuse(400, "header line without a colon");
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return refuse(400, "bad header name");
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  for (const char c : value) {
    if (is_control(c) && c != '\t') return refuse(400, "control character in a header");
  }
  if (has_escaped_line_break(value)) return refuse(400, "escaped line break in a header");
  request.headers.emplace_back(name, value);
  return {};
}

bool lists_token(std::string_view list, std::string_view token) {
  for (const std::string_view item : storage::split(list, ',')) {
    if (storage::equals_ignore_case(trim_blanks(item), token)) return true;
  }
  return false;
}

tl::expected<std::uint64_t, FrameError> parse_content_length(std::string_view value) {
  if (value.empty() || value.size() > 18) return refuse(400, "bad Content-Length");
  std::uint64_t length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return refuse(400, "bad Content-Length");
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return length;
}

// Counts of the headers of which only one may be there.
struct Seen {
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
};

tl::expected<void, FrameError> apply_header(const Header& header, ParsedHead& head, Seen& seen) {
  const auto& [name, value] = header;
  if (storage::equals_ignore_case(name, "Host")) {
    ++seen.hosts;
  } else if (storage::equals_ignore_case(name, "Content-Length")) {
    ++seen.lengths;
    auto length = parse_content_length(value);
    if (!length) return tl::unexpected<FrameError>(length.error());
    head.content_length = *length;
  } else if (storage::equals_ignore_case(name, "Transfer-Encoding")) {
    ++seen.encodings;
    if (!storage::equals_ignore_case(value, "chunked")) {
      return refuse(501, "transfer coding not supported");
    }
    head.chunked = true;
  } else if (storage::equals_ignore_case(name, "Connection")) {
    if (lists_token(value, "close")) head.keep_alive = false;
  } else if (storage::equals_ignore_case(name, "Expect")) {
    if (!storage::equals_ignore_case(value, "100-continue")) {
      return refuse(417, "expectation not supported");
    }
    head.expect_continue = true;
  }
  return {};
}

tl::expected<void, FrameError> apply_headers(ParsedHead& head, bool is_http10) {
  Seen seen;
  for (const Header& header : head.request.headers) {
    auto applied = apply_header(header, head, seen);
    if (!applied) return applied;
  }
  if (seen.lengths > 1) return refuse(400, "more than one Content-Length");
  if (seen.encodings > 1) return refuse(400, "more than one Transfer-Encoding");
  if (head.chunked && seen.lengths > 0) {
    return refuse(400, "both Content-Length and Transfer-Encoding");
  }
  if (head.chunked && is_http10) return refuse(400, "Transfer-Encoding in HTTP/1.0");
  if (seen.hosts > 1 || (seen.hosts == 0 && !is_http10)) return refuse(400, "not one Host header");
  if (is_http10) head.expect_continue = false;
  return {};
}

}  // namespace

tl::expected<ParsedHead, FrameError> parse_head(std::string_view head, const FramerLimits& limits) {
  ParsedHead parsed;
  auto line = parse_request_line(next_line(head), limits, parsed);
  if (!line) return tl::unexpected<FrameError>(line.error());
  const bool is_http10 = !parsed.keep_alive;
  for (std::string_view text = next_line(head); !text.empty(); text = next_line(head)) {
    if (parsed.request.headers.size() >= static_cast<std::size_t>(limits.max_headers)) {
      return refuse(431, "too many headers");
    }
    auto header = parse_header(text, parsed.request);
    if (!header) return tl::unexpected<FrameError>(header.error());
  }
  auto applied = apply_headers(parsed, is_http10);
  if (!applied) return tl::unexpected<FrameError>(applied.error());
  return parsed;
}

}  // namespace http
