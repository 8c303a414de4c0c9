// Split here, not by GMime: its parser is lenient in a way that takes "carl, Jörg <j@x>" for one
// name and loses what follows a ';', and a lost recipient is lost mail.
#include "server/items/compose/addresses.h"

#include <algorithm>

#include "server/items/compose/assembly.h"
#include "server/items/email/headers.h"
#include "storage/base/text.h"

namespace eas::compose {
namespace {

std::string encoded_mailbox(const email::Address& address) {
  InternetAddress* mailbox = internet_address_mailbox_new(
      address.name.empty() ? nullptr : address.name.c_str(), address.address.c_str());
  char* text = internet_address_to_string(mailbox, nullptr, TRUE);
  std::string result = text == nullptr ? address.address : std::string(text);
  g_free(text);
  g_object_unref(mailbox);
  return result;
}

}  // namespace

bool is_deliverable(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at != std::string_view::npos && at > 0 && at + 1 < address.size() &&
         std::all_of(address.begin(), address.end(), [](char c) {
           return static_cast<unsigned char>(c) > 32 && c != 127 && c != '<' && c != '>';
         });
}

std::vector<std::string> split_addresses(std::string_view value) {
  std::vector<std::string> pieces(1);
  bool quoted = false;
  int comments = 0;
  bool angle = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\' && (quoted || comments > 0) && i + 1 < value.size()) {
      pieces.back() += c;
      pieces.back() += value[++i];
      continue;
    }
    if (c == '"' && comments == 0) quoted = !quoted;
    if (!quoted) {
      if (c == '(') ++comments;
      if (c == ')' && comments > 0) --comments;
      if (comments == 0 && (c == '<' || c == '>')) angle = c == '<';
      if (comments == 0 && !angle && c == ':') {
        pieces.back().clear();
        continue;
      }
      if (comments == 0 && (c == ',' || c == ';')) {
        pieces.emplace_back();
        angle = false;
        continue;
      }
    }
    pieces.back() += c;
  }
  std::erase_if(pieces, [](const std::string& piece) { return storage::trim(piece).empty(); });
  return pieces;
}

std::string address_field(std::string_view name, std::string_view utf8) {
  email::init_gmime();
  std::string field;
  for (const std::string& piece : split_addresses(utf8)) {
    const auto addresses = email::parse_addresses(piece);
    field += field.empty() ? std::string(name) + ": " : ",\r\n ";
    const bool whole =
        addresses.size() == 1 && addresses.front().address.find('@') != std::string::npos;
    field += whole ? encoded_mailbox(addresses.front()) : encode_text(piece);
  }
  return field.empty() ? field : field + "\r\n";
}

bool are_deliverable(const std::vector<std::string>& pieces) {
  return std::all_of(pieces.begin(), pieces.end(), [](const std::string& piece) {
    const auto addresses = email::parse_addresses(piece);
    return addresses.size() == 1 && is_deliverable(addresses.front().address);
  });
}

}  // namespace eas::compose
