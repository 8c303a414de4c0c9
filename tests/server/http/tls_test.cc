#include <openssl/x509.h>

#include <fstream>

#include "tests/server/http/server_fixture.h"

namespace {

using test::Mode;
using test::RawClient;
using test::ServerFixture;

std::string common_name(RawClient& client) {
  X509* const certificate = SSL_get1_peer_certificate(client.ssl());
  if (certificate == nullptr) return {};
  std::array<char, 100> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  X509_free(certificate);
  return name.data();
}

}  // namespace

TEST_CASE("tls: 1.2 and 1.3 are spoken, 1.1 is refused") {
  ServerFixture fixture(Mode::tls);
  fixture.start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RawClient client(fixture.server().port(), Mode::tls, version);
    REQUIRE(client.connected());
    CHECK(SSL_version(client.ssl()) == version);
    client.request("GET", "/echo");
    CHECK(client.reply().status == 200);
  }
  const RawClient old(fixture.server().port(), Mode::tls, TLS1_1_VERSION);
  CHECK_FALSE(old.connected());
  CHECK(ServerFixture::eventually([&] { return fixture.server().stats().refused == 1; }));
}

TEST_CASE("tls: a plain request on the TLS port is refused and harms nobody") {
  ServerFixture fixture(Mode::tls);
  fixture.start();
  RawClient plain(fixture.server().port(), Mode::plain);
  REQUIRE(plain.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(plain.reply().status == 0);
  RawClient client = fixture.client();
  client.request("GET", "/echo");
  CHECK(client.reply().status == 200);
}

TEST_CASE("tls: renegotiation is refused") {
  ServerFixture fixture(Mode::tls);
  fixture.start();
  RawClient client(fixture.server().port(), Mode::tls, TLS1_2_VERSION);
  REQUIRE(client.connected());
  CHECK((SSL_renegotiate(client.ssl()) != 1 || SSL_do_handshake(client.ssl()) != 1));
}

TEST_CASE("tls: a reloaded certificate serves new connections; the old ones go on") {
  ServerFixture fixture(Mode::tls);
  fixture.start();
  RawClient before = fixture.client();
  REQUIRE(before.connected());
  CHECK(common_name(before) == "localhost");
  test::write_test_certificate(fixture.dir().str(), "server", "renewed");
  REQUIRE(fixture.server().reload_certificate());
  RawClient after = fixture.client();
  REQUIRE(after.connected());
  CHECK(common_name(after) == "renewed");
  for (RawClient* client : {&before, &after}) {
    client->request("GET", "/echo");
    CHECK(client->reply().status == 200);
  }
}

TEST_CASE("tls: a certificate that cannot be read or does not fit its key leaves the old one") {
  ServerFixture fixture(Mode::tls);
  fixture.start();
  const auto other = test::write_test_certificate(fixture.dir().str(), "other");
  const std::string key = fixture.dir().file("server.key");
  std::filesystem::copy_file(other.key, key, std::filesystem::copy_options::overwrite_existing);
  const auto mismatched = fixture.server().reload_certificate();
  REQUIRE_FALSE(mismatched);
  CHECK(mismatched.error().kind == storage::ErrorKind::invalid);
  std::ofstream(fixture.dir().file("server.crt")) << "garbage";
  const auto unreadable = fixture.server().reload_certificate();
  REQUIRE_FALSE(unreadable);
  CHECK(unreadable.error().kind == storage::ErrorKind::invalid);
  RawClient client = fixture.client();
  REQUIRE(client.connected());
  client.request("GET", "/echo");
  CHECK(client.reply().status == 200);
}

TEST_CASE("tls: without a readable certificate the server does not start") {
  http::ServerOptions options;
  options.address = "127.0.0.1";
  options.port = 0;
  options.certificate_file = "/nonexistent.crt";
  options.key_file = "/nonexistent.key";
  const auto started = http::HttpServer(options).start();
  REQUIRE_FALSE(started);
  CHECK(started.error().kind == storage::ErrorKind::invalid);
}
