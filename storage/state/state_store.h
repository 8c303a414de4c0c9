// What the server remembers of devices: partnerships, the hierarchy cursor, per-collection sync
// state in two generations, and the ledger of sent mail. Blobs are opaque here; the engine above
// encodes them. One implementation over storage/sql; the contract suite runs on both drivers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/collection.h"

namespace storage {

// What an administrator decided about a device, or a rule says. `none`: no decision.
enum class Access { none = 0, allow = 1, block = 2, quarantine = 3 };

// A remote wipe: asked for, then done.
enum class Wipe { none = 0, account = 1, full = 2, account_done = 3, full_done = 4 };

// What administrators and the server decided about a device. Kept in its row, but written by
// PolicyStore only (policy_store.h), field by field, since other processes write it too.
struct DeviceControl {
  Access access = Access::none;
  Wipe wipe = Wipe::none;
  UnixMillis wipe_at = 0;         // when it was asked for; when it is done: when it was done
  UnixMillis wipe_sent = 0;       // when the device was told; 0: not yet
  bool wipe_failed = false;       // the device said that it could not
  Access noticed = Access::none;  // the refusal that user and administrator were told of
  std::int64_t notice_item = 0;   // that message in the user's Inbox
  UnixMillis storm_until = 0;     // it repeated itself without end: red until then, at least
  std::string storm_reason;       // in words; stays until the next storm
  std::int64_t world = 0;         // number of the policies and rules now, whatever the device
};

struct Device {
  std::int64_t id = 0;  // row id, > 0
  std::int64_t user_id = 0;
  std::string device_id;  // as the phone names itself, at most 64 bytes
  std::string type;       // DeviceType, at most 64 bytes
  std::string user_agent;
  std::string protocol_version;          // of the last request, "16.1"
  std::string info;                      // DeviceInformation as JSON text, "" when never sent
  std::uint32_t policy_key = 0;          // 0: none issued
  std::uint32_t pending_policy_key = 0;  // issued in phase one of Provision, not acknowledged yet
  std::string ping;                      // cached Ping parameters, opaque
  std::string sync;                      // cached Sync request (empty and partial Sync), opaque
  bool capture = false;                  // record this device's exchanges
  UnixMillis created = 0;
  UnixMillis last_seen = 0;  // coarse: written at most once an hour
  // The revision of the policy that goes with the key (0: none), and with the pending one.
  std::int64_t policy_revision = 0;
  std::int64_t pending_policy_revision = 0;
  int policy_status = 0;     // what it acknowledged with: 1 to 4; 0: never
  UnixMillis policy_at = 0;  // when
  DeviceControl control;
};

// Sync state of one collection (collection > 0) or of the hierarchy (collection 0) on one device.
// Two generations: `current` answers the newest key, `previous` the one before, for a phone whose
// answer was lost. Generation numbers of one epoch are never used twice.
struct StoredState {
  std::uint32_t epoch = 0;      // changes with every SyncKey 0
  std::int64_t generation = 0;  // of `current`
  std::string current;
  std::int64_t previous_generation = 0;  // 0: there is no previous one
  std::string previous;
};

struct SentMail {
  bool done = false;  // false: noted before sending; the process ended before it was done
  UnixMillis when = 0;
};

// Thread-safe.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // The device of this user, or not_found.
  virtual Result<Device> device(std::int64_t user_id, std::string_view device_id) = 0;
  // Finds or makes it. too_large: the user has `max_devices` already.
  virtual Result<Device> ensure_device(std::int64_t user_id, std::string_view device_id,
                                       std::string_view type, std::string_view user_agent,
                                       UnixMillis now, int max_devices) = 0;
  // The device with that row id, or not_found.
  virtual Result<Device> device_by_row(std::int64_t device) = 0;
  // Writes type, user_agent, protocol_version, info, all that begins with policy or pending, ping,
  // sync, capture, last_seen.
  // not_found: the device was removed meanwhile.
  virtual Result<void> update_device(const Device& device) = 0;
  virtual Result<std::vector<Device>> devices(std::int64_t user_id) = 0;  // 0: of all users
  // Forgets the device and all its state.
  virtual Result<void> remove_device(std::int64_t device) = 0;

  // not_found: this collection was never synced on this device.
  virtual Result<StoredState> state(std::int64_t device, CollectionId collection) = 0;
  // One atomic step: writes `next` when the stored epoch and generation still are `expected`'s
  // (nullopt: when there is none, or whatever there is when `next` starts a new epoch).
  // conflict: somebody else was faster; nothing is written.
  virtual Result<void> commit_state(std::int64_t device, CollectionId collection,
                                    const std::optional<StoredState>& expected,
                                    const StoredState& next) = 0;
  virtual Result<void> remove_state(std::int64_t device, CollectionId collection) = 0;

  // The ledger of sent mail. begin_send notes `key` before the mail goes out and returns what was
  // noted before, if anything; finish_send marks it done; cancel_send forgets a refused one.
  // Entries older than 14 days are dropped.
  virtual Result<std::optional<SentMail>> begin_send(std::int64_t device, std::string_view key,
                                                     UnixMillis now) = 0;
  virtual Result<void> finish_send(std::int64_t device, std::string_view key) = 0;
  virtual Result<void> cancel_send(std::int64_t device, std::string_view key) = 0;
};

}  // namespace storage
