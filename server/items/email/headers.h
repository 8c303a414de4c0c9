// The envelope of a message in the form phones show it: decoded addresses, subject, topic,
// importance. [MS-ASEMAIL] 2.2.2.18, .29, .36, .38, .66, .70, .75.1, .77, .79. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/items/email/mime.h"

namespace eas::email {

// An unstructured header (Subject) decoded to one clean line: RFC 2047 words, raw UTF-8 (RFC 6532),
// and raw bytes in a guessed charset.
std::string decode_header(std::string_view raw);

struct Address {
  std::string name;  // "" when there is none
  std::string address;
};

// An address header decoded; groups are flattened. What is no address is left out, and so is all of
// a header that is made to take long.
std::vector<Address> parse_addresses(std::string_view raw);

// `"Name" <addr>`; without a name the address stands for it. Whole addresses only, up to
// `max_units` UTF-16 characters.
std::string format_addresses(const std::vector<Address>& addresses, std::string_view separator,
                             std::size_t max_units);

struct Envelope {
  std::string from;
  std::string to;
  std::string cc;
  std::string bcc;
  std::string reply_to;
  std::string sender;      // only when somebody else than `from` sent it
  std::string display_to;  // names alone, as are the next two
  std::string display_cc;
  std::string display_bcc;
  std::string subject;
  std::string thread_topic;
  int importance = 1;  // 0 low, 1 normal, 2 high
};

Envelope read_envelope(const Mime& mime);

// What the thread is called: Thread-Topic, else the subject without its prefixes.
std::string thread_topic_of(const Mime& mime);

// The subject without "Re:", "Fwd:", "AW:", … in front of it.
std::string_view topic_of(std::string_view subject);

}  // namespace eas::email
