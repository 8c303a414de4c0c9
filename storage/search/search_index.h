// The full-text index of users' mail. Derived data: it may be deleted at any time and is then built
// again from the mail store; who feeds it is in server/search. One contract, two implementations
// under sql/: SQLite FTS5 and PostgreSQL tsvector. Both index the same words (tokens.h), so their
// answers agree. Opened through open_search_index() in backends.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/collection.h"

namespace storage {

// The texts of a message that can be searched apart from each other.
enum class SearchField { subject, from, to, cc, bcc, body, attachment };
inline constexpr std::size_t kSearchFields = 7;
constexpr unsigned field_bit(SearchField field) { return 1u << static_cast<unsigned>(field); }

namespace search_flag {
inline constexpr unsigned kSeen = 1u << 0;
inline constexpr unsigned kFlagged = 1u << 1;
inline constexpr unsigned kAnswered = 1u << 2;
inline constexpr unsigned kForwarded = 1u << 3;
inline constexpr unsigned kDraft = 1u << 4;
inline constexpr unsigned kAttachments = 1u << 5;
inline constexpr unsigned kMeeting = 1u << 6;
inline constexpr unsigned kMutable = kSeen | kFlagged | kAnswered | kForwarded | kDraft;
}  // namespace search_flag

// A message as it is put into the index. Texts are UTF-8 of any length; what is beyond the limits
// of search_limits is not indexed.
struct SearchDocument {
  ItemId item = 0;
  UnixMillis date = 0;  // received
  UnixMillis sent = 0;
  Seq created_seq = 0;
  std::int64_t size = 0;
  int importance = 1;                   // 0 low, 1 normal, 2 high
  unsigned flags = 0;                   // search_flag:: bits
  std::vector<std::string> categories;  // UTF-8
  std::string conversation;             // bytes, "" when there is none
  std::array<std::string, kSearchFields> texts;
  std::string& text(SearchField field) { return texts[static_cast<std::size_t>(field)]; }
};

namespace search_limits {
inline constexpr std::size_t kTokensPerField = 60'000;
inline constexpr int kQueryDepth = 32;
inline constexpr int kQueryNodes = 500;
inline constexpr int kQueryWords = 200;
}  // namespace search_limits

// What changed of a message that is in the index, without its texts.
struct SearchFlags {
  ItemId item = 0;
  unsigned flags = 0;  // of search_flag::kMutable
  std::vector<std::string> categories;
};

// How far a folder is in the index. A folder is loaded newest first, down from `loaded`, while what
// changes after `head` comes in through the change log at `cursor`.
struct SearchProgress {
  Seq cursor = 0;     // changes up to here are in the index
  Seq head = 0;       // where the log stood when the load began
  Position loaded;    // everything at or after this position that was created up to `head` is in
  bool full = false;  // the load has come to its end
  bool operator==(const SearchProgress&) const = default;
};

struct SearchBatch {
  std::vector<SearchDocument> put;  // new ones, and others anew
  std::vector<SearchFlags> flags;   // of items that are not in the index: ignored
  std::vector<ItemId> removed;      // likewise
  SearchProgress next;
};

// What is looked for: a tree. Text matches whatever its case, accents and width.
struct SearchQuery {
  enum class Kind {
    everything,
    nothing,
    words,         // every word of `text` begins a word of the message (tokens.h); in `fields`
    exact_words,   // every word of `text` is a word of the message
    phrase,        // the words of `text` one after the other in one field
    phrase_start,  // the same, and the last one may be the beginning of a word
    number,        // low <= `column` <= high
    flag,          // all of `flags` are set
    category,      // has the category `text`
    conversation,  // is of the conversation `text` (bytes)
    all_of,
    any_of,
    none_of,  // none of the children
  };
  enum class Column { received, sent, size, importance };

  Kind kind = Kind::everything;
  std::string text;
  unsigned fields = 0;  // field_bit()s; 0: all
  Column column = Column::received;
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  unsigned flags = 0;
  std::vector<SearchQuery> children;

  static SearchQuery text_query(Kind kind, std::string text, unsigned fields = 0) {
    SearchQuery query;
    query.kind = kind;
    query.text = std::move(text);
    query.fields = fields;
    return query;
  }
  static SearchQuery range(Column column, std::int64_t low, std::int64_t high) {
    SearchQuery query;
    query.kind = Kind::number;
    query.column = column;
    query.low = low;
    query.high = high;
    return query;
  }
  static SearchQuery with_flags(unsigned flags) {
    SearchQuery query;
    query.kind = Kind::flag;
    query.flags = flags;
    return query;
  }
  static SearchQuery combine(Kind kind, std::vector<SearchQuery> children) {
    SearchQuery query;
    query.kind = kind;
    query.children = std::move(children);
    return query;
  }
};

struct SearchHit {
  CollectionId folder = 0;
  ItemId item = 0;
  UnixMillis date = 0;
  Seq created_seq = 0;
};

struct SearchHits {
  std::vector<SearchHit> hits;  // newest received first, then by id
  std::int64_t total = 0;       // that match, whatever was asked for
};

// Thread-safe. What one user has in the index is never found for another.
class SearchIndex {
 public:
  virtual ~SearchIndex() = default;

  // nullopt: nothing of the folder is in the index.
  virtual Result<std::optional<SearchProgress>> progress(std::int64_t user_id,
                                                         CollectionId folder) = 0;
  // The folders that the index holds something of.
  virtual Result<std::vector<CollectionId>> folders(std::int64_t user_id) = 0;
  // The users that the index holds something of.
  virtual Result<std::vector<std::int64_t>> users() = 0;

  // One atomic step: the batch and the folder's new progress. conflict: the progress is not
  // `expected` any more (somebody else was faster); nothing is written.
  virtual Result<void> apply(std::int64_t user_id, CollectionId folder,
                             const std::optional<SearchProgress>& expected,
                             const SearchBatch& batch) = 0;
  // Takes some 500 messages of a folder out, and at last the folder itself. True: nothing is left;
  // false: call again.
  virtual Result<bool> forget_some(std::int64_t user_id, CollectionId folder) = 0;

  // The messages in `folders` that match, from `offset` (>= 0), at most `limit` (>= 0). Nothing is
  // found in folders that are not named. invalid: the query is over search_limits.
  virtual Result<SearchHits> search(std::int64_t user_id, std::span<const CollectionId> folders,
                                    const SearchQuery& query, std::int64_t offset, int limit) = 0;
};

}  // namespace storage
