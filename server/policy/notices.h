// Messages about devices: one into the user's Inbox, one to the administrator.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/base/mutex.h"
#include "storage/directory/directory.h"
#include "storage/mail/mail_sender.h"
#include "storage/mail/mail_store.h"
#include "storage/state/state_store.h"

namespace eas::policy {

enum class Occasion {
  quarantined,
  blocked,
  too_many_devices,
  account_wiped,
  account_withdrawn,  // from a phone that cannot remove it: it is shut out, and that is all
  device_wiped,
  device_storms,  // to the administrator only
};

// "Pixel 7 (Android, id android1234)": what a device is called in messages and lists.
std::string device_title(const storage::Device& device);

// Thread-safe.
class Notices {
 public:
  // `administrator`: an address, "" for none. All must outlive it; `sender` may be null.
  Notices(storage::MailStore& mail, storage::MailSender* sender, const storage::Clock& clock,
          std::string administrator)
      : mail_(mail), sender_(sender), clock_(clock), administrator_(std::move(administrator)) {}

  // Puts the message into the user's Inbox and returns its id. `identity` names the occasion: the
  // same one again finds the message that is there. Failure: what the mail store says.
  storage::Result<storage::ItemId> tell_user(Occasion occasion, const storage::User& user,
                                             const storage::Device& device,
                                             std::string_view identity);
  // Sends the administrator a message; a failure is logged and that is all: a sender that tries
  // again is NoticeSender. `more`: one more line.
  void tell_administrator(Occasion occasion, const storage::User& user,
                          const storage::Device& device, std::string_view identity,
                          std::string_view more = {});

  // True once a day for each `what`: for occasions that come again with every request.
  bool first_today(const std::string& what);

 private:
  std::string message(Occasion occasion, const storage::User& user, const storage::Device& device,
                      bool to_administrator, std::string_view more) const;

  storage::MailStore& mail_;
  storage::MailSender* const sender_;
  const storage::Clock& clock_;
  const std::string administrator_;
  storage::Mutex mutex_;
  std::unordered_map<std::string, storage::UnixMillis> told_ GUARDED_BY(mutex_);
};

}  // namespace eas::policy
