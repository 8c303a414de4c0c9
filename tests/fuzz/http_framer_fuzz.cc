// Fuzzes http::RequestFramer. The first byte says how the rest is cut into pieces. Besides crashes
// this checks that the verdict does not depend on the cuts, that the framer never consumes more
// than it was given, and that no body passes its limit.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http/request_framer.h"

namespace {

constexpr std::size_t kBodyLimit = 4096;

struct Verdict {
  http::RequestFramer::Event event = http::RequestFramer::Event::need_more;
  int status = 0;
  std::size_t consumed = 0;
  std::string body;
  std::string head;
};

void require(bool good) {
  if (!good) std::abort();
}

Verdict run(std::string_view input, std::size_t step) {
  using Event = http::RequestFramer::Event;
  http::RequestFramer framer({});
  Verdict verdict;
  std::string_view piece;
  while (true) {
    const http::RequestFramer::Step result = framer.next(piece);
    require(result.consumed <= piece.size());
    piece.remove_prefix(result.consumed);
    verdict.consumed += result.consumed;
    verdict.event = result.event;
    switch (result.event) {
      case Event::head:
        verdict.head =
            framer.request().method + " " + framer.request().path + "?" + framer.request().query;
        for (const http::Header& header : framer.request().headers) {
          require(header.second.find_first_of("\r\n") == std::string::npos);
          verdict.head += "\n" + header.first + ":" + header.second;
        }
        framer.set_body_limit(kBodyLimit);
        break;
      case Event::body:
        require(!result.body.empty());
        verdict.body += result.body;
        require(verdict.body.size() <= kBodyLimit);
        break;
      case Event::need_more:
        require(piece.empty());
        if (input.empty()) return verdict;
        piece = input.substr(0, step);
        input.remove_prefix(piece.size());
        break;
      case Event::complete:
        return verdict;
      case Event::error:
        verdict.status = framer.error().status;
        require(verdict.status >= 400 && verdict.status < 600);
        return verdict;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const Verdict whole = run(input, input.size() + 1);
  const Verdict pieces = run(input, data[0] % 64 + 1u);
  require(whole.event == pieces.event);
  if (whole.event == http::RequestFramer::Event::error) return 0;
  require(whole.consumed == pieces.consumed);
  require(whole.head == pieces.head);
  require(whole.body == pieces.body);
  return 0;
}
