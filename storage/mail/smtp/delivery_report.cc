#include "storage/mail/smtp/delivery_report.h"

#include <algorithm>

#include "storage/base/mail_date.h"

namespace storage::smtp {

namespace {

constexpr std::size_t kMaxHeader = 32 * 1024;

// The header of a message, with its line ends as CRLF.
std::string header_of(std::string_view original) {
  const std::string text = with_crlf(original.substr(0, kMaxHeader));
  const std::size_t end = text.find("\r\n\r\n");
  if (end != std::string::npos) return text.substr(0, end + 2);
  // No body, or a header beyond the limit: whole lines of it.
  const std::size_t last = text.rfind("\r\n");
  return last == std::string::npos ? std::string() : text.substr(0, last + 2);
}

// One line without controls, so that a relay's reply cannot add lines to the report.
std::string one_line(std::string_view text) {
  std::string line(text.substr(0, 500));
  std::replace_if(
      line.begin(), line.end(),
      [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte >= 0x7F;
      },
      '?');
  return line;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

bool has_bare_line_feed(std::string_view bytes) {
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos;
       at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return true;
  }
  return false;
}

std::string with_crlf(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 32);
  char before = '\0';
  for (const char c : bytes) {
    if (c == '\n' && before != '\r') out += '\r';
    out += c;
    before = c;
  }
  return out;
}

bool is_plain_address(std::string_view address) {
  if (address.empty() || address.size() > 320) return false;
  const std::size_t at = address.rfind('@');
  if (at == 0 || at == std::string_view::npos || at + 1 == address.size()) return false;
  return std::none_of(address.begin(), address.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7F || c == '<' || c == '>';
  });
}

std::string trace_lines(std::string_view sender, std::string_view recipient, std::string_view host,
                        UnixMillis now) {
  std::string lines = "Return-Path: <";
  lines += sender;
  lines += ">\r\nDelivered-To: ";
  lines += recipient;
  lines += "\r\nReceived: by ";
  lines += host;
  lines += " (Godwit)\r\n\tfor <";
  lines += recipient;
  lines += ">; " + mail_date(now) + "\r\n";
  return lines;
}

std::string delivery_report(const Report& report) {
  const std::string boundary = "=_report_" + report.message_id.substr(0, 24);
  std::string text;
  text += "From: Mail Delivery System <MAILER-DAEMON@" + report.reporting_host + ">\r\n";
  text += "To: " + report.sender + "\r\n";
  text += "Subject: Undelivered Mail Returned to Sender\r\n";
  text += "Date: " + mail_date(report.now) + "\r\n";
  text += "Message-ID: <" + report.message_id + ">\r\n";
  text += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
  text += "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"" +
          boundary + "\"\r\n\r\n";
  text += "--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\n" +
          "Content-Transfer-Encoding: 8bit\r\n\r\n";
  text += "Your message could not be delivered to everybody.\r\n\r\n";
  for (const Undelivered& one : report.undelivered) {
    text += "<" + one.recipient + ">: " + one.reason + "\r\n";
    if (!one.diagnostic.empty()) text += "    " + one_line(one.diagnostic) + "\r\n";
  }
  text += "\r\n--" + boundary + "\r\nContent-Type: message/delivery-status\r\n\r\n";
  text += "Reporting-MTA: dns; " + report.reporting_host + "\r\n";
  text += "Arrival-Date: " + mail_date(report.now) + "\r\n";
  for (const Undelivered& one : report.undelivered) {
    text += "\r\nFinal-Recipient: ";
    text += is_ascii(one.recipient) ? "rfc822; " : "utf-8; ";
    text += one.recipient + "\r\nAction: failed\r\nStatus: " + one.status + "\r\n";
    if (!one.diagnostic.empty()) text += "Diagnostic-Code: " + one_line(one.diagnostic) + "\r\n";
  }
  text += "\r\n--" + boundary + "\r\nContent-Type: text/rfc822-headers\r\n\r\n";
  text += header_of(report.original);
  text += "\r\n--" + boundary + "--\r\n";
  return text;
}

}  // namespace storage::smtp
