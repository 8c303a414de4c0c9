#include "storage/directory/address.h"

#include <doctest/doctest.h>

using storage::canonical_address;
using storage::canonical_domain;
using storage::login_addresses;
using Names = std::vector<std::string>;

TEST_CASE("address: what users may be called, in its stored form") {
  struct Row {
    std::string given;
    std::string canonical;
  };
  const Row rows[] = {
      {"ann@example.test", "ann@example.test"},
      {"Ann.Lee+TAG@Mail.EXAMPLE.test", "ann.lee+tag@mail.example.test"},
      {"o'hara!#$%&*=?^_`{|}~-@localhost", "o'hara!#$%&*=?^_`{|}~-@localhost"},
      {"\xc3\x84RGER@example.test", "\xc3\xa4rger@example.test"},  // ÄRGER
      {"\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd@a.test",
       "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd@a.test"},             // Иван
      {"\xd0\x81@a.test", "\xd1\x91@a.test"},                  // Ё
      {"\xce\xa9@a.test", "\xcf\x89@a.test"},                  // Ω
      {"\xe5\xb1\xb1@a.test", "\xe5\xb1\xb1@a.test"},          // 山
      {"\xf0\x9f\x90\xa6@a.test", "\xf0\x9f\x90\xa6@a.test"},  // a bird
      {"1@123.test", "1@123.test"},
      {std::string(64, 'a') + "@" + std::string(63, 'b') + ".test",
       std::string(64, 'a') + "@" + std::string(63, 'b') + ".test"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.given);
    CHECK(canonical_address(row.given).value_or("none") == row.canonical);
    CHECK(canonical_address(row.canonical).value_or("none") == row.canonical);
  }
}

TEST_CASE("address: what nobody may be called") {
  const std::string rows[] = {
      "",
      "ann",
      "@",
      "@example.test",
      "ann@",
      "ann@b@example.test",
      ".ann@example.test",
      "..@example.test",
      "ann.@example.test",
      "a..b@example.test",
      "a/b@example.test",
      "/etc/passwd@example.test",
      "a\\b@example.test",
      "a b@example.test",
      "\"a b\"@example.test",
      "a,b@example.test",
      "<a@example.test>",
      "a:b@example.test",
      "a\nb@example.test",
      "a\x7f@example.test",
      std::string("a\0b@example.test", 16),
      std::string("ann@example.test\0", 17),
      "ann@example..test",
      "ann@.test",
      "ann@example.test.",
      "ann@-a.test",
      "ann@a-.test",
      "ann@exa_mple.test",
      "ann@../x",
      "ann@[127.0.0.1]",
      "ann@ex\xc3\xa4mple.test",
      "\xff@example.test",
      "\xc2\x85@example.test",           // a control
      "\xc2\xa0@example.test",           // a space
      "a\xe2\x80\x8b@example.test",      // invisible
      "a\xe2\x80\xae@example.test",      // turns the direction
      "a\xef\xbb\xbf@example.test",      // byte order mark
      "a\xee\x80\x80@example.test",      // private use
      "a\xf3\xa0\x80\x81@example.test",  // a tag
      std::string(250, 'a') + "@a.test",
      "ann@" + std::string(64, 'b') + ".test",
  };
  for (const std::string& row : rows) {
    CAPTURE(row);
    CHECK_FALSE(canonical_address(row));
  }
}

TEST_CASE("address: domains") {
  CHECK(canonical_domain("Example.TEST").value_or("none") == "example.test");
  CHECK(canonical_domain("a").has_value());
  CHECK_FALSE(canonical_domain(""));
  CHECK_FALSE(canonical_domain("a b"));
  std::string longest;
  while (longest.size() < 251) longest += "a.";
  CHECK(canonical_domain(longest + "a").has_value());
  CHECK_FALSE(canonical_domain(longest + "a.a"));
}

TEST_CASE("login: the addresses that a name may mean, in order") {
  struct Row {
    const char* login;
    Names addresses;
  };
  const Row rows[] = {
      {"ann", {"ann@d.test"}},
      {"Ann@Other.test", {"ann@other.test"}},
      {"CORP\\ann", {"ann@d.test"}},
      {"other.test\\ann", {"ann@other.test", "ann@d.test"}},
      {"d.test\\ann", {"ann@d.test"}},
      {"bad..domain\\ann", {"ann@d.test"}},
      {"CORP\\ann@other.test", {"ann@other.test"}},
      {"j\xf6rg", {"j\xc3\xb6rg@d.test"}},
      {"j\xc3\xb6rg", {"j\xc3\xb6rg@d.test", "j\xc3\xa3\xc2\xb6rg@d.test"}},
      {"", {}},
      {"\\", {}},
      {"a@b@c", {}},
      {"../../etc", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.login);
    CHECK(login_addresses(row.login, "d.test") == row.addresses);
  }
  CHECK(login_addresses("ann", "").empty());
  CHECK(login_addresses("CORP\\ann", "").empty());
  CHECK(login_addresses("other.test\\ann", "") == Names{"ann@other.test"});
}
