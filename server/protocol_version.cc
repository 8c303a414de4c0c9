#include "server/protocol_version.h"

#include <array>

namespace eas {
namespace {

struct Row {
  Version version;
  std::uint8_t byte;
  std::string_view text;
};

constexpr std::array<Row, 7> kRows = {{
    {Version::v2_5, 25, "2.5"},
    {Version::v12_0, 120, "12.0"},
    {Version::v12_1, 121, "12.1"},
    {Version::v14_0, 140, "14.0"},
    {Version::v14_1, 141, "14.1"},
    {Version::v16_0, 160, "16.0"},
    {Version::v16_1, 161, "16.1"},
}};

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
  for (const Row& row : kRows) {
    if (row.text == text) return row.version;
  }
  return std::nullopt;
}

std::optional<Version> version_from_byte(std::uint8_t byte) {
  for (const Row& row : kRows) {
    if (row.byte == byte) return row.version;
  }
  return std::nullopt;
}

std::string_view to_string(Version version) {
  return kRows[static_cast<std::size_t>(version)].text;
}

std::string_view all_versions_text() { return "2.5,12.0,12.1,14.0,14.1,16.0,16.1"; }

}  // namespace eas
