// Feeds any bytes to the parser of the request line's query.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/commands/request_query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto query = eas::parse_query(std::string_view(reinterpret_cast<const char*>(data), size));
  // Whatever passes as a device id must be fit for logs and for the database.
  if (query && eas::is_valid_device_id(query->device_id) && query->device_id.size() > 64) {
    std::abort();
  }
  return 0;
}
