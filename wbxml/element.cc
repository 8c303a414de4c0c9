#include "wbxml/element.h"

namespace wbxml {

const Element* Element::child(Tag child_tag) const {
  for (const Element& candidate : children) {
    if (candidate.tag == child_tag) return &candidate;
  }
  return nullptr;
}

std::optional<std::string_view> Element::text_of(Tag child_tag) const {
  const Element* found = child(child_tag);
  if (found == nullptr) return std::nullopt;
  return std::string_view(found->text);
}

}  // namespace wbxml
