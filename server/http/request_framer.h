// Finds one request in a stream of bytes: head, body, end. Pure (no sockets, no clock, no files),
// so it is tested by tables, byte by byte, and fuzzed. Strict where HTTP is ambiguous; see
// head_parser.h. One thread.
//
//   need_more* → head → (body | need_more)* → complete
//
// and `error` at any point, after which the connection must be closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/chunked_decoder.h"
#include "server/http/exchange.h"
#include "server/http/frame_error.h"
#include "server/http/head_parser.h"

namespace http {

class RequestFramer {
 public:
  enum class Event {
    need_more,  // all input is consumed; give the bytes that follow
    head,       // the head is read: look at request(), then call set_body_limit()
    body,       // a piece of the body, decoded
    complete,   // the request ends here; what follows belongs to the next one
    error,      // see error()
  };
  struct Step {
    Event event = Event::need_more;
    std::size_t consumed = 0;  // bytes of the input that are done with
    std::string_view body;     // with `body`: inside the consumed part
  };

  explicit RequestFramer(const FramerLimits& limits) : limits_(limits) {}

  // Looks at `input` and reports the next event. Call again with what follows the consumed part,
  // also when that is empty, until need_more, complete or error.
  Step next(std::string_view input);

  // After `head`, before the next call of next(): bodies over `limit` bytes are refused with 413,
  // by their declared length before a byte of them is read, otherwise as soon as they pass it.
  void set_body_limit(std::uint64_t limit);

  // Valid from `head` on; the body is not in it.
  HttpRequest& request() { return head_.request; }
  bool keep_alive() const { return head_.keep_alive; }
  // The client waits for "100 Continue" before it sends a (non-empty) body.
  bool expects_continue() const { return head_.expect_continue && has_body(); }
  bool has_body() const { return head_.chunked || head_.content_length.value_or(0) > 0; }
  std::optional<std::uint64_t> content_length() const { return head_.content_length; }

  // No byte of a request has come yet.
  bool is_untouched() const { return state_ == State::head && text_.empty() && !saw_empty_line_; }

  const FrameError& error() const { return error_; }

 private:
  enum class State { head, limit, counted, chunked, complete, failed };
  Step read_head(std::string_view input);
  Step finish_head(std::string_view head, std::size_t consumed);
  Step read_counted(std::string_view input);
  Step read_chunked(std::string_view input);
  Step fail(int status, const char* reason);

  FramerLimits limits_;
  State state_ = State::head;
  bool saw_empty_line_ = false;  // one empty line before a request is skipped
  std::size_t line_start_ = 0;   // in text_ followed by the input
  std::string text_;             // the part of the head that came with earlier inputs
  ParsedHead head_;
  std::uint64_t left_ = 0;  // of a counted body
  std::optional<ChunkedDecoder> chunks_;
  FrameError error_;
};

}  // namespace http
