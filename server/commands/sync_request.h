// A Sync request as plain values; everything about its form is checked here. [MS-ASCMD] 2.2.1.21
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/commands/sync_options.h"
#include "server/config/limits.h"
#include "server/protocol_version.h"
#include "wbxml/element.h"

namespace eas {

struct ClientCommand {
  enum class Kind { add, change, remove, fetch };
  Kind kind = Kind::change;
  std::string server_id;  // of a change, remove or fetch
  std::string client_id;  // of an add
  std::string item_class;
  bool send = false;    // Email2:Send: a draft goes out, 16.x
  wbxml::Element data;  // ApplicationData; empty for remove and fetch
};

struct CollectionRequest {
  std::string sync_key;
  std::string collection_id;
  bool deletes_as_moves = true;
  bool get_changes = true;
  int window = 0;                      // 0: the default
  std::optional<SyncOptions> options;  // nullopt: the ones used last
  std::optional<bool> conversations;   // ConversationMode; nullopt: as it was
  std::vector<ClientCommand> commands;
  bool malformed = false;  // status 4 for this collection
  int refused = 0;         // another status for this collection, when not 0
  std::string reason;      // why it is malformed or refused, for the log
};

struct SyncRequest {
  std::vector<CollectionRequest> collections;
  int window = 0;        // for the whole answer; 0: none given
  int wait_seconds = 0;  // 0: answer at once
  bool partial = false;
};

// A request that is refused as a whole.
struct SyncRefusal {
  int status = 4;
  std::optional<int> limit;  // of status 14 and 15
  std::string reason;        // for the log
};

// `root` is the request's body. Server limits are checked before any work.
std::variant<SyncRequest, SyncRefusal> parse_sync_request(const wbxml::Element& root,
                                                          Version version, const Limits& limits);

// The form in which a request is kept for empty and partial Sync: without options (those are in
// each collection's state) and commands. The keys are those that were sent: an empty Sync stands
// for the same request, also when the answer to it was lost. [MS-ASCMD] R673, R5120
std::string encode_cached(const SyncRequest& request);
std::optional<SyncRequest> decode_cached(std::string_view bytes);

// The whole that a partial request stands for: its own collections and the cached ones that it does
// not name. [MS-ASCMD] 2.2.3.131
SyncRequest complete_partial(SyncRequest partial, SyncRequest cached);

}  // namespace eas
