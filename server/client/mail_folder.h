// What a phone keeps of one mail folder: the SyncKey and the items that it holds, brought up to
// date by Sync. [MS-ASCMD] 2.2.1.21. One thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/client/eas_client.h"
#include "storage/base/result.h"
#include "wbxml/element.h"

namespace eas::client {

struct MailAttachment {
  std::string name, file_reference;
};

struct MailItem {
  std::string server_id;
  std::string subject, from, to;
  std::string date_received;  // as on the wire
  bool read = false;
  int flag = 0;  // Email:Flag/Status: 0 none, 1 complete, 2 active
  std::string body;
  std::vector<MailAttachment> attachments;
  wbxml::Element data;  // ApplicationData as it came with the Add
};

struct SyncOptions {
  int window = 100;      // WindowSize
  int filter = 0;        // FilterType; 0 all
  int body_type = 1;     // 1 text, 2 HTML, 4 MIME; 0: no BodyPreference
  int truncation = 512;  // bytes of the body; -1: all of it
};

// One answer.
struct SyncRound {
  int status = 0;  // of the collection, or of the whole Sync when that failed
  bool more = false;
  bool empty = false;  // HTTP 200 without a body: nothing has changed
  std::vector<std::string> added, changed, deleted, soft_deleted;  // ServerIds
  wbxml::Element responses;                                        // to the commands sent
};

class MailFolder {
 public:
  MailFolder(std::string collection_id, SyncOptions options = {})
      : collection_id_(std::move(collection_id)), options_(options) {}

  const std::string& collection_id() const { return collection_id_; }
  const std::string& sync_key() const { return sync_key_; }
  const std::map<std::string, MailItem>& items() const { return items_; }
  const MailItem* find_subject(std::string_view subject) const;  // the first; nullptr: none

  // One Sync with these commands (see below). The first, with key 0, fetches nothing. A status
  // other than 1 is in the round, and the state stays as it was; with status 3 it starts again.
  storage::Result<SyncRound> sync_once(EasClient& client,
                                       std::vector<wbxml::Element> commands = {});
  // Until nothing more is available: how many items came. conflict: a status other than 1.
  storage::Result<std::size_t> sync_all(EasClient& client);

  // The two halves of sync_once, for tests and for hanging Syncs.
  wbxml::Element request(Version version, std::vector<wbxml::Element> commands) const;
  SyncRound apply(const wbxml::Element& answer);

 private:
  wbxml::Element sync_options(Version version) const;
  void apply_command(const wbxml::Element& command, SyncRound& round);

  std::string collection_id_;
  SyncOptions options_;
  std::string sync_key_ = "0";
  std::map<std::string, MailItem> items_;
};

// Client commands.
wbxml::Element change_read(const std::string& server_id, bool read);
wbxml::Element change_flag(const std::string& server_id, int flag);
wbxml::Element delete_item(const std::string& server_id);
wbxml::Element fetch_command(const std::string& server_id);

// Reads ApplicationData or Properties into the item; what is not there stays as it was.
void read_mail_data(const wbxml::Element& data, MailItem& item);

}  // namespace eas::client
