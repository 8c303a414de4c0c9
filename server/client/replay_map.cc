// Rewriting: which texts of a request are ids, and what stands for them. Learning is in
// replay_learn.cc.
#include "server/client/replay_map.h"

#include <algorithm>

#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas::client {
namespace {

using wbxml::Element;
using wbxml::Tag;
namespace as = wbxml::airsync;
namespace cm = wbxml::compose_mail;
namespace fh = wbxml::folder_hierarchy;
namespace mr = wbxml::meeting_response;
namespace mv = wbxml::move;

enum class IdKind { none, folder, item, sync_key, hierarchy_key, policy_key, file, long_id };

IdKind kind_of(Tag tag) {
  switch (tag.number()) {
    case as::kCollectionId.number():
    case wbxml::get_item_estimate::kCollectionId.number():
    case wbxml::ping::kId.number():
    case mv::kSrcFldId.number():
    case mv::kDstFldId.number():
    case fh::kServerId.number():
    case fh::kParentId.number():
    case cm::kFolderId.number():
    case mr::kCollectionId.number():
      return IdKind::folder;
    case as::kServerId.number():
    case mv::kSrcMsgId.number():
    case cm::kItemId.number():
    case mr::kRequestId.number():
      return IdKind::item;
    case as::kSyncKey.number():
      return IdKind::sync_key;
    case fh::kSyncKey.number():
      return IdKind::hierarchy_key;
    case wbxml::provision::kPolicyKey.number():
      return IdKind::policy_key;
    case wbxml::airsync_base::kFileReference.number():
      return IdKind::file;
    case wbxml::search::kLongId.number():
    case cm::kLongId.number():
      return IdKind::long_id;
    default:
      return IdKind::none;
  }
}

// The folder that the items directly in this element belong to; "" when it names none.
std::string folder_named_in(const Element& element) {
  for (const Tag tag : {as::kCollectionId, wbxml::get_item_estimate::kCollectionId, mv::kSrcFldId,
                        cm::kFolderId, mr::kCollectionId}) {
    if (const auto text = element.text_of(tag)) return std::string(*text);
  }
  return "";
}

bool is_address_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == '+';
}

template <typename Map>
const std::string* find(const Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

void AddressRewriter::add(std::string recorded, std::string live) {
  const auto same = [&recorded](const auto& row) { return row.first == recorded; };
  if (!recorded.empty() && std::none_of(rows_.begin(), rows_.end(), same)) {
    rows_.emplace_back(std::move(recorded), std::move(live));
  }
}

std::string AddressRewriter::rewrite(std::string_view text) const {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = text.find('@'); at != text.npos; at = text.find('@', at + 1)) {
    std::size_t begin = at, end = at + 1;
    while (begin > copied && is_address_character(text[begin - 1])) --begin;
    while (end < text.size() && is_address_character(text[end])) ++end;
    while (end > at + 1 && text[end - 1] == '.') --end;  // the end of a sentence
    const std::string_view address = text.substr(begin, end - begin);
    for (const auto& [recorded, live] : rows_) {
      const std::string_view name = text.substr(begin, at - begin);
      if (!storage::equals_ignore_case(address, recorded) &&
          !storage::equals_ignore_case(name, recorded)) {
        continue;
      }
      out += text.substr(copied, begin - copied);
      out += live;
      copied = end;
      break;
    }
  }
  out += text.substr(copied);
  return out;
}

std::string ReplayMap::folder(const std::string& recorded,
                              std::vector<std::string>& unknown) const {
  if (recorded == "0" || recorded.empty()) return recorded;  // the root
  if (const std::string* live = find(folders_, recorded)) return *live;
  unknown.push_back("folder " + recorded + " has no counterpart");
  return recorded;
}

std::string ReplayMap::recorded_folder(const std::string& live) const {
  std::string found;
  for (const auto& [recorded, id] : folders_) {
    if (id != live) continue;
    if (recorded_folders_.count(recorded) != 0) return recorded;
    found = recorded;  // of an earlier tree
  }
  return found;
}

// By subject where both sides have it, in the order of appearance where several do; otherwise the
// n-th of those that no subject joins.
const std::string* ReplayMap::match_item(Collection& collection, const std::string& recorded) {
  if (const std::string* known = find(collection.matched, recorded)) return known;
  const auto has_subject = [](const std::vector<Item>& items, const std::string& subject) {
    return !subject.empty() && std::any_of(items.begin(), items.end(), [&](const Item& item) {
      return item.subject == subject;
    });
  };
  const auto wanted = std::find_if(collection.recorded.begin(), collection.recorded.end(),
                                   [&](const Item& item) { return item.id == recorded; });
  if (wanted == collection.recorded.end()) return nullptr;
  const bool by_subject = has_subject(collection.live, wanted->subject);
  const auto alike = [&](const Item& item, const std::vector<Item>& other_side) {
    return by_subject ? item.subject == wanted->subject : !has_subject(other_side, item.subject);
  };
  std::ptrdiff_t place = 0;
  for (auto item = collection.recorded.begin(); item != wanted; ++item) {
    const bool open = find(collection.matched, item->id) == nullptr;
    if (open && alike(*item, collection.live)) ++place;
  }
  const Item* chosen = nullptr;
  for (const Item& item : collection.live) {
    if (collection.taken.count(item.id) != 0 || !alike(item, collection.recorded)) continue;
    chosen = &item;
    if (place-- == 0) break;
  }
  if (chosen == nullptr) return nullptr;
  collection.taken.insert(chosen->id);
  return &(collection.matched[recorded] = chosen->id);
}

std::string ReplayMap::item(const std::string& recorded_folder, const std::string& recorded,
                            std::vector<std::string>& unknown) {
  const auto collection = collections_.find(recorded_folder);
  const std::string* live =
      collection == collections_.end() ? nullptr : match_item(collection->second, recorded);
  if (live != nullptr) return *live;
  unknown.push_back("item " + recorded + " has no counterpart");
  return recorded;
}

std::string ReplayMap::file_reference(const std::string& recorded,
                                      std::vector<std::string>& unknown) {
  for (auto& [folder_id, collection] : collections_) {
    for (const Item& item : collection.recorded) {
      const auto place = std::find(item.files.begin(), item.files.end(), recorded);
      if (place == item.files.end()) continue;
      const std::string* id = match_item(collection, item.id);
      const auto live = std::find_if(collection.live.begin(), collection.live.end(),
                                     [id](const Item& other) { return id && other.id == *id; });
      const auto index = static_cast<std::size_t>(place - item.files.begin());
      if (live != collection.live.end() && index < live->files.size()) return live->files[index];
    }
  }
  unknown.push_back("attachment " + recorded + " has no counterpart");
  return recorded;
}

std::string ReplayMap::long_id(const std::string& recorded,
                               std::vector<std::string>& unknown) const {
  if (const std::string* live = find(long_ids_, recorded)) return *live;
  unknown.push_back("search result " + recorded + " has no counterpart");
  return recorded;
}

std::string ReplayMap::policy_key(const std::string& recorded) const {
  if (!policy_override_.empty()) return policy_override_;
  const std::string* live = find(policy_keys_, recorded);
  return live == nullptr ? recorded : *live;
}

bool ReplayMap::recorded_has_subject(std::string_view subject) const {
  for (const auto& [id, collection] : collections_) {
    for (const Item& item : collection.recorded) {
      if (item.subject == subject) return true;
    }
  }
  return false;
}

bool ReplayMap::live_has_subject(std::string_view subject) const {
  for (const auto& [id, collection] : collections_) {
    for (const Item& item : collection.live) {
      if (item.subject == subject) return true;
    }
  }
  return false;
}

void ReplayMap::rewrite(Element& request, std::vector<std::string>& unknown) {
  rewrite_in(request, "", unknown);
}

void ReplayMap::rewrite_in(Element& element, const std::string& folder_around,
                           std::vector<std::string>& unknown) {
  if (element.children.empty()) {
    rewrite_leaf(element, folder_around, unknown);
    return;
  }
  const std::string named = folder_named_in(element);
  for (Element& child : element.children) {
    rewrite_in(child, named.empty() ? folder_around : named, unknown);
  }
}

void ReplayMap::rewrite_leaf(Element& leaf, const std::string& folder_around,
                             std::vector<std::string>& unknown) {
  switch (kind_of(leaf.tag)) {
    case IdKind::folder:
      leaf.text = folder(leaf.text, unknown);
      break;
    case IdKind::item:
      leaf.text = item(folder_around, leaf.text, unknown);
      break;
    case IdKind::sync_key:
    case IdKind::hierarchy_key: {
      if (leaf.text == "0" || leaf.text.empty()) break;
      const std::string* live = kind_of(leaf.tag) == IdKind::sync_key
                                    ? find(sync_keys_, {folder_around, leaf.text})
                                    : find(hierarchy_keys_, leaf.text);
      if (live == nullptr) unknown.push_back("key " + leaf.text + " has no counterpart");
      if (live != nullptr) leaf.text = *live;
      break;
    }
    case IdKind::policy_key:
      leaf.text = policy_key(leaf.text);
      break;
    case IdKind::file:
      leaf.text = file_reference(leaf.text, unknown);
      break;
    case IdKind::long_id:
      leaf.text = long_id(leaf.text, unknown);
      break;
    case IdKind::none:
      if (leaf.text.find('@') != std::string::npos) leaf.text = addresses_.rewrite(leaf.text);
      break;
  }
}

}  // namespace eas::client
