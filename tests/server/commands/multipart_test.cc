#include "server/commands/multipart.h"

#include <doctest/doctest.h>

namespace {

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i) {
    value = (value << 8) | static_cast<std::uint8_t>(bytes[at + i - 1]);
  }
  return value;
}

}  // namespace

TEST_CASE("multipart: count, then offset and length of each part, then the parts") {
  const std::string bytes = eas::encode_multipart("document", {"first", "", std::string(300, 'x')});
  REQUIRE(number_at(bytes, 0) == 4);
  const std::string expected[] = {"document", "first", "", std::string(300, 'x')};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint32_t offset = number_at(bytes, 4 + 8 * i);
    const std::uint32_t length = number_at(bytes, 8 + 8 * i);
    CHECK(bytes.substr(offset, length) == expected[i]);
  }
  CHECK(bytes.size() == 4 + 4 * 8 + 8 + 5 + 300);
}

TEST_CASE("multipart: a document alone is one part") {
  const std::string bytes = eas::encode_multipart("document", {});
  CHECK(number_at(bytes, 0) == 1);
  CHECK(bytes.substr(number_at(bytes, 4)) == "document");
}
