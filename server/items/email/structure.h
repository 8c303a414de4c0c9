// Which parts of a message are its body and which are attachments. One walk over the parts, no
// decoding. Pure; the result points into the Mime it was made from.
#pragma once

#include <string>
#include <vector>

#include "server/items/email/mime.h"

namespace eas::email {

// A stretch of the body; most messages have one. Programs that put pictures between paragraphs,
// and mailing lists that add a footer, make several.
struct Segment {
  GMimePart* plain = nullptr;
  GMimePart* html = nullptr;
  bool in_earlier_plain = false;  // an earlier segment's plain text already says this
};

struct AttachedPart {
  GMimeObject* object = nullptr;
  std::string number;              // "2", "1.3": counted from 1 in each multipart
  const char* boundary = nullptr;  // of the multipart it stands in
  bool related = false;            // in a multipart/related: the body may show it
};

struct Structure {
  std::vector<Segment> segments;
  std::vector<AttachedPart> attachments;  // at most kMaxAttachments
  GMimePart* calendar = nullptr;          // the first text/calendar that is no mere attachment
  bool has_html() const;
};

inline constexpr std::size_t kMaxAttachments = 1000;

Structure read_structure(const Mime& mime);

// The leaf part with that number; an empty object when there is none. "1" is also the root of a
// message that is no multipart.
AttachedPart find_part(const Mime& mime, std::string_view number);

}  // namespace eas::email
