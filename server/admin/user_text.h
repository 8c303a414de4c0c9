// Users and groups as the administrator sees them: text and JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "storage/directory/address_list.h"
#include "storage/directory/directory.h"

namespace eas::admin {

// Everything about one user.
struct UserView {
  storage::User user;
  storage::Profile profile;
  std::vector<std::string> groups;  // addresses, nested ones too
};

nlohmann::ordered_json to_json(const storage::User& user);  // without profile
nlohmann::ordered_json to_json(const UserView& view);
void print_user(const UserView& view);

struct GroupView {
  storage::Group group;
  std::vector<storage::DirectoryEntry> members;  // direct ones
  int users = 0;                                 // nested groups resolved
};

nlohmann::ordered_json to_json(const GroupView& view);
void print_group(const GroupView& view);

// One JSON value, indented, on standard output.
void print_json(const nlohmann::ordered_json& value);

}  // namespace eas::admin
