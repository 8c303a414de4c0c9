// A record is one row with fields of several owners (Ping's parameters, Sync's cached request,
// policy keys, …), and the store writes whole rows. Two requests of one device at once would undo
// each other's fields; so every change goes through change_device(), which holds a lock of the
// device that nothing else is asked for under.
#include "server/commands/device_record.h"

#include <string>
#include <tuple>
#include <utility>

#include "server/config/limits.h"
#include "server/sync/collection_locks.h"
#include "storage/base/text.h"

namespace eas {
namespace {

constexpr storage::CollectionId kRecordLock = -1;  // no collection has this id
constexpr storage::UnixMillis kHour = storage::UnixMillis{60} * 60 * 1000;
// A device may alternate (a client set to 2.5 asks for folders in 2.5 and for mail in 14.1): its
// record follows, but not with a write per request.
constexpr storage::UnixMillis kChangePause = storage::UnixMillis{5} * 60 * 1000;

auto written_fields(const storage::Device& device) {
  return std::tie(device.type, device.user_agent, device.protocol_version, device.info,
                  device.policy_key, device.pending_policy_key, device.policy_revision,
                  device.pending_policy_revision, device.policy_status, device.policy_at,
                  device.ping, device.sync, device.capture, device.last_seen);
}

// While the account is to be wiped from a device that can do it, it stays known as one that can.
bool keeps_version(const storage::Device& device, Version now) {
  return device.control.wipe == storage::Wipe::account && now < Version::v16_1 &&
         device.protocol_version == to_string(Version::v16_1);
}

}  // namespace

bool is_probe_device(std::string_view device_id) {
  return storage::equals_ignore_case(device_id, "validate");
}

storage::Result<void> load_device(Request& request, std::string_view user_agent,
                                  const Services& services) {
  const Query& query = request.query;
  const storage::UnixMillis now = services.clock->now_ms();
  const std::string_view version = to_string(request.version);
  auto found = services.state->device(request.user.id, query.device_id);
  if (!found && found.error().kind == storage::ErrorKind::not_found) {
    found = services.state->ensure_device(request.user.id, query.device_id, query.device_type,
                                          user_agent, now, services.limits->max_devices_per_user);
  }
  if (!found) return storage::fail(std::move(found.error()));
  request.device = std::move(*found);

  const storage::Device& device = request.device;
  const storage::UnixMillis age = now - device.last_seen;
  const bool changed = device.type != query.device_type || device.user_agent != user_agent ||
                       device.protocol_version != version;
  const bool stale = age >= kHour || age < 0 || device.protocol_version.empty() ||
                     (changed && age >= kChangePause);
  if (!stale) return {};
  return change_device(request.device, services, [&](storage::Device& record) {
    record.type = query.device_type;
    record.user_agent = user_agent;
    if (!keeps_version(record, request.version)) record.protocol_version = version;
    record.last_seen = now;
  });
}

storage::Result<void> change_device(storage::Device& device, const Services& services,
                                    const std::function<void(storage::Device&)>& change) {
  if (device.id == 0) return {};
  const auto guard = services.locks->lock(device.id, {kRecordLock});
  GODWIT_ASSIGN(storage::Device fresh, services.state->device(device.user_id, device.device_id));
  const storage::Device before = fresh;
  change(fresh);
  if (written_fields(fresh) != written_fields(before)) {
    GODWIT_TRY(services.state->update_device(fresh));
  }
  device = std::move(fresh);
  return {};
}

}  // namespace eas
