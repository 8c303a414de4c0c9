// One collection's turn in a Sync: the phone's commands are applied, the answer is planned and
// rendered, and the new state is committed before the answer leaves. [MS-ASCMD] 2.2.1.21
#pragma once

#include <string>

#include "server/commands/command.h"
#include "server/commands/sync_request.h"
#include "storage/base/result.h"
#include "wbxml/encoder.h"

namespace eas {

struct CollectionAnswer {
  // False: nothing to say about this collection; it is left out from 12.1 on.
  bool has_content = false;
  int status = 1;
  std::string sync_key;
  bool more_available = false;
  int operations = 0;  // told, for the window of the whole answer
  wbxml::Encoder responses{wbxml::Encoder::Kind::fragment};
  wbxml::Encoder commands{wbxml::Encoder::Kind::fragment};
};

struct CollectionTask {
  Request& request;
  const Services& services;
  const CollectionRequest& collection;
  int window = 0;          // operations that fit; 0: only the phone's commands are processed
  std::size_t budget = 0;  // bytes that the answer may still grow by, about
  // Of a request that was parked: says nothing when the phone has gone on with a newer key, so that
  // it does not take the newer generation for a lost answer.
  bool only_newest = false;
};

// REQUIRES: the lock of (device, collection) is held. Errors of the collection are in the answer's
// status; a Result error is one of the whole request (a store that is unavailable).
storage::Result<CollectionAnswer> sync_collection(const CollectionTask& task);

}  // namespace eas
