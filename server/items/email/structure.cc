// RFC 2046 as mail programs use it. Depth and number of parts are bounded; what lies deeper than
// anybody nests is not listed.
#include "server/items/email/structure.h"

#include <algorithm>

#include "storage/base/text.h"

namespace eas::email {
namespace {

constexpr int kMaxDepth = 50;
constexpr int kMaxVisited = 20'000;
constexpr std::size_t kMaxSegments = 30;

struct Place {
  std::string number;
  const char* boundary = nullptr;
  bool related = false;
  bool body_wanted = true;  // false behind the root of a related
  bool top = false;         // the root, or the only text of an alternative or related
  int depth = 0;
};

bool is_attachment(GMimeObject* object) {
  GMimeContentDisposition* disposition = g_mime_object_get_content_disposition(object);
  return disposition != nullptr && g_mime_content_disposition_is_attachment(disposition) != 0;
}

class Walker {
 public:
  Structure take() { return std::move(result_); }

  void walk(GMimeObject* object, const Place& place) {
    if (object == nullptr || place.depth > kMaxDepth || ++visited_ > kMaxVisited) return;
    if (GMIME_IS_MULTIPART(object)) return multipart(GMIME_MULTIPART(object), place);
    if (!GMIME_IS_PART(object)) return attach(object, place);
    auto* part = GMIME_PART(object);
    if (has_type(object, "text", "calendar") && !is_attachment(object)) {
      if (result_.calendar == nullptr) result_.calendar = part;
      return attach(object, place);
    }
    if (place.body_wanted && is_body_text(object, place)) return text(part, place);
    attach(object, place);
  }

 private:
  static bool is_body_text(GMimeObject* object, const Place& place) {
    if (!has_type(object, "text", "plain") && !has_type(object, "text", "html")) return false;
    if (is_attachment(object)) return false;
    return place.top || g_mime_part_get_filename(GMIME_PART(object)) == nullptr;
  }

  void text(GMimePart* part, const Place& place) {
    if (result_.segments.size() >= kMaxSegments) return attach(GMIME_OBJECT(part), place);
    Segment segment;
    (has_type(GMIME_OBJECT(part), "text", "html") ? segment.html : segment.plain) = part;
    result_.segments.push_back(segment);
  }

  void attach(GMimeObject* object, const Place& place) {
    if (result_.attachments.size() >= kMaxAttachments) return;
    result_.attachments.push_back({object, place.number, place.boundary, place.related});
  }

  static Place child_place(const Place& place, GMimeMultipart* parent, int index) {
    Place child = place;
    child.number = place.number.empty() ? std::to_string(index + 1)
                                        : place.number + "." + std::to_string(index + 1);
    child.boundary = g_mime_multipart_get_boundary(parent);
    child.top = false;
    ++child.depth;
    return child;
  }

  void multipart(GMimeMultipart* parent, const Place& place) {
    if (place.body_wanted && has_type(GMIME_OBJECT(parent), "multipart", "alternative")) {
      return alternative(parent, place);
    }
    const int count = g_mime_multipart_get_count(parent);
    const bool related = has_type(GMIME_OBJECT(parent), "multipart", "related");
    const int root = related ? related_root(parent, count) : -1;
    if (related && root < count) {
      Place child = child_place(place, parent, root);
      child.top = true;
      walk(g_mime_multipart_get_part(parent, root), child);
    }
    for (int i = 0; i < count && visited_ <= kMaxVisited; ++i) {
      if (i == root) continue;
      Place child = child_place(place, parent, i);
      if (related) {
        child.related = true;
        child.body_wanted = false;
      }
      walk(g_mime_multipart_get_part(parent, i), child);
    }
  }

  // RFC 2387: the part that the start parameter names, else the first.
  static int related_root(GMimeMultipart* parent, int count) {
    std::string_view start = storage::trim(content_type_parameter(GMIME_OBJECT(parent), "start"));
    if (start.starts_with('<')) start.remove_prefix(1);
    if (start.ends_with('>')) start.remove_suffix(1);
    for (int i = 0; !start.empty() && i < std::min(count, 100); ++i) {
      const char* id = g_mime_object_get_content_id(g_mime_multipart_get_part(parent, i));
      if (id != nullptr && start == id) return i;
    }
    return 0;
  }

  // The first plain and the last HTML rendition make one body; attachments of all are kept.
  void alternative(GMimeMultipart* parent, const Place& place) {
    std::vector<Segment> plain;
    std::vector<Segment> html;
    const std::size_t before = result_.segments.size();
    const int count = g_mime_multipart_get_count(parent);
    for (int i = 0; i < count && visited_ <= kMaxVisited; ++i) {
      GMimeObject* object = g_mime_multipart_get_part(parent, i);
      if (has_type(object, "text", "x-amp-html") || has_type(object, "text", "watch-html")) {
        continue;  // other renditions of the same
      }
      Place child = child_place(place, parent, i);
      child.top = true;
      walk(object, child);
      const auto first = result_.segments.begin() + static_cast<std::ptrdiff_t>(before);
      std::vector<Segment> made(first, result_.segments.end());
      result_.segments.erase(first, result_.segments.end());
      if (made.empty()) continue;
      const bool any_html =
          std::any_of(made.begin(), made.end(), [](const Segment& s) { return s.html != nullptr; });
      if (any_html) {
        html = std::move(made);
      } else if (plain.empty()) {
        plain = std::move(made);
      }
    }
    if (html.empty()) return append(plain);
    if (!plain.empty() && html[0].plain == nullptr) {
      html[0].plain = plain[0].plain;
      for (std::size_t i = 1; i < html.size(); ++i) html[i].in_earlier_plain = true;
    }
    append(html);
  }

  void append(const std::vector<Segment>& segments) {
    result_.segments.insert(result_.segments.end(), segments.begin(), segments.end());
  }

  Structure result_;
  int visited_ = 0;
};

}  // namespace

bool Structure::has_html() const {
  return std::any_of(segments.begin(), segments.end(),
                     [](const Segment& segment) { return segment.html != nullptr; });
}

Structure read_structure(const Mime& mime) {
  GMimeObject* root = mime.root();
  Walker walker;
  Place place;
  place.top = true;
  if (root != nullptr && !GMIME_IS_MULTIPART(root)) place.number = "1";
  walker.walk(root, place);
  return walker.take();
}

AttachedPart find_part(const Mime& mime, std::string_view number) {
  GMimeObject* object = mime.root();
  AttachedPart found;
  found.number = number;
  if (object == nullptr || number.size() > 400) return {};
  if (!GMIME_IS_MULTIPART(object)) {
    if (number != "1") return {};
    found.object = object;
    return found;
  }
  for (const std::string_view digits : storage::split(number, '.')) {
    const auto index = storage::parse_uint(digits);
    if (!index || !GMIME_IS_MULTIPART(object)) return {};
    GMimeMultipart* parent = GMIME_MULTIPART(object);
    const int count = g_mime_multipart_get_count(parent);
    if (*index < 1 || *index > static_cast<std::uint64_t>(count)) return {};
    found.boundary = g_mime_multipart_get_boundary(parent);
    object = g_mime_multipart_get_part(parent, static_cast<int>(*index) - 1);
  }
  if (GMIME_IS_MULTIPART(object)) return {};
  found.object = object;
  return found;
}

}  // namespace eas::email
