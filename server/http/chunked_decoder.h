// Takes a chunked body apart (RFC 9112 section 7.1): pure, no I/O; gives the data as views into its
// input. Chunk extensions and trailers are read, checked for size, and dropped. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/frame_error.h"

namespace http {

class ChunkedDecoder {
 public:
  enum class Event { need_more, data, complete, error };
  struct Step {
    Event event = Event::need_more;
    std::size_t consumed = 0;  // bytes of the input that are done with
    std::string_view data;     // with `data`: a piece of the body, inside the consumed part
  };

  // Bodies above `max_body` decoded bytes are refused with 413, before the offending chunk is read.
  explicit ChunkedDecoder(std::uint64_t max_body) : max_body_(max_body) {}

  // Call again with what follows the consumed part. After `complete` or `error`: not again.
  Step next(std::string_view input);

  const FrameError& error() const { return error_; }

 private:
  enum class State { size_line, data, data_end, trailer };
  Step read_data(std::string_view input);
  bool take_line_part(std::string_view part);
  bool finish_line();  // false: error_ is set, or the body is complete (complete_)
  bool parse_size();
  bool refuse(int status, const char* reason);

  std::uint64_t max_body_;
  std::uint64_t decoded_ = 0;
  std::uint64_t left_ = 0;  // of the current chunk
  std::size_t trailer_bytes_ = 0;
  State state_ = State::size_line;
  bool complete_ = false;
  std::string line_;
  FrameError error_;
};

}  // namespace http
