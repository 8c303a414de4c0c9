// The change log that every collection of storage presents, mail or PIM (DESIGN section 3).
//
// Each item has an id that is never reused in its collection, and the collection a sequence number
// that only grows. Every add, content change, flag change and removal gets a new `seq`; a removal
// leaves a tombstone. So what happened since a cursor costs what changed, never what is there.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace storage {

using CollectionId = std::int64_t;  // unique in one user's mailbox, > 0, never reused
using ItemId = std::int64_t;        // unique in its collection, > 0, never reused
using Seq = std::int64_t;           // >= 0; 0 is before the first change

// What happened to an item since the cursor that was asked about (a bit set).
namespace aspect {
inline constexpr unsigned kAdded = 1u << 0;       // created after the cursor
inline constexpr unsigned kContent = 1u << 1;     // its content was replaced
inline constexpr unsigned kRead = 1u << 2;        // the seen flag
inline constexpr unsigned kFlag = 1u << 3;        // flagged, or the follow-up annotation
inline constexpr unsigned kCategories = 1u << 4;  // keywords
inline constexpr unsigned kVerb = 1u << 5;        // answered, forwarded
inline constexpr unsigned kRemoved = 1u << 6;     // it is gone; a tombstone
}  // namespace aspect

// Where an item stands in the order "newest first": by date, then by id. Positions are totally
// ordered; `older` ones come later in a first sync.
struct Position {
  UnixMillis date = 0;
  ItemId id = 0;
  auto operator<=>(const Position&) const = default;
};

// One entry of the change log. An item that was added after the cursor has an entry at its
// created_seq, and, when something happened to it since, a second one at its newest seq. (Were it
// listed at its newest seq only, a cursor could pass its creation without having told of it: the
// item would then look as if the phone had it.)
struct Change {
  ItemId id = 0;
  Seq log_seq = 0;       // where this entry stands: created_seq of an add, else the newest seq
  unsigned aspects = 0;  // aspect:: bits since the cursor; kAdded only in the entry at created_seq
  Seq created_seq = 0;   // the change that added the item
  UnixMillis date = 0;   // the item's received date; never changes
  Position position() const { return {date, id}; }
};

struct ChangePage {
  std::vector<Change> changes;  // in order of log_seq
  bool more = false;            // there are entries after the last one given
};

// One item as the pages of a first sync and of date ranges list it.
struct Listed {
  ItemId id = 0;
  Seq created_seq = 0;
  UnixMillis date = 0;
  Position position() const { return {date, id}; }
};

struct ListPage {
  std::vector<Listed> items;
  bool more = false;
};

// Read access to the change logs of one user's collections. Thread-safe.
class ChangeLog {
 public:
  virtual ~ChangeLog() = default;

  // The newest seq of the collection (0 for an untouched one). not_found: no such collection.
  // Brings the log up to date with the backend first, cheaply when nothing changed.
  virtual Result<Seq> head(CollectionId collection) = 0;

  // The entries with log_seq > `since`, at most `limit` (> 0): for each item created after `since`
  // one at created_seq with kAdded (and kRemoved when it is gone again); for each item whose newest
  // seq is > `since` and is not its created_seq one at that seq with the aspects that changed after
  // `since`, kRemoved for a tombstone. expired: the log no longer reaches back to `since`.
  virtual Result<ChangePage> changes(CollectionId collection, Seq since, int limit) = 0;

  // Live items with cutoff <= position < before and created_seq <= created_upto, newest first, at
  // most `limit` (> 0).
  virtual Result<ListPage> newest_first(CollectionId collection, Position before, Position cutoff,
                                        Seq created_upto, int limit) = 0;

  // Live items with from <= position < to, oldest first, at most `limit` (> 0): the items that
  // leave a filter window when its cutoff moves from `from` to `to`.
  virtual Result<ListPage> oldest_first(CollectionId collection, Position from, Position to,
                                        int limit) = 0;

  // How many live items have cutoff <= position < before and created_seq <= created_upto.
  virtual Result<std::int64_t> count(CollectionId collection, Position before, Position cutoff,
                                     Seq created_upto) = 0;
};

}  // namespace storage
