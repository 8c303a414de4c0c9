// N phones with a parked Ping each on a running server: what a waiting phone costs, how soon it is
// told, and whether anyone is forgotten. Started by scripts/bench; prints one JSON object.
//
//   parked_bench --server ADDR:PORT --pid PID --bare-port PORT --bare-pid PID --mail DIR
//                --password P --users U --devices-per-user D --wakes K --rounds R
//
// 1. Every device does FolderSync, Sync 0, Sync until there is no news; then it hangs up. What the
//    server holds afterwards is its base.
// 2. Every device connects and parks a Ping: memory per Ping, threads. The same number of
//    connections to bare_tls_server gives the yardstick.
// 3. K times, one message is renamed into new/ of one user: exactly that user's devices must
//    answer; the time from the rename to the first byte of each answer counts.
// 4. R times, one message for every user: all must answer.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/bench/support/courier.h"
#include "tests/bench/support/eas_requests.h"
#include "tests/bench/support/load_client.h"
#include "tests/bench/support/process_stats.h"

namespace {

using bench::Clock;
using std::chrono::milliseconds;
using Json = nlohmann::ordered_json;

constexpr int kHeartbeat = 3000;         // seconds: longer than any run
constexpr std::size_t kConnecting = 64;  // devices in set-up or handshake at a time

struct Settings {
  std::string address;
  std::uint16_t port = 0;
  pid_t pid = 0;
  std::uint16_t bare_port = 0;
  pid_t bare_pid = 0;
  std::string mail;
  std::string password;
  int users = 0;
  int devices_per_user = 0;
  int wakes = 0;
  int rounds = 0;
};

struct Device {
  enum class Step { idle, folders, first, load, ping, parked };
  bench::Account account;
  int user = 0;
  Step step = Step::idle;
  std::string inbox;
  std::string key = "0";
  int connection = -1;
  bool answered = false;
  Clock::time_point answered_at;
};

double milliseconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values[rank];
}

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "parked_bench: " << why << std::endl;
  std::exit(1);
}

class ParkedBench {
 public:
  explicit ParkedBench(Settings settings)
      : settings_(std::move(settings)),
        client_(settings_.address, settings_.port, true),
        courier_(settings_.mail) {
    for (int user = 1; user <= settings_.users; ++user) {
      for (int i = 0; i < settings_.devices_per_user; ++i) {
        Device device;
        device.user = user;
        device.account = {"user" + std::to_string(user) + "@example.test", settings_.password,
                          "BENCH" + std::to_string(user) + "x" + std::to_string(i)};
        devices_.push_back(std::move(device));
      }
    }
    client_.on_reply = [this](int connection, bench::Reply reply) {
      on_reply(devices_[owner_[static_cast<std::size_t>(connection)]], std::move(reply));
    };
    client_.on_closed = [this](int connection, const std::string& why) {
      const Device& device = devices_[owner_[static_cast<std::size_t>(connection)]];
      if (device.connection == connection) {
        give_up(device.account.device + ": connection lost: " + why);
      }
    };
  }

  Json run() {
    Json result;
    result["connections"] = devices_.size();
    result["users"] = settings_.users;
    const int threads_at_start = bench::thread_count(settings_.pid);
    set_up_all(result);
    measure_bare(result);
    park_all(result);
    result["threads_at_start"] = threads_at_start;
    wake_single_users(result);
    wake_everybody(result);
    result["threads_at_end"] = bench::thread_count(settings_.pid);
    return result;
  }

 private:
  // ---- one device -------------------------------------------------------------------------------
  void connect(Device& device) {
    device.connection = client_.open();
    owner_.resize(static_cast<std::size_t>(device.connection) + 1);
    owner_.back() = static_cast<std::size_t>(&device - devices_.data());
  }

  void sync(Device& device) {
    device.step = device.key == "0" ? Device::Step::first : Device::Step::load;
    client_.send(device.connection,
                 bench::sync_request(device.account, {device.inbox, device.key, 100, 1, 1024}));
  }

  void park(Device& device) {
    device.step = Device::Step::parked;
    device.answered = false;
    ++parked_;
    client_.send(device.connection, bench::ping_request(device.account, device.inbox, kHeartbeat));
  }

  void on_reply(Device& device, bench::Reply reply) {
    if (reply.status != 200) {
      give_up(device.account.device + ": HTTP " + std::to_string(reply.status) + "\n" + reply.head +
              reply.body);
    }
    switch (device.step) {
      case Device::Step::folders: {
        const auto inbox = bench::inbox_of(reply.body);
        if (!inbox) give_up(device.account.device + ": FolderSync named no Inbox");
        device.inbox = *inbox;
        return sync(device);
      }
      case Device::Step::first:
      case Device::Step::load:
        return on_sync(device, reply);
      case Device::Step::parked: {
        const std::string status = bench::ping_status(reply.body);
        if (status != "2") {
          give_up(device.account.device + ": Ping answered status '" + status + "'");
        }
        --parked_;
        device.step = Device::Step::idle;
        device.answered = true;
        device.answered_at = reply.first_byte;
        answered_.push_back(&device);
        return;
      }
      default:
        give_up(device.account.device + ": an answer that nobody asked for");
    }
  }

  void on_sync(Device& device, const bench::Reply& reply) {
    const auto answer = bench::read_sync(reply.body);
    if (!answer || answer->status != "1") {
      give_up(device.account.device + ": Sync status " + (answer ? answer->status : "missing"));
    }
    const bool was_first = device.step == Device::Step::first;
    if (!answer->key.empty()) device.key = answer->key;
    if (was_first || answer->more) return sync(device);
    device.step = Device::Step::idle;
    ++ready_;
    if (repark_) park(device);
  }

  // ---- phases -----------------------------------------------------------------------------------
  // Runs `start` for every device, at most kConnecting unfinished ones at a time.
  void for_all(const std::function<void(Device&)>& start, const std::function<std::size_t()>& done,
               const char* what) {
    std::size_t next = 0;
    const auto limit = Clock::now() + std::chrono::minutes(20);
    while (done() < devices_.size()) {
      while (next < devices_.size() && next - done() < kConnecting) start(devices_[next++]);
      client_.poll(milliseconds(20));
      if (Clock::now() > limit) give_up(std::string(what) + " took too long");
    }
  }

  void set_up_all(Json& result) {
    const auto from = Clock::now();
    std::size_t closed = 0;
    for_all(
        [this](Device& device) {
          connect(device);
          device.step = Device::Step::folders;
          client_.send(device.connection, bench::folder_sync_request(device.account, "0"));
        },
        [this, &closed] {
          // Hang up as soon as a device is done, so that the base holds no connections.
          for (; closed < devices_.size() && devices_[closed].step == Device::Step::idle &&
                 devices_[closed].connection >= 0;
               ++closed) {
            const int connection = devices_[closed].connection;
            devices_[closed].connection = -1;
            client_.close(connection);
          }
          return closed;
        },
        "the set-up");
    result["setup_seconds"] = milliseconds_between(from, Clock::now()) / 1000;
  }

  // Until the server has been idle for a while.
  void settle(pid_t process) {
    double before = bench::cpu_seconds(process);
    for (int i = 0; i < 60; ++i) {
      client_.run_for(milliseconds(500));
      const double now = bench::cpu_seconds(process);
      if (now - before < 0.02) return;
      before = now;
    }
  }

  void measure_bare(Json& result) {
    bench::LoadClient bare(settings_.address, settings_.bare_port, true);
    std::size_t answers = 0;
    bare.on_reply = [&answers](int, bench::Reply) { ++answers; };
    bare.on_closed = [](int, const std::string& why) { give_up("bare server: " + why); };
    const auto before = bench::pss_kb(settings_.bare_pid);
    std::size_t next = 0;
    while (answers < devices_.size()) {
      while (next < devices_.size() && next - answers < kConnecting) {
        bare.send(bare.open(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        ++next;
      }
      bare.poll(milliseconds(20));
    }
    bare.run_for(milliseconds(500));
    const auto after = bench::pss_kb(settings_.bare_pid);
    bare_kb_ = static_cast<double>(after - before) / static_cast<double>(devices_.size());
    result["bare_kb_per_connection"] = bare_kb_;
  }

  void park_all(Json& result) {
    settle(settings_.pid);
    const auto before = bench::pss_kb(settings_.pid);
    const int threads_before = bench::thread_count(settings_.pid);
    const double cpu_before = bench::cpu_seconds(settings_.pid);
    const auto from = Clock::now();
    std::size_t started = 0;
    // A parked Ping gives no sign: connect in waves, each as fast as the handshakes go.
    while (started < devices_.size()) {
      for (std::size_t i = 0; i < kConnecting && started < devices_.size(); ++i, ++started) {
        connect(devices_[started]);
        park(devices_[started]);
      }
      client_.run_for(milliseconds(40));
    }
    settle(settings_.pid);
    result["park_seconds"] = milliseconds_between(from, Clock::now()) / 1000;
    if (parked_ != devices_.size()) give_up("a Ping was answered although there was no news");
    const auto after = bench::pss_kb(settings_.pid);
    const double count = static_cast<double>(devices_.size());
    const double each = static_cast<double>(after - before) / count;
    result["base_pss_kb"] = before;
    result["parked_pss_kb"] = after;
    result["kb_per_parked_ping"] = each;
    result["ratio_to_bare"] = each / bare_kb_;
    result["cpu_us_per_connect_and_ping"] =
        (bench::cpu_seconds(settings_.pid) - cpu_before) / count * 1e6;
    result["threads_before_parking"] = threads_before;
    result["threads_while_parked"] = bench::thread_count(settings_.pid);
  }

  // Those that answered fetch the news and park again.
  void repark_answered() {
    repark_ = true;
    ready_ = 0;
    std::vector<Device*> woken;
    woken.swap(answered_);
    const std::size_t count = woken.size();
    std::size_t next = 0;
    const auto limit = Clock::now() + std::chrono::minutes(5);
    while (ready_ < count) {
      while (next < count && next - ready_ < kConnecting) sync(*woken[next++]);
      client_.poll(milliseconds(20));
      if (Clock::now() > limit) give_up("fetching the news took too long");
    }
    repark_ = false;
  }

  void wake_single_users(Json& result) {
    std::mt19937 random(20260105);
    std::vector<double> latencies;
    std::size_t strangers = 0;
    std::size_t missing = 0;
    for (int i = 0; i < settings_.wakes; ++i) {
      const int user = std::uniform_int_distribution<int>(1, settings_.users)(random);
      courier_.prepare(user);
      client_.run_for(milliseconds(30));
      const auto renamed = courier_.deliver(user);
      const auto expected = static_cast<std::size_t>(settings_.devices_per_user);
      client_.run_until([&] { return answered_.size() >= expected; }, milliseconds(5000));
      client_.run_for(milliseconds(20));  // for those who should not answer
      for (const Device* device : answered_) {
        if (device->user != user) ++strangers;
        latencies.push_back(milliseconds_between(renamed, device->answered_at));
      }
      if (answered_.size() < expected) missing += expected - answered_.size();
      repark_answered();
    }
    settle(settings_.pid);
    result["wakes"] = settings_.wakes;
    result["phones_per_wake"] = settings_.devices_per_user;
    result["woken_wrongly"] = strangers;
    result["not_woken"] = missing;
    result["wake_p50_ms"] = percentile(latencies, 0.5);
    result["wake_p90_ms"] = percentile(latencies, 0.9);
    result["wake_p99_ms"] = percentile(latencies, 0.99);
    result["wake_max_ms"] = percentile(latencies, 1);
  }

  void wake_everybody(Json& result) {
    Json lost = Json::array();
    Json last = Json::array();
    for (int round = 0; round < settings_.rounds; ++round) {
      for (int user = 1; user <= settings_.users; ++user) courier_.prepare(user);
      client_.run_for(milliseconds(100));
      if (parked_ != devices_.size()) give_up("not everybody is parked before waking all");
      const auto from = Clock::now();
      for (int user = 1; user <= settings_.users; ++user) {
        courier_.deliver(user);
        if (user % 50 == 0) client_.poll(milliseconds(0));
      }
      client_.run_until([&] { return answered_.size() >= devices_.size(); }, milliseconds(60000));
      auto end = from;
      for (const Device* device : answered_) end = std::max(end, device->answered_at);
      lost.push_back(devices_.size() - answered_.size());
      last.push_back(milliseconds_between(from, end));
      if (round + 1 < settings_.rounds) {
        repark_answered();
        settle(settings_.pid);
      }
    }
    result["wake_all_lost"] = lost;
    result["wake_all_last_answer_ms"] = last;
  }

  Settings settings_;
  bench::LoadClient client_;
  bench::Courier courier_;
  std::vector<Device> devices_;
  std::vector<std::size_t> owner_;  // connection → device
  std::vector<Device*> answered_;
  std::size_t parked_ = 0;
  std::size_t ready_ = 0;
  bool repark_ = false;
  double bare_kb_ = 1;
};

Settings parse(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--server") {
      const auto colon = value.rfind(':');
      settings.address = value.substr(0, colon);
      settings.port = static_cast<std::uint16_t>(std::stoi(value.substr(colon + 1)));
    } else if (name == "--pid") {
      settings.pid = std::stoi(value);
    } else if (name == "--bare-port") {
      settings.bare_port = static_cast<std::uint16_t>(std::stoi(value));
    } else if (name == "--bare-pid") {
      settings.bare_pid = std::stoi(value);
    } else if (name == "--mail") {
      settings.mail = value;
    } else if (name == "--password") {
      settings.password = value;
    } else if (name == "--users") {
      settings.users = std::stoi(value);
    } else if (name == "--devices-per-user") {
      settings.devices_per_user = std::stoi(value);
    } else if (name == "--wakes") {
      settings.wakes = std::stoi(value);
    } else if (name == "--rounds") {
      settings.rounds = std::stoi(value);
    } else {
      give_up("unknown option " + name);
    }
  }
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  ParkedBench bench(parse(argc, argv));
  std::cout << bench.run().dump(2) << std::endl;
  return 0;
}
