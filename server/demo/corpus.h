// A mailbox of made-up mail: message `index` of `count`, always the same for the same seed and
// recipient. Index 0 is the oldest. Plain, HTML, alternative, with attachments, inline pictures and
// forwarded messages; many charsets and transfer encodings; threads; 2 kB to 100 kB.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/clock.h"

namespace demo {

// What a message is made of.
enum class Shape {
  plain,
  html,
  alternative,
  related,     // alternative with an inline picture (cid:)
  attached,    // text and one to three files
  forwarded,   // text and a message/rfc822
  newsletter,  // long HTML
  unlabelled,  // raw 8-bit bytes without a charset, as old programs send them
};
inline constexpr int kShapes = 8;

struct Recipient {
  std::string address;
  std::string name;
};

struct DemoMessage {
  std::string bytes;             // RFC 5322; LF line ends, in some CRLF, as mail servers store them
  storage::UnixMillis date = 0;  // received; the Date header is shortly before
  bool seen = false;
  bool flagged = false;
  bool answered = false;
  Shape shape = Shape::plain;
};

// Immutable after construction, which takes some 50 ms; thread-safe.
class Corpus {
 public:
  explicit Corpus(std::uint64_t seed);
  ~Corpus();
  Corpus(const Corpus&) = delete;
  Corpus& operator=(const Corpus&) = delete;

  // REQUIRES: 0 <= index < count. The dates end shortly before `now`: a quarter lies within three
  // days, nearly all within two months.
  DemoMessage message(const Recipient& to, int index, int count, storage::UnixMillis now) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace demo
