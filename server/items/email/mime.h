// The GMime adapter: one parse of a stored message without copying it, and access to the raw bytes
// of its parts. Nothing else here knows GMime's streams. One thread per object.
#pragma once

#include <gmime/gmime.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace eas::email {

// Before any other use of GMime; does its work once. Thread-safe.
void init_gmime();

// Whether GMime reads this header field in bounded time: its work grows with the number of encoded
// words that begin, times the distance to where they end.
bool can_parse_words(std::string_view field);

// A parsed message. Keeps views into the bytes that were parsed: they must outlive it.
class Mime {
 public:
  // too_large: beyond what is read at all (1 GiB, or a header block over 1 MiB or 20,000 lines, or
  // full of encoded words without ends). invalid: no message in it. A message with absurdly many
  // parts, or parts with such headers, is read as far as the limit.
  static storage::Result<Mime> parse(std::string_view bytes);
  Mime(Mime&& other) noexcept;
  Mime& operator=(Mime&&) = delete;
  ~Mime();

  GMimeMessage* message() const { return message_; }
  GMimeObject* root() const { return g_mime_message_get_mime_part(message_); }  // may be null
  std::string_view bytes() const { return bytes_; }

  // The value of a header of the message as it stands there, folded; "" when there is none.
  std::string_view header(const char* name) const;

  // The encoded bytes of a leaf part; "" when it has none.
  std::string_view raw_content(GMimePart* part) const;

  // The bytes of an embedded message; `boundary` is that of the multipart it stands in, null when
  // it is the root.
  std::string_view raw_message(GMimeMessagePart* part, const char* boundary) const;

 private:
  Mime(std::string_view bytes, GByteArray* array, GMimeMessage* message)
      : bytes_(bytes), array_(array), message_(message) {}
  std::size_t last_content_end(GMimeObject* object, int depth) const;

  std::string_view bytes_;
  GByteArray* array_ = nullptr;  // borrows bytes_
  GMimeMessage* message_ = nullptr;
};

// The raw value of a header of any part; "" when there is none.
std::string_view header_of(GMimeObject* object, const char* name);

// A parameter of its Content-Type; "" when there is none.
std::string_view content_type_parameter(GMimeObject* object, const char* name);

// "text/html" in lower case.
std::string content_type_of(GMimeObject* object);
bool has_type(GMimeObject* object, const char* type, const char* subtype);  // "*": any

struct Decoded {
  std::string bytes;
  std::size_t used = 0;  // of the encoded bytes
};

// Undoes the transfer encoding; stops soon after the result has more than `max_size` bytes.
Decoded decode_transfer(std::string_view raw, GMimeContentEncoding encoding, std::size_t max_size);

// How many bytes that gives, without doing it: exact but for quoted-printable and uuencode.
std::uint64_t estimate_decoded_size(std::string_view raw, GMimeContentEncoding encoding);

}  // namespace eas::email
