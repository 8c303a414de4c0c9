// Every setting of a policy, one row each, in the order of the schema. [MS-ASPROV] 2.2.2
// From the rows come the checks of what an administrator sets, the document for phones in both
// forms, and the help. Adding a setting is adding a row.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/protocol_version.h"
#include "wbxml/tag.h"

namespace eas::policy {

// How a setting appears in the document of 2.5, which knows few of them. [MS-ASPROV] 2.2.2.24.2
enum class XmlForm {
  none,
  inverse,     // 1 as "0" and 0 as "1"
  same,        // the number
  minutes,     // seconds as minutes, rounded up; and AEFrequencyType says whether there is a limit
  complexity,  // 1: letters and digits are required ("0"), 0: either will do ("2")
};

struct PolicySetting {
  enum class Kind { boolean, number, list };
  std::string_view name;  // the element, or the name of a setting that only the server reads
  Kind kind = Kind::boolean;
  wbxml::Tag tag;                  // {}: only the server reads it
  wbxml::Tag item;                 // of a list
  Version since = Version::v12_0;  // the first version with the element
  std::int64_t min = 0, max = 1;   // of a number
  std::string_view values;         // "0 4 5": the only numbers allowed; "" for all in the range
  std::string_view fallback;       // when it is not set: restricts nothing
  bool may_be_empty = false;       // "" is a value ("no limit") and the fallback
  XmlForm xml = XmlForm::none;
  std::string_view characteristic;  // where in the document of 2.5
  std::string_view parm;
  std::string_view text;  // for administrators
};

// In schema order, the server's own ones last.
std::span<const PolicySetting> policy_settings();
// Compared without case; nullptr: there is none.
const PolicySetting* find_policy_setting(std::string_view name);
// "0 or 1", "1 to 16, or empty", "one of 0 4 5 6 7", "list of texts".
std::string range_text(const PolicySetting& setting);

}  // namespace eas::policy
