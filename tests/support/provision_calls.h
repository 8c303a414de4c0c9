// Requests about policies as phones send them, and what comes of requests, for command tests.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace test {

inline constexpr const char* kWbxmlPolicy = "MS-EAS-Provisioning-WBXML";
inline constexpr const char* kXmlPolicy = "MS-WAP-Provisioning-XML";
inline constexpr std::array kEveryVersion = {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

inline bool has_status_codes(std::string_view version) {
  return version >= "14.0" && version != "2.5";
}

inline Call provision_call(std::string version, std::vector<wbxml::Element> children) {
  Call call;
  call.command = "Provision";
  call.version = std::move(version);
  call.body = wbxml::Element(wbxml::provision::kProvision, std::move(children));
  return call;
}

inline wbxml::Element policies_element(std::vector<wbxml::Element> policy) {
  namespace tag = wbxml::provision;
  return wbxml::Element(tag::kPolicies, {wbxml::Element(tag::kPolicy, std::move(policy))});
}

// Phase one.
inline Call ask_policy(const std::string& version, const char* model = "Pixel 9") {
  namespace tag = wbxml::provision;
  namespace settings = wbxml::settings;
  std::vector<wbxml::Element> children;
  if (version >= "14.1" && version != "2.5") {
    children.push_back(wbxml::Element(
        settings::kDeviceInformation,
        {wbxml::Element(settings::kSet, {wbxml::Element(settings::kModel, model),
                                         wbxml::Element(settings::kOS, "Android 16")})}));
  }
  children.push_back(policies_element(
      {wbxml::Element(tag::kPolicyType, version == "2.5" ? kXmlPolicy : kWbxmlPolicy)}));
  return provision_call(version, std::move(children));
}

// Phase two.
inline Call acknowledge_policy(const std::string& version, const std::string& key,
                               const std::string& status = "1") {
  namespace tag = wbxml::provision;
  std::vector<wbxml::Element> policy = {
      wbxml::Element(tag::kPolicyType, version == "2.5" ? kXmlPolicy : kWbxmlPolicy),
      wbxml::Element(tag::kPolicyKey, key)};
  if (!status.empty()) policy.emplace_back(tag::kStatus, status);
  return provision_call(version, {policies_element(std::move(policy))});
}

inline std::string policy_field(const wbxml::Element& root, wbxml::Tag field) {
  return text_at(root, {wbxml::provision::kPolicies, wbxml::provision::kPolicy, field});
}

// Both phases; the permanent key.
inline std::string take_policy(ServiceFixture& server, const std::string& version,
                               const std::string& status = "1",
                               const std::string& device = "dev1") {
  namespace tag = wbxml::provision;
  Call first = ask_policy(version);
  first.device = device;
  const std::string temporary = policy_field(server.element(first), tag::kPolicyKey);
  REQUIRE_FALSE(temporary.empty());
  Call second = acknowledge_policy(version, temporary, status);
  second.device = device;
  const std::string permanent = policy_field(server.element(second), tag::kPolicyKey);
  REQUIRE_FALSE(permanent.empty());
  return permanent;
}

inline Call folder_sync_call(const std::string& version, const std::string& key = "") {
  namespace tag = wbxml::folder_hierarchy;
  Call call;
  call.command = "FolderSync";
  call.version = version;
  call.body = wbxml::Element(tag::kFolderSync, {wbxml::Element(tag::kSyncKey, "0")});
  if (!key.empty()) call.headers = {{"X-MS-PolicyKey", key}};
  return call;
}

inline Call ping_call(const std::string& version, const std::string& folder, int seconds = 600) {
  namespace tag = wbxml::ping;
  Call call;
  call.command = "Ping";
  call.version = version;
  call.body = wbxml::Element(
      tag::kPing,
      {wbxml::Element(tag::kHeartbeatInterval, std::to_string(seconds)),
       wbxml::Element(tag::kFolders,
                      {wbxml::Element(tag::kFolder, {wbxml::Element(tag::kId, folder),
                                                     wbxml::Element(tag::kClass, "Email")})})});
  return call;
}

// "http 449", or the first Status below the root.
inline std::string outcome_of(const http::HttpReply& reply) {
  if (reply.status != 200) return "http " + std::to_string(reply.status);
  if (reply.body.empty()) return "empty";
  const auto root = wbxml::decode(reply.body);
  REQUIRE(root.has_value());
  for (const wbxml::Element& child : root->children) {
    if (wbxml::find_tag(child.tag)->name == "Status") return child.text;
  }
  return "no status";
}
inline std::string outcome_of(ServiceFixture& server, const Call& call) {
  return outcome_of(server.reply(call));
}

// How a refusal looks in that version.
inline std::string refusal(const std::string& version, int status, int http_status) {
  return has_status_codes(version) ? std::to_string(status) : "http " + std::to_string(http_status);
}

// Sets a policy and makes it the default.
inline void impose(ServiceFixture& server, const std::string& settings,
                   const std::string& name = "strict") {
  REQUIRE(server.services.devices->store.set_policy(name, settings).has_value());
  REQUIRE(server.services.devices->store.set_default_policy(name).has_value());
}

}  // namespace test
