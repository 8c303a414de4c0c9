#include "server/autodiscover/documents.h"

#include <array>
#include <cstdio>
#include <pugixml.hpp>

#include "storage/base/text.h"

namespace eas::autodiscover {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

namespace {

constexpr const char* kOuter =
    "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";
constexpr const char* kMobileSync =
    "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";
constexpr const char* kOutlook =
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child_of(const pugi::xml_node& parent, std::string_view name) {
  for (const pugi::xml_node& child : parent.children()) {
    if (storage::equals_ignore_case(local_name(child), name)) return child;
  }
  return {};
}

std::string text_of(const pugi::xml_node& node) {
  return std::string(storage::trim(node.child_value()));
}

Schema schema_of(std::string_view name) {
  if (storage::equals_ignore_case(name, kMobileSync)) return Schema::mobilesync;
  if (storage::equals_ignore_case(name, kOutlook)) return Schema::outlook;
  return Schema::unknown;
}

struct StringWriter final : pugi::xml_writer {
  std::string text;
  void write(const void* data, std::size_t size) override {
    text.append(static_cast<const char*>(data), size);
  }
};

std::string text_of(const pugi::xml_document& document) {
  StringWriter writer;
  document.save(writer, "", pugi::format_raw | pugi::format_no_declaration);
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + writer.text;
}

void add(pugi::xml_node& parent, const char* name, std::string_view text) {
  parent.append_child(name).text().set(storage::to_xml_safe_utf8(text).c_str());
}

// Autodiscover/Response in that namespace.
pugi::xml_node start(pugi::xml_document& document, const char* response_namespace) {
  pugi::xml_node root = document.append_child("Autodiscover");
  root.append_attribute("xmlns").set_value(kOuter);
  pugi::xml_node response = root.append_child("Response");
  response.append_attribute("xmlns").set_value(response_namespace);
  return response;
}

// The answers of the mobilesync schema differ in Action only.
pugi::xml_node start_mobilesync(pugi::xml_document& document, const Person& person) {
  pugi::xml_node response = start(document, kMobileSync);
  add(response, "Culture", "en:us");
  pugi::xml_node user = response.append_child("User");
  if (!person.display_name.empty()) add(user, "DisplayName", person.display_name);
  add(user, "EMailAddress", person.address);
  return response.append_child("Action");
}

void add_protocol(pugi::xml_node& account, const char* type, const MailEndpoint& endpoint,
                  const Person& person) {
  pugi::xml_node protocol = account.append_child("Protocol");
  add(protocol, "Type", type);
  add(protocol, "Server", endpoint.host);
  add(protocol, "Port", std::to_string(endpoint.port));
  add(protocol, "LoginName", person.address);
  add(protocol, "DomainRequired", "off");
  add(protocol, "SPA", "off");
  add(protocol, "SSL", endpoint.tls ? "on" : "off");
  add(protocol, "Encryption", endpoint.tls ? "SSL" : "TLS");
  add(protocol, "AuthRequired", "on");
}

// "10:20:30.1234567", as the Time attribute has it.
std::string time_text(storage::UnixMillis now) {
  const std::int64_t day = now % 86'400'000;
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%02d:%02d:%02d.%03d0000",
                static_cast<int>(day / 3'600'000), static_cast<int>(day / 60'000 % 60),
                static_cast<int>(day / 1000 % 60), static_cast<int>(day % 1000));
  return buffer.data();
}

}  // namespace

Result<Question> parse_question(std::string_view xml) {
  if (xml.size() > kMaxRequest) return fail(ErrorKind::too_large, "the request is too large");
  // Nothing that a client needs stands in a document type; everything that harms does.
  if (xml.find("<!") != std::string_view::npos && xml.find("<!DOCTYPE") != std::string_view::npos) {
    return fail(ErrorKind::invalid, "a document type");
  }
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default);
  if (!parsed) return fail(ErrorKind::invalid, parsed.description());
  const pugi::xml_node root = child_of(document, "Autodiscover");
  int requests = 0;
  for (const pugi::xml_node& child : root.children()) {
    if (storage::equals_ignore_case(local_name(child), "Request")) ++requests;
  }
  if (requests != 1) return fail(ErrorKind::invalid, "not exactly one Request");
  const pugi::xml_node request = child_of(root, "Request");
  Question question;
  question.address = text_of(child_of(request, "EMailAddress"));
  if (question.address.empty()) return fail(ErrorKind::invalid, "no EMailAddress");
  const std::string schema = text_of(child_of(request, "AcceptableResponseSchema"));
  if (schema.empty()) return fail(ErrorKind::invalid, "no AcceptableResponseSchema");
  question.schema = schema_of(schema);
  return question;
}

std::string settings_answer(const Person& person, std::string_view base_url) {
  pugi::xml_document document;
  pugi::xml_node action = start_mobilesync(document, person);
  pugi::xml_node settings = action.append_child("Settings");
  pugi::xml_node server = settings.append_child("Server");
  const std::string url = std::string(base_url) + std::string(kSyncPath);
  add(server, "Type", "MobileSync");
  add(server, "Url", url);
  add(server, "Name", url);
  return text_of(document);
}

std::string redirect_answer(const Person& person, std::string_view address) {
  pugi::xml_document document;
  pugi::xml_node action = start_mobilesync(document, person);
  add(action, "Redirect", address);
  return text_of(document);
}

std::string action_error(const Person& person, std::string_view message) {
  pugi::xml_document document;
  pugi::xml_node action = start_mobilesync(document, person);
  pugi::xml_node error = action.append_child("Error");
  add(error, "Status", "2");
  add(error, "Message", message);
  add(error, "DebugData", "");
  return text_of(document);
}

std::string framework_error(int code, std::string_view message, storage::UnixMillis now) {
  pugi::xml_document document;
  pugi::xml_node error = start(document, kOuter).append_child("Error");
  error.append_attribute("Time").set_value(time_text(now).c_str());
  error.append_attribute("Id").set_value("1");
  add(error, "ErrorCode", std::to_string(code));
  add(error, "Message", message);
  add(error, "DebugData", "");
  return text_of(document);
}

std::optional<std::string> outlook_answer(const Person& person, const SetupOptions& options) {
  const auto imap = parse_endpoint(options.imap);
  const auto smtp = parse_endpoint(options.smtp);
  if (!imap && !smtp) return std::nullopt;
  pugi::xml_document document;
  pugi::xml_node response = start(document, kOutlook);
  pugi::xml_node user = response.append_child("User");
  add(user, "DisplayName", person.display_name.empty() ? person.address : person.display_name);
  pugi::xml_node account = response.append_child("Account");
  add(account, "AccountType", "email");
  add(account, "Action", "settings");
  if (imap) add_protocol(account, "IMAP", *imap, person);
  if (smtp) add_protocol(account, "SMTP", *smtp, person);
  return text_of(document);
}

}  // namespace eas::autodiscover
