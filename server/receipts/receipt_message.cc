#include "server/receipts/receipt_message.h"

#include <algorithm>

#include "server/items/clean_text.h"
#include "storage/base/mail_date.h"
#include "storage/base/text.h"

namespace eas::receipts {

using autoreply::MessageHeader;
using autoreply::ReplyParts;

namespace {

constexpr std::string_view kBoundary = "=_godwit_read_receipt_=";
constexpr std::size_t kMaxField = 500;  // bytes of what is taken over from the original

// The domain of an address stands for the name of this server, which mail does not know.
std::string_view domain_of(std::string_view address) {
  return address.substr(address.rfind('@') + 1);
}

// A field of the original that is to be repeated as it is; "" when it does not fit on a line.
std::string plain_field(const MessageHeader& original, std::string_view name) {
  std::string value = original.value(name);
  const bool fine =
      value.size() <= kMaxField &&
      std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return fine ? value : std::string();
}

std::string text_of(const MessageHeader& original, const ReplyParts& parts) {
  std::string text = "Your message to " + std::string(parts.from_address) + "\n\n";
  text += "  Subject: " + autoreply::subject_of(original) + "\n";
  const std::string sent = single_line(original.value("Date"));
  if (!sent.empty() && sent.size() <= kMaxField) text += "  Sent: " + sent + "\n";
  text += "\nwas marked as read on " + storage::mail_date(parts.now) + ".\n\n";
  text += "That does not say that it was read to the end, or understood.\n";
  return text;
}

// "displayed": a person's deed. That nobody was asked about the receipt is the second word's
// business. RFC 8098 3.2.6
std::string report_of(const MessageHeader& original, const ReplyParts& parts) {
  const std::string reader(parts.from_address);
  std::string report = "Reporting-UA: " + std::string(domain_of(reader)) + "; Godwit\r\n";
  if (const std::string first = plain_field(original, "Original-Recipient"); !first.empty()) {
    report += "Original-Recipient: " + first + "\r\n";
  }
  report += "Final-Recipient: rfc822; " + reader + "\r\n";
  if (const std::string id = autoreply::message_id_of(original); !id.empty()) {
    report += "Original-Message-ID: " + id + "\r\n";
  }
  return report + "Disposition: manual-action/MDN-sent-automatically; displayed\r\n";
}

}  // namespace

std::string make_receipt(const MessageHeader& original, const ReplyParts& parts) {
  const std::string boundary(kBoundary);
  std::string out = autoreply::reply_header(original, "Read: ", parts);
  out += "Content-Type: multipart/report; report-type=disposition-notification;\r\n boundary=\"" +
         boundary + "\"\r\n\r\n";
  out += "--" + boundary + "\r\n";
  autoreply::append_text(out, "text/plain", text_of(original, parts));
  out += "\r\n--" + boundary + "\r\nContent-Type: message/disposition-notification\r\n\r\n";
  out += report_of(original, parts);
  out += "\r\n--" + boundary + "--\r\n";
  return out;
}

}  // namespace eas::receipts
