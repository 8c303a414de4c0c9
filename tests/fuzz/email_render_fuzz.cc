// Any bytes as a stored message: rendered for a version and options taken from the first bytes,
// then every attachment fetched. What comes out must decode, be UTF-8 and free of what XML forbids.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/items/email/email.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const wbxml::Element& element, bool mime) {
  const bool stored =
      element.tag == wbxml::email::kMIMEData || (mime && element.tag == wbxml::airsync_base::kData);
  if (!element.opaque && !stored) {
    require(storage::to_xml_safe_utf8(element.text) == element.text);
  }
  for (const wbxml::Element& child : element.children) check(child, mime);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  eas::email::Context context;
  context.version = static_cast<eas::Version>(data[0] % 7);
  context.draft = (data[0] & 0x80) != 0;
  context.reference = "m1:1";
  eas::BodyOptions options;
  options.mime_support = data[1] % 3;
  for (const int type : {1, 2, 4}) {
    if ((data[1] >> 2 & type) == 0) continue;
    eas::BodyPreference preference;
    preference.type = static_cast<eas::BodyType>(type);
    if (data[2] < 200) preference.truncation_size = data[2] * 7u;
    preference.all_or_none = (data[1] & 0x40) != 0;
    preference.preview = data[3];
    options.preferences.push_back(preference);
  }
  if (data[2] < 100) options.truncation = data[2];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 4, size - 4);
  storage::MessageInfo info;
  info.id = 1;
  info.date = 1'772'359'200'000;
  wbxml::Encoder out;
  out.start(wbxml::airsync::kApplicationData);
  const std::size_t before = out.size();
  if (!eas::email::render(bytes, info, context, options, out)) {
    require(out.size() == before);
    eas::email::render_placeholder(bytes, info, context, "fuzz", out);
  }
  out.end();
  const auto tree = wbxml::decode(out.take());
  require(tree.has_value());
  check(*tree, options.mime_support != 0);
  const wbxml::Element* list = tree->child(wbxml::airsync_base::kAttachments);
  if (list == nullptr) return 0;
  int fetched = 0;
  for (const wbxml::Element& one : list->children) {
    if (++fetched > 5) break;
    const auto reference = one.text_of(wbxml::airsync_base::kFileReference);
    require(reference && reference->starts_with("m1:1:"));
    require(eas::email::attachment(bytes, reference->substr(5)).has_value());
  }
  return 0;
}
