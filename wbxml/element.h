// The tree of a decoded document. Requests are small, so they are decoded to trees; answers are
// written through the streaming Encoder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wbxml/tag.h"

namespace wbxml {

// An element holds either text (inline string or opaque bytes) or children; mixed content is
// refused by the decoder. An empty element has neither.
struct Element {
  Tag tag;
  std::string text;
  bool opaque = false;  // the text came as OPAQUE
  std::vector<Element> children;

  Element() = default;
  explicit Element(Tag element_tag) : tag(element_tag) {}
  Element(Tag element_tag, std::string element_text)
      : tag(element_tag), text(std::move(element_text)) {}
  Element(Tag element_tag, std::vector<Element> element_children)
      : tag(element_tag), children(std::move(element_children)) {}

  // The first child with that tag, or nullptr. Owned by this element.
  const Element* child(Tag child_tag) const;
  // The text of the first child with that tag; nullopt when there is no such child.
  std::optional<std::string_view> text_of(Tag child_tag) const;
  bool has(Tag child_tag) const { return child(child_tag) != nullptr; }
  bool is_empty() const { return text.empty() && children.empty(); }

  bool operator==(const Element&) const = default;
};

}  // namespace wbxml
