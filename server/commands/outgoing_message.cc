// The header is taken apart by hand, since what is not changed must stay byte for byte; addresses
// are read by GMime.
#include "server/commands/outgoing_message.h"

#include <gmime/gmime.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "server/commands/mail_lines.h"
#include "server/items/compose/addresses.h"
#include "server/items/compose/assembly.h"
#include "server/items/compose/header_fields.h"
#include "storage/base/crypto.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using compose::Field;
using compose::Header;
using compose::parse_header;
using compose::split_addresses;
using storage::ErrorKind;
using storage::Result;

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref>;

void init_gmime() {
  static const bool initialised = (g_mime_init(), true);
  (void)initialised;
}

// The bare address in one piece; "" when it has none.
std::string bare_address(const std::string& piece) {
  const Owned<InternetAddressList> list(internet_address_list_parse(nullptr, piece.c_str()));
  if (!list || internet_address_list_length(list.get()) == 0) return {};
  InternetAddress* address = internet_address_list_get_address(list.get(), 0);
  if (!INTERNET_ADDRESS_IS_MAILBOX(address)) return {};
  const char* bare = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
  return bare == nullptr ? std::string() : std::string(bare);
}

// The bare addresses of all fields of that name; "" for each piece that has none.
std::vector<std::string> addresses_of(const Header& header, std::string_view name) {
  std::vector<std::string> addresses;
  for (const Field& field : header.fields) {
    if (!storage::equals_ignore_case(field.name, name)) continue;
    for (const std::string& piece : split_addresses(field.value)) {
      addresses.push_back(bare_address(piece));
    }
  }
  return addresses;
}

Result<std::vector<std::string>> recipients_of(const Header& header, std::string_view domain) {
  std::vector<std::string> recipients;
  std::set<std::string> seen;
  for (const std::string_view name : {"To", "Cc", "Bcc"}) {
    for (std::string& address : addresses_of(header, name)) {
      // A bare name is somebody here.
      if (!address.empty() && address.find('@') == std::string::npos) {
        address += '@';
        address += domain;
      }
      if (!compose::is_deliverable(address)) {
        return storage::fail(ErrorKind::denied, "a recipient is no address");
      }
      if (seen.insert(storage::to_lower(address)).second) recipients.push_back(std::move(address));
    }
  }
  if (recipients.empty()) return storage::fail(ErrorKind::not_found, "no recipients");
  return recipients;
}

std::string from_field(const MailSubmitter& submitter) {
  const std::string address(submitter.address);
  if (submitter.display_name.empty()) return "From: " + address + "\r\n";
  const std::string name(submitter.display_name);
  const Owned<InternetAddress> mailbox(internet_address_mailbox_new(name.c_str(), address.c_str()));
  char* text = internet_address_to_string(mailbox.get(), nullptr, TRUE);
  std::string field = "From: " + std::string(text) + "\r\n";
  g_free(text);
  return field;
}

bool is_only(const std::vector<std::string>& addresses, std::string_view address) {
  return addresses.size() == 1 && storage::equals_ignore_case(addresses.front(), address);
}

// The fields as they go out, with or without Bcc, and the empty line.
std::string make_header(const Header& header, const MailSubmitter& submitter,
                        std::string_view added, bool keep_from, bool with_bcc) {
  std::string text;
  text.reserve(header.size + added.size() + 256);
  text += added;
  if (!keep_from) text += from_field(submitter);
  for (const Field& field : header.fields) {
    if (storage::equals_ignore_case(field.name, "From") && !keep_from) continue;
    if (storage::equals_ignore_case(field.name, "Sender") &&
        !is_only(addresses_of(header, "Sender"), submitter.address)) {
      continue;
    }
    if (storage::equals_ignore_case(field.name, "Bcc") && !with_bcc) continue;
    text += field.text;
    if (!text.ends_with('\n')) text += "\r\n";
  }
  text += "\r\n";
  return text;
}

}  // namespace

bool bears_identity(std::string_view mime) {
  const Header header = parse_header(mime);
  return header.find("Message-ID") != nullptr || header.find("Date") != nullptr;
}

Result<OutgoingMessage> OutgoingMessage::prepare(std::string mime, const MailSubmitter& submitter,
                                                 std::string_view identity,
                                                 storage::UnixMillis now) {
  init_gmime();
  make_lines_legal(mime);
  const Header header = parse_header(mime);
  if (header.fields.empty()) return storage::fail(ErrorKind::invalid, "there is no header");
  const std::string_view domain = submitter.address.substr(
      std::min(submitter.address.rfind('@') + 1, submitter.address.size()));

  OutgoingMessage message;
  GODWIT_ASSIGN(message.recipients_, recipients_of(header, domain));
  std::string added;
  if (header.find("Date") == nullptr) added += compose::date_field(now);
  if (header.find("Message-ID") == nullptr) {
    added += "Message-ID: <" + storage::to_hex(storage::sha256(identity)).substr(0, 32) + "@" +
             std::string(domain) + ">\r\n";
  }
  const bool keep_from = is_only(addresses_of(header, "From"), submitter.address);
  message.transmitted_header_ = make_header(header, submitter, added, keep_from, false);
  message.kept_header_ = make_header(header, submitter, added, keep_from, true);
  message.header_size_ = header.body;
  message.bytes_ = std::move(mime);
  return message;
}

std::string_view OutgoingMessage::with_header(const std::string& header) {
  bytes_.replace(0, header_size_, header);
  header_size_ = header.size();
  return bytes_;
}

std::string_view OutgoingMessage::transmitted() { return with_header(transmitted_header_); }

std::string_view OutgoingMessage::kept() { return with_header(kept_header_); }

}  // namespace eas
