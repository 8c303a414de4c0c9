// Sends read receipts: when a phone marks a message as read whose sender asked for one, once per
// message and user. A phone cannot ask its user, so the administrator decides for all.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/autoreply/message_header.h"
#include "server/receipts/read_listener.h"
#include "storage/base/clock.h"
#include "storage/base/mutex.h"
#include "storage/directory/address_list.h"
#include "storage/directory/directory.h"
#include "storage/mail/mail_sender.h"
#include "storage/state/user_settings.h"

namespace eas::receipts {

// Who gets receipts. Internal are the users here and everybody in a local domain.
enum class Mode : std::uint8_t { never, internal, always };

// Anything but "never" and "always" is internal.
Mode parse_mode(std::string_view text);

// All but `addresses` are needed, and outlive the ReadReceipts.
struct ReadReceiptServices {
  storage::Directory* directory = nullptr;
  storage::AddressList* addresses = nullptr;
  storage::MailSender* sender = nullptr;
  storage::UserSettings* settings = nullptr;
  const storage::Clock* clock = nullptr;
  std::vector<std::string> local_domains;
  Mode mode = Mode::internal;
};

class ReadReceipts final : public ReadListener {
 public:
  explicit ReadReceipts(ReadReceiptServices services);
  ~ReadReceipts() override;  // stops
  ReadReceipts(const ReadReceipts&) = delete;
  ReadReceipts& operator=(const ReadReceipts&) = delete;

  // Takes up what an earlier process left, then sends in a thread of its own. Nothing with `never`.
  void start();
  // Ends the thread after the receipt that it is at. What is due stays noted.
  void stop();

  storage::Result<void> message_read(const storage::User& user, storage::Mailbox& mailbox,
                                     storage::CollectionId folder, storage::ItemId id) override;

  // Sends what is due now, in the caller's thread, and says when to try again what could not be
  // sent: what the thread does again and again. For tests with a clock of their own, instead of
  // start().
  std::optional<storage::UnixMillis> work();

 private:
  struct Due;

  void run();
  storage::Result<void> consider(const storage::User& user, storage::Mailbox& mailbox,
                                 storage::CollectionId folder, storage::ItemId id);
  storage::Result<bool> is_wanted(const std::string& asker) const;
  // `name`: the message's in the ledger.
  storage::Result<void> note_due(const storage::User& user, const autoreply::MessageHeader& header,
                                 std::string name, const std::string& asker);
  bool take_up_all(std::set<std::int64_t>& users);
  bool send_due(std::int64_t user_id);
  storage::Result<void> settle(const storage::UserSetting& row);
  storage::Result<void> send(std::int64_t user_id, const Due& due);
  bool stopping() EXCLUDES(mutex_);

  const ReadReceiptServices services_;
  std::thread thread_;

  // Of the working thread alone.
  bool taken_up_ = false;
  bool relay_away_ = false;           // in this round
  std::set<std::int64_t> left_;       // users with something to try again
  storage::UnixMillis retry_at_ = 0;  // with `left_`, or when not taken up

  storage::Mutex mutex_;
  storage::CondVar changed_;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::set<std::int64_t> noticed_ GUARDED_BY(mutex_);  // users with something due
};

}  // namespace eas::receipts
