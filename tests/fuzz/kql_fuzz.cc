// Any bytes as KQL: read or refused, and what was read is small enough for the index to take.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/search/kql.h"

namespace {

int nodes(const storage::SearchQuery& query, int depth) {
  if (depth > storage::search_limits::kQueryDepth) std::abort();
  int count = 1;
  for (const storage::SearchQuery& child : query.children) count += nodes(child, depth + 1);
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto query = eas::parse_kql(text, 1'795'000'000'000);
  if (!query) return 0;
  // Every node takes at least a byte of the text, and a few make two.
  if (nodes(*query, 0) > static_cast<int>(2 * size + 2)) std::abort();
  return 0;
}
