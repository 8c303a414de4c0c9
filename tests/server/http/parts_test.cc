// The small parts: timer wheel, body collector, gzip, dates.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <zlib.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "server/http/body_collector.h"
#include "server/http/gzip.h"
#include "server/http/job.h"
#include "server/http/mailbox.h"
#include "server/http/peer_address.h"
#include "server/http/timer_wheel.h"
#include "server/http/wire_format.h"
#include "tests/support/temp_dir.h"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string out(4 << 20, '\0');
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

TEST_CASE("timer wheel: deadlines come never early, at most one tick late, near and far") {
  const http::TimePoint start{};
  for (const milliseconds delay :
       {milliseconds(0), milliseconds(1), milliseconds(20), milliseconds(999), milliseconds(81'000),
        milliseconds(83'000), milliseconds(600'000), milliseconds(3'540'000)}) {
    CAPTURE(delay.count());
    http::TimerWheel wheel(start);
    http::TimerNode node;
    wheel.schedule(node, start + delay);
    http::TimePoint now = start;
    while (wheel.pop_due(now) == nullptr) {
      const auto wait = wheel.wait_time(now);
      REQUIRE(wait.has_value());
      REQUIRE(wait->count() > 0);
      now += *wait;
      REQUIRE(now < start + delay + seconds(1));
    }
    CHECK(now >= start + delay);
    CHECK(now <= start + delay + 2 * http::TimerWheel::kTick);
    CHECK_FALSE(wheel.wait_time(now).has_value());
  }
}

TEST_CASE("timer wheel: a moved deadline counts, a cancelled one does not") {
  const http::TimePoint start{};
  http::TimerWheel wheel(start);
  http::TimerNode moved;
  http::TimerNode cancelled;
  wheel.schedule(moved, start + seconds(1));
  wheel.schedule(moved, start + seconds(5));
  wheel.schedule(cancelled, start + seconds(2));
  wheel.cancel(cancelled);
  CHECK(wheel.pop_due(start + seconds(4)) == nullptr);
  CHECK(wheel.pop_due(start + seconds(6)) == &moved);
  CHECK(wheel.pop_due(start + seconds(500)) == nullptr);
}

TEST_CASE("timer wheel: many deadlines all come after one long pause") {
  const http::TimePoint start{};
  http::TimerWheel wheel(start);
  std::vector<http::TimerNode> nodes(1000);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    wheel.schedule(nodes[i], start + milliseconds(i * 300));
  }
  std::size_t due = 0;
  while (http::TimerNode* const node = wheel.pop_due(start + seconds(1000))) {
    CHECK_FALSE(node->is_scheduled());
    ++due;
  }
  CHECK(due == nodes.size());
}

TEST_CASE("timer wheel: a due node may still be cancelled by the one before it") {
  const http::TimePoint start{};
  http::TimerWheel wheel(start);
  http::TimerNode first;
  http::TimerNode second;
  wheel.schedule(first, start + milliseconds(10));
  wheel.schedule(second, start + milliseconds(10));
  CHECK(wheel.pop_due(start + seconds(1)) == &first);
  wheel.cancel(second);
  CHECK(wheel.pop_due(start + seconds(1)) == nullptr);
}

TEST_CASE(
    "body collector: small bodies stay in memory, larger ones go to a file that has no name") {
  const test::TempDir dir;
  const std::string text(3000, 'x');
  for (const bool declared : {true, false}) {
    for (const std::size_t limit : {2999u, 3000u, 10u, 0u}) {
      CAPTURE(declared);
      CAPTURE(limit);
      http::BodyCollector collector(limit, dir.str(),
                                    declared ? std::optional<std::uint64_t>(3000) : std::nullopt);
      for (std::size_t at = 0; at < text.size(); at += 7) {
        REQUIRE(collector.append(std::string_view(text).substr(at, 7)));
      }
      CHECK(collector.is_spooled() == (limit < 3000));
      CHECK(std::filesystem::is_empty(dir.path()));
      auto body = collector.finish();
      REQUIRE(body);
      CHECK(body->view() == text);
      http::Body moved = std::move(*body);
      CHECK(moved.view() == text);
      *body = std::move(moved);
      CHECK(body->view() == text);
    }
  }
}

TEST_CASE("peer address: IPv6 counts by its network, IPv4 by itself") {
  const auto address = [](const char* text) {
    sockaddr_storage storage{};
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    REQUIRE(::inet_pton(AF_INET6, text, &v6->sin6_addr) == 1);
    return http::PeerAddress(storage);
  };
  http::AddressTable table(1);
  CHECK(table.enter(address("2001:db8:1:2::1")));
  CHECK_FALSE(table.enter(address("2001:db8:1:2:3::4")));
  CHECK(table.enter(address("2001:db8:1:3::1")));
  CHECK(table.enter(address("::ffff:10.0.0.1")));
  CHECK(table.enter(address("::ffff:10.0.0.2")));
  table.leave(address("2001:db8:1:2::1"));
  CHECK(table.enter(address("2001:db8:1:2:3::4")));
  CHECK(address("2001:db8:1:2::1").network().text() == "2001:db8:1:2::");
  CHECK(address("::ffff:10.0.0.1").network().text() == "10.0.0.1");
}

TEST_CASE("body collector: no directory to spool to is a temporary failure") {
  http::BodyCollector collector(1, "/nonexistent/directory", std::nullopt);
  const auto appended = collector.append("ab");
  REQUIRE_FALSE(appended);
  CHECK(appended.error().kind == storage::ErrorKind::unavailable);
}

TEST_CASE("gzip: Accept-Encoding is read with its qualities") {
  CHECK(http::accepts_gzip("gzip"));
  CHECK(http::accepts_gzip("deflate, GZIP;q=0.5"));
  CHECK(http::accepts_gzip("br, *"));
  CHECK_FALSE(http::accepts_gzip(""));
  CHECK_FALSE(http::accepts_gzip("identity"));
  CHECK_FALSE(http::accepts_gzip("gzip;q=0"));
  CHECK_FALSE(http::accepts_gzip("gzip; q=0.000, *"));
  CHECK_FALSE(http::accepts_gzip("*;q=0"));
}

TEST_CASE("gzip: only text-like types above 1 kB are worth it") {
  CHECK(http::worth_compressing("application/vnd.ms-sync.wbxml", 1025));
  CHECK(http::worth_compressing("application/vnd.ms-sync.multipart", 5000));
  CHECK(http::worth_compressing("text/html; charset=utf-8", 5000));
  CHECK(http::worth_compressing("application/json", 5000));
  CHECK_FALSE(http::worth_compressing("application/vnd.ms-sync.wbxml", 1024));
  CHECK_FALSE(http::worth_compressing("image/jpeg", 5000));
}

TEST_CASE("gzip: what is packed unpacks to the same; what does not shrink is left alone") {
  std::string text;
  for (int i = 0; i < 50000; ++i) text += "line " + std::to_string(i) + "\n";
  const auto packed = http::gzip(text);
  REQUIRE(packed);
  CHECK(packed->size() < text.size() / 2);
  CHECK(gunzip(*packed) == text);
  std::string noise;
  std::uint32_t seed = 1;
  for (int i = 0; i < 5000; ++i)
    noise += static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  CHECK_FALSE(http::gzip(noise));
}

TEST_CASE("dates are written in the form of RFC 9110") {
  CHECK(http::http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

// An event that nobody drains would keep the loop awake until the next message.
TEST_CASE("mailbox: a taker that is quicker than the poster leaves no event behind") {
  http::Mailbox mailbox;
  REQUIRE(mailbox.is_valid());
  constexpr int kMessages = 20'000;
  std::atomic<int> taken{0};
  std::thread poster([&] {
    for (int i = 0; i < kMessages; ++i) {
      mailbox.post({http::Message::Kind::wake, {}, nullptr});
      while (taken.load() <= i) std::this_thread::yield();
    }
  });
  int left_behind = 0;
  std::vector<http::Message> messages;
  for (int i = 0; i < kMessages; ++i) {
    while (messages.empty()) mailbox.take(messages);
    messages.clear();
    pollfd event{mailbox.fd(), POLLIN, 0};
    if (::poll(&event, 1, 0) != 0) ++left_behind;
    taken.store(i + 1);
  }
  poster.join();
  CHECK(left_behind == 0);
}
