// The settings of one policy: checked when they are set, kept as JSON, written for phones as WBXML
// (12.0 and later) or as text (2.5). [MS-ASPROV] 2.2.2.24, 2.2.2.28
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/policy/policy_settings.h"
#include "storage/base/result.h"
#include "wbxml/encoder.h"

namespace eas::policy {

// A value. One thread.
class PolicyDocument {
 public:
  // invalid: no such setting, or a value out of its range; the message says what is allowed. A list
  // takes any number of values, anything else one.
  storage::Result<void> set(std::string_view name, const std::vector<std::string>& values);
  // Back to "not set". invalid: no such setting.
  storage::Result<void> unset(std::string_view name);

  bool is_set(std::string_view name) const;
  // What holds: as set, else what restricts nothing. REQUIRES: a setting's exact name, no list.
  std::string_view value(std::string_view name) const;
  bool flag(std::string_view name) const { return value(name) == "1"; }
  std::vector<std::string> list(std::string_view name) const;

  // {"DevicePasswordEnabled":"1",…} in the order of the table; and back. corrupt: it is not that.
  std::string to_json() const;
  static storage::Result<PolicyDocument> from_json(std::string_view json);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;  // by exact name
};

// Whether `version` has every setting that the document restricts something with. [MS-ASCMD] 2.2.2
// (139)
bool expresses_all(const PolicyDocument& document, Version version);

// <EASProvisionDoc> with what `version` knows, into the open element. With `withdraw` settings that
// are not set are written too, as empty tags, since the phone may have had them from an earlier
// policy. [MS-ASPROV] 3.2.5.1.1
void write_policy(wbxml::Encoder& out, const PolicyDocument& document, Version version,
                  bool withdraw);

// The text for 2.5, "<wap-provisioningdoc>…".
std::string policy_xml(const PolicyDocument& document, bool withdraw);

}  // namespace eas::policy
