#include "storage/base/secret.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"

TEST_CASE("secret: made once, read back, for nobody else to read") {
  test::TempDir dir;
  const std::string path = dir.file("secret.key");
  const auto first = storage::load_or_make_secret(path);
  REQUIRE(first.has_value());
  CHECK(first->size() == storage::kSecretSize);
  CHECK(storage::load_or_make_secret(path) == *first);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(std::distance(std::filesystem::directory_iterator(dir.str()),
                      std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("secret: reading makes none") {
  test::TempDir dir;
  const std::string path = dir.file("secret.key");
  CHECK(storage::load_secret(path).error().kind == storage::ErrorKind::not_found);
  CHECK_FALSE(std::filesystem::exists(path));
  const auto made = storage::load_or_make_secret(path);
  REQUIRE(made.has_value());
  CHECK(storage::load_secret(path) == *made);
}

TEST_CASE("secret: many that make it at once get the same one") {
  test::TempDir dir;
  const std::string path = dir.file("secret.key");
  std::vector<std::string> got(8);
  std::vector<std::thread> threads;
  for (std::string& secret : got) {
    threads.emplace_back(
        [&secret, &path] { secret = storage::load_or_make_secret(path).value_or("failed"); });
  }
  for (std::thread& thread : threads) thread.join();
  const std::set<std::string> distinct(got.begin(), got.end());
  CHECK(distinct.size() == 1);
  CHECK(distinct.begin()->size() == storage::kSecretSize);
}

TEST_CASE("secret: a file of another size is corrupt, an impossible place unavailable") {
  test::TempDir dir;
  std::ofstream(dir.file("short")) << "not a secret";
  CHECK(storage::load_or_make_secret(dir.file("short")).error().kind ==
        storage::ErrorKind::corrupt);
  CHECK(storage::load_or_make_secret(dir.file("no/such/folder")).error().kind ==
        storage::ErrorKind::unavailable);
}

TEST_CASE("secret: what is sealed opens with the same secret and context only") {
  const std::string secret(storage::kSecretSize, 'k');
  const std::string other(storage::kSecretSize, 'o');
  for (const std::string& text : {std::string(), std::string("1234"), std::string(5000, 'x')}) {
    const std::string sealed = storage::seal(secret, "place", text);
    CHECK(storage::unseal(secret, "place", sealed) == text);
    CHECK(storage::seal(secret, "place", text) != sealed);
    CHECK_FALSE(storage::unseal(other, "place", sealed).has_value());
    CHECK_FALSE(storage::unseal(secret, "elsewhere", sealed).has_value());
    std::string changed = sealed;
    changed.back() = static_cast<char>(changed.back() ^ 1);
    CHECK_FALSE(storage::unseal(secret, "place", changed).has_value());
    CHECK_FALSE(storage::unseal(secret, "place", sealed.substr(1)).has_value());
  }
  CHECK_FALSE(storage::unseal(secret, "place", "short").has_value());
  CHECK_FALSE(storage::unseal("", "place", storage::seal(secret, "place", "x")).has_value());
}
