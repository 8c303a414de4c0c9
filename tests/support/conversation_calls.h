// Messages of conversations, and a phone of one folder that asks for them. [MS-ASCON]
#pragma once

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/sync/server_id.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace test::conversation {

using storage::FolderRole;
using wbxml::Element;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace ops = wbxml::item_operations;

inline constexpr storage::UnixMillis kDay = 24LL * 3'600'000;

// A message of the thread that `root` began.
inline std::string mail_of(const std::string& root, const std::string& id) {
  return "From: Carl <carl@elsewhere.test>\r\nTo: ann@example.test\r\nSubject: about " + root +
         "\r\nMessage-ID: <" + id + "@e>\r\n" +
         (id == root ? "" : "References: <" + root + "@e>\r\n") +
         "Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>Text of " + id +
         ".</p></body></html>\r\n";
}

struct Folder {
  Folder(ServiceFixture& server, FolderRole role)
      : id(server.folder(role)), name(eas::to_collection_id(id)) {}
  storage::CollectionId id;
  std::string name;
};

inline storage::ItemId put(ServiceFixture& server, FolderRole role, const std::string& bytes,
                           storage::UnixMillis age = 0) {
  const auto stored =
      server.mailbox()->append(server.folder(role), bytes, {}, server.clock.now_ms() - age);
  REQUIRE(stored);
  return stored->id;
}

inline Call sync_call(std::vector<Element> children, const char* version) {
  Call call;
  call.command = "Sync";
  call.version = version;
  call.body = Element(
      airsync::kSync,
      {Element(airsync::kCollections, {Element(airsync::kCollection, std::move(children))})});
  return call;
}

// A phone of one folder that keeps its key.
struct Phone {
  ServiceFixture& server;
  std::string folder;
  const char* version = "14.1";
  std::string key = "0";

  // The Collection of the answer; an element without children when there is nothing new.
  Element sync(const std::vector<Element>& more = {}) {
    std::vector<Element> children = {Element(airsync::kSyncKey, key),
                                     Element(airsync::kCollectionId, folder)};
    children.insert(children.end(), more.begin(), more.end());
    const auto reply = server.reply(sync_call(std::move(children), version));
    REQUIRE(reply.status == 200);
    if (reply.body.empty()) return Element(airsync::kCollection);
    const auto root = wbxml::decode(reply.body);
    REQUIRE(root);
    REQUIRE(root->child(airsync::kCollections) != nullptr);
    const Element answer = root->child(airsync::kCollections)->children.at(0);
    if (text_at(answer, {airsync::kStatus}) == "1") key = text_at(answer, {airsync::kSyncKey});
    return answer;
  }
  Element command(Element one) { return sync({Element(airsync::kCommands, {std::move(one)})}); }
};

// The items that the answer adds, removes or softly removes.
inline std::set<std::string> told(const Element& answer, wbxml::Tag kind) {
  std::set<std::string> ids;
  const Element* commands = answer.child(airsync::kCommands);
  if (commands == nullptr) return ids;
  for (const Element& one : commands->children) {
    if (one.tag == kind) ids.insert(text_at(one, {airsync::kServerId}));
  }
  return ids;
}

inline const Element& data_of(const Element& answer, const std::string& id) {
  const Element* commands = answer.child(airsync::kCommands);
  REQUIRE(commands != nullptr);
  for (const Element& one : commands->children) {
    if (text_at(one, {airsync::kServerId}) == id) return *one.child(airsync::kApplicationData);
  }
  FAIL("not told: ", id);
  return *commands;
}

inline std::string conversation_of(ServiceFixture& server, const Folder& folder,
                                   storage::ItemId item) {
  const std::string id = eas::to_item_id(folder.id, item);
  Phone phone{server, folder.name};
  phone.sync();
  const Element answer = phone.sync();
  return text_at(data_of(answer, id), {wbxml::email2::kConversationId});
}

inline Element filter(const char* type) {
  return Element(airsync::kOptions, {Element(airsync::kFilterType, type)});
}

inline Element opaque(wbxml::Tag tag, const std::string& bytes) {
  Element element(tag, bytes);
  element.opaque = true;
  return element;
}

inline Element always(const std::string& conversation, const std::string& destination) {
  return Element(ops::kMove,
                 {opaque(ops::kConversationId, conversation), Element(ops::kDstFldId, destination),
                  Element(ops::kOptions, {Element(ops::kMoveAlways)})});
}

inline Call operations(std::vector<Element> children, const char* version = "14.1") {
  Call call;
  call.command = "ItemOperations";
  call.version = version;
  call.body = Element(ops::kItemOperations, std::move(children));
  return call;
}

inline std::vector<std::string> move_statuses(const Element& root) {
  std::vector<std::string> found;
  const Element* response = root.child(ops::kResponse);
  if (response == nullptr) return found;
  for (const Element& one : response->children) {
    CHECK(one.tag == ops::kMove);
    CHECK(one.child(ops::kConversationId) != nullptr);
    CHECK(one.child(ops::kConversationId)->opaque);
    found.push_back(text_at(one, {ops::kStatus}));
  }
  return found;
}

using Statuses = std::vector<std::string>;

}  // namespace test::conversation
