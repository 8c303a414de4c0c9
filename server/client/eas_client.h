// Godwit's own EAS client: one account on one device over one persistent HTTP(S) connection. Used
// by `godwit probe` and `godwit replay`, by tests and by benches. It speaks as a phone does and
// hides nothing: every answer is there with its status, headers and bytes. [MS-ASHTTP], [MS-ASCMD]
//
// Errors: `unavailable` no answer came (no connection, time-out, certificate); `denied` HTTP 401 or
// 403; `not_found` HTTP 404, `invalid` 400; `too_large` 413; `internal` any other HTTP error or an
// answer that cannot be decoded. An EAS Status is no error here: it is in the answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/protocol_version.h"
#include "storage/base/result.h"
#include "wbxml/element.h"

namespace eas::client {

using Header = std::pair<std::string, std::string>;
using Param = std::pair<std::string, std::string>;

struct ClientOptions {
  std::string url;  // "https://host:port", optionally with a path
  std::string user;
  std::string password;
  std::string device_id = "GodwitClient0001";
  std::string device_type = "Godwit";
  Version version = Version::v16_1;
  bool base64_query = false;       // from 12.1 on
  bool verify_certificate = true;  // also its host name; off is for loopback only
  std::string ca_file;             // PEM; "" for the system's
  bool accept_gzip = false;
  std::chrono::milliseconds timeout{60'000};  // without a byte from the server
};

// An HTTP answer of any status.
struct Answer {
  int status = 0;
  std::vector<Header> headers;
  std::string body;                    // decompressed
  std::optional<wbxml::Element> tree;  // the body, when it is WBXML that decodes

  std::string_view header(std::string_view name) const;  // "" when absent
};

struct PostRequest {
  std::string command;
  std::vector<Param> params;  // names as in ClientQuery::params
  std::string body;
  std::string content_type = "application/vnd.ms-sync.wbxml";  // "" for none
  std::vector<Header> headers;                                 // more of them
  std::chrono::milliseconds timeout{0};                        // 0: as in the options
};

struct ServerOptions {
  std::vector<std::string> versions;
  std::vector<std::string> commands;
};

struct Folder {
  std::string server_id, parent_id, name;
  int type = 0;  // [MS-ASCMD] 2.2.3.186.3: 2 Inbox, 3 Drafts, 4 Deleted, 5 Sent, …
};

// What a phone keeps of the folder tree.
struct FolderHierarchy {
  std::string sync_key = "0";
  std::map<std::string, Folder> folders;  // by ServerId

  const Folder* find_type(int type) const;  // the first; nullptr: none
};

struct PingAnswer {
  int status = 0;
  std::vector<std::string> changed;  // with status 2
  int limit = 0;                     // HeartbeatInterval of status 5, MaxFolders of status 6
};

struct Attachment {
  std::string content_type;
  std::string bytes;
};

// One thread, but for cancel(). Making one sets SIGPIPE to be ignored in the process: a connection
// that the server has just closed must be an error and not the end.
class EasClient {
 public:
  explicit EasClient(ClientOptions options);
  EasClient(EasClient&&) noexcept;
  ~EasClient();

  const ClientOptions& settings() const { return options_; }
  std::uint32_t policy_key() const { return policy_key_; }
  void set_policy_key(std::uint32_t key) { policy_key_ = key; }

  // --- HTTP ---
  // Any request as it stands; only Host, Content-Length and, unless there is one, Authorization are
  // added. `target` is a path with query. Any HTTP status is a success.
  storage::Result<Answer> send(const std::string& method, const std::string& target,
                               const std::vector<Header>& headers, std::string body,
                               std::chrono::milliseconds timeout = std::chrono::milliseconds(0));
  // A POST with the query, version and policy key of this device. Any HTTP status is a success.
  storage::Result<Answer> post(const PostRequest& request);
  // The command of the tree's root tag. HTTP 200 with WBXML gives its tree, an empty body an
  // element without tag number and content ("nothing to say").
  storage::Result<wbxml::Element> command(
      const wbxml::Element& request,
      std::chrono::milliseconds timeout = std::chrono::milliseconds(0));
  // Breaks off the request that another thread waits for: what a phone does that loses its network.
  void cancel();

  // --- commands ---
  storage::Result<ServerOptions> options();
  // Both phases; keeps the policy key for later requests. A server that says that it has no policy
  // is content with key 0.
  storage::Result<std::uint32_t> provision();
  storage::Result<void> folder_sync(FolderHierarchy& hierarchy);
  // Waits as long as the server does, or for `patience` when that is not 0 (then `unavailable`).
  // Without folders the server's cached ones. conflict: a status other than 1, 2, 5 or 6.
  storage::Result<PingAnswer> ping(
      int heartbeat_seconds, const std::vector<std::string>& folders,
      std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  // The whole message as RFC 5322 text.
  storage::Result<void> send_mail(std::string_view mime, std::string_view client_id,
                                  bool save_in_sent = true);
  // ItemOperations; `body_type` 1 text, 2 HTML, 4 MIME. The Properties element. From 12.0 on.
  storage::Result<wbxml::Element> fetch_item(const std::string& collection_id,
                                             const std::string& server_id, int body_type);
  storage::Result<Attachment> fetch_attachment(const std::string& file_reference);

 private:
  struct Connection;  // cpp-httplib
  std::string query_of(const PostRequest& request) const;

  ClientOptions options_;
  std::string path_;
  std::uint32_t policy_key_ = 0;
  std::unique_ptr<Connection> connection_;
};

// The Error for an answer that is not HTTP 200; nothing for one that is.
std::optional<storage::Error> http_error(const Answer& answer);

// The number in the text of that child; `otherwise` when there is no such child or no number.
int number_of(const wbxml::Element& parent, wbxml::Tag tag, int otherwise = 0);

}  // namespace eas::client
