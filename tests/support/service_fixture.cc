#include "tests/support/service_fixture.h"

#include <doctest/doctest.h>

#include "server/items/email/conversation_key.h"
#include "storage/base/log.h"
#include "storage/base/text.h"
#include "storage/directory/backends.h"
#include "storage/mail/backends.h"
#include "storage/search/backends.h"
#include "storage/state/backends.h"
#include "tests/support/version_check.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/dump.h"
#include "wbxml/encoder.h"

namespace test {
namespace {

template <typename T>
T must(storage::Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  return *std::move(result);
}

}  // namespace

ServiceFixture::ServiceFixture(eas::Limits custom, eas::DispatcherOptions options,
                               storage::StepHook before_step)
    : limits(custom),
      dispatcher_options_(std::move(options)),
      before_step_(std::move(before_step)) {
  storage::set_log_level(storage::LogLevel::off);
  start();
  must(directory_->add(kAnn, "secret", "Ann Example"));
  must(directory_->add(kBob, "secret", ""));
}

ServiceFixture::~ServiceFixture() {
  stop();
  const std::string problems = schemas_.problems();
  CHECK_MESSAGE(problems.empty(), problems);
}

void ServiceFixture::start() {
  storage::DatabaseOptions database_options;
  database_options.before_step = before_step_;
  database_ = must(storage::Database::open("sqlite:" + dir.file("godwit.db"), database_options));
  hub_ = std::make_unique<storage::ChangeHub>();
  storage::DirectoryOptions directory_options;
  directory_options.default_domain = "example.test";
  directory_options.clock = &clock;
  directory_options.hash_cost = 1;
  directory_ = must(storage::open_directory(*database_, directory_options));
  addresses_ = must(storage::open_address_list(*database_));
  state_ = must(storage::open_state_store(*database_));
  settings_ = must(storage::open_user_settings(*database_));
  storage::MailStoreOptions mail_options;
  mail_options.root = dir.file("mail");
  mail_options.clock = &clock;
  mail_options.fsync = false;
  mail_options.before_step = before_step_;
  mail_ = must(storage::open_mail_store(mail_options, *database_, *hub_));
  threads_ = must(storage::open_thread_index(*database_, eas::email::conversation_id_of));
  conversations_ = std::make_unique<eas::Conversations>(*threads_, *settings_, clock);
  REQUIRE(conversations_->load(*directory_));
  policies_ = must(storage::open_policy_store(*database_));
  devices_ = std::make_unique<eas::policy::DeviceService>(
      *policies_, addresses_.get(), *mail_, &sender, clock, std::string(kAdmin), storms);
  locks_ = std::make_unique<eas::CollectionLocks>();
  search_database_ = must(storage::open_search_database("sqlite:" + dir.file("search.db")));
  search_index_ = must(storage::open_search_index(*search_database_));
  search_ = std::make_unique<eas::MailSearch>(*search_index_, *mail_, *directory_, *state_);

  services.directory = directory_.get();
  services.addresses = addresses_.get();
  services.mail = mail_.get();
  services.sender = &sender;
  services.state = state_.get();
  services.settings = settings_.get();
  services.threads = threads_.get();
  services.conversations = conversations_.get();
  services.hub = hub_.get();
  services.clock = &clock;
  services.locks = locks_.get();
  services.search = search_.get();
  services.limits = &limits;
  services.devices = devices_.get();
  dispatcher = std::make_unique<eas::Dispatcher>(services, dispatcher_options_);
}

void ServiceFixture::stop() {
  dispatcher.reset();
  search_.reset();
  search_index_.reset();
  search_database_.reset();
  locks_.reset();
  conversations_.reset();
  threads_.reset();
  devices_.reset();
  policies_.reset();
  if (mail_) mail_->stop();
  mail_.reset();
  settings_.reset();
  state_.reset();
  addresses_.reset();
  directory_.reset();
  hub_.reset();
  database_.reset();
}

void ServiceFixture::restart() {
  stop();
  start();
}

http::Outcome ServiceFixture::handle(const Call& call) {
  http::HttpRequest request;
  request.method = call.method;
  request.path = "/Microsoft-Server-ActiveSync";
  request.query = !call.query.empty()
                      ? call.query
                      : "Cmd=" + call.command + "&User=" + call.login + "&DeviceId=" + call.device +
                            "&DeviceType=" + call.device_type + call.more_query;
  request.headers = call.headers;
  if (!call.login.empty()) {
    request.headers.emplace_back(
        "Authorization", "Basic " + storage::base64_encode(call.login + ":" + call.password));
  }
  if (!call.version.empty()) request.headers.emplace_back("MS-ASProtocolVersion", call.version);
  request.headers.emplace_back("User-Agent", "TestPhone/1.0");
  std::string body = call.raw;
  if (body.empty() && call.body.tag != wbxml::Tag{}) body = wbxml::encode(call.body);
  if (!body.empty() && !call.content_type.empty()) {
    request.headers.emplace_back("Content-Type", call.content_type);
  }
  request.body = http::Body(std::move(body));
  request.peer = "127.0.0.1";
  waker_ = std::make_shared<TestWaker>();
  request.make_waker = [this, waker = waker_] {
    if (on_make_waker) on_make_waker();
    return waker;
  };
  http::Outcome outcome = dispatcher->handle(request);
  if (const auto* answered = std::get_if<http::HttpReply>(&outcome)) check_schema(call, *answered);
  return outcome;
}

// The schemas do not have the ApplicationData in which the response to a Change names the
// attachments that it added ([MS-ASAIRS] 2.2.2.14, [MS-ASCMD] R5848).
void drop_change_responses(wbxml::Element& root) {
  namespace tag = wbxml::airsync;
  for (wbxml::Element& child : root.children) {
    if (root.tag == tag::kResponses && child.tag == tag::kChange) {
      std::erase_if(child.children,
                    [](const wbxml::Element& e) { return e.tag == tag::kApplicationData; });
    } else if (child.tag == tag::kCollections || child.tag == tag::kCollection ||
               child.tag == tag::kResponses) {
      drop_change_responses(child);
    }
  }
}

// The schemas know 12.1 and later.
void ServiceFixture::check_schema(const Call& call, const http::HttpReply& answered) {
  if (answered.content_type != "application/vnd.ms-sync.wbxml") return;
  auto root = wbxml::decode(answered.body);
  REQUIRE(root.has_value());
  // A version that lacks a command altogether is told so in the command's own words.
  const bool no_such_command = root->children.size() == 1 && root->children.front().text == "138";
  const std::string foreign = version_bit(call.version) == 0 || no_such_command
                                  ? std::string()
                                  : foreign_elements(*root, call.version);
  CHECK_MESSAGE(foreign.empty(), call.command << " " << call.version << " was sent " << foreign);
  if (call.version == "2.5" || call.version == "12.0") return;
  if (call.command == "Sync") drop_change_responses(*root);
  schemas_.add(call.command + " " + call.version, wbxml::to_xml(*root));
}

http::HttpReply ServiceFixture::reply(const Call& call) {
  http::Outcome outcome = handle(call);
  auto* answered = std::get_if<http::HttpReply>(&outcome);
  REQUIRE_MESSAGE(answered != nullptr, call.command << " was parked");
  return std::move(*answered);
}

wbxml::Element ServiceFixture::element(const Call& call) {
  const http::HttpReply answered = reply(call);
  REQUIRE(answered.status == 200);
  REQUIRE(answered.content_type == "application/vnd.ms-sync.wbxml");
  auto root = wbxml::decode(answered.body);
  REQUIRE(root.has_value());
  return *std::move(root);
}

http::Parked ServiceFixture::park(const Call& call) {
  http::Outcome outcome = handle(call);
  auto* parked = std::get_if<http::Parked>(&outcome);
  REQUIRE_MESSAGE(parked != nullptr, call.command << " was answered at once");
  return std::move(*parked);
}

std::string ServiceFixture::folder_id(int type, const std::string& device) {
  namespace tag = wbxml::folder_hierarchy;
  Call call;
  call.command = "FolderSync";
  call.device = device;
  call.body = wbxml::Element(tag::kFolderSync, {wbxml::Element(tag::kSyncKey, "0")});
  const wbxml::Element root = element(call);
  const wbxml::Element* changes = root.child(tag::kChanges);
  REQUIRE(changes != nullptr);
  for (const wbxml::Element& add : changes->children) {
    if (add.text_of(tag::kType) == std::to_string(type)) {
      return std::string(*add.text_of(tag::kServerId));
    }
  }
  FAIL("no folder of type ", type);
  return {};
}

std::string ServiceFixture::prime(const std::string& folder, const std::string& device) {
  namespace tag = wbxml::airsync;
  std::string key = "0";
  for (int round = 0; round < 50; ++round) {
    wbxml::Element collection(tag::kCollection, {wbxml::Element(tag::kSyncKey, key),
                                                 wbxml::Element(tag::kCollectionId, folder)});
    Call call;
    call.command = "Sync";
    call.device = device;
    call.body =
        wbxml::Element(tag::kSync, {wbxml::Element(tag::kCollections, {std::move(collection)})});
    const http::HttpReply answered = reply(call);
    REQUIRE(answered.status == 200);
    if (answered.body.empty()) return key;  // nothing new
    const auto root = wbxml::decode(answered.body);
    REQUIRE(root.has_value());
    const wbxml::Element* collections = root->child(tag::kCollections);
    REQUIRE(collections != nullptr);
    REQUIRE(collections->children.size() == 1);
    const wbxml::Element& answer = collections->children.front();
    REQUIRE(answer.text_of(tag::kStatus) == "1");
    const bool first = key == "0";
    key = *answer.text_of(tag::kSyncKey);
    if (!first && !answer.has(tag::kMoreAvailable)) return key;
  }
  FAIL("Sync never ends");
  return {};
}

storage::User ServiceFixture::user(std::string_view address) {
  return must(directory_->find(address));
}

std::shared_ptr<storage::Mailbox> ServiceFixture::mailbox(std::string_view address) {
  return must(mail_->open(user(address).id, address));
}

storage::CollectionId ServiceFixture::folder(storage::FolderRole role, std::string_view address) {
  for (const storage::MailFolder& folder : must(mailbox(address)->folders()).folders) {
    if (folder.role == role) return folder.id;
  }
  FAIL("no folder with that role");
  return 0;
}

storage::ItemId ServiceFixture::deliver(std::string_view bytes, storage::FolderRole role) {
  return must(mailbox()->append(folder(role), bytes, {}, clock.now_ms())).id;
}

storage::Result<storage::Device> ServiceFixture::device(const std::string& id) {
  return state_->device(user().id, id);
}

int ServiceFixture::count(storage::FolderRole role, std::string_view address) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  return static_cast<int>(
      must(mailbox(address)->count(folder(role, address), {kMax, kMax}, {0, 0}, kMax)));
}

std::string simple_mail(std::string_view subject, std::string_view body) {
  return "From: Carl <carl@elsewhere.test>\r\nTo: ann@example.test\r\nSubject: " +
         std::string(subject) + "\r\nDate: Wed, 18 Nov 2026 10:00:00 +0000\r\nMessage-ID: <" +
         std::string(subject) +
         "@elsewhere.test>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + std::string(body) +
         "\r\n";
}

std::string text_at(const wbxml::Element& root, std::initializer_list<wbxml::Tag> path) {
  const wbxml::Element* at = &root;
  for (const wbxml::Tag tag : path) {
    at = at->child(tag);
    if (at == nullptr) return {};
  }
  return at->text;
}

}  // namespace test
