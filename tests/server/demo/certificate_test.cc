#include "server/demo/certificate.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/support/test_certificate.h"

TEST_CASE("demo certificate: made anew when an address of the machine is not in it") {
  test::TempDir dir;
  const std::string file = dir.file("cert.pem");
  const auto local = demo::certificate_hosts("127.0.0.1");
  REQUIRE(demo::write_certificate(file, dir.file("key.pem"), local).has_value());
  CHECK_FALSE(demo::is_outdated(file, local));
  CHECK_FALSE(demo::is_outdated(file, {"127.0.0.1"}));
  CHECK(demo::is_outdated(file, {"127.0.0.1", "192.0.2.7"}));
  CHECK(demo::is_outdated(file, {"mail.example.test"}));
  CHECK_FALSE(demo::is_outdated(file, {"localhost", "2001:db8::7"}));  // changes every day
}

TEST_CASE("demo certificate: what somebody else put there is left alone") {
  test::TempDir dir;
  const auto own = test::write_test_certificate(dir.str(), "own");
  CHECK_FALSE(demo::is_outdated(own.certificate, {"192.0.2.7"}));
  CHECK_FALSE(demo::is_outdated(dir.file("none"), {"192.0.2.7"}));
  std::ofstream(dir.file("broken")) << "no certificate";
  CHECK_FALSE(demo::is_outdated(dir.file("broken"), {"192.0.2.7"}));
}
