#include "wbxml/dump.h"

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <string_view>

#include "wbxml/code_pages.h"
#include "wbxml/xml_text.h"

namespace wbxml {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

void append_hex(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    out.push_back(kHex[static_cast<std::uint8_t>(c) >> 4]);
    out.push_back(kHex[static_cast<std::uint8_t>(c) & 0x0F]);
  }
}

// At most `limit` bytes of the text, on one line.
void append_readable(std::string& out, std::string_view text, std::size_t limit) {
  const std::size_t whole = text.size();
  std::size_t shown = 0;
  while (!text.empty()) {
    std::uint32_t character = 0;
    const std::size_t length = utf8_sequence(text, character);
    const std::size_t step = std::max<std::size_t>(length, 1);
    if (shown + step > limit) break;
    if (length == 0 || character < 0x20 || character == 0x7F) {
      if (character == '\n' && length == 1) {
        out += "\\n";
      } else if (character == '\r' && length == 1) {
        out += "\\r";
      } else {
        out += "\\x";
        append_hex(out, text.substr(0, 1));
      }
    } else {
      out += text.substr(0, step);
    }
    shown += step;
    text.remove_prefix(step);
  }
  if (shown < whole) out += "… (" + std::to_string(whole) + " bytes)";
}

void dump_element(std::string& out, const Element& element, std::size_t depth,
                  const DumpOptions& options) {
  out.append(2 * depth, ' ');
  out += '<';
  out += to_string(element.tag);
  if (element.opaque && element.children.empty()) {
    out += " opaque " + std::to_string(element.text.size()) + " bytes";
    if (!element.text.empty()) {
      out += ": ";
      append_hex(out, std::string_view(element.text).substr(0, options.max_opaque));
      if (element.text.size() > options.max_opaque) out += "…";
    }
    out += "/>\n";
  } else if (element.is_empty()) {
    out += "/>\n";
  } else if (element.children.empty()) {
    out += '>';
    append_readable(out, element.text, options.max_text);
    out += "</>\n";
  } else {
    out += ">\n";
    for (const Element& child : element.children) dump_element(out, child, depth + 1, options);
    out.append(2 * depth, ' ');
    out += "</>\n";
  }
}

// --- XML ------------------------------------------------------------------------------------

std::string page_name(std::uint8_t page) {
  const PageInfo* info = find_page(page);
  return info != nullptr ? std::string(info->name) : "Page" + std::to_string(page);
}

std::string xml_name(Tag tag) {
  const TagInfo* info = find_tag(tag);
  std::string name = page_name(tag.page) + ':';
  if (info != nullptr) return name += info->name;
  name += "tag-0x";
  const char token = static_cast<char>(tag.token);
  append_hex(name, {&token, 1});
  return name;
}

void append_xml_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::uint32_t character = 0;
    const std::size_t length = utf8_sequence(text, character);
    if (length == 0 || !is_xml_character(character)) {
      out += kReplacement;
    } else if (character == '&') {
      out += "&amp;";
    } else if (character == '<') {
      out += "&lt;";
    } else if (character == '>') {
      out += "&gt;";
    } else if (character == '\r') {
      out += "&#13;";  // a parser would turn a bare one into a line feed
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void collect_pages(const Element& element, std::bitset<256>& pages) {
  pages.set(element.tag.page);
  for (const Element& child : element.children) collect_pages(child, pages);
}

void append_xml(std::string& out, const Element& element, std::size_t depth,
                const std::string& declarations, const XmlOptions& options) {
  out.append(2 * depth, ' ');
  const std::string name = xml_name(element.tag);
  out += '<' + name + declarations;
  const bool base64 = element.opaque && !is_xml_text(element.text);
  if (options.mark_opaque && element.opaque) {
    out += base64 ? " opaque=\"base64\"" : " opaque=\"text\"";
  }
  if (element.is_empty()) {
    out += "/>\n";
    return;
  }
  out += '>';
  if (!element.children.empty()) {
    out += '\n';
    for (const Element& child : element.children) append_xml(out, child, depth + 1, {}, options);
    out.append(2 * depth, ' ');
  } else if (base64) {
    out += to_base64(element.text);
  } else {
    append_xml_text(out, element.text);
  }
  out += "</" + name + ">\n";
}

}  // namespace

std::string dump(const Element& root, const DumpOptions& options) {
  std::string out;
  dump_element(out, root, 0, options);
  return out;
}

std::string to_xml(const Element& root, const XmlOptions& options) {
  std::bitset<256> pages;
  collect_pages(root, pages);
  std::string declarations;
  for (std::size_t page = 0; page < pages.size(); ++page) {
    if (!pages.test(page)) continue;
    const std::string name = page_name(static_cast<std::uint8_t>(page));
    declarations.append(" xmlns:").append(name).append("=\"").append(name).append("\"");
  }
  std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
  append_xml(out, root, 0, declarations, options);
  return out;
}

}  // namespace wbxml
