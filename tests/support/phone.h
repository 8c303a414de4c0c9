// A phone of the wire tests: godwit's own client on the real server, every answer checked against
// the protocol's schemas when the phone is done. Uses doctest's assertions.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "server/client/eas_client.h"
#include "server/client/mail_folder.h"
#include "server/protocol_version.h"
#include "tests/support/schema_check.h"
#include "tests/support/server_process.h"
#include "wbxml/element.h"

namespace test {

inline constexpr std::array kAllVersions = {
    eas::Version::v2_5,  eas::Version::v12_0, eas::Version::v12_1, eas::Version::v14_0,
    eas::Version::v14_1, eas::Version::v16_0, eas::Version::v16_1};

// One server for all tests of a program that do not stop it; started at first use.
ServerProcess& shared_server();
inline constexpr int kSharedUsers = 400;
inline constexpr int kSharedMessages = 14;
// A user of the shared server that no test had before: "user17@example.test".
std::string fresh_user();

// One thread.
class Phone {
 public:
  Phone(const ServerProcess& server, std::string user, eas::Version version,
        std::string device_id = "WirePhone1");
  // On the shared server with a fresh user.
  explicit Phone(eas::Version version) : Phone(shared_server(), fresh_user(), version) {}
  ~Phone();  // CHECKs the schemas
  Phone(const Phone&) = delete;
  Phone& operator=(const Phone&) = delete;

  eas::client::EasClient& client() { return client_; }
  const std::string& user() const { return user_; }
  eas::Version version() const { return version_; }

  // What a phone does with a new account: provision, FolderSync.
  void connect();
  const eas::client::FolderHierarchy& folders() const { return folders_; }
  std::string folder_id(int type) const;  // REQUIREs that there is one
  std::string inbox() const { return folder_id(2); }

  // REQUIREs HTTP 200 and a body that decodes.
  wbxml::Element call(const wbxml::Element& request,
                      std::chrono::milliseconds timeout = std::chrono::seconds(60));
  // The same, but a body may be missing: then the element has no tag.
  wbxml::Element call_or_empty(const wbxml::Element& request,
                               std::chrono::milliseconds timeout = std::chrono::seconds(60));
  // Any HTTP status.
  eas::client::Answer post(const eas::client::PostRequest& request);
  eas::client::Answer post(const wbxml::Element& request);

  eas::client::SyncRound sync(eas::client::MailFolder& folder,
                              std::vector<wbxml::Element> commands = {});
  // Syncs until nothing more is available; REQUIREs status 1 throughout.
  void sync_all(eas::client::MailFolder& folder);
  // The status of a Ping for these folders, and which of them changed.
  eas::client::PingAnswer ping(int heartbeat, const std::vector<std::string>& folders);

 private:
  void remember(const eas::client::Answer& answer);

  std::string user_;
  eas::Version version_;
  eas::client::EasClient client_;
  eas::client::FolderHierarchy folders_;
  SchemaCheck schemas_;
};

// All elements of that tag, anywhere below.
std::vector<const wbxml::Element*> find_all(const wbxml::Element& root, wbxml::Tag tag);
// The text of the first one; "" when there is none.
std::string find_text(const wbxml::Element& root, wbxml::Tag tag);

// A short message with this subject, as an MDA stores it.
std::string mail_text(std::string_view to, std::string_view subject,
                      std::string_view body = "A short text.\n");

}  // namespace test
