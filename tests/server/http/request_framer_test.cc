#include "server/http/request_framer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using http::RequestFramer;
using Event = RequestFramer::Event;

struct Outcome {
  Event event = Event::need_more;
  int status = 0;  // of an error
  std::string reason;
  std::string method, path, query, body;
  std::vector<http::Header> headers;
  bool keep_alive = false;
  bool expects_continue = false;
  std::size_t used = 0;  // bytes consumed
};

constexpr std::size_t kBodyLimit = 100;

// Feeds `input` in pieces of `step` bytes until the request is complete or refused.
Outcome run(std::string_view input, std::size_t step, const http::FramerLimits& limits = {}) {
  RequestFramer framer(limits);
  Outcome outcome;
  std::size_t given = 0;
  std::string_view piece;
  while (true) {
    const RequestFramer::Step result = framer.next(piece);
    REQUIRE(result.consumed <= piece.size());
    outcome.used += result.consumed;
    piece.remove_prefix(result.consumed);
    outcome.event = result.event;
    switch (result.event) {
      case Event::head:
        outcome.method = framer.request().method;
        outcome.path = framer.request().path;
        outcome.query = framer.request().query;
        outcome.headers = framer.request().headers;
        outcome.keep_alive = framer.keep_alive();
        outcome.expects_continue = framer.expects_continue();
        framer.set_body_limit(kBodyLimit);
        break;
      case Event::body:
        outcome.body += result.body;
        break;
      case Event::need_more:
        REQUIRE(piece.empty());
        if (given == input.size()) return outcome;
        piece = input.substr(given, step);
        given += piece.size();
        break;
      case Event::complete:
        return outcome;
      case Event::error:
        outcome.status = framer.error().status;
        outcome.reason = framer.error().reason;
        return outcome;
    }
  }
}

const std::vector<std::size_t> kSteps = {1, 2, 3, 7, 64, 1 << 20};

struct Good {
  const char* name;
  std::string input;
  std::string method, path, query, body;
  bool keep_alive = true;
  std::string rest;  // belongs to the next request
};

struct Bad {
  const char* name;
  std::string input;
  int status;
};

std::string with_headers(const std::string& headers, const std::string& body = {}) {
  return "POST /p HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n" + body;
}

std::string many_headers(int count) {
  std::string headers;
  for (int i = 0; i < count; ++i) headers += "X-" + std::to_string(i) + ": v\r\n";
  return headers;
}

}  // namespace

TEST_CASE("framer: well-formed requests come out the same however the bytes are cut") {
  const std::vector<Good> cases = {
      {"no body", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/a", "", "", true, ""},
      {"query", "POST /p?Cmd=Sync&User=a%20b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
       "POST", "/p", "Cmd=Sync&User=a%20b", "", true, ""},
      {"counted body", with_headers("Content-Length: 5\r\n", "hello"), "POST", "/p", "", "hello",
       true, ""},
      {"pipelined", with_headers("Content-Length: 2\r\n", "abGET / HT"), "POST", "/p", "", "ab",
       true, "GET / HT"},
      {"chunked",
       with_headers("Transfer-Encoding: Chunked\r\n",
                    "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"),
       "POST", "/p", "", "abc0123456789", true, ""},
      {"chunked with trailers and a follower",
       with_headers("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nX: 1\r\nY: 2\r\n\r\nGET"),
       "POST", "/p", "", "a", true, "GET"},
      {"connection close among others", with_headers("Connection: TE, Close\r\n"), "POST", "/p", "",
       "", false, ""},
      {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "GET", "/", "", "", false, ""},
      {"absolute form", "GET http://host:1/x?y HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/x", "y", "",
       true, ""},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS", "*", "", "", true, ""},
      {"an empty line first", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/", "", "", true,
       ""},
      {"body as large as the limit", with_headers("Content-Length: 100\r\n", std::string(100, 'x')),
       "POST", "/p", "", std::string(100, 'x'), true, ""},
  };
  for (const Good& good : cases) {
    for (const std::size_t step : kSteps) {
      CAPTURE(good.name);
      CAPTURE(step);
      const Outcome outcome = run(good.input, step);
      CHECK(outcome.event == Event::complete);
      CHECK(outcome.reason == "");
      CHECK(outcome.method == good.method);
      CHECK(outcome.path == good.path);
      CHECK(outcome.query == good.query);
      CHECK(outcome.body == good.body);
      CHECK(outcome.keep_alive == good.keep_alive);
      CHECK(outcome.used == good.input.size() - good.rest.size());
    }
  }
}

TEST_CASE("framer: malformed and oversized requests are refused however the bytes are cut") {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::vector<Bad> cases = {
      {"Content-Length and Transfer-Encoding", with_headers("Content-Length: 3\r\n" + chunked),
       400},
      {"two Content-Lengths", with_headers("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
      {"a list of lengths", with_headers("Content-Length: 3, 3\r\n"), 400},
      {"letters in the length", with_headers("Content-Length: 5abc\r\n"), 400},
      {"negative length", with_headers("Content-Length: -1\r\n"), 400},
      {"signed length", with_headers("Content-Length: +1\r\n"), 400},
      {"empty length", with_headers("Content-Length:\r\n"), 400},
      {"length that overflows", with_headers("Content-Length: 99999999999999999999\r\n"), 400},
      {"other transfer coding", with_headers("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"two transfer codings", with_headers(chunked + chunked), 400},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n", 400},
      {"bare LF in the head", "GET / HTTP/1.1\nHost: h\n\n", 400},
      {"bare LF after a header", "GET / HTTP/1.1\r\nHost: h\n", 400},
      {"bare CR in a header", with_headers("X: a\rb\r\n"), 400},
      {"NUL in a header", with_headers(std::string("X: a\0b\r\n", 8)), 400},
      {"escaped CRLF in a header", with_headers("X: a%0D%0aSet: b\r\n"), 400},
      {"escaped CRLF in the path", "GET /a%0d%0a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"folded header", with_headers("X: a\r\n b\r\n"), 400},
      {"space before the colon", with_headers("X : a\r\n"), 400},
      {"no colon", with_headers("garbage\r\n"), 400},
      {"empty header name", with_headers(": a\r\n"), 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", with_headers("Host: i\r\n"), 400},
      {"unknown version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"no version", "GET /\r\nHost: h\r\n\r\n", 400},
      {"TLS on the plain port", std::string("\x16\x03\x01\x02\x00\x01\n", 7), 400},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"relative target", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"bad method", "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"many empty lines", "\r\n\r\n\r\nGET / HTTP/1.1\r\n", 400},
      {"unknown expectation", with_headers("Expect: miracle\r\n"), 417},
      {"path too long", "GET /" + std::string(256, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {"target too long", "GET /?" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {"endless request line", "GET /" + std::string(40000, 'a'), 414},
      {"endless header", with_headers("X: " + std::string(40000, 'a')), 431},
      {"too many headers", with_headers(many_headers(100)), 431},
      {"declared body over the limit", with_headers("Content-Length: 101\r\n"), 413},
      {"chunks over the limit",
       with_headers(chunked, "40\r\n" + std::string(64, 'x') + "\r\n25\r\n"), 413},
      {"huge chunk", with_headers(chunked, "FFFFFFFFFFFFFFF\r\n"), 413},
      {"chunk size too long", with_headers(chunked, "0000000000000000\r\n"), 400},
      {"chunk size not hex", with_headers(chunked, "xyz\r\n"), 400},
      {"empty chunk size", with_headers(chunked, "\r\n"), 400},
      {"negative chunk size", with_headers(chunked, "-1\r\n"), 400},
      {"bare LF behind a chunk size", with_headers(chunked, "1\na\r\n"), 400},
      {"chunk longer than it says", with_headers(chunked, "1\r\nab\r\n"), 400},
      {"endless chunk extension", with_headers(chunked, "1;" + std::string(2000, 'x')), 400},
      {"bad trailer", with_headers(chunked, "0\r\nnocolon\r\n\r\n"), 400},
      {"endless trailers", with_headers(chunked, "0\r\n" + many_headers(3000) + "\r\n"), 400},
  };
  for (const Bad& bad : cases) {
    for (const std::size_t step : kSteps) {
      CAPTURE(bad.name);
      CAPTURE(step);
      const Outcome outcome = run(bad.input, step);
      CHECK(outcome.event == Event::error);
      CHECK(outcome.status == bad.status);
    }
  }
}

TEST_CASE("framer: an incomplete request asks for more and never completes") {
  const std::string whole = with_headers("Content-Length: 4\r\n", "body");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    CHECK(run(whole.substr(0, cut), 5).event == Event::need_more);
  }
}

TEST_CASE("framer: headers keep their case, order and raw text; blanks around values go") {
  const Outcome outcome =
      run("GET / HTTP/1.1\r\nHost: h\r\nX-One:  a b \t\r\nx-one: %41\r\n\r\n", 4);
  REQUIRE(outcome.headers.size() == 3);
  CHECK(outcome.headers[1] == http::Header("X-One", "a b"));
  CHECK(outcome.headers[2] == http::Header("x-one", "%41"));
}

TEST_CASE("framer: Expect: 100-continue counts only where a body follows") {
  CHECK(
      run(with_headers("Expect: 100-Continue\r\nContent-Length: 2\r\n", "ab"), 9).expects_continue);
  CHECK_FALSE(
      run(with_headers("Expect: 100-continue\r\nContent-Length: 0\r\n"), 9).expects_continue);
}

TEST_CASE("framer: the limits given are the limits kept") {
  http::FramerLimits limits;
  limits.max_head = 64;
  limits.max_headers = 2;
  limits.max_path = 4;
  CHECK(run("GET /abc HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n", 9, limits).event == Event::complete);
  CHECK(run("GET /abcd HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n", 9, limits).status == 414);
  CHECK(run("GET /abc HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\n\r\n", 9, limits).status == 431);
  CHECK(run("GET /abc HTTP/1.1\r\nHost: " + std::string(60, 'h') + "\r\n\r\n", 9, limits).status ==
        431);
}
