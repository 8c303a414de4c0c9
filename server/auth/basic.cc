#include "server/auth/basic.h"

#include "storage/base/text.h"

namespace eas {

std::optional<Credentials> parse_basic(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  constexpr std::size_t kMaxHeader = 1024;
  authorization = storage::trim(authorization);
  if (authorization.size() > kMaxHeader) return std::nullopt;
  if (!storage::starts_with_ignore_case(authorization, kScheme)) return std::nullopt;
  const auto decoded = storage::base64_decode(storage::trim(authorization.substr(kScheme.size())));
  if (!decoded) return std::nullopt;
  const std::size_t colon = decoded->find(':');  // a login cannot hold one, a password can
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  if (decoded->find('\0') != std::string::npos) return std::nullopt;
  return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

}  // namespace eas
