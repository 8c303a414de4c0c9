#include "tests/support/folder_calls.h"

#include <doctest/doctest.h>

#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace test {

namespace tag = wbxml::folder_hierarchy;
using wbxml::Element;

Element folder_body(const std::string& command, std::vector<Element> children) {
  const wbxml::Tag root = command == "FolderCreate"   ? tag::kFolderCreate
                          : command == "FolderUpdate" ? tag::kFolderUpdate
                          : command == "FolderDelete" ? tag::kFolderDelete
                                                      : tag::kFolderSync;
  return Element(root, std::move(children));
}

FolderAnswer Phone::call(const std::string& command, std::vector<Element> children) {
  Call request;
  request.command = command;
  request.version = version;
  request.device = device;
  request.body = folder_body(command, std::move(children));
  const Element root = server.element(request);
  CHECK(root.tag == request.body.tag);
  FolderAnswer answer;
  answer.status = text_at(root, {tag::kStatus});
  answer.key = text_at(root, {tag::kSyncKey});
  answer.server_id = text_at(root, {tag::kServerId});
  answer.count = text_at(root, {tag::kChanges, tag::kCount});
  if (const Element* changes = root.child(tag::kChanges)) {
    for (const Element& child : changes->children) {
      const std::string id = text_at(child, {tag::kServerId});
      const std::string name = text_at(child, {tag::kDisplayName});
      if (child.tag == tag::kAdd) answer.added[name] = id;
      if (child.tag == tag::kUpdate) answer.updated[name] = id;
      if (child.tag == tag::kDelete) answer.deleted.push_back(id);
      answer.types[name] = text_at(child, {tag::kType});
      answer.parents[name] = text_at(child, {tag::kParentId});
    }
  }
  // "1", and a new key, come together.
  CHECK((answer.status == "1") == !answer.key.empty());
  if (answer.status == "1") key = answer.key;
  return answer;
}

FolderAnswer Phone::folder_sync() { return call("FolderSync", {Element(tag::kSyncKey, key)}); }

FolderAnswer Phone::create(const std::string& parent, const std::string& name,
                           const std::string& type) {
  return call("FolderCreate", {Element(tag::kSyncKey, key), Element(tag::kParentId, parent),
                               Element(tag::kDisplayName, name), Element(tag::kType, type)});
}

FolderAnswer Phone::update(const std::string& id, const std::string& parent,
                           const std::string& name) {
  return call("FolderUpdate", {Element(tag::kSyncKey, key), Element(tag::kServerId, id),
                               Element(tag::kParentId, parent), Element(tag::kDisplayName, name)});
}

FolderAnswer Phone::remove(const std::string& id) {
  return call("FolderDelete", {Element(tag::kSyncKey, key), Element(tag::kServerId, id)});
}

Element sync_one(ServiceFixture& server, const std::string& folder, const std::string& key,
                 std::vector<Element> more, const std::string& version, const std::string& device) {
  namespace airsync = wbxml::airsync;
  Element collection(airsync::kCollection,
                     {Element(airsync::kSyncKey, key), Element(airsync::kCollectionId, folder)});
  for (Element& element : more) collection.children.push_back(std::move(element));
  Call call;
  call.command = "Sync";
  call.version = version;
  call.device = device;
  call.body = Element(airsync::kSync, {Element(airsync::kCollections, {std::move(collection)})});
  const http::HttpReply reply = server.reply(call);
  REQUIRE(reply.status == 200);
  if (reply.body.empty()) return {};
  const auto root = wbxml::decode(reply.body);
  REQUIRE(root.has_value());
  const Element* collections = root->child(airsync::kCollections);
  if (collections == nullptr) return *root;  // refused as a whole
  REQUIRE(collections->children.size() == 1);
  return collections->children.front();
}

}  // namespace test
