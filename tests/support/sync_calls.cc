#include "tests/support/sync_calls.h"

#include <doctest/doctest.h>

#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace test {

using wbxml::Element;
namespace airsync = wbxml::airsync;

std::string SyncAnswer::status_of(const std::string& folder) const {
  const auto found = collections.find(folder);
  return found == collections.end() ? "" : text_at(found->second, {airsync::kStatus});
}

std::string SyncAnswer::key_of(const std::string& folder) const {
  const auto found = collections.find(folder);
  return found == collections.end() ? "" : text_at(found->second, {airsync::kSyncKey});
}

std::vector<std::string> SyncAnswer::told(const std::string& folder, wbxml::Tag command) const {
  std::vector<std::string> ids;
  const auto found = collections.find(folder);
  if (found == collections.end()) return ids;
  const Element* list = found->second.child(airsync::kCommands);
  if (list == nullptr) return ids;
  for (const Element& one : list->children) {
    if (one.tag == command) ids.push_back(text_at(one, {airsync::kServerId}));
  }
  return ids;
}

std::string SyncAnswer::response(const std::string& folder, wbxml::Tag command,
                                 const std::string& id) const {
  const auto found = collections.find(folder);
  if (found == collections.end()) return {};
  const Element* list = found->second.child(airsync::kResponses);
  if (list == nullptr) return {};
  const wbxml::Tag name = command == airsync::kAdd ? airsync::kClientId : airsync::kServerId;
  for (const Element& one : list->children) {
    if (one.tag == command && text_at(one, {name}) == id) return text_at(one, {airsync::kStatus});
  }
  return {};
}

Element collection(const std::string& folder, const std::string& key, std::vector<Element> more) {
  Element element(airsync::kCollection,
                  {Element(airsync::kSyncKey, key), Element(airsync::kCollectionId, folder)});
  for (Element& child : more) element.children.push_back(std::move(child));
  return element;
}

Element commands(std::vector<Element> list) { return Element(airsync::kCommands, std::move(list)); }

Element change_read(const std::string& id, bool read) {
  return Element(airsync::kChange,
                 {Element(airsync::kServerId, id),
                  Element(airsync::kApplicationData,
                          {Element(wbxml::email::kRead, std::string(read ? "1" : "0"))})});
}

Element delete_item(const std::string& id) {
  return Element(airsync::kDelete, {Element(airsync::kServerId, id)});
}

Call sync_request(std::vector<Element> collections, std::vector<Element> more,
                  const std::string& version, const std::string& device) {
  Call call;
  call.command = "Sync";
  call.version = version;
  call.device = device;
  if (collections.empty() && more.empty()) return call;
  call.body = Element(airsync::kSync);
  if (!collections.empty()) {
    call.body.children.emplace_back(airsync::kCollections, std::move(collections));
  }
  for (Element& child : more) call.body.children.push_back(std::move(child));
  return call;
}

SyncAnswer sync_answer(const http::HttpReply& reply) {
  REQUIRE(reply.status == 200);
  SyncAnswer answer;
  answer.empty = reply.body.empty();
  if (answer.empty) return answer;
  const auto root = wbxml::decode(reply.body);
  REQUIRE(root.has_value());
  REQUIRE(root->tag == airsync::kSync);
  answer.status = text_at(*root, {airsync::kStatus});
  answer.limit = text_at(*root, {airsync::kLimit});
  if (const Element* list = root->child(airsync::kCollections)) {
    for (const Element& one : list->children) {
      const bool first =
          answer.collections.emplace(text_at(one, {airsync::kCollectionId}), one).second;
      CHECK(first);
    }
  }
  return answer;
}

SyncAnswer sync(ServiceFixture& server, std::vector<Element> collections, std::vector<Element> more,
                const std::string& version, const std::string& device) {
  return sync_answer(
      server.reply(sync_request(std::move(collections), std::move(more), version, device)));
}

}  // namespace test
