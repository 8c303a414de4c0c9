// The body of a message in the form a phone asks for: [MS-ASAIRS] 2.2.2.9, 2.2.2.12, 2.2.2.40 from
// 12.0 on, Email:Body and Email:MIMEData for 2.5. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "server/items/body_preference.h"
#include "server/items/email/structure.h"
#include "server/protocol_version.h"
#include "wbxml/encoder.h"

namespace eas::email {

inline constexpr std::size_t kWhole = std::numeric_limits<std::size_t>::max();

struct BodyText {
  std::string data;        // UTF-8, at most the bytes asked for
  bool truncated = false;  // there is more
  std::uint64_t size = 0;  // of the whole; an estimate when truncated
};

// Reads body texts out of a parsed message, each time only as far as asked.
class BodySource {
 public:
  BodySource(const Mime& mime, const Structure& structure)
      : mime_(mime), structure_(structure), has_html_(structure.has_html()) {}

  BodyType native_type() const { return has_html_ ? BodyType::html : BodyType::plain; }

  // `type` plain or html; converts when the message lacks that form.
  BodyText read(BodyType type, std::size_t max_size) const;
  // Text of at most `max_units` characters on one line, without addresses of the web.
  std::string preview(std::size_t max_units) const;

 private:
  BodyText read_plain(std::size_t max_size, bool links) const;
  BodyText read_html(std::size_t max_size) const;

  const Mime& mime_;
  const Structure& structure_;
  bool has_html_;
};

struct BodyRequest {
  std::string_view stored;  // the whole message
  bool smime = false;
  Version version = Version::v16_1;
};

// The body elements for the version and what the phone asked: AirSyncBase:Body, or Email:Body,
// BodySize and BodyTruncated, or Email:MIMEData and its companions.
void write_body(const BodySource& source, const BodyRequest& request, const BodyOptions& options,
                wbxml::Encoder& out);

}  // namespace eas::email
