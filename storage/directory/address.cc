// Why so strict: the address names the user's mail directory, goes into message headers and log
// lines, and is compared byte by byte in SQL. What is let in here must be harmless there.
#include "storage/directory/address.h"

#include <algorithm>
#include <cstdint>

#include "storage/base/text.h"

namespace storage {
namespace {

constexpr std::size_t kMostAddressBytes = 254;  // RFC 5321, 4.5.3.1.3 less the angle brackets
constexpr std::size_t kMostDomainBytes = 253;
constexpr std::size_t kMostLabelBytes = 63;

// The character at `text[at]` of valid UTF-8; moves `at` behind it.
char32_t next_character(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  char32_t character = lead & (0x3fu >> more);
  for (int i = 0; i < more; ++i) {
    character = (character << 6) | (static_cast<unsigned char>(text[at++]) & 0x3fu);
  }
  return character;
}

// RFC 5322 atext less '/'.
bool is_local_ascii(char32_t c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c < 0x80 && c != 0 &&
         std::string_view("!#$%&'*+-=?^_`{|}~.").find(static_cast<char>(c)) !=
             std::string_view::npos;
}

// No controls, spaces, invisible or direction marks, private or unassigned-for-ever ones.
bool is_local_unicode(char32_t c) {
  if (c <= 0xa0 || c == 0xad || c == 0x3000 || c == 0xfeff) return false;
  if (c >= 0x2000 && c <= 0x206f) return false;
  if (c >= 0xd800 && c <= 0xf8ff) return false;
  if (c >= 0xfff0 && c <= 0xffff) return false;
  return c < 0xe0000;
}

// Two-byte characters only, and their lower case has two bytes too.
char32_t lower(char32_t c) {
  if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7)) return c + 0x20;
  if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) return c + 0x20;
  if (c >= 0x410 && c <= 0x42f) return c + 0x20;
  if (c >= 0x400 && c <= 0x40f) return c + 0x50;
  return c;
}

std::optional<std::string> canonical_local(std::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.' ||
      local.find("..") != std::string_view::npos || !is_valid_utf8(local)) {
    return std::nullopt;
  }
  std::string result;
  for (std::size_t at = 0; at < local.size();) {
    const std::size_t begin = at;
    const char32_t c = next_character(local, at);
    if (!is_local_ascii(c) && !is_local_unicode(c)) return std::nullopt;
    const char32_t small = lower(c);
    if (small == c) {
      result += local.substr(begin, at - begin);
    } else if (small < 0x80) {
      result += static_cast<char>(small);
    } else {
      result += static_cast<char>(0xc0 | (small >> 6));
      result += static_cast<char>(0x80 | (small & 0x3f));
    }
  }
  return result;
}

void add_address(std::vector<std::string>& addresses, std::string_view local,
                 std::string_view domain) {
  auto address = canonical_address(std::string(local) + "@" + std::string(domain));
  if (!address) return;
  if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
    addresses.push_back(std::move(*address));
  }
}

}  // namespace

std::optional<std::string> canonical_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > kMostDomainBytes) return std::nullopt;
  for (const std::string_view label : split(domain, '.')) {
    if (label.empty() || label.size() > kMostLabelBytes) return std::nullopt;
    if (label.front() == '-' || label.back() == '-') return std::nullopt;
    const bool sane = std::all_of(label.begin(), label.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!sane) return std::nullopt;
  }
  return to_lower(domain);
}

std::optional<std::string> canonical_address(std::string_view address) {
  if (address.size() > kMostAddressBytes) return std::nullopt;
  const std::size_t at = address.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto local = canonical_local(address.substr(0, at));
  const auto domain = canonical_domain(address.substr(at + 1));
  if (!local || !domain) return std::nullopt;
  return *local + "@" + *domain;
}

std::vector<std::string> charset_forms(std::string_view text) {
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  std::vector<std::string> forms;
  if (is_valid_utf8(text)) forms.emplace_back(text);
  if (!ascii) forms.push_back(latin1_to_utf8(text));
  return forms;
}

std::vector<std::string> login_addresses(std::string_view login, std::string_view default_domain) {
  std::vector<std::string> addresses;
  for (const std::string& form : charset_forms(login)) {
    std::string_view user = trim(form);
    std::string_view windows_domain;
    if (const std::size_t slash = user.find('\\'); slash != std::string_view::npos) {
      windows_domain = user.substr(0, slash);
      user.remove_prefix(slash + 1);
    }
    if (const std::size_t at = user.find('@'); at != std::string_view::npos) {
      add_address(addresses, user.substr(0, at), user.substr(at + 1));
      continue;
    }
    if (windows_domain.find('.') != std::string_view::npos) {
      add_address(addresses, user, windows_domain);
    }
    if (!default_domain.empty()) add_address(addresses, user, default_domain);
  }
  return addresses;
}

}  // namespace storage
