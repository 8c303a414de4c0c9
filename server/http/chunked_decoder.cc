#include "server/http/chunked_decoder.h"

#include <algorithm>

namespace http {
namespace {

constexpr std::size_t kMaxSizeLine = 1024;  // size, extensions and CRLF
constexpr std::size_t kMaxTrailers = 8192;
constexpr std::size_t kMaxSizeDigits = 15;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool ChunkedDecoder::refuse(int status, const char* reason) {
  error_ = FrameError{status, reason};
  return false;
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) {
  std::size_t consumed = 0;
  while (state_ != State::data) {
    const std::size_t end = input.find('\n', consumed);
    const std::size_t stop = end == std::string_view::npos ? input.size() : end + 1;
    const bool accepted = take_line_part(input.substr(consumed, stop - consumed));
    consumed = stop;
    if (!accepted) return {complete_ ? Event::complete : Event::error, consumed, {}};
    if (end == std::string_view::npos) return {Event::need_more, consumed, {}};
  }
  Step step = read_data(input.substr(consumed));
  step.consumed += consumed;
  return step;
}

ChunkedDecoder::Step ChunkedDecoder::read_data(std::string_view input) {
  const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  if (take == 0) return {};
  left_ -= take;
  if (left_ == 0) state_ = State::data_end;
  return {Event::data, take, input.substr(0, take)};
}

// Gathers one line: a chunk's size, the empty line behind its data, or a trailer field.
bool ChunkedDecoder::take_line_part(std::string_view part) {
  const std::size_t limit = state_ == State::trailer ? kMaxTrailers - trailer_bytes_ : kMaxSizeLine;
  if (line_.size() + part.size() > limit) return refuse(400, "chunk line too long");
  line_ += part;
  if (!line_.ends_with('\n')) return true;
  if (!line_.ends_with("\r\n")) return refuse(400, "bare LF in a chunked body");
  line_.resize(line_.size() - 2);
  const bool more = finish_line();
  line_.clear();
  return more;
}

bool ChunkedDecoder::finish_line() {
  if (state_ == State::size_line) return parse_size();
  if (state_ == State::data_end) {
    if (!line_.empty()) return refuse(400, "chunk data without CRLF");
    state_ = State::size_line;
    return true;
  }
  if (line_.empty()) {
    complete_ = true;
    return false;
  }
  trailer_bytes_ += line_.size() + 2;
  if (line_.find(':') == std::string::npos) return refuse(400, "bad trailer");
  return true;
}

bool ChunkedDecoder::parse_size() {
  std::uint64_t size = 0;
  std::size_t digits = 0;
  for (; digits < line_.size() && hex_value(line_[digits]) >= 0; ++digits) {
    if (digits >= kMaxSizeDigits) return refuse(400, "chunk size too long");
    size = size * 16 + static_cast<std::uint64_t>(hex_value(line_[digits]));
  }
  const std::size_t rest = line_.find_first_not_of(" \t", digits);
  if (digits == 0 || (rest != std::string::npos && line_[rest] != ';')) {
    return refuse(400, "bad chunk size");
  }
  for (const char c : line_) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return refuse(400, "bad chunk line");
  }
  if (size > max_body_ - decoded_) return refuse(413, "body over the limit");
  decoded_ += size;
  left_ = size;
  state_ = size == 0 ? State::trailer : State::data;
  return true;
}

}  // namespace http
