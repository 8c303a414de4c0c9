#include "tests/model/model_server.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <utime.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "server/commands/command_table.h"
#include "server/conversations/conversations.h"
#include "server/items/email/conversation_key.h"
#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "storage/directory/backends.h"
#include "storage/mail/backends.h"
#include "storage/mail/smtp/local_and_relay_sender.h"
#include "storage/state/backends.h"
#include "wbxml/decoder.h"

namespace test {
namespace fs = std::filesystem;

struct ModelServer::Stores {
  std::unique_ptr<storage::Database> database;
  storage::ChangeHub hub;
  std::unique_ptr<storage::Directory> directory;
  std::unique_ptr<storage::AddressList> addresses;
  std::unique_ptr<storage::MailStore> mail;
  std::unique_ptr<storage::MailSender> sender;
  std::unique_ptr<storage::StateStore> state;
  std::unique_ptr<storage::UserSettings> settings;
  std::unique_ptr<storage::ThreadIndex> threads;
  std::unique_ptr<eas::Conversations> conversations;
  eas::CollectionLocks locks;
  eas::Limits limits;
  eas::Services services;
  storage::User user;
  std::shared_ptr<storage::Mailbox> mailbox;
};

namespace {

constexpr storage::UnixMillis kHour = 3'600'000;

std::string subject_of(const fs::path& file) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) break;
    if (storage::starts_with_ignore_case(line, "Subject: ")) return line.substr(9);
  }
  return {};
}

// "base" of "base:2,FS", and its flags.
std::pair<std::string, std::string> split_name(const std::string& name) {
  const std::size_t at = name.find(":2,");
  if (at == std::string::npos) return {name, ""};
  return {name.substr(0, at), name.substr(at + 3)};
}

template <typename T>
T must(storage::Result<T> result) {
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}

}  // namespace

ModelServer::ModelServer(std::string database_url)
    : database_url_(database_url.empty() ? "sqlite:" + dir_.file("godwit.db")
                                         : std::move(database_url)) {
  clock.now = storage::SystemClock().now_ms();
  open();
  must(stores_->directory->add(kAddress, "secret"));
  restart();  // now with the user
  must(stores_->mailbox->create_folder(0, "Work"));
}

ModelServer::~ModelServer() = default;

void ModelServer::open() {
  stores_ = std::make_unique<Stores>();
  Stores& s = *stores_;
  const auto step = [this](const char*) {
    if (steps_left_ > 0 && --steps_left_ == 0) throw Killed{};
  };
  storage::DatabaseOptions database_options;
  database_options.before_step = step;
  s.database = must(storage::Database::open(database_url_, database_options));
  storage::DirectoryOptions directory_options;
  directory_options.default_domain = "example.test";
  directory_options.clock = &clock;
  directory_options.hash_cost = 1;
  s.directory = must(storage::open_directory(*s.database, directory_options));
  s.addresses = must(storage::open_address_list(*s.database));
  storage::MailStoreOptions mail_options;
  mail_options.root = dir_.file("mail");
  mail_options.fsync = false;
  mail_options.clock = &clock;
  mail_options.before_step = step;
  s.mail = must(storage::open_mail_store(mail_options, *s.database, s.hub));
  storage::smtp::SenderOptions sender_options;
  sender_options.local_domains = {"example.test"};
  sender_options.host = "model.example.test";
  sender_options.clock = &clock;
  s.sender = must(storage::smtp::LocalAndRelaySender::open(
      sender_options, *s.mail, *s.database,
      [directory = s.directory.get()](
          std::string_view address) -> storage::Result<std::pair<std::int64_t, std::string>> {
        GODWIT_ASSIGN(const storage::User user, directory->find(address));
        return std::pair(user.id, user.address);
      }));
  s.state = must(storage::open_state_store(*s.database));
  s.settings = must(storage::open_user_settings(*s.database));
  s.services.directory = s.directory.get();
  s.services.addresses = s.addresses.get();
  s.services.mail = s.mail.get();
  s.services.sender = s.sender.get();
  s.services.state = s.state.get();
  s.threads = must(storage::open_thread_index(*s.database, eas::email::conversation_id_of));
  s.conversations = std::make_unique<eas::Conversations>(*s.threads, *s.settings, clock);
  s.services.settings = s.settings.get();
  s.services.threads = s.threads.get();
  s.services.conversations = s.conversations.get();
  s.services.hub = &s.hub;
  s.services.clock = &clock;
  s.services.locks = &s.locks;
  s.services.limits = &s.limits;
  if (auto user = s.directory->find(kAddress)) {
    s.user = *user;
    s.mailbox = must(s.mail->open(s.user.id, s.user.address));
  }
}

void ModelServer::restart() {
  if (stores_) {
    stores_->mailbox.reset();
    stores_->mail->stop();
    stores_.reset();
  }
  open();
}

std::optional<wbxml::Element> ModelServer::run(const std::string& device, eas::Version version,
                                               const std::string& command,
                                               const wbxml::Element& body) {
  try {
    Stores& s = *stores_;
    eas::Request request;
    request.query.command = command;
    request.version = version;
    request.user = s.user;
    request.device = must(s.state->ensure_device(s.user.id, device, "model", "model", clock.now,
                                                 s.limits.max_devices_per_user));
    request.mailbox = s.mailbox;
    request.end_older = [](const std::vector<storage::CollectionId>&) {};  // none waits here
    request.body = must([&]() -> storage::Result<wbxml::Element> {
      auto decoded = wbxml::decode(wbxml::encode(body));
      if (!decoded) return storage::fail(storage::ErrorKind::invalid, decoded.error().message);
      return std::move(*decoded);
    }());
    const eas::CommandInfo* info = eas::find_command(command);
    REQUIRE(info != nullptr);
    const eas::CommandResult result = info->run(request, s.services);
    const eas::Reply* reply = std::get_if<eas::Reply>(&result);
    if (reply == nullptr) {
      FAIL("command failed: " << std::get<eas::CommandError>(result).reason);
    }
    if (reply->body.empty()) return wbxml::Element{};
    auto decoded = wbxml::decode(reply->body);
    REQUIRE(decoded);
    return std::move(*decoded);
  } catch (const Killed&) {
    restart();
    return std::nullopt;
  }
}

std::string ModelServer::collection(const std::string& name) {
  if (collections_.empty()) {
    for (const storage::MailFolder& folder : must(stores_->mailbox->folders()).folders) {
      const std::string id = eas::to_collection_id(folder.id);
      collections_[folder.name] = id;
      if (folder.role == storage::FolderRole::inbox) collections_["inbox"] = id;
      if (folder.role == storage::FolderRole::trash) collections_["trash"] = id;
    }
  }
  return collections_.at(name);
}

std::vector<LiveItem> ModelServer::live(const std::string& name) {
  const storage::CollectionId id = *eas::parse_collection_id(collection(name));
  storage::Mailbox& mailbox = *stores_->mailbox;
  must(mailbox.head(id));
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  std::vector<LiveItem> items;
  const auto page = must(mailbox.newest_first(id, {kMax, kMax}, {}, kMax, 100'000));
  for (const storage::Listed& listed : page.items) {
    const storage::MessageInfo info = must(mailbox.message(id, listed.id));
    const storage::MessageBytes bytes = must(mailbox.bytes(id, listed.id));
    std::istringstream text{std::string(bytes.view())};
    LiveItem item{eas::to_item_id(id, listed.id), "", info.flags.seen, info.date};
    for (std::string line; std::getline(text, line) && line.size() > 1;) {
      if (storage::starts_with_ignore_case(line, "Subject: ")) {
        item.subject = std::string(storage::trim(std::string_view(line).substr(9)));
      }
    }
    items.push_back(std::move(item));
  }
  return items;
}

void ModelServer::deliver(const std::string& subject, int age_hours) {
  const fs::path root = fs::path(dir_.file("mail")) / kAddress;
  const std::string name =
      std::to_string(clock.now / 1000) + ".D" + std::to_string(++delivered_) + ".elsewhere";
  {
    std::ofstream out(root / "tmp" / name);
    out << "From: sender@elsewhere.test\nTo: " << kAddress << "\nSubject: " << subject
        << "\nMessage-ID: <" << subject << "@elsewhere.test>\n\nText of " << subject << ".\n";
  }
  const auto seconds = static_cast<time_t>((clock.now - age_hours * kHour) / 1000);
  const utimbuf times{seconds, seconds};
  ::utime((root / "tmp" / name).c_str(), &times);
  fs::rename(root / "tmp" / name, root / "new" / name);
}

std::vector<std::string> ModelServer::message_files() const {
  std::vector<std::string> files;
  const fs::path root = fs::path(dir_.path()) / "mail" / kAddress;
  std::vector<fs::path> folders = {root};
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_directory() && entry.path().filename().string().front() == '.') {
      folders.push_back(entry.path());
    }
  }
  for (const fs::path& folder : folders) {
    for (const char* part : {"new", "cur"}) {
      for (const auto& entry : fs::directory_iterator(folder / part)) {
        files.push_back(entry.path().string());
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void ModelServer::flag_some_file(std::mt19937& random) {
  const auto files = message_files();
  if (files.empty()) return;
  const fs::path file = files[random() % files.size()];
  auto [base, flags] = split_name(file.filename().string());
  const std::size_t seen = flags.find('S');
  if (seen == std::string::npos) {
    flags += 'S';
    std::sort(flags.begin(), flags.end());
  } else {
    flags.erase(seen, 1);
  }
  fs::rename(file, file.parent_path().parent_path() / "cur" / (base + ":2," + flags));
}

std::string ModelServer::remove_some_file(std::mt19937& random) {
  const auto files = message_files();
  if (files.empty()) return "";
  const fs::path file = files[random() % files.size()];
  std::string subject = subject_of(file);
  fs::remove(file);
  return subject;
}

void ModelServer::move_some_file(std::mt19937& random) {
  const auto files = message_files();
  if (files.empty()) return;
  const fs::path file = files[random() % files.size()];
  // A sent message whose SendMail is still unanswered is found again by its file name.
  if (subject_of(file).starts_with("sent-")) return;
  const fs::path root = fs::path(dir_.path()) / "mail" / kAddress;
  const fs::path target = random() % 2 == 0 ? root / "cur" : root / ".Work" / "cur";
  if (file.parent_path() == target || file.parent_path().parent_path() == target.parent_path()) {
    return;
  }
  auto [base, flags] = split_name(file.filename().string());
  fs::rename(file, target / (base + ".moved" + std::to_string(++delivered_) + ":2," + flags));
}

std::map<std::string, int> ModelServer::files_by_subject() const {
  std::map<std::string, int> found;
  for (const std::string& file : message_files()) ++found[subject_of(file)];
  return found;
}

}  // namespace test
