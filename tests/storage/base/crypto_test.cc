#include "storage/base/crypto.h"

#include <doctest/doctest.h>

#include <set>

#include "storage/base/text.h"

TEST_CASE("crypto: SHA-256 of the published test vectors") {
  CHECK(storage::to_hex(storage::sha256("")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(storage::to_hex(storage::sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("crypto: HMAC-SHA-256 of RFC 4231") {
  CHECK(storage::to_hex(storage::hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(storage::to_hex(storage::hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(storage::hmac_sha256("", "").size() == 32);
}

TEST_CASE("crypto: random bytes come in the number asked for and do not repeat") {
  CHECK(storage::random_bytes(0).empty());
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(storage::random_bytes(16));
  CHECK(seen.size() == 100);
  std::set<std::uint32_t> numbers;
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t number = storage::random_u32();
    REQUIRE(number != 0);
    numbers.insert(number);
  }
  CHECK(numbers.size() > 990);
}

TEST_CASE("crypto: the comparison in constant time is still a comparison") {
  CHECK(storage::equals_constant_time("", ""));
  CHECK(storage::equals_constant_time("secret", "secret"));
  CHECK_FALSE(storage::equals_constant_time("secret", "secreT"));
  CHECK_FALSE(storage::equals_constant_time("secret", "secre"));
  CHECK_FALSE(storage::equals_constant_time("", "x"));
}
