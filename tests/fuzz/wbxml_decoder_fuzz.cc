// Any bytes: the decoder answers with a tree or an error inside the input. What decodes, encodes to
// bytes that decode to the same tree; its dump and its XML can be made.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wbxml/decoder.h"
#include "wbxml/dump.h"
#include "wbxml/encoder.h"
#include "wbxml/xml_reader.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// XML cannot carry control characters or broken UTF-8 in text, so the trees need not be equal
// there; the XML itself must be readable.
void check_texts(const wbxml::Element& tree) {
  require(!wbxml::dump(tree).empty());
  wbxml::XmlOptions options;
  options.mark_opaque = true;
  require(wbxml::from_xml(wbxml::to_xml(tree, options)).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tree = wbxml::decode(bytes);
  if (!tree) {
    require(tree.error().offset <= size);
    require(!tree.error().message.empty());
    return 0;
  }
  const auto again = wbxml::decode(wbxml::encode(*tree));
  require(again.has_value());
  require(*again == *tree);
  check_texts(*tree);
  return 0;
}
