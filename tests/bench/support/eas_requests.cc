#include "tests/bench/support/eas_requests.h"

#include <openssl/evp.h>

#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/encoder.h"

namespace bench {
namespace {

using wbxml::Element;

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string http_request(const Account& account, std::string_view method, std::string_view query,
                         std::string_view body) {
  std::string text;
  text.append(method).append(" /Microsoft-Server-ActiveSync").append(query).append(" HTTP/1.1\r\n");
  text.append("Host: localhost\r\nUser-Agent: GodwitBench/1\r\nMS-ASProtocolVersion: 16.1\r\n");
  text.append("Authorization: Basic ").append(base64(account.user + ":" + account.password));
  text.append("\r\n");
  if (method == "POST") text.append("Content-Type: application/vnd.ms-sync.wbxml\r\n");
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  return text.append(body);
}

std::string command(const Account& account, std::string_view name, std::string_view body) {
  std::string query = "?Cmd=";
  query.append(name).append("&User=").append(account.user).append("&DeviceId=");
  query.append(account.device).append("&DeviceType=Bench");
  return http_request(account, "POST", query, body);
}

}  // namespace

std::string options_request(const Account& account) {
  return http_request(account, "OPTIONS", "", "");
}

std::string folder_sync_request(const Account& account, std::string_view key) {
  namespace fh = wbxml::folder_hierarchy;
  wbxml::Encoder out;
  out.start(fh::kFolderSync);
  out.text(fh::kSyncKey, key);
  out.end();
  return command(account, "FolderSync", out.take());
}

std::string sync_request(const Account& account, const SyncWish& wish) {
  namespace as = wbxml::airsync;
  namespace base = wbxml::airsync_base;
  wbxml::Encoder out;
  out.start(as::kSync);
  out.start(as::kCollections);
  out.start(as::kCollection);
  out.text(as::kSyncKey, wish.key);
  out.text(as::kCollectionId, wish.collection);
  if (wish.key != "0") {
    out.text(as::kGetChanges, "1");
    out.number(as::kWindowSize, wish.window);
    if (wish.body_type != 0) {
      out.start(as::kOptions);
      out.start(base::kBodyPreference);
      out.number(base::kType, wish.body_type);
      if (wish.truncation != 0) out.number(base::kTruncationSize, wish.truncation);
      out.end();
      out.end();
    }
  }
  out.end();
  out.end();
  out.end();
  return command(account, "Sync", out.take());
}

std::string ping_request(const Account& account, std::string_view collection, int heartbeat) {
  namespace p = wbxml::ping;
  wbxml::Encoder out;
  out.start(p::kPing);
  out.number(p::kHeartbeatInterval, heartbeat);
  out.start(p::kFolders);
  out.start(p::kFolder);
  out.text(p::kId, collection);
  out.text(p::kClass, "Email");
  out.end();
  out.end();
  out.end();
  return command(account, "Ping", out.take());
}

std::optional<std::string> inbox_of(std::string_view answer) {
  namespace fh = wbxml::folder_hierarchy;
  const auto root = wbxml::decode(answer);
  if (!root || root->tag != fh::kFolderSync || root->text_of(fh::kStatus) != "1") {
    return std::nullopt;
  }
  const Element* changes = root->child(fh::kChanges);
  if (changes == nullptr) return std::nullopt;
  for (const Element& add : changes->children) {
    if (add.tag == fh::kAdd && add.text_of(fh::kType) == "2") {
      return std::string(add.text_of(fh::kServerId).value_or(""));
    }
  }
  return std::nullopt;
}

std::optional<SyncAnswer> read_sync(std::string_view answer) {
  namespace as = wbxml::airsync;
  if (answer.empty()) return SyncAnswer{"1", "", false, 0};
  const auto root = wbxml::decode(answer);
  if (!root || root->tag != as::kSync) return std::nullopt;
  SyncAnswer result;
  result.status = root->text_of(as::kStatus).value_or("");
  const Element* collections = root->child(as::kCollections);
  const Element* collection = collections ? collections->child(as::kCollection) : nullptr;
  if (collection == nullptr) return result;
  result.status = collection->text_of(as::kStatus).value_or("");
  result.key = collection->text_of(as::kSyncKey).value_or("");
  result.more = collection->has(as::kMoreAvailable);
  if (const Element* commands = collection->child(as::kCommands)) {
    result.items = static_cast<int>(commands->children.size());
  }
  return result;
}

std::string ping_status(std::string_view answer) {
  const auto root = wbxml::decode(answer);
  if (!root || root->tag != wbxml::ping::kPing) return "";
  return std::string(root->text_of(wbxml::ping::kStatus).value_or(""));
}

}  // namespace bench
