// Drafts that a phone writes through Sync, from 16.0 on: Add, Change and Send in the Drafts folder.
// [MS-ASCMD] 2.2.3.7.2, 2.2.3.24; [MS-ASEMAIL] 2.2.2.69, 3.1.5.4; [MS-ASAIRS] 2.2.2.7, 2.2.2.14
//
// Each command leaves its mark in the draft, in the same step as what it changes. One that comes
// again because its answer was lost finds the mark and does nothing twice; so an Add makes one
// draft, and a Send sends once.
#pragma once

#include "server/commands/client_commands.h"
#include "server/commands/sync_request.h"
#include "server/sync/collection_state.h"
#include "storage/base/result.h"
#include "wbxml/encoder.h"

namespace eas {

class Drafts {
 public:
  // All outlive this object.
  Drafts(const ClientCommandContext& context, CollectionState& state, wbxml::Encoder& responses)
      : context_(context), state_(state), out_(responses) {}

  // Does the version have drafts, and is the collection the Drafts folder?
  storage::Result<bool> takes_drafts();

  // Each applies the command and writes its response. Fails only when a store is unavailable.
  storage::Result<void> add(const ClientCommand& command);
  storage::Result<void> change(const ClientCommand& command, storage::ItemId id);

 private:
  struct Saved;
  std::string command_mark(const ClientCommand& command) const;
  storage::Result<Saved> save_new(const ClientCommand& command, const std::string& bytes,
                                  const storage::MessageFlags& flags);
  storage::Result<Saved> save_change(const ClientCommand& command, storage::ItemId id);
  storage::Result<int> send(const std::string& mark, const std::string& bytes);
  storage::Result<bool> was_sent(const std::string& mark);
  storage::Result<bool> loses_conflict(const storage::MessageInfo& info);
  storage::Result<void> finish_change(const ClientCommand& command, storage::ItemId id,
                                      const Saved& saved);
  void respond_add(const ClientCommand& command, int status, const Saved* saved);
  void respond_change(const ClientCommand& command, int status, const Saved* saved);
  void write_files(const ClientCommand& command, const Saved& saved);

  const ClientCommandContext& context_;
  CollectionState& state_;
  wbxml::Encoder& out_;
  int takes_ = -1;  // not looked yet
};

}  // namespace eas
