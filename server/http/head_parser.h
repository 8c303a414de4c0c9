// The strict parser of a request head (RFC 9112 sections 2 to 6): pure, no I/O, no state.
// What is ambiguous is refused, because a proxy in front might read it the other way (request
// smuggling): two Content-Lengths, Content-Length with Transfer-Encoding, bare CR or LF, folded
// lines, white space before the colon. The body is request_framer's and chunked_decoder's part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tl/expected.hpp>

#include "server/http/exchange.h"
#include "server/http/frame_error.h"

namespace http {

struct FramerLimits {
  std::size_t max_head = 32u << 10;   // request line and headers, with the final empty line
  std::size_t max_target = 8u << 10;  // path and query
  std::size_t max_path = 256;
  int max_headers = 100;
};

struct ParsedHead {
  HttpRequest request;  // method, path, query and headers are set
  bool keep_alive = true;
  bool chunked = false;
  bool expect_continue = false;
  std::optional<std::uint64_t> content_length;  // never together with `chunked`
};

// Parses `head`: from the first byte of the request line up to and with the empty line. Every LF in
// it must follow a CR (the framer has checked that).
tl::expected<ParsedHead, FrameError> parse_head(std::string_view head, const FramerLimits& limits);

}  // namespace http
