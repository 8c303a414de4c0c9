// Slow and silent clients, with the deadlines set to one second.
#include <poll.h>
#include <sys/socket.h>

#include <vector>

#include "tests/server/http/server_fixture.h"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::Mode;
using test::RawClient;
using test::RawReply;
using test::ServerFixture;

http::ServerOptions short_deadlines() {
  http::ServerOptions options;
  options.handshake_timeout = seconds(1);
  options.head_timeout = seconds(1);
  options.body_idle_timeout = seconds(1);
  options.keep_alive_timeout = seconds(1);
  options.write_stall_timeout = seconds(1);
  return options;
}

// Sends a byte every 50 ms until the server has had enough; how long that took.
milliseconds drip(RawClient& client, const std::string& bytes) {
  const auto start = steady_clock::now();
  for (std::size_t i = 0; i < 200; ++i) {
    if (!client.send({&bytes[i % bytes.size()], 1})) break;
    pollfd readable{client.fd(), POLLIN, 0};
    if (::poll(&readable, 1, 50) > 0) break;
  }
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

// Reads `piece` bytes every 50 ms until `total` have come or the server ends the connection; how
// many came.
std::size_t read_slowly(RawClient& client, std::size_t piece, std::size_t total) {
  std::vector<char> buffer(piece);
  std::size_t done = 0;
  while (done < total) {
    const ssize_t count = ::recv(client.fd(), buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
    std::this_thread::sleep_for(milliseconds(50));
  }
  return done;
}

bool about_one_second(milliseconds time) {
  return time >= milliseconds(950) && time < milliseconds(5000);
}

}  // namespace

TEST_CASE("deadlines: a head that comes byte by byte is cut off by the absolute deadline") {
  ServerFixture fixture(Mode::plain, short_deadlines());
  fixture.start();
  RawClient client = fixture.client();
  REQUIRE(client.send("GET /echo HTTP/1.1\r\nX-Slow: "));
  CHECK(about_one_second(drip(client, "a")));
  CHECK(client.reply().status == 408);
  CHECK(client.is_closed());
}

TEST_CASE("deadlines: a body that stops, and one that trickles below the least rate, are cut off") {
  ServerFixture fixture(Mode::plain, short_deadlines());
  fixture.start();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n";
  RawClient silent = fixture.client();
  REQUIRE(silent.send(head));
  RawClient slow = fixture.client();
  REQUIRE(slow.send(head));
  CHECK(about_one_second(drip(slow, "b")));
  CHECK(slow.reply().status == 408);
  CHECK(silent.reply().status == 408);
  CHECK(fixture.server().stats().refused == 2);
}

TEST_CASE("deadlines: a body that is slow but above the least rate is taken") {
  http::ServerOptions options = short_deadlines();
  options.min_rate = 10;
  ServerFixture fixture(Mode::plain, options);
  fixture.start();
  RawClient client = fixture.client();
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\n"));
  for (int i = 0; i < 50; ++i) {
    REQUIRE(client.send("x"));
    std::this_thread::sleep_for(milliseconds(50));
  }
  CHECK(client.reply().body == "POST /echo?\n" + std::string(50, 'x'));
}

TEST_CASE("deadlines: connections that say nothing, or nothing more, are closed") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    ServerFixture fixture(mode, short_deadlines());
    fixture.start();
    RawClient silent = fixture.client();
    RawClient once = fixture.client();
    once.request("GET", "/echo");
    CHECK(once.reply().status == 200);
    CHECK(silent.is_closed());
    CHECK(once.is_closed());
    CHECK(fixture.eventually_connected(0));
    CHECK(fixture.server().stats().refused == 0);
  }
}

TEST_CASE("deadlines: a client that never finishes its handshake is cut off") {
  ServerFixture fixture(Mode::tls, short_deadlines());
  fixture.start();
  RawClient client(fixture.server().port(), Mode::plain);
  REQUIRE(fixture.eventually_connected(1));
  CHECK(client.is_closed());
  CHECK(fixture.server().stats().refused == 1);
}

TEST_CASE("deadlines: a client that does not read its reply is cut off") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    ServerFixture fixture(mode, short_deadlines());
    fixture.server().route("/large", [](http::HttpRequest&) {
      http::HttpReply reply;
      reply.body = std::string(50u << 20, 'x');
      return reply;
    });
    fixture.start();
    RawClient client = fixture.client();
    client.request("GET", "/large");
    CHECK(ServerFixture::eventually([&] { return fixture.server().stats().refused == 1; }));
    CHECK(fixture.eventually_connected(0));
  }
}

TEST_CASE("deadlines: a client that reads below the least rate is cut off, a slow one is not") {
  constexpr std::size_t kSize = 24u << 20;
  for (const bool too_slow : {true, false}) {
    CAPTURE(too_slow);
    http::ServerOptions options = short_deadlines();
    if (too_slow) options.min_rate = 20u << 20;
    ServerFixture fixture(Mode::plain, options);
    fixture.server().route("/large", [](http::HttpRequest&) {
      http::HttpReply reply;
      reply.body = std::string(kSize, 'x');
      return reply;
    });
    fixture.start();
    RawClient client = fixture.client();
    client.request("GET", "/large");
    // Steadily, so that the silence alone would never end it.
    const std::size_t came = read_slowly(client, 256u << 10, kSize);
    CHECK((came < kSize) == too_slow);
    CHECK(fixture.server().stats().refused == (too_slow ? 1 : 0));
  }
}

TEST_CASE("deadlines: a handler may take longer than any of them (quirks.md: slow requests)") {
  ServerFixture fixture(Mode::plain, short_deadlines());
  fixture.server().route("/slow", [](http::HttpRequest& request) {
    std::this_thread::sleep_for(milliseconds(1500));
    return ServerFixture::echo(request);
  });
  fixture.start();
  RawClient client = fixture.client();
  client.request("GET", "/slow");
  CHECK(client.reply().body == "GET /slow?\n");
}
