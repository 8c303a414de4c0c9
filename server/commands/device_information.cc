#include "server/commands/device_information.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "server/commands/device_record.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace settings = wbxml::settings;

constexpr std::size_t kMaxValue = 1024;

constexpr std::array kFields = {
    std::pair<wbxml::Tag, const char*>{settings::kModel, "Model"},
    std::pair<wbxml::Tag, const char*>{settings::kIMEI, "IMEI"},
    std::pair<wbxml::Tag, const char*>{settings::kFriendlyName, "FriendlyName"},
    std::pair<wbxml::Tag, const char*>{settings::kOS, "OS"},
    std::pair<wbxml::Tag, const char*>{settings::kOSLanguage, "OSLanguage"},
    std::pair<wbxml::Tag, const char*>{settings::kPhoneNumber, "PhoneNumber"},
    std::pair<wbxml::Tag, const char*>{settings::kUserAgent, "UserAgent"},
    std::pair<wbxml::Tag, const char*>{settings::kEnableOutboundSMS, "EnableOutboundSMS"},
    std::pair<wbxml::Tag, const char*>{settings::kMobileOperator, "MobileOperator"},
};

}  // namespace

storage::Result<std::string> device_information_json(const wbxml::Element& element) {
  const wbxml::Element* set = element.child(settings::kSet);
  if (set == nullptr) {
    return storage::fail(storage::ErrorKind::invalid, "DeviceInformation without Set");
  }
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  for (const auto& [tag, name] : kFields) {
    const auto text = set->text_of(tag);
    if (!text) continue;
    if (text->size() > kMaxValue) {
      return storage::fail(storage::ErrorKind::invalid, std::string(name) + " is too long");
    }
    values[name] = std::string(*text);
  }
  return values.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

storage::Result<void> store_device_information(Request& request, const Services& services,
                                               const std::string& json) {
  return change_device(request.device, services,
                       [&](storage::Device& device) { device.info = json; });
}

}  // namespace eas
