// pugixml knows no namespaces, so the declarations in force are kept here, one small map a level.
#include "wbxml/xml_reader.h"

#include <charconv>
#include <map>
#include <optional>
#include <pugixml.hpp>

#include "wbxml/code_pages.h"
#include "wbxml/xml_text.h"

namespace wbxml {
namespace {

constexpr int kMaxDepth = 64;

using Namespaces = std::map<std::string, std::string, std::less<>>;  // prefix → page name
using Failure = tl::unexpected<std::string>;

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::optional<unsigned> parse_number(std::string_view text, int base) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The names that to_xml() gives to what the tables do not know: "Page200", "tag-0x3a".
std::optional<Tag> find_numbered_tag(std::string_view page_name, std::string_view tag_name) {
  constexpr std::string_view kPage = "Page", kTag = "tag-0x";
  std::optional<unsigned> page, token;
  for (const PageInfo& info : all_pages()) {
    if (info.name == page_name) page = info.page;
  }
  if (!page && starts_with(page_name, kPage))
    page = parse_number(page_name.substr(kPage.size()), 10);
  if (starts_with(tag_name, kTag)) token = parse_number(tag_name.substr(kTag.size()), 16);
  if (!page || *page > 255 || !token || *token < 5 || *token > 0x3F) return std::nullopt;
  return Tag{static_cast<std::uint8_t>(*page), static_cast<std::uint8_t>(*token)};
}

class Reader {
 public:
  tl::expected<Element, std::string> read(const pugi::xml_node& node, const Namespaces& outer,
                                          int depth) {
    if (depth > kMaxDepth) return Failure("elements are nested too deeply");
    Namespaces inner = outer;
    std::string opaque;
    for (const pugi::xml_attribute& attribute : node.attributes()) {
      const std::string_view name = attribute.name();
      if (name == "xmlns" || starts_with(name, "xmlns:")) {
        std::string_view page = attribute.value();
        if (!page.empty() && page.back() == ':') page.remove_suffix(1);
        inner[name == "xmlns" ? "" : std::string(name.substr(6))] = page;
      } else if (name == "opaque") {
        opaque = attribute.value();
      } else {
        return Failure("attribute " + std::string(name) + " of " + node.name());
      }
    }
    const std::optional<Tag> tag = find(node.name(), inner);
    if (!tag) return Failure(std::string("no such tag: ") + node.name());
    Element element(*tag);
    if (auto problem = read_content(node, inner, depth, element)) return Failure(*problem);
    if (auto problem = apply_opaque(opaque, element)) return Failure(*problem);
    return element;
  }

 private:
  static std::optional<Tag> find(std::string_view name, const Namespaces& namespaces) {
    const std::size_t colon = name.find(':');
    const std::string_view prefix = colon == name.npos ? "" : name.substr(0, colon);
    const std::string_view local = colon == name.npos ? name : name.substr(colon + 1);
    const auto found = namespaces.find(prefix);
    const std::string_view page = found != namespaces.end() ? found->second : prefix;
    const std::optional<Tag> tag = find_tag(page, local);
    return tag ? tag : find_numbered_tag(page, local);
  }

  std::optional<std::string> read_content(const pugi::xml_node& node, const Namespaces& namespaces,
                                          int depth, Element& element) {
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() == pugi::node_element) {
        auto read_child = read(child, namespaces, depth + 1);
        if (!read_child) return read_child.error();
        element.children.push_back(std::move(*read_child));
      } else if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        element.text += child.value();
      }
    }
    if (element.children.empty()) return std::nullopt;
    if (element.text.find_first_not_of(" \t\r\n") != std::string::npos) {
      return std::string("text beside elements in ") + node.name();
    }
    element.text.clear();
    return std::nullopt;
  }

  static std::optional<std::string> apply_opaque(const std::string& opaque, Element& element) {
    if (opaque.empty()) return std::nullopt;
    if (opaque != "text" && opaque != "base64") return "opaque must be \"text\" or \"base64\"";
    if (!element.children.empty()) return "opaque on an element with children";
    element.opaque = true;
    if (opaque == "text") return std::nullopt;
    std::optional<std::string> bytes = from_base64(element.text);
    if (!bytes) return "malformed base64 in " + to_string(element.tag);
    element.text = std::move(*bytes);
    return std::nullopt;
  }
};

}  // namespace

tl::expected<Element, std::string> from_xml(std::string_view xml) {
  pugi::xml_document document;
  constexpr unsigned kFlags = pugi::parse_default | pugi::parse_ws_pcdata;
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size(), kFlags);
  if (!parsed) {
    return Failure("not XML: " + std::string(parsed.description()) + " at offset " +
                   std::to_string(parsed.offset));
  }
  return Reader().read(document.document_element(), {}, 0);
}

}  // namespace wbxml
