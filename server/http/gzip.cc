#include "server/http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <climits>

#include "storage/base/text.h"

namespace http {
namespace {

constexpr std::size_t kMinSize = 1024;
constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, with gzip's frame
constexpr int kMemoryLevel = 8;

// Large answers are mostly mail on its way to a phone whose line is slower than level 1 anyway.
int level_for(std::size_t size) { return size > (1u << 20) ? 1 : 5; }

bool is_zero_quality(std::string_view parameters) {
  for (const std::string_view part : storage::split(parameters, ';')) {
    const std::string_view parameter = storage::trim(part);
    if (!storage::starts_with_ignore_case(parameter, "q=")) continue;
    return parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
  }
  return false;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  for (const std::string_view item : storage::split(accept_encoding, ',')) {
    const std::size_t semicolon = item.find(';');
    const std::string_view name = storage::trim(item.substr(0, semicolon));
    const bool allowed =
        semicolon == std::string_view::npos || !is_zero_quality(item.substr(semicolon + 1));
    if (storage::equals_ignore_case(name, "gzip") || storage::equals_ignore_case(name, "x-gzip")) {
      return allowed;
    }
    if (name == "*") any = allowed;
  }
  return any;
}

bool worth_compressing(std::string_view content_type, std::size_t size) {
  if (size <= kMinSize) return false;
  const std::string type = storage::to_lower(content_type.substr(0, content_type.find(';')));
  return type.starts_with("application/vnd.ms-sync") || type.starts_with("text/") ||
         type.find("json") != std::string::npos || type.find("xml") != std::string::npos;
}

std::optional<std::string> gzip(std::string_view bytes) {
  if (bytes.size() > UINT_MAX) return std::nullopt;
  z_stream stream{};
  if (deflateInit2(&stream, level_for(bytes.size()), Z_DEFLATED, kGzipWindow, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return std::nullopt;
  }
  std::string packed;
  packed.resize(bytes.size());  // what does not fit is not smaller
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int result = deflate(&stream, Z_FINISH);
  const std::size_t size = stream.total_out;
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return std::nullopt;
  packed.resize(size);
  return packed;
}

}  // namespace http
