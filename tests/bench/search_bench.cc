// Full-text search against a scan of the same files. Started by scripts/bench; prints one JSON
// object.
//
//   search_bench --mail ROOT --user ADDRESS --work DIR [--rounds R]
//
// Opens the Maildir of ADDRESS under ROOT with an index of its own in DIR, builds the full-text
// index, and then, in the same run: asks for the first page through the Search command as a phone
// would (WBXML in, WBXML out, no network), and scans the files: reads each, decodes its texts and
// looks for the same word, as a server without an index has to.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/commands/dispatch.h"
#include "server/config/limits.h"
#include "server/items/email/search_text.h"
#include "server/search/mail_search.h"
#include "server/sync/collection_locks.h"
#include "storage/base/log.h"
#include "storage/base/text.h"
#include "storage/directory/backends.h"
#include "storage/mail/backends.h"
#include "storage/search/backends.h"
#include "storage/state/backends.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/encoder.h"

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
using wbxml::Element;
namespace fs = std::filesystem;
namespace tag = wbxml::search;

constexpr const char* kPassword = "search-bench";

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "search_bench: " << why << std::endl;
  std::exit(1);
}

template <typename T>
T must(storage::Result<T> result) {
  if (!result) give_up(result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

double seconds_since(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The whole server below HTTP, on the user's Maildir.
class Server {
 public:
  Server(const std::string& mail_root, const std::string& address, const std::string& work)
      : address_(address) {
    fs::create_directories(work);
    database_ = must(storage::Database::open("sqlite:" + work + "/state.db"));
    search_path_ = work + "/search.db";
    search_database_ = must(storage::open_search_database("sqlite:" + search_path_));
    storage::DirectoryOptions directory_options;
    directory_options.hash_cost = 1;
    directory_ = must(storage::open_directory(*database_, directory_options));
    (void)directory_->add(address, kPassword);
    state_ = must(storage::open_state_store(*database_));
    settings_ = must(storage::open_user_settings(*database_));
    storage::MailStoreOptions mail_options;
    mail_options.root = mail_root;
    mail_ = must(storage::open_mail_store(mail_options, *database_, hub_));
    index_ = must(storage::open_search_index(*search_database_));
    search_ = std::make_unique<eas::MailSearch>(*index_, *mail_, *directory_, *state_);
    eas::Services services;
    services.directory = directory_.get();
    services.mail = mail_.get();
    services.state = state_.get();
    services.settings = settings_.get();
    services.hub = &hub_;
    services.clock = &clock_;
    services.locks = &locks_;
    services.search = search_.get();
    services.limits = &limits_;
    dispatcher_ = std::make_unique<eas::Dispatcher>(services, eas::DispatcherOptions{});
  }
  ~Server() {
    search_->stop();
    mail_->stop();
  }

  // Seconds to list the Maildir, and to build the full-text index; the messages in it.
  std::pair<double, double> build(std::int64_t& messages) {
    const storage::User user = must(directory_->find(address_));
    const auto mailbox = must(mail_->open(user.id, user.address));
    const auto listing = Clock::now();
    std::vector<storage::CollectionId> folders;
    for (const storage::MailFolder& folder : must(mailbox->folders()).folders) {
      folders.push_back(folder.id);
      must(mailbox->head(folder.id));
    }
    const double listed = seconds_since(listing);
    const auto building = Clock::now();
    if (!must(
            search_->catch_up(user.id, *mailbox, folders, Clock::now() + std::chrono::hours(2)))) {
      give_up("the index was not built in time");
    }
    const double built = seconds_since(building);
    messages = must(index_->search(user.id, folders, storage::SearchQuery{}, 0, 0)).total;
    return {listed, built};
  }

  // The first page for these words; returns the total.
  std::int64_t first_page(const std::string& words) {
    Element store(tag::kStore,
                  {Element(tag::kName, "Mailbox"),
                   Element(tag::kQuery, {Element(tag::kAnd, {Element(tag::kFreeText, words)})}),
                   Element(tag::kOptions, {Element(tag::kRange, "0-9")})});
    http::HttpRequest request;
    request.method = "POST";
    request.path = "/Microsoft-Server-ActiveSync";
    request.query = "Cmd=Search&User=" + address_ + "&DeviceId=bench&DeviceType=bench";
    request.headers = {
        {"Authorization", "Basic " + storage::base64_encode(address_ + ":" + kPassword)},
        {"MS-ASProtocolVersion", "14.1"},
        {"Content-Type", "application/vnd.ms-sync.wbxml"}};
    request.body = http::Body(wbxml::encode(Element(tag::kSearch, {std::move(store)})));
    request.peer = "127.0.0.1";
    const http::Outcome outcome = dispatcher_->handle(request);
    const auto* reply = std::get_if<http::HttpReply>(&outcome);
    if (reply == nullptr || reply->status != 200) give_up("Search failed");
    const auto root = wbxml::decode(reply->body);
    if (!root) give_up("Search answered no WBXML");
    const Element* response = root->child(tag::kResponse);
    const Element* found = response == nullptr ? nullptr : response->child(tag::kStore);
    if (found == nullptr || found->text_of(tag::kStatus) != "1") give_up("Search was refused");
    return storage::parse_int(found->text_of(tag::kTotal).value_or("")).value_or(-1);
  }

  std::uintmax_t index_bytes() const {
    std::error_code ignored;
    std::uintmax_t bytes = fs::file_size(search_path_, ignored);
    const std::uintmax_t log = fs::file_size(search_path_ + "-wal", ignored);
    return ignored ? bytes : bytes + log;
  }

 private:
  const std::string address_;
  std::string search_path_;
  storage::SystemClock clock_;
  eas::Limits limits_;
  storage::ChangeHub hub_;
  eas::CollectionLocks locks_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::Database> search_database_;
  std::unique_ptr<storage::Directory> directory_;
  std::unique_ptr<storage::StateStore> state_;
  std::unique_ptr<storage::UserSettings> settings_;
  std::unique_ptr<storage::MailStore> mail_;
  std::unique_ptr<storage::SearchIndex> index_;
  std::unique_ptr<eas::MailSearch> search_;
  std::unique_ptr<eas::Dispatcher> dispatcher_;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<std::string> files_of(const std::string& maildir) {
  std::vector<std::string> files;
  std::error_code error;
  for (const char* part : {"new", "cur"}) {
    for (const auto& entry : fs::directory_iterator(fs::path(maildir) / part, error)) {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

storage::SearchDocument decoded(const std::string& bytes) {
  storage::MessageInfo info;
  info.size = static_cast<std::int64_t>(bytes.size());
  return eas::email::search_document(bytes, info);
}

// The longest plain word among the subjects around the middle: something that few mails have.
std::string word_to_look_for(const std::vector<std::string>& files) {
  std::string best;
  for (std::size_t i = files.size() / 2; i < files.size() && i < files.size() / 2 + 20; ++i) {
    auto document = decoded(read_file(files[i]));
    std::string word;
    for (const char c : document.text(storage::SearchField::subject) + " ") {
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        word += c;
      } else {
        if (word.size() > best.size()) best = word;
        word.clear();
      }
    }
  }
  return storage::to_lower(best);
}

// How many of the files have the word, all read and decoded.
std::int64_t scan(const std::vector<std::string>& files, const std::string& word) {
  std::int64_t hits = 0;
  for (const std::string& file : files) {
    const auto document = decoded(read_file(file));
    const bool hit =
        std::any_of(document.texts.begin(), document.texts.end(), [&](const std::string& text) {
          return storage::to_lower(text).find(word) != std::string::npos;
        });
    if (hit) ++hits;
  }
  return hits;
}

}  // namespace

int main(int argc, char** argv) {
  std::string mail;
  std::string user;
  std::string work;
  int rounds = 7;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--mail") mail = argv[i + 1];
    if (name == "--user") user = argv[i + 1];
    if (name == "--work") work = argv[i + 1];
    if (name == "--rounds") rounds = std::atoi(argv[i + 1]);
  }
  if (mail.empty() || user.empty() || work.empty()) give_up("--mail, --user and --work are needed");
  storage::set_log_level(storage::LogLevel::warning);
  Server server(mail, user, work);
  Json result;
  std::int64_t messages = 0;
  const auto [listed, built] = server.build(messages);
  const auto files = files_of(mail + "/" + user);
  if (files.empty() || messages < static_cast<std::int64_t>(files.size())) {
    give_up("the index does not hold every message");
  }
  result["messages"] = messages;
  result["listing_seconds"] = listed;
  result["index_seconds"] = built;
  result["index_per_second"] = static_cast<double>(messages) / built;
  result["index_bytes_per_message"] =
      static_cast<double>(server.index_bytes()) / static_cast<double>(messages);
  const std::string word = word_to_look_for(files);
  server.first_page(word);  // the login and the caches of a first request
  for (const std::string& words : {word, word.substr(0, 3), std::string("the and")}) {
    std::vector<double> times;
    std::int64_t total = 0;
    for (int round = 0; round < rounds; ++round) {
      const auto from = Clock::now();
      total = server.first_page(words);
      times.push_back(seconds_since(from));
    }
    result["searches"].push_back({{"words", words}, {"total", total}, {"seconds", median(times)}});
  }
  const auto scanning = Clock::now();
  const std::int64_t hits = scan(files, word);
  result["scan_seconds"] = seconds_since(scanning);
  result["scan_hits"] = hits;
  std::cout << result.dump() << std::endl;
  return 0;
}
