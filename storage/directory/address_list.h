// What users may know of each other: the global address list (GAL) with people and groups. One
// implementation over storage/sql, beside the directory's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/directory/directory.h"

namespace storage {

// What the address list shows of a user besides name and address. All texts UTF-8, each at most 256
// bytes, "" when unknown. [MS-ASCMD] 2.2.3.87 (gal), 2.2.1.16
struct Profile {
  std::string alias;
  std::string first_name, last_name;
  std::string title, company, office;
  std::string phone, home_phone, mobile_phone;
  std::vector<std::string> other_addresses;  // more addresses that mean this user, canonical
  std::string picture;                       // JPEG or PNG bytes, at most 100 KiB
  std::vector<std::string> certificates;     // X.509, DER, for S/MIME encryption
};

// A mail group: mail to its address goes to the members.
struct Group {
  std::int64_t id = 0;  // > 0; of the same counter as users, so no id means both
  std::string address;  // canonical; no user's
  std::string name;     // shown, UTF-8
};

// One entry of the address list.
struct DirectoryEntry {
  enum class Kind { user, group };
  Kind kind = Kind::user;
  std::int64_t id = 0;
  std::string address;
  std::string display_name;  // the address when the user has no name
  Profile profile;           // empty for a group
  int member_count = 0;      // of a group, nested groups resolved
};

struct DirectoryPage {
  std::vector<DirectoryEntry> entries;  // by display name, then address
  int total = 0;                        // that match, whatever the page
};

// Thread-safe. Addresses are compared without case.
class AddressList {
 public:
  virtual ~AddressList() = default;

  // not_found: no such user.
  virtual Result<Profile> profile(std::int64_t user_id) = 0;
  // Replaces it. exists: one of the other addresses belongs to another user or group. invalid: an
  // impossible address, a picture that is none, a certificate that is none. too_large.
  virtual Result<void> set_profile(std::int64_t user_id, const Profile& profile) = 0;
  virtual Result<void> set_display_name(std::int64_t user_id, std::string_view name) = 0;

  // People and groups of whom a word of the display name, first or last name, alias, address or
  // office starts with each word of `text` (without case and accents), from `offset`, at most
  // `limit`. Without pictures and certificates unless asked.
  virtual Result<DirectoryPage> search(std::string_view text, int offset, int limit,
                                       bool with_pictures) = 0;
  // Those whom `to` may mean in an address field: an address exactly, else as search() finds them,
  // at most `limit`. With certificates and pictures.
  virtual Result<DirectoryPage> resolve(std::string_view to, int limit) = 0;

  // --- groups ------------------------------------------------------------------------------------
  virtual Result<Group> add_group(std::string_view address, std::string_view name) = 0;  // exists
  virtual Result<void> remove_group(std::string_view address) = 0;
  virtual Result<std::vector<Group>> groups() = 0;
  virtual Result<Group> group(std::string_view address) = 0;  // not_found
  // `member` is a user's or a group's address. exists: is one already. invalid: would make a
  // circle.
  virtual Result<void> add_member(std::string_view group, std::string_view member) = 0;
  virtual Result<void> remove_member(std::string_view group, std::string_view member) = 0;
  // The direct members, by address.
  virtual Result<std::vector<DirectoryEntry>> members(std::string_view group) = 0;
  // The users in the group and in the groups in it, each once, by address.
  virtual Result<std::vector<User>> all_members(std::string_view group) = 0;
  // The ids of the groups that a user is in, nested ones too.
  virtual Result<std::vector<std::int64_t>> groups_of(std::int64_t user_id) = 0;
};

}  // namespace storage
