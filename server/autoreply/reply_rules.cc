#include "server/autoreply/reply_rules.h"

#include <algorithm>
#include <array>

#include "storage/base/text.h"

namespace eas::autoreply {
namespace {

using storage::equals_ignore_case;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return equals_ignore_case(text, name); });
}

// "auto-replied; owner-email=…" → "auto-replied"
std::string_view first_word(std::string_view text) {
  return storage::trim(text.substr(0, text.find_first_of("; \t")));
}

bool names_any(const MessageHeader& header, const std::vector<std::string>& own) {
  for (const std::string_view field : {"To", "Cc", "Resent-To", "Resent-Cc"}) {
    const std::vector<std::string> there = header.addresses(field);
    if (std::find_first_of(there.begin(), there.end(), own.begin(), own.end()) != there.end()) {
      return true;
    }
  }
  return false;
}

Verdict no(std::string_view reason) { return {"", reason}; }

}  // namespace

bool is_machine(std::string_view address) {
  const std::string_view local = address.substr(0, address.rfind('@'));
  if (is_one_of(local, {"mailer-daemon", "postmaster", "listserv", "majordomo", "noreply",
                        "no-reply", "no_reply", "donotreply", "do-not-reply", "bounce", "bounces",
                        "owner", "daemon", "www-data", "nobody"})) {
    return true;
  }
  for (const std::string_view prefix : {"owner-", "bounce-", "bounces-", "bounce+", "bounces+",
                                        "mailer-daemon+", "noreply-", "noreply+", "prvs=bounce"}) {
    if (local.starts_with(prefix)) return true;
  }
  for (const std::string_view suffix :
       {"-owner", "-request", "-bounce", "-bounces", "-noreply", "-no-reply", "-relay"}) {
    if (local.ends_with(suffix)) return true;
  }
  return local.find("-bounces+") != std::string_view::npos;
}

std::string_view not_from_a_person(const MessageHeader& header) {
  const std::string submitted = header.value("Auto-Submitted");
  if (!submitted.empty() && !equals_ignore_case(first_word(submitted), "no")) {
    return "Auto-Submitted";
  }
  if (is_one_of(first_word(header.value("Precedence")), {"bulk", "list", "junk", "auto_reply"})) {
    return "Precedence";
  }
  if (header.has_prefix("List-") || header.has("Mailing-List")) return "a mailing list";
  if (header.has("X-Autoreply") || header.has("X-Autorespond") || header.has("X-Loop")) {
    return "a reply of a machine";
  }
  const std::string type = storage::to_lower(first_word(header.value("Content-Type")));
  if (type == "multipart/report" || type == "message/delivery-status" ||
      type == "message/disposition-notification") {
    return "a report";
  }
  if (equals_ignore_case(header.value("X-Spam-Flag"), "yes")) return "spam";
  return {};
}

bool suppresses(const MessageHeader& header, std::initializer_list<std::string_view> words) {
  const std::string value = storage::to_lower(header.value("X-Auto-Response-Suppress"));
  for (const std::string_view part : storage::split(value, ',')) {
    const std::string_view word = storage::trim(part);
    if (word == "all" || std::find(words.begin(), words.end(), word) != words.end()) return true;
  }
  return false;
}

Verdict judge(const MessageHeader& header, const std::vector<std::string>& own_addresses) {
  if (const std::string_view reason = not_from_a_person(header); !reason.empty()) return no(reason);
  if (suppresses(header, {"oof", "autoreply"})) return no("X-Auto-Response-Suppress");
  std::vector<std::string> senders = header.addresses("From");
  const std::vector<std::string> from = senders;
  if (header.has("Return-Path")) senders = header.addresses("Return-Path");
  if (senders.size() != 1) return no(senders.empty() ? "no sender" : "several senders");
  const std::string& sender = senders.front();
  if (sender.find('@') == std::string::npos) return no("no sender");
  if (is_machine(sender) || std::any_of(from.begin(), from.end(), is_machine)) {
    return no("a machine's address");
  }
  const auto is_own = [&](const std::string& address) {
    return std::find(own_addresses.begin(), own_addresses.end(), address) != own_addresses.end();
  };
  if (is_own(sender) || std::any_of(from.begin(), from.end(), is_own)) return no("oneself");
  if (!names_any(header, own_addresses)) return no("not addressed to the user");
  return {sender, ""};
}

}  // namespace eas::autoreply
