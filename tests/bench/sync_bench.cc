// What a Sync costs on a running server. Started by scripts/bench; prints one JSON object.
//
//   sync_bench first OPTIONS --user NAME [--window N] [--body-type T] [--truncation BYTES]
//       One new device loads NAME's Inbox to its end: messages per second, and the server's memory
//       looked at after each answer.
//   sync_bench idle OPTIONS --user NAME [--user NAME…] --connections C --rounds R --seconds S
//       C devices of each user load the Inbox; then, in turn and R times over: OPTIONS, and for
//       each user Sync without news, back to back on C keep-alive connections for S seconds.
//
// OPTIONS: --server ADDR:PORT --pid PID --password P
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/support/eas_requests.h"
#include "tests/bench/support/load_client.h"
#include "tests/bench/support/process_stats.h"

namespace {

using bench::Clock;
using std::chrono::milliseconds;
using Json = nlohmann::ordered_json;

struct Settings {
  std::string mode;
  std::string address;
  std::uint16_t port = 0;
  pid_t pid = 0;
  std::string password;
  std::vector<std::string> users;
  int window = 100;
  int body_type = 1;
  int truncation = 0;
  int connections = 4;
  int rounds = 5;
  double seconds = 2;
};

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "sync_bench: " << why << std::endl;
  std::exit(1);
}

double seconds_since(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct Device {
  bench::Account account;
  std::string inbox;
  std::string key = "0";
  int connection = -1;
};

// Devices on keep-alive connections, each with at most one request under way.
class Fleet {
 public:
  Fleet(const Settings& settings, std::vector<Device>& devices)
      : devices_(devices), client_(settings.address, settings.port, true) {
    for (Device& device : devices_) device.connection = client_.open();
    client_.on_closed = [](int, const std::string& why) { give_up("connection lost: " + why); };
    client_.on_reply = [this](int connection, bench::Reply reply) {
      if (reply.status != 200) {
        give_up("HTTP " + std::to_string(reply.status) + "\n" + reply.head + reply.body);
      }
      handle_(devices_[static_cast<std::size_t>(connection)], std::move(reply));
    };
  }

  using Handle = std::function<void(Device&, bench::Reply)>;
  void handle(Handle handle) { handle_ = std::move(handle); }
  void send(Device& device, std::string request) {
    client_.send(device.connection, std::move(request));
  }
  void run_until(const std::function<bool()>& done, milliseconds limit, const char* what) {
    if (!client_.run_until(done, limit)) give_up(std::string(what) + " took too long");
  }

 private:
  std::vector<Device>& devices_;
  bench::LoadClient client_;
  Handle handle_;
};

bench::SyncAnswer checked(const Device& device, const bench::Reply& reply) {
  auto answer = bench::read_sync(reply.body);
  if (!answer || answer->status != "1") {
    give_up(device.account.device + ": Sync status " + (answer ? answer->status : "missing"));
  }
  return *answer;
}

std::vector<Device> make_devices(const Settings& settings, const std::string& user, int count,
                                 const std::string& prefix) {
  std::vector<Device> devices;
  for (int i = 0; i < count; ++i) {
    Device device;
    device.account = {user + "@example.test", settings.password,
                      prefix + user + "x" + std::to_string(i)};
    devices.push_back(std::move(device));
  }
  return devices;
}

struct Loaded {
  long items = 0;
  long bytes = 0;
  long answers = 0;
  double opening_seconds = 0;  // FolderSync and Sync 0: the index of the Maildir is made here
  double seconds = 0;          // from the first Sync with a key to the last answer
  double client_seconds = 0;   // of it, spent decoding here
  std::int64_t peak_pss_kb = 0;
  std::int64_t peak_anonymous_kb = 0;
};

// Loads every device's Inbox to its end.
Loaded load(const Settings& settings, Fleet& fleet, std::vector<Device>& devices) {
  Loaded loaded;
  std::size_t finished = 0;
  Clock::time_point from;
  const auto opened = Clock::now();
  bool watch_memory = settings.mode == "first";
  auto next = [&](Device& device) {
    fleet.send(device,
               bench::sync_request(device.account, {device.inbox, device.key, settings.window,
                                                    settings.body_type, settings.truncation}));
  };
  fleet.handle([&](Device& device, bench::Reply reply) {
    if (device.inbox.empty()) {
      const auto inbox = bench::inbox_of(reply.body);
      if (!inbox) give_up(device.account.device + ": FolderSync named no Inbox");
      device.inbox = *inbox;
      return next(device);
    }
    const auto decoding = Clock::now();
    const bool first = device.key == "0";
    const auto answer = checked(device, reply);
    loaded.client_seconds += seconds_since(decoding);
    if (!answer.key.empty()) device.key = answer.key;
    if (first) {
      loaded.opening_seconds = seconds_since(opened);
      from = Clock::now();
      return next(device);
    }
    loaded.items += answer.items;
    loaded.bytes += static_cast<long>(reply.body.size());
    ++loaded.answers;
    if (watch_memory && (loaded.answers < 20 || loaded.answers % 5 == 0)) {
      loaded.peak_pss_kb = std::max(loaded.peak_pss_kb, bench::pss_kb(settings.pid));
      loaded.peak_anonymous_kb =
          std::max(loaded.peak_anonymous_kb, bench::anonymous_kb(settings.pid));
    }
    if (answer.more) return next(device);
    loaded.seconds = seconds_since(from);
    ++finished;
  });
  for (Device& device : devices) {
    fleet.send(device, bench::folder_sync_request(device.account, "0"));
  }
  fleet.run_until([&] { return finished == devices.size(); }, std::chrono::minutes(20),
                  "loading the Inbox");
  return loaded;
}

Json run_first(const Settings& settings) {
  auto devices =
      make_devices(settings, settings.users.at(0), 1,
                   "FIRST" + std::to_string(Clock::now().time_since_epoch().count() % 1000000007));
  Json result;
  const auto pss_before = bench::pss_kb(settings.pid);
  const auto anonymous_before = bench::anonymous_kb(settings.pid);
  const double cpu_before = bench::cpu_seconds(settings.pid);
  Fleet fleet(settings, devices);
  const Loaded loaded = load(settings, fleet, devices);
  result["messages"] = loaded.items;
  result["answers"] = loaded.answers;
  result["answer_bytes"] = loaded.bytes;
  result["window"] = settings.window;
  result["body_type"] = settings.body_type;
  result["truncation"] = settings.truncation;
  result["opening_seconds"] = loaded.opening_seconds;
  result["seconds"] = loaded.seconds;
  result["client_decoding_seconds"] = loaded.client_seconds;
  result["server_cpu_seconds"] = bench::cpu_seconds(settings.pid) - cpu_before;
  result["messages_per_second"] = static_cast<double>(loaded.items) / loaded.seconds;
  result["pss_before_kb"] = pss_before;
  result["peak_pss_kb"] = loaded.peak_pss_kb;
  result["anonymous_before_kb"] = anonymous_before;
  result["peak_anonymous_kb"] = loaded.peak_anonymous_kb;
  return result;
}

struct Rates {
  std::vector<double> per_second;
  std::vector<double> cpu_us;
  std::int64_t file_bytes = 0;
  long news = 0;  // Sync answers that had items: there should be none
};

// One round: every device sends the same kind of request back to back.
void measure(const Settings& settings, Fleet& fleet, std::vector<Device>& devices, bool sync,
             Rates& rates) {
  long answers = 0;
  std::size_t under_way = devices.size();
  auto request = [&](const Device& device) {
    return sync ? bench::sync_request(device.account, {device.inbox, device.key, settings.window,
                                                       settings.body_type, settings.truncation})
                : bench::options_request(device.account);
  };
  const auto from = Clock::now();
  const auto end = from + std::chrono::duration_cast<Clock::duration>(
                              std::chrono::duration<double>(settings.seconds));
  fleet.handle([&](Device& device, bench::Reply reply) {
    ++answers;
    if (sync) {
      const auto answer = checked(device, reply);
      if (!answer.key.empty()) device.key = answer.key;
      rates.news += answer.items;
    }
    if (Clock::now() < end) {
      fleet.send(device, request(device));
    } else {
      --under_way;
    }
  });
  const auto written = bench::file_bytes_written(settings.pid);
  const double cpu = bench::cpu_seconds(settings.pid);
  for (Device& device : devices) fleet.send(device, request(device));
  fleet.run_until([&] { return under_way == 0; }, std::chrono::minutes(2), "a round");
  rates.per_second.push_back(static_cast<double>(answers) / seconds_since(from));
  rates.cpu_us.push_back((bench::cpu_seconds(settings.pid) - cpu) / static_cast<double>(answers) *
                         1e6);
  rates.file_bytes += bench::file_bytes_written(settings.pid) - written;
}

Json to_json(const Rates& rates) {
  return Json{{"per_second", median(rates.per_second)},
              {"rounds", rates.per_second},
              {"server_cpu_us", median(rates.cpu_us)},
              {"file_bytes_written", rates.file_bytes},
              {"items", rates.news}};
}

Json run_idle(const Settings& settings) {
  struct Group {
    std::vector<Device> devices;
    std::unique_ptr<Fleet> fleet;
    Rates sync;
  };
  std::vector<Group> groups(settings.users.size());
  Rates options;
  Json result;
  Json loads = Json::array();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i].devices = make_devices(settings, settings.users[i], settings.connections, "IDLE");
    groups[i].fleet = std::make_unique<Fleet>(settings, groups[i].devices);
    loads.push_back(load(settings, *groups[i].fleet, groups[i].devices).items /
                    settings.connections);
  }
  result["messages"] = loads;
  // A warm-up of each, not counted.
  Rates ignored;
  for (Group& group : groups) measure(settings, *group.fleet, group.devices, true, ignored);
  measure(settings, *groups[0].fleet, groups[0].devices, false, ignored);
  std::cout << "{\"loaded\": true}" << std::endl;  // tells scripts/bench to look at the database
  std::string line;
  std::getline(std::cin, line);
  for (int round = 0; round < settings.rounds; ++round) {
    measure(settings, *groups[0].fleet, groups[0].devices, false, options);
    for (Group& group : groups) measure(settings, *group.fleet, group.devices, true, group.sync);
  }
  result["connections"] = settings.connections;
  result["options"] = to_json(options);
  Json syncs = Json::array();
  for (const Group& group : groups) syncs.push_back(to_json(group.sync));
  result["sync"] = syncs;
  return result;
}

Settings parse(int argc, char** argv) {
  Settings settings;
  if (argc < 2) give_up("usage: sync_bench first|idle …");
  settings.mode = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--server") {
      const auto colon = value.rfind(':');
      settings.address = value.substr(0, colon);
      settings.port = static_cast<std::uint16_t>(std::stoi(value.substr(colon + 1)));
    } else if (name == "--pid") {
      settings.pid = std::stoi(value);
    } else if (name == "--password") {
      settings.password = value;
    } else if (name == "--user") {
      settings.users.push_back(value);
    } else if (name == "--window") {
      settings.window = std::stoi(value);
    } else if (name == "--body-type") {
      settings.body_type = std::stoi(value);
    } else if (name == "--truncation") {
      settings.truncation = std::stoi(value);
    } else if (name == "--connections") {
      settings.connections = std::stoi(value);
    } else if (name == "--rounds") {
      settings.rounds = std::stoi(value);
    } else if (name == "--seconds") {
      settings.seconds = std::stod(value);
    } else {
      give_up("unknown option " + name);
    }
  }
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = parse(argc, argv);
  const Json result = settings.mode == "first" ? run_first(settings) : run_idle(settings);
  std::cout << result.dump() << std::endl;
  return 0;
}
