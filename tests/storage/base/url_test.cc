#include "storage/base/url.h"

#include <doctest/doctest.h>

TEST_CASE("url: taken apart") {
  struct Case {
    const char* text;
    const char* scheme;
    const char* authority;
    const char* host;
    int port;  // 0: none
    const char* path;
  };
  const Case cases[] = {
      {"https://mail.example.org", "https", "mail.example.org", "mail.example.org", 0, ""},
      {"https://mail.example.org/", "https", "mail.example.org", "mail.example.org", 0, "/"},
      {"HTTP://127.0.0.1:8443/a?b=c://d", "HTTP", "127.0.0.1:8443", "127.0.0.1", 8443,
       "/a?b=c://d"},
      {"https://[::1]:8443/x", "https", "[::1]:8443", "::1", 8443, "/x"},
      {"smtp://[2001:db8::1]", "smtp", "[2001:db8::1]", "2001:db8::1", 0, ""},
      {"smtps://relay_1:465?x", "smtps", "relay_1:465", "relay_1", 465, "?x"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto url = storage::parse_url(c.text);
    REQUIRE(url.has_value());
    CHECK(url->scheme == c.scheme);
    CHECK(url->authority == c.authority);
    CHECK(url->host == c.host);
    CHECK(url->port.value_or(0) == c.port);
    CHECK(url->path == c.path);
  }
}

TEST_CASE("url: what is none") {
  for (const char* text :
       {"", "mail.example.org", "://a", "https://", "https:///path", "https://:443",
        "https://a:", "https://a:0", "https://a:65536", "https://a:x", "https://a b",
        "https://user@a", "https://user:secret@a", "https://[::1", "https://[]", "https://[::1]x",
        "https://a[b]", "https://::1", "https://\"a\""}) {
    CAPTURE(text);
    CHECK_FALSE(storage::parse_url(text).has_value());
  }
}
