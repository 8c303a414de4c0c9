// What real clients sent, and the samples of the documents.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/wbxml/shared_files.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/dump.h"
#include "wbxml/encoder.h"
#include "wbxml/xml_text.h"

namespace {

// True when every tag is one of the tables.
bool all_known(const wbxml::Element& element) {
  if (wbxml::find_tag(element.tag) == nullptr) return false;
  for (const wbxml::Element& child : element.children) {
    if (!all_known(child)) return false;
  }
  return true;
}

bool is_wbxml(std::string_view body) { return body.size() >= 4 && body[0] == '\x03'; }

std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE(
    "captures: every request body of the recorded sessions decodes and survives a round trip") {
  const auto files = test::files_in(test::shared_dir() / "captures", ".jsonl");
  if (files.empty()) {
    MESSAGE("skipped: ../shared/captures is not here");
    return;
  }
  std::size_t decoded = 0, raw_mail = 0;
  for (const auto& path : files) {
    const std::string text = test::read_file(path).value_or("");
    std::size_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const auto line = nlohmann::json::parse(text.substr(at, end - at));
      at = end + 1;
      CAPTURE(path.filename().string());
      CAPTURE(++number);
      const auto body = wbxml::from_base64(line["request_body"].get<std::string>());
      REQUIRE(body.has_value());
      if (body->empty()) continue;
      if (!is_wbxml(*body)) {
        ++raw_mail;  // message/rfc822
        CHECK(body->find("\r\n\r\n") != std::string::npos);
        continue;
      }
      const auto tree = wbxml::decode(*body);
      REQUIRE_MESSAGE(tree.has_value(), tree.error().message);
      CHECK(all_known(*tree));
      const auto again = wbxml::decode(wbxml::encode(*tree));
      REQUIRE(again.has_value());
      CHECK(*again == *tree);
      ++decoded;
    }
  }
  MESSAGE(decoded << " WBXML bodies and " << raw_mail << " mails in " << files.size() << " files");
  CHECK(decoded > 1000);
}

TEST_CASE("fixtures: the samples of the documents decode to the published trees") {
  const auto dir = test::shared_dir() / "spec" / "fixtures" / "wbxml" / "documents";
  const auto files = test::files_in(dir, ".wbxml");
  if (files.empty()) {
    MESSAGE("skipped: the fixtures are not here");
    return;
  }
  for (const auto& path : files) {
    CAPTURE(path.filename().string());
    const auto tree = wbxml::decode(test::read_file(path).value_or(""));
    REQUIRE_MESSAGE(tree.has_value(), tree.error().message);
    CHECK(all_known(*tree));
    auto published = path;
    published.replace_extension(".decoded.xml.txt");
    // Ours without its first line, the XML declaration, and without the namespace declarations.
    std::string ours = wbxml::to_xml(*tree);
    ours.erase(0, ours.find('\n') + 1);
    const std::size_t declarations = ours.find(" xmlns");
    ours.erase(declarations, ours.find('>') - declarations);
    const std::string theirs = test::read_file(published).value_or("");
    CHECK(count_lines(ours) == count_lines(theirs));
    CHECK(ours == theirs);
  }
}
