#include "server/commands/device_information.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "server/commands/device_record.h"
#include "server/items/clean_text.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace settings = wbxml::settings;

constexpr std::size_t kMaxValue = 1024;  // characters

struct Field {
  wbxml::Tag tag;
  const char* name;
  Version since;
};

constexpr std::array kFields = {
    Field{settings::kModel, "Model", Version::v12_0},
    Field{settings::kIMEI, "IMEI", Version::v12_0},
    Field{settings::kFriendlyName, "FriendlyName", Version::v12_0},
    Field{settings::kOS, "OS", Version::v12_0},
    Field{settings::kOSLanguage, "OSLanguage", Version::v12_0},
    Field{settings::kPhoneNumber, "PhoneNumber", Version::v12_0},
    Field{settings::kUserAgent, "UserAgent", Version::v12_0},
    Field{settings::kEnableOutboundSMS, "EnableOutboundSMS", Version::v14_0},
    Field{settings::kMobileOperator, "MobileOperator", Version::v14_0},
};

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// What was kept before with what is new; "" when nothing is left.
std::string merged(const std::string& before, const std::string& news) {
  const Json changes = Json::parse(news, nullptr, false);
  if (!changes.is_object() || changes.empty()) return {};
  Json values = Json::parse(before, nullptr, false);
  if (!values.is_object()) values = Json::object();
  for (const auto& [name, value] : changes.items()) {
    if (value == "") {
      values.erase(name);
    } else {
      values[name] = value;
    }
  }
  return values.empty() ? std::string() : text_of(values);
}

}  // namespace

storage::Result<std::string> device_information_json(const wbxml::Element& element,
                                                     Version version) {
  using storage::ErrorKind;
  const wbxml::Element* set = element.child(settings::kSet);
  if (set == nullptr) return storage::fail(ErrorKind::invalid, "DeviceInformation without Set");
  Json values = Json::object();
  for (const Field& field : kFields) {
    const auto text = set->text_of(field.tag);
    if (!text || version < field.since) continue;
    const std::string value = storage::to_xml_safe_utf8(*text);
    if (utf16_prefix(value, kMaxValue).size() < value.size()) {
      return storage::fail(ErrorKind::invalid, std::string(field.name) + " is too long");
    }
    const bool is_switch = field.tag == settings::kEnableOutboundSMS;
    if (is_switch && !value.empty() && value != "0" && value != "1") {
      return storage::fail(ErrorKind::invalid, "EnableOutboundSMS is neither 0 nor 1");
    }
    values[field.name] = value;
  }
  return text_of(values);
}

storage::Result<void> store_device_information(Request& request, const Services& services,
                                               const std::string& json) {
  return change_device(request.device, services,
                       [&](storage::Device& device) { device.info = merged(device.info, json); });
}

}  // namespace eas
