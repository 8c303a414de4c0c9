// The record of the device that a request comes from: found or made, kept up to date without a
// write per request, and changed without losing what another request of the device changed.
#pragma once

#include <functional>
#include <string_view>

#include "server/commands/command.h"
#include "storage/base/result.h"

namespace eas {

// A device id with which Android only asks whether account and server are good. It gets no record.
bool is_probe_device(std::string_view device_id);

// Finds or makes the record of request.query's device for request.user and puts it into
// request.device; notes version, type and `user_agent` when they changed, and the hour; but not an
// older version than 16.1, which alone can remove an account, while that is asked for. An ordinary
// request reads one row and writes nothing. too_large: the user has too many devices already.
storage::Result<void> load_device(Request& request, std::string_view user_agent,
                                  const Services& services);

// Reads the record anew, applies `change` and writes it, all under the device's lock, so that
// requests of one device that change different fields at once keep both. `device` then is what was
// written. Does nothing when `change` changes nothing, and nothing for a device without a record.
storage::Result<void> change_device(storage::Device& device, const Services& services,
                                    const std::function<void(storage::Device&)>& change);

}  // namespace eas
