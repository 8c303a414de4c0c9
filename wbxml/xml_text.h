// What dump, to_xml and from_xml need of UTF-8 and base64. Pure. Private to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wbxml {

// The length of the well-formed UTF-8 sequence at the front of `bytes`, which is not empty; 0 when
// there is none. `character` is what it means.
std::size_t utf8_sequence(std::string_view bytes, std::uint32_t& character);

bool is_xml_character(std::uint32_t character);  // [XML] 2.2
bool is_xml_text(std::string_view bytes);        // well-formed UTF-8 of such characters only

std::string to_base64(std::string_view bytes);
// The standard alphabet, padded; white space is skipped. nullopt when malformed.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace wbxml
