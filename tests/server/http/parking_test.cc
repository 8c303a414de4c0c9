#include "server/http/parking.h"

#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <map>
#include <mutex>

#include "tests/server/http/server_fixture.h"

namespace {

using http::WakeReason;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::Mode;
using test::RawClient;
using test::RawReply;
using test::ServerFixture;

http::HttpReply text_reply(std::string text) {
  http::HttpReply reply;
  reply.content_type = "text/plain";
  reply.body = std::move(text);
  return reply;
}

const char* name_of(WakeReason reason) {
  switch (reason) {
    case WakeReason::woken:
      return "woken";
    case WakeReason::deadline:
      return "deadline";
    case WakeReason::shutdown:
      return "shutdown";
  }
  return "?";
}

// Parks what comes to /park and keeps the wakers.
struct Lot {
  std::mutex mutex;
  std::vector<std::shared_ptr<http::Waker>> wakers;
  std::shared_ptr<int> captured = std::make_shared<int>(0);  // its count tells who still lives
  std::atomic<int> resumed{0};
  milliseconds deadline{60'000};

  http::Outcome park(http::HttpRequest& request) {
    http::Parked parked;
    parked.waker = request.make_waker();
    parked.deadline = steady_clock::now() + deadline;
    parked.resume = [this, held = captured](WakeReason reason) -> http::Outcome {
      ++resumed;
      return text_reply(name_of(reason));
    };
    const std::lock_guard lock(mutex);
    wakers.push_back(parked.waker);
    return parked;
  }
  void wake_all() {
    const std::lock_guard lock(mutex);
    for (const auto& waker : wakers) waker->wake();
  }
  void install(ServerFixture& fixture) {
    fixture.server().route("/park", [this](http::HttpRequest& request) { return park(request); });
  }
};

int thread_count() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
  }
  return -1;
}

}  // namespace

TEST_CASE("waker: of all that try to end a parking exactly one wins") {
  auto mailbox = std::make_shared<http::Mailbox>();
  {
    http::ParkWaker waker(mailbox, {1, 2});
    CHECK(waker.file());
    CHECK(waker.claim());
    CHECK_FALSE(waker.claim());
    waker.wake();  // too late: no message
  }
  {
    http::ParkWaker waker(mailbox, {3, 4});
    waker.wake();
    CHECK_FALSE(waker.file());  // early: the loop sees it when it files
    waker.rearm();
    CHECK(waker.file());
    waker.wake();
    waker.wake();
    CHECK_FALSE(waker.claim());
  }
  std::vector<http::Message> messages;
  mailbox->take(messages);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].connection == http::ConnectionRef{3, 4});
}

TEST_CASE("waker: a closed mailbox is no harm") {
  auto mailbox = std::make_shared<http::Mailbox>();
  http::ParkWaker waker(mailbox, {});
  CHECK(waker.file());
  mailbox->close();
  waker.wake();
}

TEST_CASE("parking: a wake answers, and the connection goes on") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    CAPTURE(static_cast<int>(mode));
    ServerFixture fixture(mode);
    Lot lot;
    lot.install(fixture);
    fixture.start();
    RawClient client = fixture.client();
    for (int i = 0; i < 10; ++i) {
      client.request("POST", "/park", "body");
      REQUIRE(fixture.eventually_parked(1));
      lot.wake_all();
      const RawReply reply = client.reply();
      CHECK(reply.status == 200);
      CHECK(reply.body == "woken");
      CHECK(reply.header("Content-Length") == "5");
      CHECK(reply.header("Content-Type") == "text/plain");
      CHECK(fixture.server().stats().parked == 0);
      client.request("POST", "/echo", "x");
      CHECK(client.reply().body == "POST /echo?\nx");
    }
    CHECK(lot.resumed == 10);
    CHECK(lot.captured.use_count() == 1);
    CHECK(fixture.server().stats().requests == 20);
  }
}

TEST_CASE("parking: a wake before the request is filed is not lost") {
  ServerFixture fixture;
  Lot lot;
  fixture.server().route("/early", [&](http::HttpRequest& request) {
    http::Outcome outcome = lot.park(request);
    std::get<http::Parked>(outcome).waker->wake();
    return outcome;
  });
  fixture.start();
  RawClient client = fixture.client();
  for (int i = 0; i < 20; ++i) {
    client.request("POST", "/early");
    CHECK(client.reply().body == "woken");
  }
}

TEST_CASE("parking: wakes that race with the filing are not lost") {
  ServerFixture fixture;
  Lot lot;
  std::vector<std::thread> wakers;
  std::mutex mutex;
  fixture.server().route("/race", [&](http::HttpRequest& request) {
    http::Outcome outcome = lot.park(request);
    auto waker = std::get<http::Parked>(outcome).waker;
    const std::lock_guard lock(mutex);
    wakers.emplace_back([waker] { waker->wake(); });
    return outcome;
  });
  fixture.start();
  RawClient client = fixture.client();
  for (int i = 0; i < 200; ++i) {
    client.request("POST", "/race");
    CHECK(client.reply().body == "woken");
  }
  for (std::thread& thread : wakers) thread.join();
}

TEST_CASE("parking: the deadline answers, not early and soon after") {
  ServerFixture fixture;
  Lot lot;
  lot.deadline = milliseconds(150);
  lot.install(fixture);
  fixture.start();
  RawClient client = fixture.client();
  const auto start = steady_clock::now();
  client.request("POST", "/park");
  CHECK(client.reply().body == "deadline");
  const auto elapsed = steady_clock::now() - start;
  CHECK(elapsed >= milliseconds(150));
  CHECK(elapsed < seconds(5));
  lot.wake_all();  // late: nothing happens
  client.request("GET", "/echo");
  CHECK(client.reply().status == 200);
  CHECK(lot.resumed == 1);
}

TEST_CASE("parking: a hang-up releases what the handler captured, at once and without a resume") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    ServerFixture fixture(mode);
    Lot lot;
    lot.install(fixture);
    fixture.start();
    {
      RawClient client = fixture.client();
      client.request("POST", "/park");
      REQUIRE(fixture.eventually_parked(1));
      CHECK(lot.captured.use_count() == 2);
    }
    CHECK(ServerFixture::eventually([&] { return lot.captured.use_count() == 1; }));
    CHECK(fixture.eventually_parked(0));
    CHECK(fixture.eventually_connected(0));
    lot.wake_all();  // its waker has outlived it
    CHECK(lot.resumed == 0);
  }
}

TEST_CASE("parking: a hang-up while the handler still runs is seen when it parks") {
  ServerFixture fixture;
  Lot lot;
  std::atomic<bool> entered{false};
  std::atomic<bool> go{false};
  fixture.server().route("/slow", [&](http::HttpRequest& request) {
    entered = true;
    ServerFixture::eventually([&] { return go.load(); });
    return lot.park(request);
  });
  fixture.start();
  {
    RawClient client = fixture.client();
    client.request("POST", "/slow");
    REQUIRE(ServerFixture::eventually([&] { return entered.load(); }));
  }
  std::this_thread::sleep_for(milliseconds(50));
  go = true;
  CHECK(fixture.eventually_connected(0));
  CHECK(ServerFixture::eventually([&] { return lot.captured.use_count() == 1; }));
  CHECK(lot.resumed == 0);
}

TEST_CASE("parking: a request may park again, with the same waker or a new one") {
  ServerFixture fixture;
  std::mutex mutex;
  std::shared_ptr<http::Waker> latest;
  fixture.server().route("/twice", [&](http::HttpRequest& request) {
    const bool renew = request.query == "renew";
    auto waker = request.make_waker();
    http::Parked first;
    first.waker = waker;
    first.deadline = steady_clock::now() + seconds(60);
    first.resume = [&, waker, renew, make = request.make_waker](WakeReason) -> http::Outcome {
      http::Parked second;
      second.waker = renew ? make() : waker;
      second.deadline = steady_clock::now() + seconds(60);
      second.resume = [](WakeReason reason) -> http::Outcome {
        return text_reply(name_of(reason));
      };
      const std::lock_guard lock(mutex);
      latest = second.waker;
      return second;
    };
    const std::lock_guard lock(mutex);
    latest = waker;
    return http::Outcome(std::move(first));
  });
  fixture.start();
  RawClient client = fixture.client();
  for (const char* path : {"/twice?same", "/twice?renew"}) {
    CAPTURE(path);
    client.request("POST", path);
    for (int i = 0; i < 2; ++i) {
      REQUIRE(fixture.eventually_parked(1));
      const std::uint64_t before = fixture.server().stats().requests;
      {
        const std::lock_guard lock(mutex);
        std::exchange(latest, nullptr)->wake();
      }
      if (i == 0) {
        CHECK(ServerFixture::eventually([&] {
          const std::lock_guard lock(mutex);
          return latest != nullptr;
        }));
      }
      CHECK(fixture.server().stats().requests == before);
    }
    CHECK(client.reply().body == "woken");
  }
}

TEST_CASE("parking: pipelined requests wait behind a parked one") {
  ServerFixture fixture;
  Lot lot;
  lot.install(fixture);
  fixture.start();
  RawClient client = fixture.client();
  REQUIRE(
      client.send("POST /park HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
                  "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"));
  REQUIRE(fixture.eventually_parked(1));
  lot.wake_all();
  CHECK(client.reply().body == "woken");
  CHECK(client.reply().body == "GET /echo?\n");
}

TEST_CASE("parking: HEAD and gzip hold for a reply that comes after parking") {
  ServerFixture fixture;
  std::shared_ptr<http::Waker> waker;
  std::mutex mutex;
  fixture.server().route("/big", [&](http::HttpRequest& request) {
    http::Parked parked;
    parked.waker = request.make_waker();
    parked.deadline = steady_clock::now() + seconds(60);
    parked.resume = [](WakeReason) -> http::Outcome { return text_reply(std::string(5000, 'x')); };
    const std::lock_guard lock(mutex);
    waker = parked.waker;
    return http::Outcome(std::move(parked));
  });
  fixture.start();
  RawClient client = fixture.client();
  const auto wake = [&] {
    REQUIRE(fixture.eventually_parked(1));
    const std::lock_guard lock(mutex);
    waker->wake();
  };
  client.request("HEAD", "/big");
  wake();
  CHECK(client.reply(false).header("Content-Length") == "5000");
  client.request("GET", "/big", {}, "Accept-Encoding: gzip\r\n");
  wake();
  const RawReply packed = client.reply();
  CHECK(packed.header("Content-Encoding") == "gzip");
  CHECK(packed.body.size() < 200);
}

TEST_CASE("parking: what a resume throws becomes a 500") {
  ServerFixture fixture;
  fixture.server().route("/throw", [](http::HttpRequest& request) {
    http::Parked parked;
    parked.waker = request.make_waker();
    parked.deadline = steady_clock::now();
    parked.resume = [](WakeReason) -> http::Outcome { throw 1; };
    return http::Outcome(std::move(parked));
  });
  fixture.start();
  RawClient client = fixture.client();
  client.request("GET", "/throw");
  CHECK(client.reply().status == 500);
}

TEST_CASE(
    "parking: 2,000 parked requests hold no thread, and waking all at once answers all (field.md "
    "pain 1)") {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  REQUIRE(files.rlim_cur >= 4500);
  ServerFixture fixture;
  Lot lot;
  lot.install(fixture);
  fixture.start();
  const int threads_before = thread_count();
  std::vector<std::unique_ptr<RawClient>> clients;
  constexpr std::size_t kCount = 2000;
  for (std::size_t i = 0; i < kCount; ++i) {
    clients.push_back(std::make_unique<RawClient>(fixture.server().port()));
    REQUIRE(clients.back()->connected());
    clients.back()->request("POST", "/park");
  }
  REQUIRE(fixture.eventually_parked(kCount));
  CHECK(thread_count() == threads_before);
  lot.wake_all();
  std::size_t answered = 0;
  for (const auto& client : clients) answered += client->reply().body == "woken" ? 1 : 0;
  CHECK(answered == kCount);
  clients.clear();
  CHECK(fixture.eventually_connected(0));
  CHECK(lot.captured.use_count() == 1);
}

TEST_CASE(
    "shutdown: every parked request is resumed once and answered, then the connection closes") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    ServerFixture fixture(mode);
    Lot lot;
    lot.install(fixture);
    fixture.start();
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 50; ++i) {
      clients.push_back(std::make_unique<RawClient>(fixture.server().port(), mode));
      clients.back()->request("POST", "/park");
    }
    RawClient idle = fixture.client();
    idle.request("GET", "/echo");
    CHECK(idle.reply().status == 200);
    REQUIRE(fixture.eventually_parked(50));
    fixture.server().stop();
    for (const auto& client : clients) {
      const RawReply reply = client->reply();
      CHECK(reply.body == "shutdown");
      CHECK(reply.header("Connection") == "close");
      CHECK(client->is_closed());
    }
    CHECK(idle.is_closed());
    CHECK(lot.resumed == 50);
    CHECK(lot.captured.use_count() == 1);
    CHECK(fixture.server().stats().connections == 0);
    CHECK_FALSE(RawClient(fixture.server().port()).connected());
    lot.wake_all();  // after the server's end
  }
}

TEST_CASE("shutdown: a request that runs is finished and answered") {
  ServerFixture fixture;
  std::atomic<bool> entered{false};
  fixture.server().route("/slow", [&](http::HttpRequest& request) {
    entered = true;
    std::this_thread::sleep_for(milliseconds(300));
    return ServerFixture::echo(request);
  });
  fixture.start();
  RawClient client = fixture.client();
  client.request("GET", "/slow");
  REQUIRE(ServerFixture::eventually([&] { return entered.load(); }));
  fixture.server().stop();
  const RawReply reply = client.reply();
  CHECK(reply.body == "GET /slow?\n");
  CHECK(reply.header("Connection") == "close");
}

TEST_CASE(
    "shutdown: a request that parks again or for the first time then is answered all the same") {
  ServerFixture fixture;
  std::atomic<bool> entered{false};
  std::atomic<int> shutdowns{0};
  std::function<http::Outcome(WakeReason)> stubborn = [&](WakeReason reason) -> http::Outcome {
    if (reason == WakeReason::shutdown) ++shutdowns;
    http::Parked again;
    again.deadline = steady_clock::now() + seconds(60);
    again.resume = stubborn;
    return again;
  };
  fixture.server().route("/stubborn",
                         [&](http::HttpRequest&) { return stubborn(WakeReason::woken); });
  Lot lot;
  fixture.server().route("/late", [&](http::HttpRequest& request) {
    entered = true;
    std::this_thread::sleep_for(milliseconds(300));
    return lot.park(request);
  });
  fixture.start();
  RawClient parked = fixture.client();
  parked.request("GET", "/stubborn");
  REQUIRE(fixture.eventually_parked(1));
  RawClient late = fixture.client();
  late.request("GET", "/late");
  REQUIRE(ServerFixture::eventually([&] { return entered.load(); }));
  fixture.server().stop();
  CHECK(parked.reply().status == 503);
  CHECK(shutdowns == 1);
  CHECK(late.reply().body == "shutdown");
}

TEST_CASE("shutdown: it does not wait longer than the drain time for a client that stalls") {
  http::ServerOptions options;
  options.drain_timeout = seconds(1);
  ServerFixture fixture(Mode::plain, options);
  fixture.start();
  RawClient client = fixture.client();
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab"));
  std::this_thread::sleep_for(milliseconds(100));
  const auto start = steady_clock::now();
  fixture.server().stop();
  CHECK(steady_clock::now() - start < seconds(5));
  CHECK(fixture.server().stats().connections == 0);
}
