// Why a file that a listing lacks is not taken for gone at once: readdir() may miss a file that is
// renamed while it runs. So what is missing is looked for in a second listing, and only what is
// missing in both is removed from the index.
#include "storage/mail/maildir/scanner.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <thread>

#include "storage/base/log.h"
#include "storage/mail/maildir/filename.h"
#include "storage/mail/maildir/listing.h"

namespace storage::maildir {

namespace {

constexpr int kPage = 5000;  // rows compared per read transaction
constexpr std::chrono::seconds kProgressEvery{5};
constexpr std::time_t kTmpSeconds = 36 * 3600;

// The change that takes an item to the file that replaced its own; removes that one. nullopt: the
// file is not there.
std::optional<Edit> replacement_edit(const FolderFds& fds, const ItemRow& old,
                                     const Location& place, const KeywordMap& map) {
  const auto facts = facts_of(fds.of(place.in_cur), place.name());
  if (!facts || !facts->regular) return std::nullopt;
  ::unlinkat(fds.of(old.location.in_cur), old.location.name().c_str(), 0);
  Edit edit = edit_for(old, place, map);
  edit.aspects |= aspect::kContent;
  edit.new_size = facts->size;
  return edit;
}

class Scan {
 public:
  Scan(const StoreContext& context, std::int64_t user, FolderRow& row, const FolderFds& fds)
      : context_(context), user_(user), key_(folder_key(user, row.id)), row_(row), fds_(fds) {}

  Result<ScanResult> run() {
    // Stamps before the listing: what changes during it makes them stale.
    const Stamp new_stamp = stamp_of(fds_.new_.get());
    const Stamp cur_stamp = stamp_of(fds_.cur.get());
    const Stamp keywords = keywords_stamp(fds_.folder.get());
    GODWIT_ASSIGN(map_, KeywordMap::load(fds_.folder.get()));
    letters_changed_ = row_.scanned && keywords != row_.keywords_stamp;
    GODWIT_ASSIGN(listing_, Listing::read(fds_));
    result_.head = row_.head;
    GODWIT_TRY(compare());
    GODWIT_TRY(update());
    GODWIT_TRY(replace());
    GODWIT_TRY(remove());
    GODWIT_TRY(add());
    row_.head = result_.head;
    return finish(new_stamp, cur_stamp, keywords);
  }

 private:
  struct Addition {
    std::uint32_t entry = 0;
    UnixMillis mtime = 0;
    std::int64_t size = 0;
  };
  struct Update {
    ItemId id = 0;
    std::uint32_t entry = 0;
  };

  Location location_of(const Listing::Entry& entry) const {
    return {std::string(listing_.base(entry)), std::string(listing_.suffix(entry)), entry.in_cur};
  }

  bool same(const Listing::Entry& entry, const Location& indexed) const {
    return entry.in_cur == indexed.in_cur && listing_.suffix(entry) == indexed.suffix &&
           !(letters_changed_ && keyword_letters_in(indexed.suffix) != 0);
  }

  // The ordered pass over listing and index.
  Result<void> compare() {
    const auto& entries = listing_.entries();
    std::uint32_t at = 0;
    std::string after;
    while (true) {
      std::vector<Indexed> page;
      GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
        GODWIT_ASSIGN(page, live_by_base(connection, key_, after, kPage));
        return {};
      }));
      for (const Indexed& item : page) {
        while (at < entries.size() && listing_.base(entries[at]) < item.location.base) {
          additions_.push_back({at++});
        }
        if (at == entries.size() || listing_.base(entries[at]) != item.location.base) {
          missing_.push_back(item);
        } else {
          if (!same(entries[at], item.location)) updates_.push_back({item.id, at});
          ++at;
        }
      }
      if (page.size() < static_cast<std::size_t>(kPage)) break;
      after = page.back().location.base;
    }
    while (at < entries.size()) additions_.push_back({at++});
    return {};
  }

  Result<void> write(std::span<Edit> edits) {
    Applied applied;
    GODWIT_TRY(context_.database.write([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(applied, apply(connection, user_, row_.id, edits));
      return {};
    }));
    result_.head = applied.head;
    result_.added = result_.added || applied.added;
    result_.other = result_.other || applied.other;
    return {};
  }

  Result<void> update() {
    std::vector<Edit> edits;
    for (std::size_t first = 0; first < updates_.size(); first += batch_) {
      const std::size_t last = std::min(first + batch_, updates_.size());
      edits.clear();
      GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
        for (std::size_t i = first; i < last; ++i) {
          GODWIT_ASSIGN(const auto item, load_item(connection, key_, updates_[i].id));
          if (!item || item->removed) continue;
          const Location found = location_of(listing_.entries()[updates_[i].entry]);
          Edit edit = edit_for(*item, found, map_);
          if (edit.aspects != 0 || found != item->location) edits.push_back(std::move(edit));
          note_letters(found.suffix);
        }
        return {};
      }));
      if (!edits.empty()) GODWIT_TRY(write(edits));
    }
    return {};
  }

  // Replacements that another process made, or that were cut off: the message keeps its id. Its
  // earlier file, if it is still there, was to be removed.
  Result<void> replace() {
    std::vector<Addition> others;
    for (const Addition& addition : additions_) {
      const Location place = location_of(listing_.entries()[addition.entry]);
      GODWIT_ASSIGN(std::optional<Edit> edit, replacement(place));
      if (!edit) {
        others.push_back(addition);
        continue;
      }
      std::erase_if(missing_, [&](const Indexed& item) { return item.id == edit->id; });
      note_letters(place.suffix);
      GODWIT_TRY(write({&*edit, 1}));
    }
    additions_ = std::move(others);
    return {};
  }

  Result<std::optional<Edit>> replacement(const Location& place) {
    if (lineage_of(place.base).generation == 0) return std::optional<Edit>();
    std::optional<ItemRow> old;
    GODWIT_TRY(context_.database.read([&](Connection& connection) -> Result<void> {
      GODWIT_ASSIGN(old, find_replaced(connection, key_, place.base));
      return {};
    }));
    if (!old) return std::optional<Edit>();
    return replacement_edit(fds_, *old, place, map_);
  }

  Result<void> remove() {
    if (missing_.empty()) return {};
    GODWIT_ASSIGN(const Listing again, Listing::read(fds_));
    std::vector<Edit> edits;
    for (const Indexed& item : missing_) {
      if (again.contains(item.location.base)) {
        stable_ = false;  // renamed meanwhile: the next scan sees where it is
        continue;
      }
      Edit& edit = edits.emplace_back();
      edit.kind = Edit::Kind::remove;
      edit.id = item.id;
      if (edits.size() == batch_) {
        GODWIT_TRY(write(edits));
        edits.clear();
      }
    }
    if (!edits.empty()) GODWIT_TRY(write(edits));
    return {};
  }

  // New messages get their ids in the order of (received, name), whatever order readdir() gives.
  Result<void> add() {
    stat_additions();
    std::sort(additions_.begin(), additions_.end(), [this](const Addition& a, const Addition& b) {
      if (a.mtime != b.mtime) return a.mtime < b.mtime;
      return listing_.base(listing_.entries()[a.entry]) <
             listing_.base(listing_.entries()[b.entry]);
    });
    auto logged = std::chrono::steady_clock::now();
    std::vector<Edit> edits;
    for (std::size_t i = 0; i < additions_.size(); ++i) {
      Edit& edit = edits.emplace_back();
      edit.location = location_of(listing_.entries()[additions_[i].entry]);
      edit.date = additions_[i].mtime;
      edit.size = additions_[i].size;
      edit.flags = flags_of(map_, edit.location.suffix);
      edit.keywords = merge_categories(map_, keyword_letters_in(edit.location.suffix), {});
      note_letters(edit.location.suffix);
      if (edits.size() < batch_ && i + 1 < additions_.size()) continue;
      GODWIT_TRY(write(edits));
      edits.clear();
      if (std::chrono::steady_clock::now() - logged >= kProgressEvery) {
        logged = std::chrono::steady_clock::now();
        log_event(LogLevel::info, "indexing a mail folder",
                  {{"user", user_},
                   {"folder", row_.name},
                   {"done", i + 1},
                   {"total", additions_.size()}});
      }
      // Writers that wait for the database by polling get their turn.
      if (i + 1 < additions_.size()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return {};
  }

  void stat_additions() {
    const auto gone = [this](Addition& addition) {
      const Listing::Entry& entry = listing_.entries()[addition.entry];
      const auto facts = facts_of(fds_.of(entry.in_cur), std::string(listing_.name(entry)));
      if (!facts || !facts->regular) {
        stable_ = false;  // renamed or removed since it was listed
        return true;
      }
      addition.mtime = facts->mtime;
      addition.size = facts->size;
      return false;
    };
    additions_.erase(std::remove_if(additions_.begin(), additions_.end(), gone), additions_.end());
  }

  void note_letters(std::string_view suffix) {
    const std::uint32_t letters = keyword_letters_in(suffix);
    for (unsigned letter = 0; letters >> letter != 0; ++letter) {
      if ((letters >> letter & 1u) != 0 && !map_.is_known(letter)) result_.unknown_letters = true;
    }
  }

  // Saves the stamps, untrusted ones as zero, if that changes anything.
  Result<ScanResult> finish(Stamp new_stamp, Stamp cur_stamp, Stamp keywords) {
    const UnixMillis granularity = context_.options.granularity;
    if (!stable_ || !is_settled(new_stamp, granularity)) new_stamp.mtime = 0;
    if (!stable_ || !is_settled(cur_stamp, granularity)) cur_stamp.mtime = 0;
    if (!is_settled(keywords, granularity)) keywords.mtime = 0;
    const bool changed = row_.new_stamp != new_stamp || row_.cur_stamp != cur_stamp ||
                         row_.keywords_stamp != keywords || !row_.scanned;
    row_.new_stamp = new_stamp;
    row_.cur_stamp = cur_stamp;
    row_.keywords_stamp = keywords;
    if (!changed) return result_;
    if (!row_.scanned && listing_.skipped() > 0) {
      log_event(LogLevel::warning, "a mail folder holds entries that are no messages",
                {{"user", user_}, {"folder", row_.name}, {"count", listing_.skipped()}});
    }
    row_.scanned = true;
    GODWIT_TRY(context_.database.write(
        [&](Connection& connection) { return save_stamps(connection, user_, row_); }));
    return result_;
  }

  const StoreContext& context_;
  const std::int64_t user_;
  const std::int64_t key_;
  FolderRow& row_;
  const FolderFds& fds_;
  const std::size_t batch_ = context_.options.index_batch;  // rows changed per transaction
  KeywordMap map_;
  bool letters_changed_ = false;
  bool stable_ = true;
  Listing listing_;
  std::vector<Addition> additions_;
  std::vector<Update> updates_;
  std::vector<Indexed> missing_;
  ScanResult result_;
};

// The places where the file of one base may be: what the events said, then what the index says.
struct Candidates {
  std::vector<Location> places;
  std::optional<ItemRow> item;
  bool replaced = false;  // `item` has another base: the file is its next state
  bool appeared = false;  // by the last event
};

// The place where the file is now; cur/ before new/, later events before earlier ones.
std::optional<std::pair<Location, FileFacts>> find_place(const FolderFds& fds,
                                                         const Candidates& candidates) {
  std::optional<std::pair<Location, FileFacts>> best;
  for (auto place = candidates.places.rbegin(); place != candidates.places.rend(); ++place) {
    if (best && (best->first.in_cur || !place->in_cur)) continue;
    const auto facts = facts_of(fds.of(place->in_cur), place->name());
    if (facts && facts->regular) best = {*place, *facts};
  }
  return best;
}

std::optional<Edit> edit_of(const Candidates& candidates, const FolderFds& fds,
                            const KeywordMap& map) {
  const auto found = find_place(fds, candidates);
  Edit edit;
  if (!found) {
    if (!candidates.item || candidates.appeared) return std::nullopt;
    edit.kind = Edit::Kind::remove;
    edit.id = candidates.item->id;
    return edit;
  }
  const auto& [place, facts] = *found;
  if (candidates.replaced) return replacement_edit(fds, *candidates.item, place, map);
  if (candidates.item) {
    edit = edit_for(*candidates.item, place, map);
    if (edit.aspects == 0 && place == candidates.item->location) return std::nullopt;
    return edit;
  }
  edit.location = place;
  edit.date = facts.mtime;
  edit.size = facts.size;
  edit.flags = flags_of(map, place.suffix);
  edit.keywords = merge_categories(map, keyword_letters_in(place.suffix), {});
  return edit;
}

bool has_unknown_letters(const KeywordMap& map, std::string_view suffix) {
  const std::uint32_t letters = keyword_letters_in(suffix);
  for (unsigned letter = 0; letters >> letter != 0; ++letter) {
    if ((letters >> letter & 1u) != 0 && !map.is_known(letter)) return true;
  }
  return false;
}

}  // namespace

unsigned flags_of(const KeywordMap& map, std::string_view suffix) {
  unsigned flags = flags_in(suffix);
  if ((keyword_letters_in(suffix) & map.forwarded_letter()) != 0) flags |= flag::kForwarded;
  return flags;
}

Edit edit_for(const ItemRow& item, const Location& found, const KeywordMap& map) {
  Edit edit;
  edit.kind = Edit::Kind::update;
  edit.id = item.id;
  edit.location = found;
  edit.flags = flags_of(map, found.suffix);
  edit.keywords = merge_categories(map, keyword_letters_in(found.suffix), item.keywords);
  const unsigned differ = edit.flags ^ item.flags;
  if ((differ & flag::kSeen) != 0) edit.aspects |= aspect::kRead;
  if ((differ & flag::kFlagged) != 0) edit.aspects |= aspect::kFlag;
  if ((differ & (flag::kAnswered | flag::kForwarded)) != 0) edit.aspects |= aspect::kVerb;
  if (edit.keywords != item.keywords) edit.aspects |= aspect::kCategories;
  return edit;
}

Result<ScanResult> scan_folder(const StoreContext& context, std::int64_t user, FolderRow& row,
                               const FolderFds& fds) {
  return Scan(context, user, row, fds).run();
}

Result<ScanResult> apply_names(const StoreContext& context, std::int64_t user, const FolderRow& row,
                               const FolderFds& fds, std::span<const TouchedName> names) {
  std::map<std::string, Candidates> bases;
  std::vector<std::string> order;  // of first mention, so ids follow the order of delivery
  for (const TouchedName& touched : names) {
    if (!is_message_name(touched.name)) continue;
    const FileName split = split_file_name(touched.name);
    auto [at, fresh] = bases.try_emplace(std::string(split.base));
    if (fresh) order.emplace_back(split.base);
    at->second.places.push_back(
        {std::string(split.base), std::string(split.suffix), touched.in_cur});
    at->second.appeared = touched.appeared;
  }
  const std::int64_t key = folder_key(user, row.id);
  GODWIT_TRY(context.database.read([&](Connection& connection) -> Result<void> {
    for (auto& [base, candidates] : bases) {
      GODWIT_ASSIGN(candidates.item, find_live(connection, key, base));
      if (!candidates.item) {
        GODWIT_ASSIGN(candidates.item, find_replaced(connection, key, base));
        candidates.replaced = candidates.item.has_value();
        continue;
      }
      // First in the list: looked at last, after what the events said.
      if (candidates.item) {
        candidates.places.insert(candidates.places.begin(), candidates.item->location);
      }
    }
    return {};
  }));
  GODWIT_ASSIGN(const KeywordMap map, KeywordMap::load(fds.folder.get()));
  ScanResult result;
  result.head = row.head;
  std::vector<Edit> edits;
  const auto take = [&](const Candidates& candidates) {
    auto edit = edit_of(candidates, fds, map);
    if (!edit || (candidates.replaced && edit->kind == Edit::Kind::remove)) return;
    if (has_unknown_letters(map, edit->location.suffix)) result.unknown_letters = true;
    edits.push_back(std::move(*edit));
  };
  // Replaced messages first: that their earlier files are gone is no removal.
  for (const std::string& base : order) {
    if (bases[base].replaced) take(bases[base]);
  }
  const std::size_t replaced = edits.size();
  const auto is_replaced = [&](const Candidates& candidates) {
    return candidates.item &&
           std::any_of(edits.begin(), edits.begin() + static_cast<std::ptrdiff_t>(replaced),
                       [&](const Edit& edit) { return edit.id == candidates.item->id; });
  };
  for (const std::string& base : order) {
    if (!bases[base].replaced && !is_replaced(bases[base])) take(bases[base]);
  }
  if (edits.empty()) return result;
  Applied applied;
  GODWIT_TRY(context.database.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(applied, apply(connection, user, row.id, edits));
    return {};
  }));
  return ScanResult{applied.head, applied.added, applied.other, result.unknown_letters};
}

void clean_tmp(int folder_fd) {
  auto tmp = open_directory(folder_fd, "tmp");
  if (!tmp) return;
  std::vector<std::string> old;
  const std::time_t limit = ::time(nullptr) - kTmpSeconds;
  (void)list_directory(tmp->get(), [&](std::string_view name, EntryType type) {
    if (type != EntryType::regular) return;
    const auto facts = facts_of(tmp->get(), std::string(name));
    if (facts && facts->mtime / 1000 < limit) old.emplace_back(name);
  });
  for (const std::string& name : old) ::unlinkat(tmp->get(), name.c_str(), 0);
}

}  // namespace storage::maildir
