// Renders a message and gives the result as a tree or as text.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "server/items/email/email.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/dump.h"

namespace test {

inline storage::MessageInfo message_info() {
  storage::MessageInfo info;
  info.id = 42;
  info.date = 1'772'359'200'123;  // 2026-03-01T10:00:00.123Z
  return info;
}

inline eas::email::Context context(eas::Version version) {
  eas::email::Context result;
  result.version = version;
  result.reference = "m1:42";
  return result;
}

inline wbxml::Element decode(wbxml::Encoder& out) {
  out.end();
  auto decoded = wbxml::decode(out.take());
  REQUIRE(decoded);
  return *decoded;
}

inline wbxml::Encoder application_data() {
  wbxml::Encoder out;
  out.start(wbxml::airsync::kApplicationData);
  return out;
}

inline wbxml::Element render(std::string_view bytes, const storage::MessageInfo& info,
                             const eas::email::Context& context, const eas::BodyOptions& options) {
  wbxml::Encoder out = application_data();
  const auto result = eas::email::render(bytes, info, context, options, out);
  REQUIRE(result);
  return decode(out);
}

inline wbxml::Element render(std::string_view bytes, eas::Version version,
                             const eas::BodyOptions& options = {}) {
  return render(bytes, message_info(), context(version), options);
}

inline eas::BodyOptions body(eas::BodyType type, std::optional<std::uint32_t> truncation = {},
                             std::uint32_t preview = 0, bool all_or_none = false) {
  eas::BodyOptions options;
  options.preferences = {eas::BodyPreference{type, truncation, all_or_none, preview}};
  return options;
}

inline std::string text(const wbxml::Element& element, wbxml::Tag tag) {
  return std::string(element.text_of(tag).value_or("<absent>"));
}

// A child of AirSyncBase:Body.
inline std::string body_text(const wbxml::Element& element, wbxml::Tag tag) {
  const wbxml::Element* found = element.child(wbxml::airsync_base::kBody);
  REQUIRE(found != nullptr);
  return text(*found, tag);
}

inline std::string data(const wbxml::Element& element) {
  return body_text(element, wbxml::airsync_base::kData);
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// "Header: value\n…" with the usual ones in front, and a body.
inline std::string mail(const std::string& headers, const std::string& body) {
  return "From: a@example.test\r\nTo: b@example.test\r\n" + headers + "\r\n" + body;
}

}  // namespace test
