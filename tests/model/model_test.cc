// Random schedules against the whole of it: phones, lost answers, repeated requests, copies of
// requests that arrive late, phones that begin anew, kills at any writing step, restarts, and
// another program at work on the same Maildirs. Every schedule must converge: each phone holds
// exactly what the mailbox holds inside its filter, nothing was lost and nothing doubled, and no
// phone was made to start again.
//
//   GODWIT_MODEL_SCHEDULES=50000 GODWIT_MODEL_SEED=1 build/release/tests/model_test
#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>

#include "server/sync/sync_engine.h"
#include "storage/base/log.h"
#include "tests/model/model_server.h"
#include "tests/model/simulated_phone.h"
#include "tests/support/postgres.h"

namespace {

using test::ModelServer;
using test::SimulatedPhone;

const std::vector<std::string> kFolders = {"inbox", "trash", "Work"};

long number_from(const char* variable, long fallback) {
  const char* text = std::getenv(variable);
  return text == nullptr ? fallback : std::strtol(text, nullptr, 10);
}

class Schedule {
 public:
  explicit Schedule(unsigned seed, std::string database_url = "")
      : random_(seed), server_(std::move(database_url)) {
    phones_.emplace_back(eas::Version::v14_1, 0);
    const eas::Version versions[] = {eas::Version::v2_5, eas::Version::v12_1, eas::Version::v16_1};
    phones_.emplace_back(versions[pick(3)], pick(6));
  }

  void run() {
    for (int step = 0; step < 40; ++step) act();
    settle();
    check();
  }

 private:
  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  std::string some_folder() { return kFolders[static_cast<std::size_t>(pick(3))]; }

  test::Exchange exchange(std::size_t phone) {
    return [this, phone](const std::string& command,
                         const wbxml::Element& body) -> std::optional<wbxml::Element> {
      auto answer =
          server_.run("device" + std::to_string(phone), phones_[phone].version(), command, body);
      if (faults_ && pick(5) == 0) return std::nullopt;  // the answer is lost
      return answer;
    };
  }

  void act() {
    const auto p = static_cast<std::size_t>(pick(2));
    SimulatedPhone& phone = phones_[p];
    switch (pick(18)) {
      case 0:
      case 1:
      case 2:
        deliver();
        break;
      case 3:
        server_.flag_some_file(random_);
        break;
      case 4:
        remember_gone(server_.remove_some_file(random_));
        break;
      case 5:
        server_.move_some_file(random_);
        break;
      case 6:
        server_.restart();
        break;
      case 7:
        server_.kill_after(1 + pick(12));
        break;
      case 8:
        server_.clock.now += 3'600'000LL * pick(30);
        break;
      case 9:
        phone.set_filter(pick(6));
        break;
      case 10:
        change(phone);
        break;
      case 11:
        move(p);
        break;
      case 12:
        send(p);
        break;
      case 13:
        phone.repeat_earlier(static_cast<unsigned>(pick(100)), exchange(p));
        break;
      case 14:
        if (pick(3) == 0) phone.start_again(server_.collection(some_folder()), exchange(p));
        break;
      default:
        phone.sync(server_.collection(some_folder()), 1 + pick(5), exchange(p));
        break;
    }
  }

  void deliver() {
    const std::string subject = "mail-" + std::to_string(++subjects_);
    server_.deliver(subject, pick(24 * 40));
    copies_[subject] = 1;
  }

  void remember_gone(const std::string& subject) {
    if (!subject.empty()) ++gone_[subject];
  }

  // Something that a person does on the phone; it goes out with the next Sync.
  void change(SimulatedPhone& phone) {
    const std::string name = some_folder();
    const std::string collection = server_.collection(name);
    auto& items = phone.folder(collection).items;
    if (items.empty()) return;
    const auto item = std::next(items.begin(), pick(static_cast<int>(items.size())));
    const std::string id = item->first;  // outlives the item
    if (pick(3) == 0) {
      if (name == "trash") ++gone_[item->second.subject];  // for good
      phone.remove(collection, id);
    } else {
      phone.toggle_read(collection, id);
    }
  }

  void move(std::size_t p) {
    const std::string from = server_.collection(some_folder());
    const std::string to = server_.collection(some_folder());
    auto& items = phones_[p].folder(from).items;
    if (items.empty() || from == to) return;
    const auto item = std::next(items.begin(), pick(static_cast<int>(items.size())));
    const std::string id = item->first;
    phones_[p].move(from, id, to, exchange(p));
  }

  void send(std::size_t p) {
    if (phones_[p].version() < eas::Version::v14_0) return;
    const std::string subject = "sent-" + std::to_string(++subjects_);
    const std::string mime = std::string("From: ") + ModelServer::kAddress +
                             "\r\nTo: " + ModelServer::kAddress + "\r\nSubject: " + subject +
                             "\r\n\r\nHello.\r\n";
    // Unanswered ones are repeated until they are answered, so both copies are there in the end.
    if (phones_[p].send_mail(subject, mime, exchange(p))) copies_[subject] = 2;  // Inbox and Sent
  }

  // No more faults: everything pending is finished, every folder synced until it is quiet.
  void settle() {
    faults_ = false;
    server_.do_not_kill();
    for (int round = 0; round < 2; ++round) {
      for (std::size_t p = 0; p < phones_.size(); ++p) {
        phones_[p].finish_pending(exchange(p));
        for (const std::string& name : kFolders) {
          const std::string collection = server_.collection(name);
          int syncs = 0;
          do {
            phones_[p].sync(collection, 5, exchange(p));
          } while ((phones_[p].folder(collection).more ||
                    !phones_[p].folder(collection).unsent.empty()) &&
                   ++syncs < 200);
          CHECK(syncs < 200);
        }
      }
    }
    // A first Sync after key 0 brings the items.
    for (std::size_t p = 0; p < phones_.size(); ++p) {
      for (const std::string& name : kFolders) {
        const std::string collection = server_.collection(name);
        do {
          phones_[p].sync(collection, 100, exchange(p));
        } while (phones_[p].folder(collection).more);
      }
    }
  }

  void check() {
    for (SimulatedPhone& phone : phones_) {
      for (const std::string& complaint : phone.complaints()) FAIL_CHECK(complaint);
      const auto cutoff = eas::filter_cutoff(phone.filter(), server_.clock.now);
      for (const std::string& name : kFolders) {
        std::map<std::string, test::PhoneItem> expected;
        for (const test::LiveItem& item : server_.live(name)) {
          if (item.date >= cutoff) expected[item.server_id] = {item.subject, item.read};
          CHECK_MESSAGE(phone.called_gone().count(item.server_id) == 0, item.server_id,
                        " was not moved, and is there");
        }
        const auto& held = phone.folder(server_.collection(name)).items;
        CHECK_MESSAGE(held == expected, "folder ", name, ": phone has ", held.size(),
                      ", the mailbox ", expected.size());
      }
    }
    const auto files = server_.files_by_subject();
    for (const auto& entry : copies_) {  // (clang 14 captures no structured binding)
      const std::string& subject = entry.first;
      const int copies = entry.second;
      const auto found = files.find(subject);
      const int there = found == files.end() ? 0 : found->second;
      CHECK_MESSAGE(there <= copies, subject, " is there ", there, " times");
      const auto removed = gone_.find(subject);
      const int fewest = removed == gone_.end() ? copies : copies - removed->second;
      CHECK_MESSAGE(there >= fewest, subject, " is there ", there, " times, not ", fewest);
    }
  }

  std::mt19937 random_;
  ModelServer server_;
  std::vector<SimulatedPhone> phones_;
  bool faults_ = true;
  int subjects_ = 0;
  std::map<std::string, int> copies_;  // how many files there should be of each subject
  std::map<std::string, int> gone_;    // how many of them somebody removed for good, at most
};

TEST_CASE("model: random schedules with kills and lost answers converge, nothing lost or doubled") {
  storage::set_log_level(storage::LogLevel::error);
  const long schedules = number_from("GODWIT_MODEL_SCHEDULES", 2000);
  const long first = number_from("GODWIT_MODEL_SEED", 1);
  std::cout << "model: seeds " << first << " to " << first + schedules - 1 << std::endl;
  for (long seed = first; seed < first + schedules; ++seed) {
    CAPTURE(seed);
    Schedule(static_cast<unsigned>(seed)).run();
    if ((seed - first + 1) % 500 == 0) std::cout << "model: " << seed - first + 1 << std::endl;
  }
}

TEST_CASE("model: schedules on PostgreSQL converge as well") {
  storage::set_log_level(storage::LogLevel::error);
  constexpr unsigned kSchedules = 10;
  for (unsigned seed = 1; seed <= kSchedules; ++seed) {
    CAPTURE(seed);
    auto url = test::postgres_url();
    if (!url) return;
    Schedule(seed, *std::move(url)).run();
  }
}

}  // namespace
