// FolderSync and the folder commands as a phone sends them, and their answers read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/service_fixture.h"

namespace test {

struct FolderAnswer {
  std::string status, key, count, server_id;
  std::map<std::string, std::string> added, updated;  // name → server id
  std::vector<std::string> deleted;
  std::map<std::string, std::string> types;    // name → type
  std::map<std::string, std::string> parents;  // name → parent id
};

struct Phone {
  ServiceFixture& server;
  std::string version = "14.1";
  std::string device = "dev1";
  std::string key = "0";  // of the folder list, after the last call that succeeded

  FolderAnswer folder_sync();
  FolderAnswer create(const std::string& parent, const std::string& name,
                      const std::string& type = "12");
  FolderAnswer update(const std::string& id, const std::string& parent, const std::string& name);
  FolderAnswer remove(const std::string& id);
  // Any of the four commands with these elements.
  FolderAnswer call(const std::string& command, std::vector<wbxml::Element> children);
};

wbxml::Element folder_body(const std::string& command, std::vector<wbxml::Element> children);

// Sync of one collection with these further elements (Options, Commands …): its Collection element
// of the answer; a tag of 0:0 when the answer is empty.
wbxml::Element sync_one(ServiceFixture& server, const std::string& folder, const std::string& key,
                        std::vector<wbxml::Element> more = {}, const std::string& version = "14.1",
                        const std::string& device = "dev1");

}  // namespace test
