#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "server/demo/certificate.h"
#include "server/demo/corpus.h"
#include "server/demo/maildir_writer.h"
#include "tests/support/temp_dir.h"

namespace fs = std::filesystem;

namespace {

constexpr storage::UnixMillis kNow = 1'790'000'000'000;

}  // namespace

TEST_CASE("maildir: it is filled completely, with flags and times of the past") {
  const test::TempDir dir;
  const demo::Corpus corpus(1);
  const demo::Recipient to{"a@example.test", "A"};
  int reported = 0;
  const auto made = demo::fill_maildir(corpus, to, dir.file("a@example.test"),
                                       {1500, kNow, [&](int done) { reported = done; }});
  REQUIRE(made.has_value());
  CHECK(*made);
  CHECK(reported == 1000);
  int files = 0;
  int seen = 0;
  int fresh = 0;
  for (const char* part : {"cur", "new"}) {
    for (const auto& entry : fs::directory_iterator(dir.path() / "a@example.test" / part)) {
      ++files;
      struct stat info {};
      REQUIRE(::stat(entry.path().c_str(), &info) == 0);
      CHECK(info.st_mtim.tv_sec < kNow / 1000);
      CHECK(info.st_mtim.tv_sec > kNow / 1000 - 400LL * 24 * 3600);
      const std::string name = entry.path().filename();
      CHECK(name.starts_with(std::to_string(info.st_mtim.tv_sec) + "."));
      if (std::string(part) == "new") {
        ++fresh;
        CHECK(name.find(':') == std::string::npos);
      } else {
        CHECK(name.find(":2,") != std::string::npos);
        if (name.back() == 'S') ++seen;
      }
    }
  }
  CHECK(files == 1500);
  CHECK(seen > 1000);
  CHECK(fresh > 12);
  CHECK(fs::is_empty(dir.path() / "a@example.test" / "tmp"));
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("maildir: an existing one is left as it is, an unfinished one is made again") {
  const test::TempDir dir;
  const demo::Corpus corpus(1);
  const demo::Recipient to{"a@example.test", "A"};
  fs::create_directories(dir.path() / ".filling-a@example.test" / "cur");
  std::ofstream(dir.path() / ".filling-a@example.test" / "cur" / "half") << "x";
  CHECK(demo::fill_maildir(corpus, to, dir.file("a@example.test"), {3, kNow, {}}).value());
  CHECK_FALSE(fs::exists(dir.path() / "a@example.test" / "cur" / "half"));
  const auto again = demo::fill_maildir(corpus, to, dir.file("a@example.test"), {9, kNow, {}});
  REQUIRE(again.has_value());
  CHECK_FALSE(*again);
}

TEST_CASE("maildir: a disk that refuses is unavailable") {
  const demo::Corpus corpus(1);
  const auto made =
      demo::fill_maildir(corpus, {"a@b.test", ""}, "/proc/nowhere/a@b.test", {1, kNow, {}});
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().kind == storage::ErrorKind::unavailable);
}

TEST_CASE("certificate: covers the hosts, signs itself, and its key is private") {
  const test::TempDir dir;
  REQUIRE(demo::write_certificate(dir.file("cert.pem"), dir.file("key.pem"),
                                  demo::certificate_hosts("192.0.2.7"))
              .has_value());
  struct stat info {};
  REQUIRE(::stat(dir.file("key.pem").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  std::FILE* file = std::fopen(dir.file("cert.pem").c_str(), "r");
  X509* certificate = PEM_read_X509(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  REQUIRE(certificate != nullptr);
  for (const char* address : {"127.0.0.1", "::1", "192.0.2.7"}) {
    CAPTURE(address);
    CHECK(X509_check_ip_asc(certificate, address, 0) == 1);
  }
  CHECK(X509_check_ip_asc(certificate, "192.0.2.8", 0) == 0);
  CHECK(X509_check_host(certificate, "localhost", 0, 0, nullptr) == 1);
  EVP_PKEY* key = X509_get_pubkey(certificate);
  CHECK(X509_verify(certificate, key) == 1);
  CHECK(EVP_PKEY_get_bits(key) == 256);
  EVP_PKEY_free(key);
  X509_free(certificate);
  const auto print = demo::fingerprint(dir.file("cert.pem"));
  REQUIRE(print.has_value());
  CHECK(print->size() == 32 * 3 - 1);
}

TEST_CASE("certificate: a wildcard address covers the addresses of the machine") {
  const auto hosts = demo::certificate_hosts("0.0.0.0");
  CHECK(std::ranges::find(hosts, "0.0.0.0") == hosts.end());
  CHECK(std::ranges::find(hosts, "127.0.0.1") != hosts.end());
}
