// The options of `user add` and `user set` that fill in what the address list shows of a user.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/directory/address_list.h"

namespace eas::admin {

class ProfileOptions {
 public:
  // --alias, --title, --picture and so on. `this` must outlive the parsing.
  void add_to(CLI::App& command);

  bool any() const;  // one of them was given

  // `profile` with what was given on the command line; an empty text takes the old one away.
  // invalid: a file that cannot be read, no certificate, or an address to be removed that is not
  // there. What the address list itself refuses comes from its set_profile().
  storage::Result<storage::Profile> apply(storage::Profile profile) const;

 private:
  struct Text {
    std::string storage::Profile::*member;
    CLI::Option* option;
    std::shared_ptr<std::string> value;
  };
  std::vector<Text> texts_;
  std::string picture_;
  bool no_picture_ = false;
  std::vector<std::string> add_addresses_, remove_addresses_;
  std::vector<std::string> add_certificates_;
  bool no_certificates_ = false;
};

}  // namespace eas::admin
