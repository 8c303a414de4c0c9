// The server over real sockets: requests and replies. Parking, deadlines and TLS have files of
// their own beside this one.
#include <sys/resource.h>
#include <zlib.h>

#include <atomic>
#include <ctime>
#include <filesystem>
#include <future>
#include <stdexcept>

#include "tests/server/http/server_fixture.h"

namespace {

using test::Mode;
using test::RawClient;
using test::RawReply;
using test::ServerFixture;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("server: many requests go over one connection, plain and TLS") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    CAPTURE(static_cast<int>(mode));
    ServerFixture fixture(mode);
    fixture.start();
    RawClient client = fixture.client();
    REQUIRE(client.connected());
    for (int i = 0; i < 50; ++i) {
      client.request("POST", "/echo?n=" + std::to_string(i),
                     pattern(static_cast<std::size_t>(i) * 37));
      const RawReply reply = client.reply();
      CHECK(reply.status == 200);
      CHECK(reply.body ==
            "POST /echo?n=" + std::to_string(i) + "\n" + pattern(static_cast<std::size_t>(i) * 37));
      CHECK(reply.header("Keep-Alive") == "timeout=300");
      CHECK(reply.header("Connection") == "");
      CHECK(reply.header("Date").ends_with(" GMT"));
    }
    CHECK(fixture.server().stats().connections == 1);
    CHECK(fixture.server().stats().requests == 50);
  }
}

TEST_CASE("server: pipelined requests are answered in order, however they are cut") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    ServerFixture fixture(mode);
    fixture.start();
    std::string all;
    for (int i = 0; i < 20; ++i) {
      all += "POST /echo?" + std::to_string(i) +
             " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
    }
    for (const std::size_t step : {std::size_t{17}, all.size()}) {
      RawClient client = fixture.client();
      for (std::size_t at = 0; at < all.size(); at += step) {
        REQUIRE(client.send(std::string_view(all).substr(at, step)));
      }
      for (int i = 0; i < 20; ++i) {
        CHECK(client.reply().body == "POST /echo?" + std::to_string(i) + "\nabc");
      }
    }
  }
}

TEST_CASE("server: a request that comes byte by byte is answered") {
  ServerFixture fixture;
  fixture.start();
  RawClient client = fixture.client();
  for (const char c : std::string("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")) {
    REQUIRE(client.send({&c, 1}));
  }
  CHECK(client.reply().body == "GET /echo?\n");
}

TEST_CASE("server: routes match whole paths without case, and every method") {
  // covers: MS-ASHTTP R182
  ServerFixture fixture;
  fixture.server().route("/Microsoft-Server-ActiveSync",
                         [](http::HttpRequest& request) { return ServerFixture::echo(request); });
  fixture.start();
  RawClient client = fixture.client();
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    client.request(method, "/microsoft-server-ACTIVESYNC?q");
    CHECK(client.reply().body == std::string(method) + " /microsoft-server-ACTIVESYNC?q\n");
  }
  for (const char* path : {"/", "/Microsoft-Server-ActiveSync/", "/xMicrosoft-Server-ActiveSync",
                           "/echo.", "/resume", "/Microsoft.Server.ActiveSync"}) {
    CAPTURE(path);
    client.request("POST", path, "body");
    const RawReply reply = client.reply();
    CHECK(reply.status == 404);
    CHECK(reply.header("Content-Length") == "0");
    CHECK(reply.header("Date") != "");
  }
}

TEST_CASE("server: the reply to HEAD has the length and no body") {
  // covers: MS-ASHTTP R199
  ServerFixture fixture;
  fixture.start();
  RawClient client = fixture.client();
  client.request("HEAD", "/echo");
  const RawReply reply = client.reply(false);
  CHECK(reply.status == 200);
  CHECK(reply.header("Content-Length") == "12");
  client.request("GET", "/echo");
  CHECK(client.reply().body == "GET /echo?\n");
}

TEST_CASE("server: headers and status codes of a reply arrive as set; line breaks in them do not") {
  // covers: MS-ASHTTP R170 R172 R216 R521 R284 R476
  ServerFixture fixture;
  fixture.server().route("/status", [](http::HttpRequest& request) {
    http::HttpReply reply;
    reply.status = std::stoi(request.query);
    reply.headers = {{"X-A", "1"}, {"X-B", "two words"}, {"X-C", "a\r\nInjected: yes"}};
    return reply;
  });
  fixture.start();
  RawClient client = fixture.client();
  const std::vector<std::pair<int, std::string>> cases = {{200, "200 OK"},
                                                          {401, "401 Unauthorized"},
                                                          {449, "449 Retry With"},
                                                          {500, "500 Internal Server Error"},
                                                          {507, "507 Insufficient Storage"}};
  for (const auto& [status, line] : cases) {
    client.request("GET", "/status?" + std::to_string(status));
    const RawReply reply = client.reply();
    CHECK(reply.head.starts_with("HTTP/1.1 " + line + "\r\n"));
    CHECK(reply.header("X-A") == "1");
    CHECK(reply.header("X-B") == "two words");
    CHECK(reply.header("Injected") == "");
    CHECK(reply.header("Content-Length") == "0");
  }
}

TEST_CASE("server: Range, Accept-Encoding: br and Content-Encoding do not change what is done") {
  ServerFixture fixture;
  fixture.start();
  RawClient client = fixture.client();
  client.request("POST", "/echo", "\x1f\x8b not gzip at all",
                 "Range: bytes=0-1\r\nAccept-Encoding: br\r\nContent-Encoding: gzip\r\n");
  const RawReply reply = client.reply();
  CHECK(reply.status == 200);
  CHECK(reply.body == "POST /echo?\n\x1f\x8b not gzip at all");
  CHECK(reply.header("Content-Encoding") == "");
}

TEST_CASE("server: the handler gets headers as sent, the peer and whether it is TLS") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    ServerFixture fixture(mode);
    fixture.server().route("/who", [](http::HttpRequest& request) {
      http::HttpReply reply;
      reply.body = request.peer + "|" + (request.tls ? "tls" : "plain") + "|" +
                   std::string(request.header("x-hEAder")) + "|" +
                   (request.has_header("absent") ? "yes" : "no");
      return reply;
    });
    fixture.start();
    RawClient client = fixture.client();
    client.request("GET", "/who", {}, "X-Header: a%20b\r\n");
    CHECK(client.reply().body ==
          std::string("127.0.0.1|") + (mode == Mode::tls ? "tls" : "plain") + "|a%20b|no");
  }
}

TEST_CASE(
    "server: 100 Continue is sent before the body, once, and not when the body is on its way") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    ServerFixture fixture(mode);
    fixture.start();
    RawClient client = fixture.client();
    const std::string head =
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    REQUIRE(client.send(head));
    CHECK(client.reply().status == 100);
    REQUIRE(client.send("body"));
    CHECK(client.reply().body == "POST /echo?\nbody");
    REQUIRE(client.send(head + "more"));
    CHECK(client.reply().body == "POST /echo?\nmore");
  }
}

TEST_CASE("server: a body over the limit is refused before it is sent") {
  http::ServerOptions options;
  options.max_body = 1000;
  ServerFixture fixture(Mode::plain, options);
  fixture.start();
  RawClient client = fixture.client();
  REQUIRE(
      client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n"
                  "Expect: 100-continue\r\n\r\n"));
  const RawReply reply = client.reply();
  CHECK(reply.status == 413);
  CHECK(reply.header("Connection") == "close");
  CHECK(client.is_closed());
  CHECK(fixture.server().stats().refused == 1);
  CHECK(fixture.server().stats().requests == 0);
}

TEST_CASE("server: the reply to a refused body survives that the client goes on sending") {
  http::ServerOptions options;
  options.max_body = 1000;
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    ServerFixture fixture(mode, options);
    fixture.start();
    RawClient client = fixture.client();
    REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n"));
    client.send(pattern(3'000'000));
    CHECK(client.reply().status == 413);
  }
}

TEST_CASE("server: body_rule decides per request head") {
  http::ServerOptions options;
  options.body_rule = [](const http::HttpRequest& request) -> http::BodyRule {
    return {request.query == "large" && request.header("X-Ok") == "1" ? 100'000u : 10u, true};
  };
  ServerFixture fixture(Mode::plain, options);
  fixture.start();
  RawClient client = fixture.client();
  client.request("POST", "/echo?large", pattern(90'000), "X-Ok: 1\r\n");
  CHECK(client.reply().body == "POST /echo?large\n" + pattern(90'000));
  client.request("POST", "/echo?small", pattern(11));
  CHECK(client.reply().status == 413);
}

TEST_CASE("server: files for bodies of unknown senders have one bound, and known senders none") {
  http::ServerOptions options;
  options.spool_above = 1000;
  options.max_untrusted_spool = 100'000;
  options.body_rule = [](const http::HttpRequest& request) -> http::BodyRule {
    return {1u << 20, request.has_header("X-Known")};
  };
  ServerFixture fixture(Mode::plain, options);
  fixture.start();
  RawClient holder = fixture.client();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n";
  REQUIRE(holder.send(head + pattern(80'000)));
  RawClient known = fixture.client();
  known.request("POST", "/echo", pattern(200'000), "X-Known: 1\r\n");
  CHECK(known.reply().status == 200);
  // Until the holder's bytes are there.
  RawReply refused;
  REQUIRE(ServerFixture::eventually([&] {
    RawClient stranger = fixture.client();
    stranger.request("POST", "/echo", pattern(30'000));
    refused = stranger.reply();
    return refused.status == 503;
  }));
  CHECK(refused.header("Retry-After") == "10");
  RawClient small = fixture.client();
  small.request("POST", "/echo", pattern(1000));
  CHECK(small.reply().status == 200);
  REQUIRE(holder.send(pattern(10'000)));
  CHECK(holder.reply().status == 200);
  // What the holder had is free again, also when a client hangs up.
  for (int i = 0; i < 5; ++i) {
    RawClient stranger = fixture.client();
    REQUIRE(stranger.send(head + pattern(80'000)));
  }
  CHECK(ServerFixture::eventually([&] {
    RawClient stranger = fixture.client();
    stranger.request("POST", "/echo", pattern(90'000));
    return stranger.reply().status == 200;
  }));
}

TEST_CASE("server: chunked bodies arrive whole, with and without spooling") {
  http::ServerOptions options;
  options.spool_above = 1000;
  ServerFixture fixture(Mode::tls, options);
  fixture.start();
  RawClient client = fixture.client();
  for (const std::size_t size : {0u, 1u, 999u, 5000u, 200'000u}) {
    const std::string body = pattern(size);
    std::string text = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < size; at += 700) {
      const std::string piece = body.substr(at, 700);
      std::array<char, 20> line{};
      std::snprintf(line.data(), line.size(), "%zx\r\n", piece.size());
      text += line.data() + piece + "\r\n";
    }
    REQUIRE(client.send(text + "0\r\n\r\n"));
    CHECK(client.reply().body == "POST /echo?\n" + body);
  }
}

TEST_CASE("server: a large body goes through a file without a name and out again unchanged") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    http::ServerOptions options;
    options.max_body = 32u << 20;
    options.spool_above = 1000;
    ServerFixture fixture(mode, options);
    std::atomic<std::size_t> files{0};
    fixture.server().route("/files", [&](http::HttpRequest& request) {
      for (const auto& entry : std::filesystem::directory_iterator(fixture.dir().path())) {
        if (entry.path().filename().string().starts_with("godwit-body")) ++files;
      }
      return ServerFixture::echo(request);
    });
    fixture.start();
    RawClient client = fixture.client();
    const std::string body = pattern(20u << 20);
    client.request("POST", "/files", body);
    const RawReply reply = client.reply();
    CHECK((reply.body == "POST /files?\n" + body));
    CHECK(files == 0);
    client.request("GET", "/echo");
    CHECK(client.reply().status == 200);
  }
}

TEST_CASE("server: malformed requests get a short answer and the connection closes") {
  // covers: MS-ASHTTP R176 R188
  ServerFixture fixture;
  fixture.start();
  const std::vector<std::pair<std::string, int>> cases = {
      {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"GET / HTTP/1.1\nHost: h\n\n", 400},
      {"GET /echo HTTP/1.1\r\nHost: h\r\nX: %0d%0aA\r\n\r\n", 400},
      {"GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nX: " + std::string(50'000, 'a') + "\r\n\r\n", 431},
      {"\x16\x03\x01\x02\n", 400},
  };
  for (const auto& [text, status] : cases) {
    const auto shown = text.substr(0, 80);  // clang 14 captures no structured binding
    CAPTURE(shown);
    RawClient client = fixture.client();
    client.send(text);
    const RawReply reply = client.reply();
    CHECK(reply.status == status);
    CHECK(reply.header("Connection") == "close");
    CHECK(client.is_closed());
  }
  CHECK(fixture.server().stats().refused == cases.size());
  CHECK(fixture.eventually_connected(0));
}

TEST_CASE("server: Connection: close, HTTP/1.0 and the handler's wish close after the reply") {
  for (const Mode mode : {Mode::plain, Mode::tls}) {
    ServerFixture fixture(mode);
    fixture.server().route("/bye", [](http::HttpRequest&) {
      http::HttpReply reply;
      reply.close = true;
      return reply;
    });
    fixture.start();
    for (const char* text :
         {"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n",
          "GET /echo HTTP/1.0\r\n\r\n", "GET /bye HTTP/1.1\r\nHost: h\r\n\r\n"}) {
      CAPTURE(text);
      RawClient client = fixture.client();
      REQUIRE(client.send(text));
      const RawReply reply = client.reply();
      CHECK(reply.status == 200);
      CHECK(reply.header("Connection") == "close");
      CHECK(reply.header("Keep-Alive") == "");
      CHECK(client.is_closed());
    }
  }
}

TEST_CASE("server: a client that has ended its side after the request still gets the reply") {
  ServerFixture fixture;
  fixture.server().route("/slow", [](http::HttpRequest& request) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return ServerFixture::echo(request);
  });
  fixture.start();
  RawClient client = fixture.client();
  client.request("GET", "/slow");
  client.half_close();
  CHECK(client.reply().body == "GET /slow?\n");
  CHECK(client.is_closed());
}

TEST_CASE("server: what a handler throws becomes a 500 and the connection lives on") {
  ServerFixture fixture;
  fixture.server().route("/throw", [](http::HttpRequest& request) -> http::Outcome {
    if (request.query == "int") throw 42;
    throw std::runtime_error("secret");
  });
  fixture.start();
  RawClient client = fixture.client();
  for (const char* path : {"/throw", "/throw?int"}) {
    client.request("GET", path);
    const RawReply reply = client.reply();
    CHECK(reply.status == 500);
    CHECK(reply.head.find("secret") == std::string::npos);
    CHECK(reply.body.find("secret") == std::string::npos);
  }
  client.request("GET", "/echo");
  CHECK(client.reply().status == 200);
}

TEST_CASE("server: replies are gzipped when asked for, worth it and of a fitting type") {
  // covers: MS-ASHTTP R197 R412 R214 R215
  ServerFixture fixture;
  fixture.server().route("/wbxml", [](http::HttpRequest& request) {
    http::HttpReply reply;
    reply.content_type = "application/vnd.ms-sync.wbxml";
    reply.body = std::string(static_cast<std::size_t>(std::stoi(request.query)), 'x');
    return reply;
  });
  fixture.start();
  RawClient client = fixture.client();
  client.request("POST", "/wbxml?50000", {}, "Accept-Encoding: gzip, deflate\r\n");
  const RawReply packed = client.reply();
  CHECK(packed.header("Content-Encoding") == "gzip");
  CHECK(packed.header("Vary") == "Accept-Encoding");
  CHECK(packed.body.size() < 500);
  CHECK(gunzip(packed.body) == std::string(50000, 'x'));
  for (const char* headers : {"", "Accept-Encoding: gzip;q=0\r\n"}) {
    client.request("POST", "/wbxml?50000", {}, headers);
    const RawReply plain = client.reply();
    CHECK(plain.header("Content-Encoding") == "");
    CHECK(plain.body == std::string(50000, 'x'));
  }
  client.request("POST", "/wbxml?1024", {}, "Accept-Encoding: gzip\r\n");
  CHECK(client.reply().header("Content-Encoding") == "");
  client.request("HEAD", "/wbxml?50000", {}, "Accept-Encoding: gzip\r\n");
  CHECK(client.reply(false).header("Content-Encoding") == "gzip");
  client.request("GET", "/echo");
  CHECK(client.reply().status == 200);
}

TEST_CASE(
    "server: a full queue is answered 503 with Retry-After, and later requests are served "
    "(quirks.md: 503, field.md 1.1)") {
  // covers: MS-ASHTTP R190 R273 R287 R288
  http::ServerOptions options;
  options.workers = 1;
  options.max_queued = 2;
  ServerFixture fixture(Mode::plain, options);
  std::promise<void> gate;
  const std::shared_future<void> opened = gate.get_future().share();
  std::atomic<int> running{0};
  fixture.server().route("/block", [&](http::HttpRequest&) {
    ++running;
    opened.wait();
    return http::HttpReply{};
  });
  fixture.start();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(fixture.server().port()));
    clients.back()->request("GET", "/block");
    REQUIRE(ServerFixture::eventually(
        [&] { return fixture.server().stats().requests == static_cast<unsigned>(i) + 1; }));
    REQUIRE(ServerFixture::eventually([&] { return running == 1; }));
  }
  RawClient refused = fixture.client();
  refused.request("GET", "/block");
  const RawReply busy = refused.reply();
  CHECK(busy.status == 503);
  CHECK(busy.header("Retry-After") == "10");
  gate.set_value();
  for (const auto& client : clients) CHECK(client->reply().status == 200);
  refused.request("GET", "/echo");
  CHECK(refused.reply().status == 200);
}

TEST_CASE("server: connections over the limits are closed, and there is room again when one ends") {
  for (const bool per_address : {true, false}) {
    CAPTURE(per_address);
    http::ServerOptions options;
    (per_address ? options.max_connections_per_address : options.max_connections) = 2;
    ServerFixture fixture(Mode::plain, options);
    fixture.start();
    auto first = std::make_unique<RawClient>(fixture.server().port());
    RawClient second = fixture.client();
    for (RawClient* client : {first.get(), &second}) {
      client->request("GET", "/echo");
      CHECK(client->reply().status == 200);
    }
    {
      RawClient third = fixture.client();
      CHECK(third.is_closed());
    }
    RawClient elsewhere(fixture.server().port(), Mode::plain, 0, "127.0.0.2");
    elsewhere.request("GET", "/echo");
    CHECK(elsewhere.reply().status == (per_address ? 200 : 0));
    elsewhere.close();
    first.reset();
    REQUIRE(fixture.eventually_connected(1));
    RawClient fourth = fixture.client();
    fourth.request("GET", "/echo");
    CHECK(fourth.reply().status == 200);
  }
}

TEST_CASE("server: an address in use and one that is none are told apart") {
  ServerFixture fixture;
  fixture.start();
  http::ServerOptions options;
  options.address = "127.0.0.1";
  options.port = fixture.server().port();
  const auto second = http::HttpServer(options).start();
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == storage::ErrorKind::unavailable);
  options.address = "localhost.invalid";
  const auto third = http::HttpServer(options).start();
  REQUIRE_FALSE(third);
  CHECK(third.error().kind == storage::ErrorKind::invalid);
}

TEST_CASE("server: many clients at once are all answered") {
  ServerFixture fixture;
  fixture.start();
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      RawClient client = fixture.client();
      for (int i = 0; i < 200; ++i) {
        const std::string body = std::to_string(t * 1000 + i);
        client.request("POST", "/echo", body);
        if (client.reply().body == "POST /echo?\n" + body) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 1600);
}

TEST_CASE("server: without descriptors it pauses instead of spinning, then accepts who waited") {
  http::ServerOptions options;
  options.max_connections = 100'000;
  ServerFixture fixture(Mode::plain, options);
  fixture.start();
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int lowest_free = ::dup(client);
  ::close(lowest_free);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(lowest_free);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(fixture.server().port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::clock_t cpu = std::clock();
  const int connected =
      ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  const std::clock_t used = std::clock() - cpu;
  const std::uint64_t accepted = fixture.server().stats().connections;
  const std::uint64_t refused = fixture.server().stats().refused;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(connected == 0);
  CHECK(accepted == 0);
  CHECK(refused >= 1);
  CHECK(refused <= 20);  // one try per pause
  CHECK(used < CLOCKS_PER_SEC / 3);
  CHECK(fixture.eventually_connected(1));
  ::close(client);
}
