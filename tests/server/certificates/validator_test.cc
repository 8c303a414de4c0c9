// Chains, dates, purposes and revocation, with real authorities and a web server for their lists.
#include "server/certificates/validator.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/contracts/expect.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ca.h"
#include "tests/support/tiny_http.h"

using eas::CertificateStatus;
using eas::CertificateValidator;
using test::CertificateSpec;
using test::TestCa;

namespace {

constexpr storage::UnixMillis kNow = 1'795'000'000'000;

CertificateSpec authority(const std::string& name) {
  CertificateSpec spec;
  spec.common_name = name;
  spec.ca = true;
  spec.key_usage = "critical,keyCertSign,cRLSign";
  spec.extended_key_usage = "";
  return spec;
}

CertificateSpec person() {
  CertificateSpec spec;
  spec.common_name = "Ann";
  spec.email = "ann@example.test";
  return spec;
}

// A root that is trusted, a web server for lists, and a validator.
struct Trust {
  explicit Trust(eas::CrlOptions crl = {}) {
    std::ofstream(dir.file("ca.pem")) << root.pem();
    options.ca_file = dir.file("ca.pem");
    options.crl = crl;
    validator = test::ok(CertificateValidator::open(options));
  }
  CertificateStatus check(const std::string& der, std::vector<std::string> chain = {},
                          bool require_revocation = false, storage::UnixMillis now = kNow) {
    eas::ValidationRequest request;
    request.certificates = {der};
    request.chain = std::move(chain);
    request.require_revocation = require_revocation;
    request.now = now;
    const auto statuses = validator->validate(request);
    REQUIRE(statuses.size() == 1);
    return statuses[0];
  }

  test::TempDir dir;
  TestCa root{"Root"};
  test::TinyHttp web;
  eas::ValidatorOptions options;
  std::unique_ptr<CertificateValidator> validator;
};

}  // namespace

TEST_CASE("certificates: a chain to a trusted authority is good, with the links given or not") {
  Trust trust;
  const TestCa middle("Middle", &trust.root);
  const TestCa low("Low", &middle);
  CHECK(trust.check(trust.root.issue(person())) == CertificateStatus::valid);
  const std::string der = low.issue(person());
  CHECK(trust.check(der, {low.der(), middle.der()}) == CertificateStatus::valid);
  CHECK(trust.check(der, {middle.der(), low.der(), trust.root.der()}) == CertificateStatus::valid);
  CHECK(trust.check(der, {middle.der()}) == CertificateStatus::untrusted);
  CHECK(trust.check(der) == CertificateStatus::untrusted);
}

TEST_CASE("certificates: an authority that the request brings along is not trusted for it") {
  Trust trust;
  const TestCa stranger("Root");  // the same name
  const std::string der = stranger.issue(person());
  CHECK(trust.check(der, {stranger.der()}) == CertificateStatus::untrusted);
  CHECK(trust.check(stranger.der()) == CertificateStatus::untrusted);
  CHECK(trust.check(test::make_leaf("x@example.test")) == CertificateStatus::untrusted);
}

TEST_CASE("certificates: an intermediate authority may be what is trusted") {
  Trust trust;
  const TestCa unknown("Unknown");
  const TestCa middle("Middle", &unknown);
  std::ofstream(trust.dir.file("ca.pem")) << middle.pem();
  trust.validator = test::ok(CertificateValidator::open(trust.options));
  CHECK(trust.check(middle.issue(person())) == CertificateStatus::valid);
}

TEST_CASE("certificates: a changed byte of the signature is found") {
  Trust trust;
  std::string der = trust.root.issue(person());
  der[der.size() - 5] = static_cast<char>(der[der.size() - 5] ^ 1);
  CHECK(trust.check(der) == CertificateStatus::bad_signature);
}

TEST_CASE("certificates: what is no certificate, or has a critical extension nobody knows") {
  Trust trust;
  const std::string good = trust.root.issue(person());
  CHECK(trust.check("") == CertificateStatus::malformed);
  CHECK(trust.check("no certificate") == CertificateStatus::malformed);
  CHECK(trust.check(good + "x") == CertificateStatus::malformed);
  CHECK(trust.check(good.substr(0, good.size() / 2)) == CertificateStatus::malformed);
  CertificateSpec odd = person();
  odd.unknown_critical = "x";
  CHECK(trust.check(trust.root.issue(odd)) == CertificateStatus::malformed);
  CHECK(trust.check(good, {"no certificate"}) == CertificateStatus::bad_chain);
}

TEST_CASE("certificates: dates of the certificate and of those above it") {
  Trust trust;
  CertificateSpec old = person();
  old.not_after = kNow / 1000 - 1;
  CHECK(trust.check(trust.root.issue(old)) == CertificateStatus::expired);
  CertificateSpec coming = person();
  coming.not_before = kNow / 1000 + 10;
  CHECK(trust.check(trust.root.issue(coming)) == CertificateStatus::expired);
  CertificateSpec over = authority("Middle");
  over.not_after = kNow / 1000 - 1;
  const TestCa middle(over, &trust.root);
  CHECK(trust.check(middle.issue(person()), {middle.der()}) == CertificateStatus::chain_expired);
  CHECK(trust.check(middle.issue(person()), {middle.der()}, false, kNow - 10'000) ==
        CertificateStatus::valid);
}

TEST_CASE("certificates: purposes of the certificate and of those above it") {
  Trust trust;
  CertificateSpec web = person();
  web.extended_key_usage = "serverAuth";
  CHECK(trust.check(trust.root.issue(web)) == CertificateStatus::not_for_mail);
  CertificateSpec encryption = person();
  encryption.key_usage = "critical,keyEncipherment";
  CHECK(trust.check(trust.root.issue(encryption)) == CertificateStatus::not_for_mail);
  CertificateSpec any = person();
  any.key_usage = "";
  any.extended_key_usage = "";
  CHECK(trust.check(trust.root.issue(any)) == CertificateStatus::valid);
  CertificateSpec web_authority = authority("Web only");
  web_authority.extended_key_usage = "serverAuth";
  const TestCa middle(web_authority, &trust.root);
  CHECK(trust.check(middle.issue(person()), {middle.der()}) == CertificateStatus::wrong_use);
}

TEST_CASE("certificates: end entities and authorities are not taken for each other") {
  Trust trust;
  const TestCa no_authority(person(), &trust.root);  // signs although it may not
  CHECK(trust.check(no_authority.issue(person()), {no_authority.der()}) ==
        CertificateStatus::authority_mixup);
  const TestCa middle("Middle", &trust.root);
  CHECK(trust.check(middle.der()) == CertificateStatus::authority_mixup);
}

TEST_CASE("certificates: a chain that is longer than an authority allows, or than is sane") {
  Trust trust;
  CertificateSpec last = authority("Last");
  last.path_length = 0;
  const TestCa middle(last, &trust.root);
  const TestCa low("Low", &middle);
  CHECK(trust.check(low.issue(person()), {low.der(), middle.der()}) ==
        CertificateStatus::bad_chain);
  std::vector<std::unique_ptr<TestCa>> links;
  std::vector<std::string> chain;
  for (int i = 0; i < 15; ++i) {
    const TestCa* above = links.empty() ? &trust.root : links.back().get();
    links.push_back(std::make_unique<TestCa>("Link " + std::to_string(i), above));
    chain.push_back(links.back()->der());
  }
  CHECK(trust.check(links.back()->issue(person()), chain) == CertificateStatus::bad_chain);
}

TEST_CASE("certificates: a revoked one is refused, whether revocation must be known or not") {
  Trust trust;
  CertificateSpec spec = person();
  spec.crl_urls = {trust.web.url("root.crl")};
  const std::string good = trust.root.issue(spec);
  const std::string bad = trust.root.issue(spec);
  trust.web.put("root.crl", trust.root.crl({bad}));
  for (const bool required : {false, true}) {
    CHECK(trust.check(good, {}, required) == CertificateStatus::valid);
    CHECK(trust.check(bad, {}, required) == CertificateStatus::revoked);
  }
  CHECK(trust.web.requests() == 1);
}

TEST_CASE("certificates: a revoked link of the chain is told apart") {
  Trust trust;
  CertificateSpec spec = authority("Middle");
  spec.crl_urls = {trust.web.url("root.crl")};
  const TestCa middle(spec, &trust.root);
  CertificateSpec leaf = person();
  leaf.crl_urls = {trust.web.url("middle.crl")};
  const std::string der = middle.issue(leaf);
  trust.web.put("middle.crl", middle.crl({}));
  trust.web.put("root.crl", trust.root.crl({middle.der()}));
  CHECK(trust.check(der, {middle.der()}) == CertificateStatus::chain_revoked);
  // Revoked itself says more.
  Trust other;
  CertificateSpec other_spec = authority("Middle");
  other_spec.crl_urls = {other.web.url("root.crl")};
  const TestCa other_middle(other_spec, &other.root);
  leaf.crl_urls = {other.web.url("middle.crl")};
  const std::string revoked = other_middle.issue(leaf);
  other.web.put("middle.crl", other_middle.crl({revoked}));
  other.web.put("root.crl", other.root.crl({other_middle.der()}));
  CHECK(other.check(revoked, {other_middle.der()}) == CertificateStatus::revoked);
}

TEST_CASE("certificates: revocation that is not known counts only when it must be known") {
  Trust trust;
  const auto both = [&](const std::vector<std::string>& urls, CertificateStatus required) {
    CertificateSpec spec = person();
    spec.crl_urls = urls;
    const std::string der = trust.root.issue(spec);
    CHECK(trust.check(der, {}, false) == CertificateStatus::valid);
    CHECK(trust.check(der, {}, true) == required);
  };
  trust.web.put("garbage.crl", "no list");
  trust.web.put("old.crl", trust.root.crl({}, 1'793'000'000, 1'794'000'000));
  trust.web.put("foreign.crl", TestCa("Root").crl({}));
  both({}, CertificateStatus::revocation_unknown);
  both({"ldap://directory.example.test/cn=x"}, CertificateStatus::revocation_unknown);
  both({"file:///etc/passwd"}, CertificateStatus::revocation_unknown);
  both({trust.web.url("garbage.crl")}, CertificateStatus::revocation_unknown);
  both({trust.web.url("old.crl")}, CertificateStatus::revocation_unknown);
  both({trust.web.url("foreign.crl")}, CertificateStatus::revocation_unknown);
  both({trust.web.url("missing.crl")}, CertificateStatus::revocation_offline);
  both({"http://127.0.0.1:1/x.crl"}, CertificateStatus::revocation_offline);
  trust.web.put("good.crl", trust.root.crl({}));
  both({"http://127.0.0.1:1/x.crl", trust.web.url("good.crl")}, CertificateStatus::valid);
}

TEST_CASE("certificates: an old list that names it revokes it all the same") {
  Trust trust;
  CertificateSpec spec = person();
  spec.crl_urls = {trust.web.url("old.crl")};
  const std::string der = trust.root.issue(spec);
  trust.web.put("old.crl", trust.root.crl({der}, 1'793'000'000, 1'794'000'000));
  CHECK(trust.check(der, {}, false) == CertificateStatus::revoked);
}

TEST_CASE(
    "certificates: nothing is fetched that a stranger's certificate names, or when it is off") {
  Trust trust;
  CertificateSpec spec = person();
  spec.crl_urls = {trust.web.url("root.crl")};
  const TestCa stranger("Stranger");
  CHECK(trust.check(stranger.issue(spec), {stranger.der()}, true) == CertificateStatus::untrusted);
  CHECK(trust.web.requests() == 0);
  Trust off(eas::CrlOptions{.fetch = false});
  spec.crl_urls = {off.web.url("root.crl")};
  const std::string der = off.root.issue(spec);
  off.web.put("root.crl", off.root.crl({der}));
  CHECK(off.check(der, {}, true) == CertificateStatus::revocation_unknown);
  CHECK(off.check(der, {}, false) == CertificateStatus::valid);
  CHECK(off.web.requests() == 0);
}

TEST_CASE("certificates: a list that is too large or never comes is bounded") {
  Trust trust(eas::CrlOptions{.timeout = std::chrono::milliseconds(200),
                              .total_timeout = std::chrono::milliseconds(300),
                              .max_bytes = 1000});
  CertificateSpec spec = person();
  spec.crl_urls = {trust.web.url("large.crl")};
  const std::string large = trust.root.issue(spec);
  std::vector<std::string> many;
  for (int i = 0; i < 40; ++i) many.push_back(trust.root.issue(person()));
  trust.web.put("large.crl", trust.root.crl(many));
  CHECK(trust.check(large, {}, true) == CertificateStatus::revocation_unknown);
  trust.web.hang();
  spec.crl_urls = {};
  for (int i = 0; i < 10; ++i) spec.crl_urls.push_back(trust.web.url(std::to_string(i)));
  const std::string der = trust.root.issue(spec);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(trust.check(der, {}, true) == CertificateStatus::revocation_offline);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("certificates: a list is kept for an hour, a failure for a minute") {
  Trust trust;
  CertificateSpec spec = person();
  spec.crl_urls = {trust.web.url("root.crl")};
  const std::string der = trust.root.issue(spec);
  CHECK(trust.check(der, {}, true) == CertificateStatus::revocation_offline);
  trust.web.put("root.crl", trust.root.crl({}));
  CHECK(trust.check(der, {}, true) == CertificateStatus::revocation_offline);
  CHECK(trust.web.requests() == 1);
  CHECK(trust.check(der, {}, true, kNow + 61'000) == CertificateStatus::valid);
  CHECK(trust.web.requests() == 2);
  trust.web.put("root.crl", trust.root.crl({der}));
  CHECK(trust.check(der, {}, true, kNow + 600'000) == CertificateStatus::valid);
  CHECK(trust.check(der, {}, true, kNow + 61'000 + 3'600'000) == CertificateStatus::revoked);
}

TEST_CASE("certificates: several are judged one by one, in their order") {
  Trust trust;
  eas::ValidationRequest request;
  request.certificates = {trust.root.issue(person()), "garbage", test::make_leaf("x@y.test")};
  request.now = kNow;
  CHECK(trust.validator->validate(request) ==
        std::vector<CertificateStatus>{CertificateStatus::valid, CertificateStatus::malformed,
                                       CertificateStatus::untrusted});
}

TEST_CASE("certificates: a file of authorities that cannot be used is said") {
  test::TempDir dir;
  eas::ValidatorOptions options;
  options.ca_file = dir.file("none.pem");
  CHECK(test::kind_of(CertificateValidator::open(options)) == "invalid");
  std::ofstream(options.ca_file) << "no PEM\n";
  CHECK(test::kind_of(CertificateValidator::open(options)) == "invalid");
  CHECK(test::kind_of(CertificateValidator::open({})) == "success");  // the system's
}

TEST_CASE("certificates: which one mail can be encrypted with") {
  const TestCa ca("CA");
  const std::string good = ca.issue(person());
  CHECK(eas::can_encrypt_mail(good, kNow));
  CHECK_FALSE(eas::can_encrypt_mail(good, kNow * 2));
  CHECK_FALSE(eas::can_encrypt_mail(good, 0));
  CHECK_FALSE(eas::can_encrypt_mail("garbage", kNow));
  CertificateSpec signing = person();
  signing.key_usage = "critical,digitalSignature";
  signing.extended_key_usage = "serverAuth";
  CHECK_FALSE(eas::can_encrypt_mail(ca.issue(signing), kNow));
  CertificateSpec ends = person();
  ends.not_after = 1'800'000'000;
  CHECK(eas::certificate_end(ca.issue(ends)) == 1'800'000'000);
  CHECK(eas::certificate_end("garbage") == 0);
}
