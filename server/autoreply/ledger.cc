#include "server/autoreply/ledger.h"

#include "storage/base/crypto.h"
#include "storage/base/text.h"

namespace eas::autoreply {

using storage::ErrorKind;
using storage::Result;

namespace {

// The value of a setting, "" when it is not set.
Result<std::string> read(storage::UserSettings& settings, std::int64_t user_id,
                         std::string_view name) {
  auto value = settings.get(user_id, name);
  if (!value && value.error().kind == ErrorKind::not_found) return std::string();
  return value;
}

}  // namespace

std::string Ledger::name_of(std::string_view sender) const {
  return topic_ + ":sent:" + storage::to_hex(storage::sha256(sender)).substr(0, 32);
}

// Rows: "PERIOD begun" and "PERIOD yes".
Result<Answered> Ledger::answered(std::string_view sender) const {
  GODWIT_ASSIGN(const std::string value, read(settings_, user_id_, name_of(sender)));
  if (value == period_ + " yes") return Answered::yes;
  if (value == period_ + " begun") return Answered::begun;
  return Answered::no;
}

Result<void> Ledger::note(std::string_view sender, Answered answered) {
  if (answered == Answered::no) return settings_.remove(user_id_, name_of(sender));
  return settings_.set(user_id_, name_of(sender),
                       period_ + (answered == Answered::yes ? " yes" : " begun"));
}

// "PERIOD INBOX SEQ"
Result<std::optional<storage::Seq>> Ledger::cursor(storage::CollectionId inbox) const {
  GODWIT_ASSIGN(const std::string value, read(settings_, user_id_, topic_ + ":cursor"));
  const auto parts = storage::split(value, ' ');
  std::optional<storage::Seq> seq;
  if (parts.size() == 3 && parts[0] == period_ && parts[1] == std::to_string(inbox)) {
    seq = storage::parse_int(parts[2]);
  }
  return seq;
}

Result<void> Ledger::set_cursor(storage::CollectionId inbox, storage::Seq seq) {
  return settings_.set(user_id_, topic_ + ":cursor",
                       period_ + " " + std::to_string(inbox) + " " + std::to_string(seq));
}

Result<void> Ledger::forget_others(storage::UserSettings& settings, std::int64_t user_id,
                                   std::string_view period) {
  GODWIT_ASSIGN(const auto rows, settings.list(user_id, "autoreply:"));
  for (const storage::UserSetting& row : rows) {
    if (!period.empty() && row.value.starts_with(std::string(period) + " ")) continue;
    GODWIT_TRY(settings.remove(user_id, row.name));
  }
  return {};
}

std::string Ledger::identity(std::string_view sender) const {
  return storage::to_hex(storage::sha256(topic_ + " " + std::to_string(user_id_) + " " + period_ +
                                         " " + std::string(sender)))
      .substr(0, 40);
}

}  // namespace eas::autoreply
