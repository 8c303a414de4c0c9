// XML → tree, the other direction of to_xml(): what `godwit wbxml encode` reads. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "wbxml/element.h"

namespace wbxml {

// The document's root element, or why not, in words. Namespaces are code page names, with or
// without a colon at the end ("AirSync", "AirSync:"); a prefix without a declaration is taken as
// the page's name itself. White space between elements is ignored. The attribute opaque="text" or
// opaque="base64" makes a value OPAQUE; other attributes are refused. At most 64 levels.
tl::expected<Element, std::string> from_xml(std::string_view xml);

}  // namespace wbxml
