// Answers mail for users who are away. One thread for all of them; nothing is polled: new mail is
// told by the change hub, a change of the settings by Settings, and the ends of windows are known.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "server/autoreply/oof.h"
#include "storage/base/clock.h"
#include "storage/base/mutex.h"
#include "storage/directory/address_list.h"
#include "storage/directory/directory.h"
#include "storage/mail/mail_sender.h"
#include "storage/mail/mail_store.h"
#include "storage/notify/change_hub.h"
#include "storage/state/user_settings.h"

namespace eas::autoreply {

// All but `addresses` are needed, and outlive the AutoReply.
struct AutoReplyServices {
  storage::Directory* directory = nullptr;
  storage::AddressList* addresses = nullptr;
  storage::MailStore* mail = nullptr;
  storage::MailSender* sender = nullptr;
  storage::UserSettings* settings = nullptr;
  storage::ChangeHub* hub = nullptr;
  const storage::Clock* clock = nullptr;
  std::vector<std::string> local_domains;  // whose people are internal, as are all users
  bool external_replies = true;            // whether anybody else is answered
};

class AutoReply final : public OofListener {
 public:
  explicit AutoReply(AutoReplyServices services);
  ~AutoReply() override;  // stops
  AutoReply(const AutoReply&) = delete;
  AutoReply& operator=(const AutoReply&) = delete;

  // Takes up everybody who set a reply, then works in a thread of its own.
  void start();
  // Ends the thread after the message that it is at. Nothing is answered afterwards.
  void stop();

  void oof_changed(const storage::User& user) override;

  // Does what is due now, in the caller's thread, and says when something is due next: what the
  // thread does again and again. For tests with a clock of their own, instead of start().
  std::optional<storage::UnixMillis> work();

 private:
  struct Away;
  using Due = std::map<std::int64_t, storage::UnixMillis>;

  void run();
  void take_up_all();
  void look(std::int64_t user_id);
  storage::Result<void> look_at(const storage::User& user);
  storage::Result<void> set_up(const storage::User& user, const Oof& oof);
  storage::Result<void> answer_new(Away& away);
  storage::Result<void> answer_first(Away& away);
  storage::Result<void> consider(Away& away, storage::ItemId id);
  storage::Result<Audience> audience_of(Away& away, const std::string& sender);
  storage::Result<void> reply(Away& away, const class MessageHeader& header,
                              const std::string& sender, Audience audience);
  void notice(std::int64_t user_id);
  bool stopping() EXCLUDES(mutex_);

  const AutoReplyServices services_;
  std::thread thread_;

  // Of the working thread alone.
  bool taken_up_ = false;
  std::map<std::int64_t, storage::User> users_;  // with a reply that is on
  std::map<std::int64_t, std::unique_ptr<Away>> away_;
  Due due_;  // when to look again: a window begins or ends, or something failed

  storage::Mutex mutex_;
  storage::CondVar changed_;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::set<std::int64_t> noticed_ GUARDED_BY(mutex_);              // new mail, or settings
  std::map<std::int64_t, storage::User> news_ GUARDED_BY(mutex_);  // whose settings changed
};

}  // namespace eas::autoreply
