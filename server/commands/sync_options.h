// The Options of one collection, as kept in its state between requests: a phone that sends none
// means the last ones. [MS-ASCMD] 2.2.3.125.5
#pragma once

#include <string>
#include <string_view>

#include "server/items/body_preference.h"
#include "server/protocol_version.h"
#include "storage/base/result.h"
#include "wbxml/element.h"

namespace eas {

struct SyncOptions {
  int filter = 0;           // FilterType; 0: everything
  bool server_wins = true;  // Conflict 1, the default
  BodyOptions body;
};

// An Options element replaces all earlier options, also those it does not name.
// invalid: a value that the specification does not have (Sync status 4).
storage::Result<SyncOptions> parse_sync_options(const wbxml::Element& options, Version version);

std::string encode(const SyncOptions& options);
// Options that cannot be read are the defaults: the phone may always send them again.
SyncOptions decode_sync_options(std::string_view bytes);

}  // namespace eas
