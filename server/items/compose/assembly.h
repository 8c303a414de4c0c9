// Puts a message together from its body texts and parts, each part as it stands: nothing that was
// encoded before is encoded again. RFC 2045, 2046, 2387. Pure, thread-safe.
//
//   multipart/mixed                 when something is attached
//     multipart/related             when the HTML shows parts
//       multipart/alternative       when there is more than one rendition
//         text/plain, text/html
//       related …
//     attached …
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/items/email/structure.h"
#include "storage/base/clock.h"

namespace eas::compose {

// One MIME entity. `borrowed` is its body when `owned` is empty; it must outlive the entity.
struct Entity {
  std::string header;  // its fields, each with its CRLF
  std::string owned;
  std::string_view borrowed;
  std::string_view body() const { return owned.empty() ? borrowed : std::string_view(owned); }
};

struct Assembly {
  // UTF-8 with any line ends. Neither: an empty plain text stands for the body.
  std::optional<std::string> plain;
  std::optional<std::string> html;
  std::vector<Entity> renditions;  // further ones of the same, for instance text/calendar
  std::vector<Entity> related;
  std::vector<Entity> attached;
  // Instead of all texts, renditions and related parts: the body as one entity that must stay what
  // it is.
  std::optional<Entity> whole_body;
};

struct Assembled {
  std::string bytes;
  // The part numbers (structure.h) of `related` and `attached`, in their order.
  std::vector<std::string> related;
  std::vector<std::string> attached;
};

// `header`: the fields of the message without those of its body (is_mime_field), each with its
// line end. The same input gives the same bytes.
Assembled assemble(std::string_view header, const Assembly& parts);

// A part of a parsed message with its header, as it stands there; binary ones become base64, which
// every mail server takes. It borrows from the parsed bytes.
Entity entity_of(const email::Mime& mime, const email::AttachedPart& part);

// The body of a message as an entity: its MIME fields and all that follows the header.
Entity body_entity(std::string_view message);

// A message as an attachment, byte for byte. Borrows `message`.
Entity message_entity(std::string_view message, std::string_view name);

struct File {
  std::string name;          // for the user, UTF-8
  std::string content_type;  // "" when not known
  std::string content_id;    // without angle brackets; "" for none
  std::string content_location;
  bool is_inline = false;
};
// An attachment from its bytes.
Entity file_entity(const File& file, std::string_view bytes);

// Signed or encrypted: what no longer is what it was when anything in it changes.
bool is_sealed(const email::Mime& mime);

// A value for a header field, encoded (RFC 2047) where it must be, without line ends of its own.
std::string encode_text(std::string_view utf8);

// The Date field, with its CRLF.
std::string date_field(storage::UnixMillis time);

}  // namespace eas::compose
