// Sends mail: local recipients straight into their Inboxes, the others to the relay.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/mail/mail_sender.h"
#include "storage/mail/mail_store.h"
#include "storage/mail/sender_options.h"
#include "storage/mail/smtp/delivery_report.h"
#include "storage/mail/smtp/relay.h"
#include "storage/sql/database.h"

namespace storage::smtp {

// Thread-safe. What a submission did at the relay is noted in the database under its identity, so
// that sending it again reaches the relay once; local mailboxes know their messages by themselves.
class LocalAndRelaySender final : public MailSender {
 public:
  // Brings its table up to date. `store` and `database` must outlive the sender.
  static Result<std::unique_ptr<LocalAndRelaySender>> open(SenderOptions options, MailStore& store,
                                                           Database& database,
                                                           RecipientResolver resolver);

  Result<void> send(const OutgoingMail& mail) override;

 private:
  LocalAndRelaySender(SenderOptions options, MailStore& store, Database& database,
                      RecipientResolver resolver);

  struct Local {
    std::int64_t user = 0;
    std::string address;
  };
  struct Plan {
    std::vector<Local> local;
    std::vector<std::string> remote;
    std::vector<Undelivered> undelivered;
  };
  Result<Plan> plan(const OutgoingMail& mail) const;
  // Puts the users whom a local recipient means into the plan; false: nobody here has the address.
  Result<bool> plan_local(std::string_view recipient, Plan& plan) const;
  bool is_local_domain(std::string_view address) const;
  Result<void> deliver(const OutgoingMail& mail, std::string_view bytes, const Local& to) const;
  Result<void> deliver_to_all(const OutgoingMail& mail, std::string_view bytes, Plan& plan) const;
  Result<void> hand_to_relay(const OutgoingMail& mail, std::string_view bytes, Plan& plan) const;
  void report(const OutgoingMail& mail, const std::vector<Undelivered>& undelivered) const;
  Result<void> store_report(const OutgoingMail& mail,
                            const std::vector<Undelivered>& undelivered) const;
  UnixMillis now() const;

  const SenderOptions options_;
  MailStore& store_;
  Database& database_;
  const RecipientResolver resolver_;
};

}  // namespace storage::smtp
