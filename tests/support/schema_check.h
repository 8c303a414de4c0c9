// Validates answers against the protocol's XML schemas with xmllint. The schemas are not part of
// this repository: they are looked for in ../shared/spec/schemas beside the checkout (or in
// $GODWIT_SCHEMAS), and without them, or without xmllint, nothing is checked.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

// Collects documents, then checks all in one run of xmllint. One thread.
class SchemaCheck {
 public:
  static bool available();

  // `note` names the document in the report, "Sync 14.1". The XML comes from wbxml::to_xml().
  void add(std::string note, std::string xml);
  // What xmllint says of the documents added since the last call; empty when all are valid, or
  // when the schemas are not available.
  std::string problems();
  std::size_t size() const { return documents_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> documents_;
};

}  // namespace test
