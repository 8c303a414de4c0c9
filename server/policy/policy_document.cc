// A setting that is not set is written with the value that restricts nothing, not left out: clients
// disagree about what a missing one means. Exceptions: where that value is an empty tag it is left
// out (and the same is meant) unless there was something to withdraw; and an empty list of approved
// programs is never written, since a phone may read it as "none".
#include "server/policy/policy_document.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas::policy {
namespace {

namespace tag = wbxml::provision;
using Kind = PolicySetting::Kind;
using nlohmann::ordered_json;
using storage::ErrorKind;
using storage::fail;
using storage::Result;

constexpr std::size_t kMostItems = 1000;
constexpr std::size_t kMostItem = 1024;

bool is_in_range(const PolicySetting& setting, std::string_view value) {
  if (value.empty()) return setting.may_be_empty;
  const auto number = storage::parse_int(value);
  if (!number || std::to_string(*number) != value) return false;
  if (*number < setting.min || *number > setting.max) return false;
  if (setting.values.empty()) return true;
  const auto allowed = storage::split(setting.values, ' ');
  return std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

Result<void> check_list(const std::vector<std::string>& values) {
  const bool fits = values.size() <= kMostItems &&
                    std::all_of(values.begin(), values.end(), [](const std::string& value) {
                      return !value.empty() && value.size() <= kMostItem &&
                             storage::to_xml_safe_utf8(value) == value;
                    });
  if (!fits) {
    return fail(ErrorKind::invalid, "a list has at most 1000 texts of 1 to 1024 bytes of UTF-8");
  }
  return {};
}

Result<const PolicySetting*> find_setting(std::string_view name) {
  const PolicySetting* const setting = find_policy_setting(name);
  if (setting == nullptr) return fail(ErrorKind::invalid, "no setting " + std::string(name));
  return setting;
}

std::string xml_value(const PolicySetting& setting, std::string_view value) {
  switch (setting.xml) {
    case XmlForm::inverse:
      return value == "1" ? "0" : "1";
    case XmlForm::complexity:
      return value == "1" ? "0" : "2";
    case XmlForm::minutes:
      return std::to_string((storage::parse_int(value).value_or(0) + 59) / 60);
    case XmlForm::same:
    case XmlForm::none:
      break;
  }
  return std::string(value);
}

bool has_setting(Version version, const PolicySetting& setting) {
  if (version >= Version::v12_0) return version >= setting.since;
  return setting.xml != XmlForm::none;
}

// The settings' fallbacks restrict nothing. A recovery password is something that a phone may keep.
bool restricts(const PolicyDocument& document, const PolicySetting& setting) {
  if (setting.tag == wbxml::Tag{} || setting.tag == tag::kPasswordRecoveryEnabled) return false;
  if (setting.kind == Kind::list) return !document.list(setting.name).empty();
  const std::string_view value = document.value(setting.name);
  return !value.empty() && value != setting.fallback;
}

void append_parm(std::string& out, std::string_view name, std::string_view value) {
  out += "<parm name=\"" + std::string(name) + "\" value=\"" + std::string(value) + "\"/>";
}

// One setting inside its characteristic of the registry; nothing when there is nothing to say.
void append_registry(std::string& out, const PolicySetting& setting, std::string_view value,
                     bool password, bool withdraw) {
  constexpr std::string_view kNever = "9999";
  std::string parms;
  if (setting.xml == XmlForm::minutes) {
    const bool limited = password && !value.empty() && value != kNever;
    if (!limited && !withdraw) return;
    append_parm(parms, "AEFrequencyType", limited ? "1" : "0");
    if (limited) append_parm(parms, setting.parm, xml_value(setting, value));
  } else if (password && !value.empty()) {
    append_parm(parms, setting.parm, xml_value(setting, value));
  }
  if (parms.empty()) return;
  out += "<characteristic type=\"" + std::string(setting.characteristic) + "\">" + parms +
         "</characteristic>";
}

}  // namespace

Result<void> PolicyDocument::set(std::string_view name, const std::vector<std::string>& values) {
  GODWIT_ASSIGN(const PolicySetting* const setting, find_setting(name));
  if (setting->kind == Kind::list) {
    GODWIT_TRY(check_list(values));
  } else if (values.size() != 1 || !is_in_range(*setting, values.front())) {
    return fail(ErrorKind::invalid, std::string(setting->name) + " takes " + range_text(*setting));
  }
  values_.insert_or_assign(std::string(setting->name), values);
  return {};
}

Result<void> PolicyDocument::unset(std::string_view name) {
  GODWIT_ASSIGN(const PolicySetting* const setting, find_setting(name));
  if (const auto found = values_.find(setting->name); found != values_.end()) values_.erase(found);
  return {};
}

bool PolicyDocument::is_set(std::string_view name) const { return values_.contains(name); }

std::string_view PolicyDocument::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second.front();
  const PolicySetting* const setting = find_policy_setting(name);
  return setting == nullptr ? std::string_view() : setting->fallback;
}

std::vector<std::string> PolicyDocument::list(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::string PolicyDocument::to_json() const {
  ordered_json json = ordered_json::object();
  for (const PolicySetting& setting : policy_settings()) {
    const auto found = values_.find(setting.name);
    if (found == values_.end()) continue;
    if (setting.kind == Kind::list) {
      json[std::string(setting.name)] = found->second;
    } else {
      json[std::string(setting.name)] = found->second.front();
    }
  }
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<PolicyDocument> PolicyDocument::from_json(std::string_view text) {
  const auto json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return fail(ErrorKind::corrupt, "a policy's settings cannot be read");
  PolicyDocument document;
  for (const auto& [name, value] : json.items()) {
    std::vector<std::string> values;
    if (value.is_string()) {
      values.push_back(value.get<std::string>());
    } else if (value.is_array()) {
      for (const auto& item : value) {
        if (item.is_string()) values.push_back(item.get<std::string>());
      }
    }
    if (const auto set = document.set(name, values); !set) {
      return fail(ErrorKind::corrupt, "a policy's settings: " + set.error().message);
    }
  }
  return document;
}

bool expresses_all(const PolicyDocument& document, Version version) {
  const auto settings = policy_settings();
  return std::all_of(settings.begin(), settings.end(), [&](const PolicySetting& setting) {
    return has_setting(version, setting) || !restricts(document, setting);
  });
}

void write_policy(wbxml::Encoder& out, const PolicyDocument& document, Version version,
                  bool withdraw) {
  out.start(tag::kEASProvisionDoc);
  for (const PolicySetting& setting : policy_settings()) {
    if (setting.tag == wbxml::Tag{} || version < setting.since) continue;
    if (setting.kind == Kind::list) {
      const auto items = document.list(setting.name);
      const bool withdrawn = withdraw && setting.tag == tag::kUnapprovedInROMApplicationList;
      if (items.empty() && !withdrawn) continue;
      out.start(setting.tag);
      for (const std::string& item : items) out.text(setting.item, item);
      out.end();
      continue;
    }
    const std::string_view value = document.value(setting.name);
    if (!value.empty()) {
      out.text(setting.tag, value);
    } else if (withdraw) {
      out.empty(setting.tag);
    }
  }
  out.end();
}

std::string policy_xml(const PolicyDocument& document, bool withdraw) {
  const bool password = document.flag("DevicePasswordEnabled");
  std::string security;
  std::string registry;
  for (const PolicySetting& setting : policy_settings()) {
    if (setting.xml == XmlForm::none) continue;
    const std::string_view value = document.value(setting.name);
    if (setting.xml == XmlForm::inverse) {
      append_parm(security, setting.parm, xml_value(setting, value));
    } else {
      append_registry(registry, setting, value, password, withdraw);
    }
  }
  std::string xml = "<wap-provisioningdoc><characteristic type=\"SecurityPolicy\">" + security +
                    "</characteristic>";
  if (!registry.empty()) {
    xml += "<characteristic type=\"Registry\">" + registry + "</characteristic>";
  }
  return xml + "</wap-provisioningdoc>";
}

}  // namespace eas::policy
