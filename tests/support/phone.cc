#include "tests/support/phone.h"

#include <doctest/doctest.h>

#include <atomic>

#include "wbxml/code_pages.h"
#include "wbxml/dump.h"
#include "wbxml/encoder.h"

namespace test {

using eas::client::Answer;
using wbxml::Element;

ServerProcess& shared_server() {
  static ServerProcess server([] {
    ServerSetup setup;
    setup.users = kSharedUsers;
    setup.messages = kSharedMessages;
    return setup;
  }());
  return server;
}

std::string fresh_user() {
  static std::atomic<int> next{0};
  const int number = ++next;
  REQUIRE(number <= kSharedUsers);
  return "user" + std::to_string(number) + "@example.test";
}

namespace {

eas::client::ClientOptions client_options(const ServerProcess& server, const std::string& user,
                                          eas::Version version, const std::string& device_id) {
  eas::client::ClientOptions options;
  options.url = server.url();
  options.user = user;
  options.password = std::string(ServerProcess::kPassword);
  options.device_id = device_id;
  options.version = version;
  if (server.tls()) options.ca_file = server.dir() + "/tls/cert.pem";
  return options;
}

// The schemas describe 12.1 and later; up to 12.0 a Sync answer names the class of each collection.
Element without_class(Element element) {
  std::erase_if(element.children,
                [](const Element& child) { return child.tag == wbxml::airsync::kClass; });
  for (Element& child : element.children) child = without_class(std::move(child));
  return element;
}

}  // namespace

Phone::Phone(const ServerProcess& server, std::string user, eas::Version version,
             std::string device_id)
    : user_(std::move(user)),
      version_(version),
      client_(client_options(server, user_, version, device_id)) {}

Phone::~Phone() { CHECK(schemas_.problems() == ""); }

void Phone::remember(const Answer& answer) {
  if (!answer.tree) return;
  schemas_.add(
      std::string(to_string(version_)) + " " + wbxml::to_string(answer.tree->tag),
      wbxml::to_xml(version_ <= eas::Version::v12_0 ? without_class(*answer.tree) : *answer.tree));
}

void Phone::connect() {
  const auto key = client_.provision();
  REQUIRE_MESSAGE(key.has_value(), key.error().message);
  const auto synced = client_.folder_sync(folders_);
  REQUIRE_MESSAGE(synced.has_value(), synced.error().message);
}

std::string Phone::folder_id(int type) const {
  const eas::client::Folder* folder = folders_.find_type(type);
  REQUIRE(folder != nullptr);
  return folder->server_id;
}

Answer Phone::post(const eas::client::PostRequest& request) {
  auto answer = client_.post(request);
  REQUIRE_MESSAGE(answer.has_value(), answer.error().message);
  remember(*answer);
  return std::move(*answer);
}

Answer Phone::post(const Element& request) {
  eas::client::PostRequest post_request;
  post_request.command = wbxml::find_tag(request.tag)->name;
  post_request.body = wbxml::encode(request);
  return post(post_request);
}

Element Phone::call_or_empty(const Element& request, std::chrono::milliseconds timeout) {
  eas::client::PostRequest post_request;
  post_request.command = wbxml::find_tag(request.tag)->name;
  post_request.body = wbxml::encode(request);
  post_request.timeout = timeout;
  Answer answer = post(post_request);
  REQUIRE_MESSAGE(answer.status == 200, wbxml::dump(request));
  if (answer.body.empty()) return {};
  REQUIRE_MESSAGE(answer.tree.has_value(), "not WBXML");
  return std::move(*answer.tree);
}

Element Phone::call(const Element& request, std::chrono::milliseconds timeout) {
  Element answer = call_or_empty(request, timeout);
  REQUIRE_MESSAGE(answer.tag == request.tag, wbxml::dump(request));
  return answer;
}

eas::client::SyncRound Phone::sync(eas::client::MailFolder& folder, std::vector<Element> commands) {
  return folder.apply(call_or_empty(folder.request(version_, std::move(commands))));
}

void Phone::sync_all(eas::client::MailFolder& folder) {
  constexpr int kMostRounds = 1000;
  for (int i = 0; i < kMostRounds; ++i) {
    const bool first = folder.sync_key() == "0";
    const auto round = sync(folder);
    REQUIRE((round.empty || round.status == 1));
    if (!first && !round.more) return;
  }
  FAIL("the folder never ends");
}

eas::client::PingAnswer Phone::ping(int heartbeat, const std::vector<std::string>& folders) {
  auto answer = client_.ping(heartbeat, folders);
  REQUIRE_MESSAGE(answer.has_value(), answer.error().message);
  return *answer;
}

std::vector<const Element*> find_all(const Element& root, wbxml::Tag tag) {
  std::vector<const Element*> found;
  if (root.tag == tag) found.push_back(&root);
  for (const Element& child : root.children) {
    for (const Element* each : find_all(child, tag)) found.push_back(each);
  }
  return found;
}

std::string find_text(const Element& root, wbxml::Tag tag) {
  const auto found = find_all(root, tag);
  return found.empty() ? std::string() : found.front()->text;
}

std::string mail_text(std::string_view to, std::string_view subject, std::string_view body) {
  static std::atomic<int> next{0};
  return "From: Wire Test <wire@corp.example>\nTo: " + std::string(to) +
         "\nSubject: " + std::string(subject) +
         "\nDate: Sun, 22 Nov 2026 08:00:00 +0000\nMessage-ID: <wire." + std::to_string(++next) +
         "@corp.example>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" +
         std::string(body);
}

}  // namespace test
