#include "server/receipts/receipt_rules.h"

#include <algorithm>

#include "storage/base/text.h"

namespace eas::receipts {

using autoreply::MessageHeader;
using autoreply::Verdict;

namespace {

constexpr std::string_view kAsker = "Disposition-Notification-To";

std::vector<std::string> distinct_addresses(const MessageHeader& header, std::string_view field) {
  std::vector<std::string> addresses = header.addresses(field);
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

// A parameter that must be understood, and none is here, forbids the receipt. RFC 8098 2.2
bool has_required_option(const MessageHeader& header) {
  const std::string options = storage::to_lower(header.value("Disposition-Notification-Options"));
  for (const std::string_view option : storage::split(options, ';')) {
    const std::size_t equals = option.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view value = storage::trim(option.substr(equals + 1));
    const std::string_view importance = value.substr(0, value.find(','));
    if (storage::trim(importance) == "required") return true;
  }
  return false;
}

Verdict no(std::string_view reason) { return {"", reason}; }

}  // namespace

bool asks_for_receipt(const MessageHeader& header) { return header.has(kAsker); }

Verdict judge_request(const MessageHeader& header, const std::vector<std::string>& own_addresses) {
  const std::vector<std::string> askers = distinct_addresses(header, kAsker);
  if (askers.size() != 1) return no(askers.empty() ? "nobody asks" : "several people ask");
  const std::string& asker = askers.front();
  if (asker.find('@') == std::string::npos) return no("nobody asks");
  if (const std::string_view reason = autoreply::not_from_a_person(header); !reason.empty()) {
    return no(reason);
  }
  if (autoreply::suppresses(header, {"rn"})) return no("X-Auto-Response-Suppress");
  if (distinct_addresses(header, "Return-Path") != askers) return no("who asks is not the sender");
  if (autoreply::is_machine(asker)) return no("a machine's address");
  if (std::find(own_addresses.begin(), own_addresses.end(), asker) != own_addresses.end()) {
    return no("oneself");
  }
  if (has_required_option(header)) return no("an option that is not known");
  return {asker, ""};
}

}  // namespace eas::receipts
