// One command: its row in the table, what it is given, what it gives back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/http/exchange.h"
#include "server/protocol_version.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/directory/address_list.h"
#include "storage/directory/directory.h"
#include "storage/mail/mail_sender.h"
#include "storage/mail/mail_store.h"
#include "storage/mail/thread_index.h"
#include "storage/notify/change_hub.h"
#include "storage/state/state_store.h"
#include "storage/state/user_settings.h"
#include "wbxml/element.h"
#include "wbxml/encoder.h"

namespace eas::autoreply {
class OofListener;  // server/autoreply/oof.h
}
namespace eas::receipts {
class ReadListener;  // server/receipts/read_listener.h
}

namespace eas {

struct Request;
class CertificateValidator;  // server/certificates/validator.h
class CollectionLocks;       // server/sync/collection_locks.h
class Conversations;         // server/conversations/conversations.h
struct Limits;               // server/config/limits.h
class MailSearch;            // server/search/mail_search.h
class SpareThreads;          // server/commands/spare_threads.h
namespace policy {
struct DeviceService;  // server/policy/device_service.h
}

// What all commands work with; made once in main. Everything outlives every request.
struct Services {
  storage::Directory* directory = nullptr;
  storage::AddressList* addresses = nullptr;
  storage::MailStore* mail = nullptr;
  storage::ThreadIndex* threads = nullptr;
  storage::MailSender* sender = nullptr;
  storage::StateStore* state = nullptr;
  storage::UserSettings* settings = nullptr;
  storage::ChangeHub* hub = nullptr;
  const storage::Clock* clock = nullptr;
  CollectionLocks* locks = nullptr;
  MailSearch* search = nullptr;
  Conversations* conversations = nullptr;
  const Limits* limits = nullptr;
  autoreply::OofListener* oof_listener = nullptr;  // may be null
  std::string secret;                              // storage/base/secret.h; may be empty
  CertificateValidator* certificates = nullptr;
  // Null: there are no read receipts.
  receipts::ReadListener* read_listener = nullptr;
  SpareThreads* spare = nullptr;             // null: each answer is made on one thread
  policy::DeviceService* devices = nullptr;  // null: no policies, every device may sync
};

// The parameters of the request line, from either query form. [MS-ASHTTP] 2.2.1.1.1
struct Query {
  std::string command;  // "Sync"; "" when the code is unknown
  std::string user;     // as given; the login comes from Authorization
  std::string device_id;
  std::string device_type;
  std::optional<std::uint32_t> policy_key;
  std::optional<Version> version;  // from the base64 form; else the header
  std::string version_text;        // what was asked for, also when it is not spoken
  std::string attachment_name, collection_id, item_id, long_id, parent_id, occurrence;
  bool save_in_sent = false;
  bool accept_multipart = false;
  std::uint16_t locale = 0;
};

// One request on its way through a command.
struct Request {
  Query query;
  Version version = Version::v16_1;
  storage::User user;
  storage::Device device;
  bool quarantined = false;  // the mailbox is then quarantine_view.h's
  std::string user_agent;    // cleaned
  std::shared_ptr<storage::Mailbox> mailbox;
  std::optional<wbxml::Element> body;  // nullopt: no body was sent
  std::string_view raw_body;           // for message/rfc822; valid during the command only
  std::string content_type;
  std::function<std::shared_ptr<http::Waker>()> make_waker;
  // Ends the older parked requests of this device and command that wait for one of these (sorted)
  // collections: the phone has given them up. Valid during the command only.
  std::function<void(const std::vector<storage::CollectionId>&)> end_older;
};

// A finished answer.
struct Reply {
  int http_status = 200;
  std::string content_type = "application/vnd.ms-sync.wbxml";  // ignored when body is empty
  std::string body;
  std::vector<http::Header> headers;
};

// An error that has no answer of the command's own. From 14.0 on it goes out as <Root><Status>
// with `status` (a common status code, [MS-ASCMD] 2.2.2), before that as `http_status`.
struct CommandError {
  int status = 110;
  int http_status = 500;
  std::string reason;  // for the log
};

struct ParkedCommand;
using CommandResult = std::variant<Reply, CommandError, ParkedCommand>;

// Waits for a change. `resume` runs once with why it was woken and may park again.
struct ParkedCommand {
  std::shared_ptr<http::Waker> waker;
  std::chrono::seconds wait{0};                    // from now
  std::vector<storage::CollectionId> collections;  // that end_older() of a newer one may name
  std::function<CommandResult(http::WakeReason)> resume;
};

// --- the table ------------------------------------------------------------------------------

namespace command_flag {
inline constexpr unsigned kUnprovisioned = 1u << 0;  // allowed without a policy key
inline constexpr unsigned kRawBody = 1u << 1;        // takes message/rfc822 (up to 12.1)
inline constexpr unsigned kLargeBody = 1u << 2;      // Limits::max_mail instead of max_request
inline constexpr unsigned kEmptyBody = 1u << 3;      // may come without a body
inline constexpr unsigned kNoDevice = 1u << 4;       // works for a device without a record (id 0)
inline constexpr unsigned kReplacesOlder = 1u << 5;  // ends an older parked one of the device
inline constexpr unsigned kNoMailbox = 1u << 6;  // does not look at mail: Request::mailbox is empty
}  // namespace command_flag

// The root of a command that has no request body (one that comes is not looked at) and no element
// for a status: its errors are HTTP ones in every version.
inline constexpr wbxml::Tag kNoBody;

struct CommandInfo {
  std::string_view name;
  int code = -1;  // in the base64 query; -1: it has none
  Version since = Version::v2_5;
  Version until = Version::v16_1;
  unsigned flags = 0;
  wbxml::Tag root;  // of its request and answer; Status for CommandError is {root.page's Status}
  wbxml::Tag status;
  CommandResult (*run)(Request& request, const Services& services) = nullptr;
};

}  // namespace eas
