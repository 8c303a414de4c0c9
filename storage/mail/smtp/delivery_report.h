// Texts that delivery adds: trace lines in front of a delivered message, and the non-delivery
// report (RFC 3464 in a multipart/report of RFC 6522). Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"

namespace storage::smtp {

struct Undelivered {
  std::string recipient;
  std::string status;      // RFC 3463, "5.1.1"
  std::string diagnostic;  // "smtp; 550 no such user", "" when there is none
  std::string reason;      // one sentence for the sender
};

struct Report {
  std::string reporting_host;
  std::string sender;      // who gets the report
  std::string message_id;  // of the report, without angle brackets
  UnixMillis now = 0;
  std::vector<Undelivered> undelivered;
  std::string_view original;  // the message; its header goes into the report
};

std::string delivery_report(const Report& report);

// Return-Path, Delivered-To and Received for a message delivered to a local mailbox.
std::string trace_lines(std::string_view sender, std::string_view recipient, std::string_view host,
                        UnixMillis now);

// Every line end as CRLF.
std::string with_crlf(std::string_view bytes);
bool has_bare_line_feed(std::string_view bytes);

// A bare address that can stand in an SMTP command: local@domain, nothing that ends the command or
// its brackets, at most 320 bytes.
bool is_plain_address(std::string_view address);

}  // namespace storage::smtp
