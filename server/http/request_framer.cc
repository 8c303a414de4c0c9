#include "server/http/request_framer.h"

#include <algorithm>
#include <utility>

namespace http {

RequestFramer::Step RequestFramer::next(std::string_view input) {
  switch (state_) {
    case State::head:
      return read_head(input);
    case State::limit:
      return fail(500, "no body limit was set");
    case State::counted:
      return read_counted(input);
    case State::chunked:
      return read_chunked(input);
    case State::complete:
      return {Event::complete, 0, {}};
    case State::failed:
      break;
  }
  return {Event::error, 0, {}};
}

RequestFramer::Step RequestFramer::fail(int status, const char* reason) {
  state_ = State::failed;
  error_ = FrameError{status, reason};
  return {Event::error, 0, {}};
}

// Walks from line end to line end, so that a bare LF is refused at once and not when the head would
// end, which it then never does. A head that lies in one input is parsed in place.
RequestFramer::Step RequestFramer::read_head(std::string_view input) {
  const std::size_t before = text_.size();
  std::size_t at = 0;
  while (true) {
    const std::size_t lf = input.find('\n', at);
    const std::size_t end = lf == std::string_view::npos ? input.size() : lf + 1;
    if (before + end > limits_.max_head) {
      return line_start_ == 0 ? fail(414, "request line too long") : fail(431, "head too large");
    }
    if (lf == std::string_view::npos) break;
    const char previous = lf > 0 ? input[lf - 1] : (before > 0 ? text_.back() : '\0');
    if (previous != '\r') return fail(400, "bare LF in the head");
    const bool empty_line = before + end - line_start_ == 2;
    line_start_ = before + end;
    at = end;
    if (!empty_line) continue;
    if (line_start_ > 2) {
      if (before == 0) return finish_head(input.substr(0, end), end);
      text_ += input.substr(0, end);
      return finish_head(text_, end);
    }
    if (saw_empty_line_) return fail(400, "empty lines before the request");
    saw_empty_line_ = true;
    text_.clear();
    line_start_ = 0;
    Step rest = read_head(input.substr(end));
    rest.consumed += end;
    return rest;
  }
  text_ += input;
  return {Event::need_more, input.size(), {}};
}

RequestFramer::Step RequestFramer::finish_head(std::string_view head, std::size_t consumed) {
  auto parsed = parse_head(head, limits_);
  if (!parsed) return fail(parsed.error().status, parsed.error().reason);
  head_ = std::move(*parsed);
  text_ = {};
  state_ = State::limit;
  return {Event::head, consumed, {}};
}

void RequestFramer::set_body_limit(std::uint64_t limit) {
  if (state_ != State::limit) return;
  if (head_.chunked) {
    chunks_.emplace(limit);
    state_ = State::chunked;
    return;
  }
  left_ = head_.content_length.value_or(0);
  if (left_ > limit) {
    fail(413, "body over the limit");
    return;
  }
  state_ = left_ == 0 ? State::complete : State::counted;
}

RequestFramer::Step RequestFramer::read_counted(std::string_view input) {
  const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  if (take == 0) return {};
  left_ -= take;
  if (left_ == 0) state_ = State::complete;
  return {Event::body, take, input.substr(0, take)};
}

RequestFramer::Step RequestFramer::read_chunked(std::string_view input) {
  const ChunkedDecoder::Step step = chunks_->next(input);
  switch (step.event) {
    case ChunkedDecoder::Event::need_more:
      return {Event::need_more, step.consumed, {}};
    case ChunkedDecoder::Event::data:
      return {Event::body, step.consumed, step.data};
    case ChunkedDecoder::Event::complete:
      state_ = State::complete;
      return {Event::complete, step.consumed, {}};
    case ChunkedDecoder::Event::error:
      break;
  }
  Step failed = fail(chunks_->error().status, chunks_->error().reason);
  failed.consumed = step.consumed;
  return failed;
}

}  // namespace http
