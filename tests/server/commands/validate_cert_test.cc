// The command; what the statuses of certificates rest on is tested in
// tests/server/certificates/validator_test.cc.
#include <doctest/doctest.h>

#include <fstream>

#include "server/certificates/validator.h"
#include "storage/base/text.h"
#include "tests/support/service_fixture.h"
#include "tests/support/test_ca.h"
#include "tests/support/tiny_http.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace {

using test::Call;
using test::CertificateSpec;
using test::ServiceFixture;
using test::TestCa;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::validate_cert;

constexpr const char* kVersions[] = {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

Element list(wbxml::Tag name, const std::vector<std::string>& ders) {
  std::vector<Element> children;
  for (const std::string& der : ders) {
    children.emplace_back(tag::kCertificate, storage::base64_encode(der));
  }
  return Element(name, std::move(children));
}

Call validate(std::vector<Element> children, const char* version = "14.1") {
  Call call;
  call.command = "ValidateCert";
  call.version = version;
  call.body = Element(tag::kValidateCert, std::move(children));
  return call;
}

// A server that trusts `root`.
struct Trusting : ServiceFixture {
  Trusting() {
    std::ofstream(dir.file("ca.pem")) << root.pem();
    eas::ValidatorOptions options;
    options.ca_file = dir.file("ca.pem");
    auto opened = eas::CertificateValidator::open(options);
    REQUIRE(opened.has_value());
    validator = std::move(*opened);
    services.certificates = validator.get();
    dispatcher = std::make_unique<eas::Dispatcher>(services);
  }
  // The Status of each certificate; the first is that of the whole.
  std::vector<std::string> statuses(const Call& call) {
    const Element answer = element(call);
    std::vector<std::string> all;
    for (const Element& child : answer.children) {
      all.push_back(child.tag == tag::kStatus ? child.text : text_at(child, {tag::kStatus}));
    }
    return all;
  }
  TestCa root{"Root"};
  test::TinyHttp web;
  std::unique_ptr<eas::CertificateValidator> validator;
};

using Statuses = std::vector<std::string>;

CertificateSpec person() {
  CertificateSpec spec;
  spec.email = "ann@example.test";
  return spec;
}

}  // namespace

TEST_CASE("ValidateCert: a good certificate is 1, with its chain, in every version") {
  // covers: MS-ASCMD R686 R687 R688 R6121 R6122 R6123 R6124 R6124100601 R4469 R5387 R4474 R4727
  // covers: MS-ASCMD R1120 R2924
  for (const char* version : kVersions) {
    CAPTURE(version);
    Trusting server;
    const TestCa middle("Middle", &server.root);
    CHECK(server.statuses(validate({list(tag::kCertificateChain, {middle.der()}),
                                    list(tag::kCertificates, {middle.issue(person())})},
                                   version)) == Statuses{"1", "1"});
  }
}

TEST_CASE(
    "ValidateCert: each certificate has its own status, in order (field.md: first "
    "certificate only; no CRL, no chain)") {
  // covers: MS-ASCMD R5389 R4479 R4482 R4485 R4488 R4491 R4494 R4497 R4500 R4504 R5847 R1122
  Trusting server;
  CertificateSpec over;
  over.ca = true;
  over.key_usage = "critical,keyCertSign";
  over.extended_key_usage = "";
  over.common_name = "Expired middle";
  over.not_after = 1'794'000'000;
  const TestCa expired_middle(over, &server.root);
  over.common_name = "Web middle";
  over.not_after = 2'100'000'000;
  over.extended_key_usage = "serverAuth";
  const TestCa web_middle(over, &server.root);
  const TestCa no_authority(person(), &server.root);
  CertificateSpec web = person();
  web.extended_key_usage = "serverAuth";
  CertificateSpec old = person();
  old.not_after = 1'794'000'000;
  std::string tampered = server.root.issue(person());
  tampered[tampered.size() - 4] = static_cast<char>(tampered[tampered.size() - 4] ^ 1);
  CHECK(server.statuses(validate(
            {list(tag::kCertificateChain,
                  {expired_middle.der(), web_middle.der(), no_authority.der()}),
             list(tag::kCertificates,
                  {server.root.issue(person()), tampered, test::make_leaf("x@y.test"),
                   server.root.issue(web), server.root.issue(old), expired_middle.issue(person()),
                   web_middle.issue(person()), "no certificate", no_authority.issue(person()),
                   TestCa("Sub", &server.root).der()})})) ==
        Statuses{"1", "1", "3", "4", "6", "7", "8", "9", "10", "11", "11"});
  CHECK(server.statuses(validate({list(tag::kCertificateChain, {"broken"}),
                                  list(tag::kCertificates, {server.root.issue(person())})})) ==
        Statuses{"1", "5"});
}

TEST_CASE("ValidateCert: revocation, and whether it must be known") {
  // covers: MS-ASCMD R893 R895 R4509 R4512 R4515 R4518 R686 R688
  Trusting server;
  CertificateSpec spec = person();
  spec.crl_urls = {server.web.url("root.crl")};
  const std::string good = server.root.issue(spec);
  const std::string revoked = server.root.issue(spec);
  spec.crl_urls = {server.web.url("missing.crl")};
  const std::string offline = server.root.issue(spec);
  const std::string unknown = server.root.issue(person());
  CertificateSpec middle_spec;
  middle_spec.common_name = "Middle";
  middle_spec.ca = true;
  middle_spec.key_usage = "critical,keyCertSign,cRLSign";
  middle_spec.extended_key_usage = "";
  middle_spec.crl_urls = {server.web.url("root.crl")};
  const TestCa middle(middle_spec, &server.root);
  spec.crl_urls = {server.web.url("middle.crl")};
  const std::string under_revoked = middle.issue(spec);
  server.web.put("root.crl", server.root.crl({revoked, middle.der()}));
  server.web.put("middle.crl", middle.crl({}));
  const auto ask = [&](const std::vector<Element>& more) {
    std::vector<Element> children = {
        list(tag::kCertificateChain, {middle.der()}),
        list(tag::kCertificates, {good, revoked, offline, under_revoked, unknown})};
    children.insert(children.end(), more.begin(), more.end());
    return server.statuses(validate(std::move(children)));
  };
  CHECK(ask({Element(tag::kCheckCRL, "1")}) == Statuses{"1", "1", "13", "14", "15", "16"});
  const Statuses lenient = {"1", "1", "13", "1", "15", "1"};
  CHECK(ask({Element(tag::kCheckCRL, "0")}) == lenient);
  CHECK(ask({}) == lenient);
}

TEST_CASE("ValidateCert: bad requests are status 2, in every version") {
  // covers: MS-ASCMD R4476 R5662
  for (const char* version : kVersions) {
    CAPTURE(version);
    Trusting server;
    const std::string good = server.root.issue(person());
    CHECK(server.statuses(validate({}, version)) == Statuses{"2"});
    CHECK(server.statuses(validate({Element(tag::kCertificates)}, version)) == Statuses{"2"});
    CHECK(server.statuses(validate({list(tag::kCertificateChain, {good})}, version)) ==
          Statuses{"2"});
    for (const char* check : {"2", "x", "-1"}) {
      CHECK(server.statuses(validate(
                {list(tag::kCertificates, {good}), Element(tag::kCheckCRL, check)}, version)) ==
            Statuses{"2"});
    }
    CHECK(server.statuses(validate({list(tag::kCertificates, std::vector<std::string>(101, "x"))},
                                   version)) == Statuses{"2"});
    CHECK(
        server.statuses(validate({list(tag::kCertificateChain, std::vector<std::string>(101, "x")),
                                  list(tag::kCertificates, {good})},
                                 version)) == Statuses{"2"});
    CHECK(server
              .statuses(
                  validate({list(tag::kCertificates, std::vector<std::string>(100, "x"))}, version))
              .size() == 101);
  }
}

TEST_CASE("ValidateCert: a certificate that is no base64, empty, or raw bytes") {
  Trusting server;
  const std::string good = server.root.issue(person());
  Element raw(tag::kCertificate, good);
  raw.opaque = true;
  CHECK(server.statuses(validate({Element(
            tag::kCertificates, {Element(tag::kCertificate, "!!!"), Element(tag::kCertificate),
                                 raw})})) == Statuses{"1", "10", "10", "1"});
}

TEST_CASE("ValidateCert: a server that trusts nobody it could name says 17") {
  // covers: MS-ASCMD R5864
  ServiceFixture server;
  server.services.certificates = nullptr;
  server.dispatcher = std::make_unique<eas::Dispatcher>(server.services);
  const Element root =
      server.element(validate({list(tag::kCertificates, {test::make_leaf("x@y.test")})}));
  CHECK(text_at(root, {tag::kStatus}) == "17");
  CHECK(root.children.size() == 1);
}

TEST_CASE("ValidateCert: the whole of an answer, element by element, in every version") {
  // covers: MS-ASCMD R1119 R1121 R6209 R6210 R6211 R6212 R6212100701 R6213 R6214 R6215 R6216
  // covers: MS-ASCMD R6216100701 R6229 R6230 R6231 R6232 R6232100701 R6249 R6250 R6251 R6252
  // covers: MS-ASCMD R6252100701 R2771 R2772 R2773 R2774 R7292 R7293 R7294 R7295 R7295101801
  // covers: MS-ASCMD R2923 R2925 R2926 R7440 R7441 R7442 R7443 R7443101801
  for (const char* version : kVersions) {
    CAPTURE(version);
    Trusting server;
    const TestCa middle("Middle", &server.root);
    const Element answer = server.element(
        validate({list(tag::kCertificateChain, {middle.der()}),
                  list(tag::kCertificates, {middle.issue(person()), test::make_leaf("x@y.test")}),
                  Element(tag::kCheckCRL, "1")},
                 version));
    const auto one = [](const char* state) {
      return Element(tag::kCertificate, {Element(tag::kStatus, state)});
    };
    // No list says anything of the first one, and it was asked for.
    CHECK(answer == Element(tag::kValidateCert, {Element(tag::kStatus, "1"), one("16"), one("4")}));
  }
}
