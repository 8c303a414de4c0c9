// What stands in a live session for the ids and keys of a recorded one. Replay learns it from each
// pair of answers, the recorded and the live, and rewrites the next recorded request with it. One
// map for each recorded user. Pure: no network, no files. One thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/client/eas_client.h"
#include "wbxml/element.h"

namespace eas::client {

// E-mail addresses and names of recorded users → those of the live one, in texts and mails.
class AddressRewriter {
 public:
  // `recorded` is "user252" or "user252@example.test"; `live` an address. A name without a domain
  // stands for itself at any domain.
  void add(std::string recorded, std::string live);
  std::string rewrite(std::string_view text) const;

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

class ReplayMap {
 public:
  explicit ReplayMap(const AddressRewriter& addresses) : addresses_(addresses) {}

  // --- learning ---
  // After each exchange. Any may be nullptr: no body, or one that is not WBXML. The requests are
  // the recorded one and the one that was sent for it.
  void learn(const wbxml::Element* recorded_request, const wbxml::Element* recorded_answer,
             const wbxml::Element* live_request, const wbxml::Element* live_answer);

  // --- rewriting ---
  // Puts the live ids, keys and addresses in. What has no counterpart stays and is named in
  // `unknown`, in words.
  void rewrite(wbxml::Element& request, std::vector<std::string>& unknown);

  // One value each; the recorded one itself, and a word in `unknown`, when there is no counterpart.
  std::string folder(const std::string& recorded, std::vector<std::string>& unknown) const;
  std::string item(const std::string& recorded_folder, const std::string& recorded,
                   std::vector<std::string>& unknown);
  std::string file_reference(const std::string& recorded, std::vector<std::string>& unknown);
  std::string long_id(const std::string& recorded, std::vector<std::string>& unknown) const;
  std::string policy_key(const std::string& recorded) const;
  // For a device that had to be provisioned apart from the recorded session.
  void set_policy_key(std::string live) { policy_override_ = std::move(live); }

  // The recorded id of a live folder; "" when there is none.
  std::string recorded_folder(const std::string& live) const;
  // Whether an item with that subject came in the recorded, and in the live session.
  bool recorded_has_subject(std::string_view subject) const;
  bool live_has_subject(std::string_view subject) const;

 private:
  struct Item {
    std::string id, subject;
    std::vector<std::string> files;  // FileReferences, in order
  };
  struct Collection {
    std::vector<Item> recorded, live;            // in the order of their appearance
    std::map<std::string, std::string> matched;  // recorded id → live id
    std::set<std::string> taken;                 // live ids
  };
  using Side = std::vector<Item> Collection::*;

  void learn_folders(bool begins_anew, const wbxml::Element* recorded, const wbxml::Element* live);
  void learn_created_folder(const wbxml::Element* request, const wbxml::Element& recorded,
                            const wbxml::Element& live);
  void learn_hierarchy_key(const wbxml::Element& recorded, const wbxml::Element& live);
  void learn_sync(const wbxml::Element* recorded_request, const wbxml::Element* recorded_answer,
                  const wbxml::Element* live_request, const wbxml::Element* live_answer);
  void learn_sync_key(const std::string& folder, const wbxml::Element* recorded_request,
                      const wbxml::Element* recorded_answer, const wbxml::Element* live_request,
                      const wbxml::Element* live_answer);
  void learn_items(const wbxml::Element& collection, Side side, Collection& into);
  void learn_added(const wbxml::Element& recorded, const wbxml::Element& live, Collection& into);
  void learn_fetches(const wbxml::Element& answer, bool live);
  void learn_moves(const wbxml::Element* recorded_request, const wbxml::Element& recorded,
                   const wbxml::Element& live);
  void learn_policy(const wbxml::Element& recorded, const wbxml::Element& live);
  void learn_long_ids(const wbxml::Element& recorded, const wbxml::Element& live);
  void match_folders();
  void rewrite_in(wbxml::Element& element, const std::string& folder_around,
                  std::vector<std::string>& unknown);
  void rewrite_leaf(wbxml::Element& leaf, const std::string& folder_around,
                    std::vector<std::string>& unknown);
  static void see(std::vector<Item>& items, std::string id, const wbxml::Element* data);
  static const std::string* match_item(Collection& collection, const std::string& recorded);

  const AddressRewriter& addresses_;
  std::map<std::string, Folder> recorded_folders_, live_folders_;
  std::map<std::string, std::string> folders_;  // recorded id → live id
  std::map<std::string, std::string> hierarchy_keys_;
  std::map<std::pair<std::string, std::string>, std::string> sync_keys_;  // (recorded folder, key)
  std::map<std::string, Collection> collections_;                         // by recorded folder
  std::map<std::string, std::string> policy_keys_, long_ids_;
  std::string policy_override_;
};

}  // namespace eas::client
