// Learning: what the recorded and the live answer to the same request say of each other.
#include <algorithm>

#include "server/client/mail_folder.h"
#include "server/client/replay_map.h"
#include "wbxml/code_pages.h"

namespace eas::client {
namespace {

using wbxml::Element;
using wbxml::Tag;
namespace as = wbxml::airsync;
namespace fh = wbxml::folder_hierarchy;
namespace io = wbxml::item_operations;
namespace mv = wbxml::move;
namespace pv = wbxml::provision;

constexpr int kUserMail = 12, kUserGeneric = 1;

std::string text_of(const Element* element, Tag tag) {
  return element == nullptr ? "" : std::string(element->text_of(tag).value_or(""));
}

void apply_changes(const Element* answer, std::map<std::string, Folder>& folders) {
  const Element* changes = answer == nullptr ? nullptr : answer->child(fh::kChanges);
  if (changes == nullptr) return;
  for (const Element& change : changes->children) {
    const std::string id = text_of(&change, fh::kServerId);
    if (change.tag == fh::kDelete) folders.erase(id);
    if (change.tag != fh::kAdd && change.tag != fh::kUpdate) continue;
    folders[id] = Folder{id, text_of(&change, fh::kParentId), text_of(&change, fh::kDisplayName),
                         number_of(change, fh::kType)};
  }
}

// How well a live folder stands for a recorded one: 0 not at all.
int likeness(const Folder& recorded, const Folder& live) {
  const bool same_name = recorded.name == live.name;
  const bool user_made = recorded.type == kUserMail || recorded.type == kUserGeneric;
  if (recorded.type == live.type) return same_name ? 3 : user_made ? 0 : 2;
  return same_name ? 1 : 0;
}

std::vector<const Element*> collections_of(const Element* sync) {
  std::vector<const Element*> found;
  const Element* list = sync == nullptr ? nullptr : sync->child(as::kCollections);
  if (list == nullptr) return found;
  for (const Element& collection : list->children) found.push_back(&collection);
  return found;
}

const Element* find_collection(const Element* sync, const std::string& id) {
  for (const Element* collection : collections_of(sync)) {
    if (text_of(collection, as::kCollectionId) == id) return collection;
  }
  return nullptr;
}

void find_all(const Element& element, Tag tag, std::vector<const Element*>& found) {
  if (element.tag == tag) found.push_back(&element);
  for (const Element& child : element.children) find_all(child, tag, found);
}

std::vector<const Element*> all_of(const Element& root, Tag tag) {
  std::vector<const Element*> found;
  find_all(root, tag, found);
  return found;
}

}  // namespace

void ReplayMap::learn(const Element* recorded_request, const Element* recorded_answer,
                      const Element* live_request, const Element* live_answer) {
  const Element* request = recorded_request != nullptr ? recorded_request : recorded_answer;
  if (request == nullptr) return;
  if (request->tag == as::kSync) {
    learn_sync(recorded_request, recorded_answer, live_request, live_answer);
    return;
  }
  if (request->tag == fh::kFolderSync) {
    const bool begins_anew = text_of(recorded_request, fh::kSyncKey) == "0";
    learn_folders(begins_anew, recorded_answer, live_answer);
  }
  if (request->tag == io::kItemOperations) {
    if (recorded_answer != nullptr) learn_fetches(*recorded_answer, false);
    if (live_answer != nullptr) learn_fetches(*live_answer, true);
  }
  if (recorded_answer == nullptr || live_answer == nullptr) return;
  if (request->tag.page == fh::kPage) {
    learn_created_folder(recorded_request, *recorded_answer, *live_answer);
    learn_hierarchy_key(*recorded_answer, *live_answer);
  }
  if (request->tag == mv::kMoveItems) learn_moves(recorded_request, *recorded_answer, *live_answer);
  if (request->tag == pv::kProvision) learn_policy(*recorded_answer, *live_answer);
  if (request->tag == wbxml::search::kSearch) learn_long_ids(*recorded_answer, *live_answer);
}

// --- folders --------------------------------------------------------------------------------

// A FolderSync that begins anew may be that of another user, where the request line names none:
// then his folders, too, stand for the live ones. What was matched before stays.
void ReplayMap::learn_folders(bool begins_anew, const Element* recorded, const Element* live) {
  if (begins_anew) {
    recorded_folders_.clear();
    live_folders_.clear();
  }
  apply_changes(recorded, recorded_folders_);
  apply_changes(live, live_folders_);
  match_folders();
}

void ReplayMap::match_folders() {
  std::set<std::string> taken;
  for (const auto& [recorded, live] : folders_) {
    if (recorded_folders_.count(recorded) != 0) taken.insert(live);
  }
  for (int wanted = 3; wanted >= 1; --wanted) {
    for (const auto& [id, recorded] : recorded_folders_) {
      if (folders_.count(id) != 0) continue;
      for (const auto& [live_id, live] : live_folders_) {
        if (taken.count(live_id) != 0 || likeness(recorded, live) != wanted) continue;
        folders_[id] = live_id;
        taken.insert(live_id);
        break;
      }
    }
  }
}

void ReplayMap::learn_created_folder(const Element* request, const Element& recorded,
                                     const Element& live) {
  const std::string recorded_id = text_of(&recorded, fh::kServerId);
  const std::string live_id = text_of(&live, fh::kServerId);
  if (recorded_id.empty() || live_id.empty()) return;
  folders_[recorded_id] = live_id;
  if (request == nullptr) return;
  const std::string name = text_of(request, fh::kDisplayName);
  const int type = number_of(*request, fh::kType);
  recorded_folders_[recorded_id] = Folder{recorded_id, "", name, type};
  live_folders_[live_id] = Folder{live_id, "", name, type};
}

void ReplayMap::learn_hierarchy_key(const Element& recorded, const Element& live) {
  const std::string recorded_key = text_of(&recorded, fh::kSyncKey);
  const std::string live_key = text_of(&live, fh::kSyncKey);
  if (!recorded_key.empty() && !live_key.empty()) hierarchy_keys_[recorded_key] = live_key;
}

// --- Sync -----------------------------------------------------------------------------------

void ReplayMap::learn_sync(const Element* recorded_request, const Element* recorded_answer,
                           const Element* live_request, const Element* live_answer) {
  std::set<std::string> ids;  // recorded folder ids
  for (const Element* sync : {recorded_request, recorded_answer}) {
    for (const Element* collection : collections_of(sync)) {
      ids.insert(text_of(collection, as::kCollectionId));
    }
  }
  for (const Element* sync : {live_request, live_answer}) {
    for (const Element* collection : collections_of(sync)) {
      ids.insert(recorded_folder(text_of(collection, as::kCollectionId)));
    }
  }
  std::vector<std::string> ignored;
  for (const std::string& id : ids) {
    if (id.empty()) continue;
    const std::string live_id = folder(id, ignored);
    const Element* recorded = find_collection(recorded_answer, id);
    const Element* live = find_collection(live_answer, live_id);
    learn_sync_key(id, find_collection(recorded_request, id), recorded,
                   find_collection(live_request, live_id), live);
    Collection& collection = collections_[id];
    if (recorded != nullptr) learn_items(*recorded, &Collection::recorded, collection);
    if (live != nullptr) learn_items(*live, &Collection::live, collection);
    if (recorded != nullptr && live != nullptr) learn_added(*recorded, *live, collection);
  }
}

// The key that the recorded client uses next stands for the one that is right here next. A side
// that said nothing of the folder stays at the key of its request.
void ReplayMap::learn_sync_key(const std::string& folder, const Element* recorded_request,
                               const Element* recorded_answer, const Element* live_request,
                               const Element* live_answer) {
  std::string recorded = text_of(recorded_answer, as::kSyncKey);
  if (recorded.empty()) recorded = text_of(recorded_request, as::kSyncKey);
  std::string live = text_of(live_answer, as::kSyncKey);
  if (live.empty()) live = text_of(live_request, as::kSyncKey);
  if (recorded.empty() || live.empty() || live == "0") return;
  sync_keys_[{folder, recorded}] = live;
}

void ReplayMap::see(std::vector<Item>& items, std::string id, const Element* data) {
  auto item =
      std::find_if(items.begin(), items.end(), [&id](const Item& known) { return known.id == id; });
  if (item == items.end()) {
    items.push_back(Item{std::move(id), "", {}});
    item = std::prev(items.end());
  }
  if (data == nullptr) return;
  MailItem mail;
  read_mail_data(*data, mail);
  for (const Tag subject : {wbxml::calendar::kSubject, wbxml::tasks::kSubject,
                            wbxml::contacts::kFileAs, wbxml::notes::kSubject}) {
    if (mail.subject.empty()) mail.subject = text_of(data, subject);
  }
  if (!mail.subject.empty()) item->subject = mail.subject;
  if (mail.attachments.empty()) return;
  item->files.clear();
  for (MailAttachment& file : mail.attachments) item->files.push_back(file.file_reference);
}

void ReplayMap::learn_items(const Element& collection, Side side, Collection& into) {
  for (const Tag list_tag : {as::kCommands, as::kResponses}) {
    const Element* list = collection.child(list_tag);
    if (list == nullptr) continue;
    for (const Element& entry : list->children) {
      const bool brings_item = entry.tag == as::kAdd || entry.tag == as::kFetch ||
                               (list_tag == as::kCommands && entry.tag == as::kChange);
      const std::string id = text_of(&entry, as::kServerId);
      if (brings_item && !id.empty()) see(into.*side, id, entry.child(as::kApplicationData));
    }
  }
}

// Items that the client added have the same ClientId on both sides.
void ReplayMap::learn_added(const Element& recorded, const Element& live, Collection& into) {
  const Element* recorded_list = recorded.child(as::kResponses);
  const Element* live_list = live.child(as::kResponses);
  if (recorded_list == nullptr || live_list == nullptr) return;
  for (const Element& entry : recorded_list->children) {
    const std::string client_id = text_of(&entry, as::kClientId);
    if (entry.tag != as::kAdd || client_id.empty()) continue;
    for (const Element& other : live_list->children) {
      if (other.tag != as::kAdd || text_of(&other, as::kClientId) != client_id) continue;
      const std::string recorded_id = text_of(&entry, as::kServerId);
      const std::string live_id = text_of(&other, as::kServerId);
      if (recorded_id.empty() || live_id.empty()) continue;
      into.matched[recorded_id] = live_id;
      into.taken.insert(live_id);
    }
  }
}

// --- the others -----------------------------------------------------------------------------

void ReplayMap::learn_fetches(const Element& answer, bool live) {
  for (const Element* fetch : all_of(answer, io::kFetch)) {
    const std::string folder_id = text_of(fetch, as::kCollectionId);
    const std::string item_id = text_of(fetch, as::kServerId);
    const Element* properties = fetch->child(io::kProperties);
    if (folder_id.empty() || item_id.empty() || properties == nullptr) continue;
    Collection& collection = collections_[live ? recorded_folder(folder_id) : folder_id];
    see(live ? collection.live : collection.recorded, item_id, properties);
  }
}

void ReplayMap::learn_moves(const Element* recorded_request, const Element& recorded,
                            const Element& live) {
  if (recorded_request == nullptr) return;
  const auto recorded_answers = all_of(recorded, mv::kResponse);
  const auto live_answers = all_of(live, mv::kResponse);
  for (const Element* move : all_of(*recorded_request, mv::kMove)) {
    const std::string source = text_of(move, mv::kSrcMsgId);
    std::vector<std::string> ignored;
    const std::string live_source = item(text_of(move, mv::kSrcFldId), source, ignored);
    std::string recorded_id, live_id;
    for (const Element* answer : recorded_answers) {
      if (text_of(answer, mv::kSrcMsgId) == source) recorded_id = text_of(answer, mv::kDstMsgId);
    }
    for (const Element* answer : live_answers) {
      if (text_of(answer, mv::kSrcMsgId) == live_source) live_id = text_of(answer, mv::kDstMsgId);
    }
    if (recorded_id.empty() || live_id.empty()) continue;
    Collection& target = collections_[text_of(move, mv::kDstFldId)];
    see(target.recorded, recorded_id, nullptr);
    see(target.live, live_id, nullptr);
    target.matched[recorded_id] = live_id;
    target.taken.insert(live_id);
  }
}

void ReplayMap::learn_policy(const Element& recorded, const Element& live) {
  const auto recorded_keys = all_of(recorded, pv::kPolicyKey);
  const auto live_keys = all_of(live, pv::kPolicyKey);
  if (recorded_keys.empty() || live_keys.empty()) return;
  policy_keys_[recorded_keys.front()->text] = live_keys.front()->text;
}

void ReplayMap::learn_long_ids(const Element& recorded, const Element& live) {
  const auto recorded_ids = all_of(recorded, wbxml::search::kLongId);
  const auto live_ids = all_of(live, wbxml::search::kLongId);
  for (std::size_t i = 0; i < std::min(recorded_ids.size(), live_ids.size()); ++i) {
    long_ids_[recorded_ids[i]->text] = live_ids[i]->text;
  }
}

}  // namespace eas::client
