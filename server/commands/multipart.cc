#include "server/commands/multipart.h"

#include <cstdint>

namespace eas {
namespace {

void put_number(std::string& out, std::size_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 0xFF);
}

}  // namespace

std::string encode_multipart(std::string_view document, const std::vector<std::string>& parts) {
  const std::size_t count = parts.size() + 1;
  std::size_t offset = 4 + 8 * count;
  std::size_t total = offset + document.size();
  for (const std::string& part : parts) total += part.size();

  std::string out;
  out.reserve(total);
  put_number(out, count);
  put_number(out, offset);
  put_number(out, document.size());
  offset += document.size();
  for (const std::string& part : parts) {
    put_number(out, offset);
    put_number(out, part.size());
    offset += part.size();
  }
  out += document;
  for (const std::string& part : parts) out += part;
  return out;
}

}  // namespace eas
