// Texts are plain words for people who never heard of ActiveSync. What a device says of itself goes
// into the body only, cleaned; subjects are ASCII.
#include "server/policy/notices.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "storage/base/crypto.h"
#include "storage/base/log.h"
#include "storage/base/mail_date.h"
#include "storage/base/text.h"

namespace eas::policy {
namespace {

using storage::Result;
using storage::UnixMillis;

constexpr UnixMillis kDay = 86'400'000;
constexpr std::size_t kMostTold = 10'000;
constexpr std::size_t kMostTitle = 120;

struct Text {
  std::string_view subject;
  std::string_view user;           // one paragraph a line
  std::string_view administrator;  // what can be done, with "%" for "USER DEVICE"
};

Text text_of(Occasion occasion) {
  switch (occasion) {
    case Occasion::quarantined:
      return {"Your phone is waiting for approval",
              "A phone asked to sync your mailbox. Your administrator has to approve it first. "
              "Until then it shows nothing but this message.\n"
              "You need not do anything: once it is approved, the phone fills by itself.",
              "To let it in:     godwit device allow %\n"
              "To keep it out:   godwit device block %"};
    case Occasion::blocked:
      return {"Your phone may not sync",
              "A phone asked to sync your mailbox, but it is not allowed to. Nothing was synced "
              "with it.\n"
              "If this is your phone and you need your mail on it, please ask your administrator. "
              "If it is not, please change your password.",
              "To let it in:     godwit device allow %"};
    case Occasion::too_many_devices:
      return {"A phone could not be added: you have too many",
              "A phone asked to sync your mailbox, but your account has as many phones as it may "
              "have.\n"
              "Please ask your administrator to remove one that you do not use any more.",
              "To see them:      godwit device list USER\n"
              "To remove one:    godwit device forget USER DEVICE"};
    case Occasion::account_wiped:
      return {"Your account was removed from a phone",
              "As your administrator asked, your account and its data were removed from a phone. "
              "Everything else on it was left as it is. It cannot sync until it is allowed again.",
              "To let it sync again:  godwit device allow %"};
    case Occasion::account_withdrawn:
      return {"A phone may not sync any more",
              "As your administrator asked, a phone is kept away from your account. It cannot "
              "remove the account by itself: the mail that it has stays on it until somebody "
              "removes the account there.\n"
              "If the phone is lost, please change your password.",
              "What the phone has stays on it: its protocol cannot remove an account.\n"
              "To erase it whole:      godwit device wipe % --full\n"
              "To let it sync again:  godwit device allow %"};
    case Occasion::device_wiped:
      return {"A phone was erased",
              "As your administrator asked, a phone was erased completely. It cannot sync until it "
              "is allowed again.",
              "To let it sync again:  godwit device allow %"};
    case Occasion::device_storms:
      return {"A phone repeats itself without end", "", "To look at it:    godwit device show %"};
  }
  return {};
}

std::string field(const storage::Device& device, const char* name) {
  const auto json = nlohmann::json::parse(device.info, nullptr, false);
  if (!json.is_object()) return {};
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return {};
  return found->get<std::string>();
}

// One line that cannot break out of where it is put.
std::string one_line(std::string_view text) {
  std::string clean(storage::utf8_prefix(storage::to_xml_safe_utf8(text), kMostTitle));
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return clean;
}

void append_lines(std::string& out, std::string_view text) {
  for (const std::string_view line : storage::split(text, '\n')) {
    out += std::string(line) + "\r\n";
  }
}

std::string with_names(std::string_view text, const std::string& names) {
  std::string result;
  for (const char c : text) {
    if (c == '%') {
      result += names;
    } else {
      result += c;
    }
  }
  return result;
}

std::string domain_of(const std::string& address) {
  const std::size_t at = address.rfind('@');
  return at == std::string::npos ? std::string("localhost") : address.substr(at + 1);
}

}  // namespace

std::string device_title(const storage::Device& device) {
  std::string name = field(device, "FriendlyName");
  if (name.empty()) name = field(device, "Model");
  std::string about = device.type;
  if (const std::string system = field(device, "OS"); !system.empty()) about += ", " + system;
  if (name.empty()) name = device.type;
  return one_line(name) + " (" + one_line(about) + ", id " + one_line(device.device_id) + ")";
}

std::string Notices::message(Occasion occasion, const storage::User& user,
                             const storage::Device& device, bool to_administrator,
                             std::string_view more) const {
  const Text text = text_of(occasion);
  const std::string to = to_administrator ? administrator_ : user.address;
  const UnixMillis now = clock_.now_ms();
  std::string out =
      "From: Mail server <postmaster@" + domain_of(to) + ">\r\nTo: <" + to + ">\r\nSubject: ";
  if (to_administrator) out += user.address + ": ";
  out += std::string(text.subject) + "\r\nDate: " + storage::mail_date(now) + "\r\nMessage-ID: <" +
         storage::to_hex(storage::random_bytes(12)) + "@" + domain_of(to) +
         ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
         "charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
  if (!to_administrator) append_lines(out, text.user);
  out += "\r\nPhone:  " + device_title(device) + "\r\n";
  if (!device.user_agent.empty()) out += "Program:  " + one_line(device.user_agent) + "\r\n";
  if (!to_administrator) {
    if (!administrator_.empty()) out += "Administrator:  " + administrator_ + "\r\n";
    return out;
  }
  out += "User:  " + user.address + "\r\n";
  if (!more.empty()) out += one_line(more) + "\r\n";
  out += "\r\n";
  append_lines(out,
               with_names(text.administrator, user.address + " " + one_line(device.device_id)));
  return out;
}

Result<storage::ItemId> Notices::tell_user(Occasion occasion, const storage::User& user,
                                           const storage::Device& device,
                                           std::string_view identity) {
  GODWIT_ASSIGN(const auto mailbox, mail_.open(user.id, user.address));
  GODWIT_ASSIGN(const storage::HierarchyPage page, mailbox->folders());
  for (const storage::MailFolder& folder : page.folders) {
    if (folder.role != storage::FolderRole::inbox) continue;
    const std::string name = storage::to_hex(storage::sha256(identity)).substr(0, 40);
    GODWIT_ASSIGN(const storage::MessageInfo stored,
                  mailbox->append(folder.id, message(occasion, user, device, false, {}), {},
                                  clock_.now_ms(), name));
    return stored.id;
  }
  return storage::fail(storage::ErrorKind::internal, "a mailbox without an Inbox");
}

void Notices::tell_administrator(Occasion occasion, const storage::User& user,
                                 const storage::Device& device, std::string_view identity,
                                 std::string_view more) {
  if (administrator_.empty() || sender_ == nullptr) return;
  const std::string bytes = message(occasion, user, device, true, more);
  storage::OutgoingMail mail;
  mail.sender = administrator_;
  mail.recipients = {administrator_};
  mail.bytes = bytes;
  mail.identity = storage::to_hex(storage::sha256("admin:" + std::string(identity))).substr(0, 40);
  if (const auto sent = sender_->send(mail); !sent) {
    storage::log_event(
        storage::LogLevel::warning, "the administrator was not told",
        {{"device", device.device_id}, {"user", user.address}, {"reason", sent.error().message}});
  }
}

bool Notices::first_today(const std::string& what) {
  const UnixMillis now = clock_.now_ms();
  const storage::MutexLock lock(mutex_);
  if (told_.size() >= kMostTold) {
    std::erase_if(told_, [&](const auto& entry) { return now - entry.second >= kDay; });
    if (told_.size() >= kMostTold) told_.clear();
  }
  const auto [entry, added] = told_.try_emplace(what, now);
  if (added) return true;
  if (now - entry->second < kDay) return false;
  entry->second = now;
  return true;
}

}  // namespace eas::policy
