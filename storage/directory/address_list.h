// What users may know of each other: the global address list (GAL) with people and groups. One
// implementation over storage/sql, beside the directory's.
#pragma once

#include <cstddef>
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

struct ProfileLimits {
  static constexpr std::size_t kText = 256;
  static constexpr std::size_t kPicture = std::size_t{100} * 1024;
  static constexpr std::size_t kOtherAddresses = 64;
  static constexpr std::size_t kCertificates = 16;
  static constexpr std::size_t kCertificate = std::size_t{32} * 1024;
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
  std::string display_name;  // the address when the user or group has no name
  Profile profile;           // empty for a group
  int member_count = 0;      // of a group: users, each once, nested groups resolved
};

struct DirectoryPage {
  std::vector<DirectoryEntry> entries;  // by display name (Unicode root collation), then address
  int total = 0;                        // that match, whatever the page
};

// Thread-safe. Addresses are compared without case. What a user or group is searched by is kept as
// a table of words, so that a search costs what matches, not what is there. Directory::remove()
// removes the profile and the memberships too; Directory::find() and logins know the other
// addresses of a profile.
class AddressList {
 public:
  virtual ~AddressList() = default;

  // not_found: no such user.
  virtual Result<Profile> profile(std::int64_t user_id) = 0;
  // Replaces it. not_found: no such user. exists: one of the other addresses belongs to another
  // user or group, or is the user's own first one. invalid: an impossible address, a picture that
  // is neither JPEG nor PNG, a certificate that is none. too_large: over one of ProfileLimits.
  virtual Result<void> set_profile(std::int64_t user_id, const Profile& profile) = 0;
  // "" takes the name away. not_found; too_large.
  virtual Result<void> set_display_name(std::int64_t user_id, std::string_view name) = 0;

  // People and groups of whom a word of the display name, first or last name, alias, one of the
  // addresses, office or company starts with each word of `text` (without case and accents), from
  // `offset`, at most `limit`. Of an address the words before the '@' count, and the whole when
  // the searched word has an '@'. A text without a word finds nobody; of more than sixteen words
  // only the first sixteen by alphabet count. Without pictures and certificates unless asked.
  virtual Result<DirectoryPage> search(std::string_view text, int offset, int limit,
                                       bool with_pictures) = 0;
  // Those whom `to` may mean in an address field: when it is a whole address, who has exactly that
  // one or nobody; else as search() finds them, at most `limit`. `total` counts them all, also
  // with a limit of 0. Without pictures and certificates unless asked.
  virtual Result<DirectoryPage> resolve(std::string_view to, int limit, bool with_pictures) = 0;

  // --- groups ------------------------------------------------------------------------------------
  // exists: a user or group has this address. invalid; too_large (the name).
  virtual Result<Group> add_group(std::string_view address, std::string_view name) = 0;
  virtual Result<void> set_group_name(std::string_view address, std::string_view name) = 0;
  // Its members stay, its memberships end. not_found.
  virtual Result<void> remove_group(std::string_view address) = 0;
  virtual Result<std::vector<Group>> groups() = 0;            // by address
  virtual Result<Group> group(std::string_view address) = 0;  // not_found
  // `member` is a user's (also another one of theirs) or a group's address. not_found: group or
  // member. exists: is one already. invalid: would make a circle.
  virtual Result<void> add_member(std::string_view group, std::string_view member) = 0;
  // not_found: no such group, nobody, or no direct member of it.
  virtual Result<void> remove_member(std::string_view group, std::string_view member) = 0;
  // The direct members, by address, without profiles.
  virtual Result<std::vector<DirectoryEntry>> members(std::string_view group) = 0;
  // The users in the group and in the groups in it, each once, by address.
  virtual Result<std::vector<User>> all_members(std::string_view group) = 0;
  // The certificates of all these users, DER, by address of the user.
  virtual Result<std::vector<std::string>> all_certificates(std::string_view group) = 0;
  // The ids of the groups that a user is in, nested ones too, in ascending order.
  virtual Result<std::vector<std::int64_t>> groups_of(std::int64_t user_id) = 0;
};

}  // namespace storage
