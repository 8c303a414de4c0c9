// Sync of any number of collections as a phone sends it, and its answer read. For one collection
// sync_one() of folder_calls.h will do.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/service_fixture.h"

namespace test {

struct SyncAnswer {
  bool empty = false;         // no body
  std::string status, limit;  // of the request as a whole; "" when each collection has its own
  std::map<std::string, wbxml::Element> collections;  // by CollectionId

  std::string status_of(const std::string& folder) const;
  std::string key_of(const std::string& folder) const;
  // The ServerIds in these commands of the server (Add, Change, Delete, SoftDelete), in order.
  std::vector<std::string> told(const std::string& folder, wbxml::Tag command) const;
  // The Status in the response to this command for this item (Add: by ClientId); "" when there is
  // no response to it.
  std::string response(const std::string& folder, wbxml::Tag command, const std::string& id) const;
};

// A Collection element of a request.
wbxml::Element collection(const std::string& folder, const std::string& key,
                          std::vector<wbxml::Element> more = {});
wbxml::Element commands(std::vector<wbxml::Element> list);
wbxml::Element change_read(const std::string& id, bool read);
wbxml::Element delete_item(const std::string& id);

// Sync with these Collection elements and these further children of Sync. Without either it has no
// body.
Call sync_request(std::vector<wbxml::Element> collections, std::vector<wbxml::Element> more = {},
                  const std::string& version = "14.1", const std::string& device = "dev1");
SyncAnswer sync_answer(const http::HttpReply& reply);  // REQUIREs 200
SyncAnswer sync(ServiceFixture& server, std::vector<wbxml::Element> collections,
                std::vector<wbxml::Element> more = {}, const std::string& version = "14.1",
                const std::string& device = "dev1");

}  // namespace test
