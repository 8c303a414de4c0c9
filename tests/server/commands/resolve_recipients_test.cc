#include <doctest/doctest.h>

#include "storage/base/text.h"
#include "tests/support/service_fixture.h"
#include "tests/support/test_ca.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace {

using storage::Profile;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::resolve_recipients;

constexpr const char* kVersions[] = {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

Call resolve(const std::vector<std::string>& to, std::vector<Element> options = {},
             const char* version = "14.1") {
  Call call;
  call.command = "ResolveRecipients";
  call.version = version;
  std::vector<Element> children;
  for (const std::string& each : to) children.emplace_back(tag::kTo, each);
  if (!options.empty()) children.emplace_back(tag::kOptions, std::move(options));
  call.body = Element(tag::kResolveRecipients, std::move(children));
  return call;
}

Element option(wbxml::Tag name, const std::string& value) { return Element(name, value); }

Element availability(const std::string& start, const std::string& end) {
  std::vector<Element> children;
  if (!start.empty()) children.emplace_back(tag::kStartTime, start);
  if (!end.empty()) children.emplace_back(tag::kEndTime, end);
  return Element(tag::kAvailability, std::move(children));
}

Element picture(const std::string& size = {}, const std::string& count = {}) {
  std::vector<Element> children;
  if (!size.empty()) children.emplace_back(tag::kMaxSize, size);
  if (!count.empty()) children.emplace_back(tag::kMaxPictures, count);
  return Element(tag::kPicture, std::move(children));
}

template <typename T>
T must(storage::Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::string certificate(const std::string& email, std::int64_t end = 2'100'000'000) {
  test::CertificateSpec spec;
  spec.email = email;
  spec.not_after = end;
  return test::TestCa("CA").issue(spec);
}

// The n-th Response.
const Element& response(const Element& root, std::size_t at = 0) {
  REQUIRE(text_at(root, {tag::kStatus}) == "1");
  REQUIRE(root.children.size() > at + 1);
  return root.children[at + 1];
}

std::vector<const Element*> recipients(const Element& answer) {
  std::vector<const Element*> all;
  for (const Element& child : answer.children) {
    if (child.tag == tag::kRecipient) all.push_back(&child);
  }
  return all;
}

std::string status(const Element& answer) { return text_at(answer, {tag::kStatus}); }
std::string count(const Element& answer) { return text_at(answer, {tag::kRecipientCount}); }

struct People : ServiceFixture {
  People() {
    ann = user().id;
    bob = user(kBob).id;
    must(services.addresses->set_display_name(bob, "Bob Example"));
  }
  void give(std::int64_t id, const Profile& profile) {
    must(services.addresses->set_profile(id, profile));
  }
  Profile with_certificates(std::vector<std::string> certificates) {
    Profile profile;
    profile.certificates = std::move(certificates);
    return profile;
  }
  // A group with members member0@… to member(n-1)@….
  void add_group(const std::string& address, int members) {
    must(services.addresses->add_group(address, ""));
    std::vector<std::string> addresses;
    for (int i = 0; i < members; ++i) {
      addresses.push_back("member" + std::to_string(i) + "@example.test");
    }
    must(services.directory->add_many(addresses, "x"));
    for (const std::string& each : addresses) {
      must(services.addresses->add_member(address, each));
    }
  }
  std::int64_t ann = 0, bob = 0;
};

}  // namespace

TEST_CASE("ResolveRecipients: an address or a name resolves to one person, in every version") {
  // covers: MS-ASCMD R343 R6081 R6082 R6083 R6084 R6084100601 R4268 R4275 R3765 R3767 R4686
  // covers: MS-ASCMD R2199 R5309 R4609 R4620 R4264 R2437 R2877
  for (const char* version : kVersions) {
    CAPTURE(version);
    People server;
    const Element root =
        server.element(resolve({"ANN@example.test", "bob ex", "ann@example.test"}, {}, version));
    REQUIRE(root.children.size() == 4);
    const Element& ann = response(root, 0);
    CHECK(text_at(ann, {tag::kTo}) == "ANN@example.test");
    CHECK(status(ann) == "1");
    CHECK(count(ann) == "1");
    REQUIRE(recipients(ann).size() == 1);
    CHECK(text_at(*recipients(ann)[0], {tag::kType}) == "1");
    CHECK(text_at(*recipients(ann)[0], {tag::kDisplayName}) == "Ann Example");
    CHECK(text_at(*recipients(ann)[0], {tag::kEmailAddress}) == "ann@example.test");
    CHECK_FALSE(recipients(ann)[0]->has(tag::kCertificates));
    CHECK_FALSE(recipients(ann)[0]->has(tag::kPicture));
    CHECK_FALSE(recipients(ann)[0]->has(tag::kAvailability));
    CHECK(text_at(response(root, 1), {tag::kTo}) == "bob ex");
    CHECK(text_at(*recipients(response(root, 1)).at(0), {tag::kEmailAddress}) ==
          "bob@example.test");
    CHECK(text_at(response(root, 2), {tag::kTo}) == "ann@example.test");
  }
}

TEST_CASE("ResolveRecipients: another address and a name with an address in brackets resolve") {
  People server;
  Profile profile;
  profile.other_addresses = {"a.example@other.test"};
  server.give(server.ann, profile);
  const Element root =
      server.element(resolve({"a.example@other.test", "Bobby <bob@example.test>"}));
  CHECK(text_at(*recipients(response(root, 0)).at(0), {tag::kEmailAddress}) == "ann@example.test");
  CHECK(text_at(*recipients(response(root, 1)).at(0), {tag::kEmailAddress}) == "bob@example.test");
  CHECK(text_at(response(root, 1), {tag::kTo}) == "Bobby <bob@example.test>");
}

TEST_CASE("ResolveRecipients: nobody is status 4, without certificates, beside those who resolve") {
  // covers: MS-ASCMD R4286 R4287 R4620
  People server;
  const Element root =
      server.element(resolve({"nobody", "stranger@elsewhere.test", "", "ann@example.test"},
                             {option(tag::kCertificateRetrieval, "2")}));
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(status(response(root, i)) == "4");
    CHECK(count(response(root, i)) == "0");
    CHECK(recipients(response(root, i)).empty());
  }
  CHECK(status(response(root, 3)) == "1");
}

TEST_CASE("ResolveRecipients: an ambiguous name is suggestions, without certificates") {
  // covers: MS-ASCMD R4277 R4278 R4279 R3246 R4617 R4623
  People server;
  server.give(server.ann, server.with_certificates({certificate("ann@example.test")}));
  const Element root = server.element(
      resolve({"example"}, {option(tag::kCertificateRetrieval, "2"),
                            availability("2026-11-18T10:00:00.000Z", "2026-11-18T12:00:00.000Z")}));
  const Element& answer = response(root);
  CHECK(status(answer) == "2");
  CHECK(count(answer) == "2");
  REQUIRE(recipients(answer).size() == 2);
  CHECK(text_at(*recipients(answer)[0], {tag::kDisplayName}) == "Ann Example");
  CHECK(text_at(*recipients(answer)[1], {tag::kDisplayName}) == "Bob Example");
  CHECK_FALSE(recipients(answer)[0]->has(tag::kCertificates));
  CHECK_FALSE(recipients(answer)[0]->has(tag::kAvailability));
}

TEST_CASE("ResolveRecipients: fewer suggestions than there are is status 3, with the whole count") {
  // covers: MS-ASCMD R4281 R4282 R4283 R4284 R3246
  People server;
  const Element root =
      server.element(resolve({"example"}, {option(tag::kMaxAmbiguousRecipients, "1")}));
  CHECK(status(response(root)) == "3");
  CHECK(count(response(root)) == "2");
  CHECK(recipients(response(root)).size() == 1);
}

TEST_CASE(
    "ResolveRecipients: MaxAmbiguousRecipients 0 is legal: no suggestions (quirks.md: Some ask "
    "MaxAmbiguousRecipients 0)") {
  People server;
  const Element root = server.element(
      resolve({"example", "ann@example.test"}, {option(tag::kMaxAmbiguousRecipients, "0")}));
  CHECK(status(response(root, 0)) == "3");
  CHECK(count(response(root, 0)) == "2");
  CHECK(recipients(response(root, 0)).empty());
  CHECK(status(response(root, 1)) == "1");
  CHECK(recipients(response(root, 1)).size() == 1);
}

TEST_CASE("ResolveRecipients: at most a hundred suggestions, whatever is asked for") {
  People server;
  std::vector<std::string> many;
  for (int i = 0; i < 150; ++i) many.push_back("many" + std::to_string(i) + "@example.test");
  must(server.services.directory->add_many(many, "x"));
  const Element root =
      server.element(resolve({"many"}, {option(tag::kMaxAmbiguousRecipients, "9999")}));
  CHECK(status(response(root)) == "3");
  CHECK(count(response(root)) == "150");
  CHECK(recipients(response(root)).size() == 100);
}

TEST_CASE(
    "ResolveRecipients: full certificates of a person (field.md: ResolveRecipients "
    "certificates)") {
  // covers: MS-ASCMD R856 R857 R843 R4302 R864 R1113
  // covers: MS-ASHTTP R507
  for (const char* version : kVersions) {
    CAPTURE(version);
    People server;
    const std::string first = certificate("ann@example.test");
    const std::string second = certificate("ann@example.test");
    server.give(server.ann, server.with_certificates({first, second}));
    const Element root = server.element(
        resolve({"ann@example.test"}, {option(tag::kCertificateRetrieval, "2")}, version));
    const Element* certificates = recipients(response(root)).at(0)->child(tag::kCertificates);
    REQUIRE(certificates != nullptr);
    CHECK(status(*certificates) == "1");
    CHECK(text_at(*certificates, {tag::kCertificateCount}) == "2");
    CHECK(count(*certificates) == "1");
    REQUIRE(certificates->children.size() == 5);
    CHECK(certificates->children[3] == Element(tag::kCertificate, storage::base64_encode(first)));
    CHECK(certificates->children[4] == Element(tag::kCertificate, storage::base64_encode(second)));
    const Element none = server.element(
        resolve({"ann@example.test"}, {option(tag::kCertificateRetrieval, "1")}, version));
    CHECK_FALSE(recipients(response(none)).at(0)->has(tag::kCertificates));
  }
}

TEST_CASE("ResolveRecipients: the mini-certificate is the one that lasts longest") {
  // covers: MS-ASCMD R858 R3435 R1942
  People server;
  const std::string longest = certificate("ann@example.test", 2'000'000'000);
  server.give(server.ann,
              server.with_certificates({certificate("ann@example.test", 1'900'000'000), longest,
                                        certificate("ann@example.test", 1'950'000'000)}));
  const Element root = server.element(
      resolve({"ann@example.test", "bob@example.test"}, {option(tag::kCertificateRetrieval, "3")}));
  const Element* certificates = recipients(response(root)).at(0)->child(tag::kCertificates);
  REQUIRE(certificates != nullptr);
  CHECK(status(*certificates) == "1");
  CHECK_FALSE(certificates->has(tag::kCertificate));
  CHECK(text_at(*certificates, {tag::kMiniCertificate}) == storage::base64_encode(longest));
  const Element* none = recipients(response(root, 1)).at(0)->child(tag::kCertificates);
  REQUIRE(none != nullptr);
  CHECK(status(*none) == "7");
  CHECK_FALSE(none->has(tag::kMiniCertificate));
}

TEST_CASE("ResolveRecipients: no valid certificate is status 7") {
  // covers: MS-ASCMD R4304
  People server;
  server.give(server.ann,
              server.with_certificates({certificate("ann@example.test", 1'700'000'001)}));
  const Element root = server.element(
      resolve({"ann@example.test", "bob@example.test"}, {option(tag::kCertificateRetrieval, "2")}));
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}}) {
    const Element* certificates = recipients(response(root, at)).at(0)->child(tag::kCertificates);
    REQUIRE(certificates != nullptr);
    CHECK(status(*certificates) == "7");
    CHECK(text_at(*certificates, {tag::kCertificateCount}) == "0");
    CHECK_FALSE(certificates->has(tag::kCertificate));
  }
}

TEST_CASE("ResolveRecipients: over MaxCertificates nobody gets some of theirs: all or status 8") {
  // covers: MS-ASCMD R851 R3254 R4306
  People server;
  server.give(server.ann, server.with_certificates({certificate("ann@example.test")}));
  server.give(server.bob, server.with_certificates(
                              {certificate("bob@example.test"), certificate("bob@example.test")}));
  const Element root = server.element(
      resolve({"bob@example.test", "ann@example.test", "bob@example.test"},
              {option(tag::kCertificateRetrieval, "2"), option(tag::kMaxCertificates, "3")}));
  const auto certificates = [&](std::size_t at) {
    return recipients(response(root, at)).at(0)->child(tag::kCertificates);
  };
  CHECK(status(*certificates(0)) == "1");
  CHECK(status(*certificates(1)) == "1");
  CHECK(status(*certificates(2)) == "8");
  CHECK(text_at(*certificates(2), {tag::kCertificateCount}) == "2");
  CHECK_FALSE(certificates(2)->has(tag::kCertificate));
}

TEST_CASE("ResolveRecipients: a group is one recipient, with its members' count and certificates") {
  // covers: MS-ASCMD R3768 R3255
  People server;
  must(server.services.addresses->add_group("all@example.test", "Everybody"));
  must(server.services.addresses->add_group("inner@example.test", "Inner"));
  must(server.services.addresses->add_member("all@example.test", "inner@example.test"));
  must(server.services.addresses->add_member("all@example.test", "ann@example.test"));
  must(server.services.addresses->add_member("inner@example.test", "bob@example.test"));
  server.give(server.ann, server.with_certificates({certificate("ann@example.test")}));
  server.give(server.bob, server.with_certificates({certificate("bob@example.test")}));
  const Element root =
      server.element(resolve({"everyb"}, {option(tag::kCertificateRetrieval, "2")}));
  CHECK(status(response(root)) == "1");
  CHECK(count(response(root)) == "1");
  const Element& group = *recipients(response(root)).at(0);
  CHECK(text_at(group, {tag::kDisplayName}) == "Everybody");
  CHECK(text_at(group, {tag::kEmailAddress}) == "all@example.test");
  const Element* certificates = group.child(tag::kCertificates);
  REQUIRE(certificates != nullptr);
  CHECK(status(*certificates) == "1");
  CHECK(text_at(*certificates, {tag::kCertificateCount}) == "2");
  CHECK(count(*certificates) == "2");
  CHECK(certificates->children.size() == 5);
  const Element few =
      server.element(resolve({"all@example.test"}, {option(tag::kCertificateRetrieval, "2"),
                                                    option(tag::kMaxCertificates, "1")}));
  const Element* limited = recipients(response(few)).at(0)->child(tag::kCertificates);
  CHECK(status(*limited) == "8");
  CHECK(text_at(*limited, {tag::kCertificateCount}) == "2");
  CHECK_FALSE(limited->has(tag::kCertificate));
}

TEST_CASE("ResolveRecipients: without calendars availability is 163, from 14.0 on (field.md 1.2)") {
  // covers: MS-ASCMD R7511 R7512 R6085 R6193 R6194 R6195 R6196 R6196100701 R4298 R3338 R7262
  for (const char* version : kVersions) {
    CAPTURE(version);
    People server;
    Call call =
        resolve({"ann@example.test"},
                {availability("2026-11-18T10:00:00.000Z", "2026-11-18T12:00:00.000Z")}, version);
    const Element root = server.element(call);
    const Element& ann = *recipients(response(root)).at(0);
    if (std::string_view(version) < "14.0" || std::string_view(version) == "2.5") {
      CHECK_FALSE(ann.has(tag::kAvailability));
    } else {
      CHECK(text_at(ann, {tag::kAvailability, tag::kStatus}) == "163");
      CHECK_FALSE(ann.child(tag::kAvailability)->has(tag::kMergedFreeBusy));
    }
  }
}

TEST_CASE(
    "ResolveRecipients: a group of more than twenty has no availability (161); too many "
    "people in one request none either (160)") {
  // covers: MS-ASCMD R4294 R4626 R4293 R4622
  People server;
  server.add_group("large@example.test", 21);
  must(server.services.addresses->add_group("small@example.test", ""));
  for (int i = 0; i < 20; ++i) {
    must(server.services.addresses->add_member("small@example.test",
                                               "member" + std::to_string(i) + "@example.test"));
  }
  server.limits.max_recipients = 25;
  const Element root = server.element(resolve(
      {"large@example.test", "small@example.test", "small@example.test", "ann@example.test"},
      {availability("2026-11-18T10:00:00Z", "2026-11-19T10:00:00Z")}));
  const auto of = [&](std::size_t at) {
    return text_at(*recipients(response(root, at)).at(0), {tag::kAvailability, tag::kStatus});
  };
  CHECK(of(0) == "161");
  CHECK(of(1) == "163");
  CHECK(of(2) == "160");
  CHECK(of(3) == "163");
}

TEST_CASE("ResolveRecipients: the span of Availability") {
  // covers: MS-ASCMD R2264 R2265 R2266 R5430 R5175 R3986
  const auto answer = [](const std::string& start, const std::string& end) {
    People server;
    return text_at(server.element(resolve({"ann@example.test"}, {availability(start, end)})),
                   {tag::kStatus});
  };
  CHECK(answer("2026-11-18T10:00:00.000Z", "2026-11-18T10:30:00.000Z") == "1");
  CHECK(answer("2026-11-18T10:00:00.000Z", "") == "1");  // seven days
  CHECK(answer("2026-11-01T00:00:00.000Z", "2026-12-13T00:00:00.000Z") == "1");
  CHECK(answer("2026-11-01T00:00:00.000Z", "2026-12-13T00:00:01.000Z") == "5");
  CHECK(answer("2026-11-18T10:00:00.000Z", "2026-11-18T10:29:59.000Z") == "5");
  CHECK(answer("2026-11-18T10:00:00.000Z", "2026-11-17T10:00:00.000Z") == "5");
  CHECK(answer("", "2026-11-18T10:00:00.000Z") == "5");
  CHECK(answer("yesterday", "2026-11-18T10:00:00.000Z") == "5");
  CHECK(answer("2026-11-18T10:00:00.000Z", "tomorrow") == "5");
}

TEST_CASE(
    "ResolveRecipients: photos from 14.1 on, also for suggestions (field.md: "
    "ResolveRecipients pictures)") {
  // covers: MS-ASCMD R6388 R6389 R6390 R6391 R6391100701 R7265 R4310 R4311 R1468
  for (const char* version : kVersions) {
    CAPTURE(version);
    People server;
    Profile profile;
    profile.picture = std::string("\xff\xd8\xff\xe0\0picture", 12);
    server.give(server.ann, profile);
    const Element root =
        server.element(resolve({"ann@example.test", "example"}, {picture("102400")}, version));
    const Element& ann = *recipients(response(root, 0)).at(0);
    if (std::string_view(version) == "14.1" || std::string_view(version).starts_with("16")) {
      CHECK(text_at(ann, {tag::kPicture, tag::kStatus}) == "1");
      const Element* data = ann.child(tag::kPicture)->child(tag::kData);
      REQUIRE(data != nullptr);
      CHECK(data->text == profile.picture);
      CHECK(data->opaque);
      const auto both = recipients(response(root, 1));
      CHECK(text_at(*both.at(0), {tag::kPicture, tag::kStatus}) == "1");
      CHECK(text_at(*both.at(1), {tag::kPicture, tag::kStatus}) == "173");
      CHECK_FALSE(both.at(1)->child(tag::kPicture)->has(tag::kData));
    } else {
      CHECK_FALSE(ann.has(tag::kPicture));
    }
  }
}

TEST_CASE("ResolveRecipients: limits of photos: none 173, too large 174, too many 175, per To") {
  // covers: MS-ASCMD R3286 R3287 R3288 R3289 R3291 R5350 R5351 R4312 R4313
  People server;
  const auto give = [&](std::int64_t id, std::size_t size) {
    Profile profile;
    profile.picture = "\xff\xd8\xff\xe0" + std::string(size - 4, 'x');
    server.give(id, profile);
  };
  must(server.services.directory->add("carl@example.test", "x", "Carl Example"));
  must(server.services.directory->add("dora@example.test", "x", "Dora Example"));
  give(server.ann, 100);
  give(server.bob, 200);
  give(server.user("dora@example.test").id, 50);
  const Element root =
      server.element(resolve({"example", "dora@example.test"}, {picture("150", "1")}));
  const auto all = recipients(response(root, 0));
  REQUIRE(all.size() == 4);
  const auto of = [](const Element& recipient) {
    return text_at(recipient, {tag::kPicture, tag::kStatus});
  };
  CHECK(of(*all[0]) == "1");
  CHECK(of(*all[1]) == "174");
  CHECK(of(*all[2]) == "173");
  CHECK(of(*all[3]) == "175");
  CHECK(of(*recipients(response(root, 1)).at(0)) == "1");  // its own count
}

TEST_CASE(
    "ResolveRecipients: an empty Picture means no limit (quirks.md: iOS sends an empty "
    "Picture)") {
  People server;
  Profile profile;
  profile.picture = "\xff\xd8\xff\xe0" + std::string(99'000, 'x');
  server.give(server.ann, profile);
  const Element root = server.element(resolve({"ann@example.test"}, {picture()}));
  CHECK(text_at(*recipients(response(root)).at(0), {tag::kPicture, tag::kStatus}) == "1");
  // More than there can be is no limit either.
  const Element large = server.element(resolve({"ann@example.test"}, {picture("9999999", "99")}));
  CHECK(text_at(*recipients(response(large)).at(0), {tag::kPicture, tag::kStatus}) == "1");
}

TEST_CASE(
    "ResolveRecipients: photos and certificates of an answer have room for max_answer bytes") {
  People server;
  server.limits.max_answer = 150'000;
  Profile profile;
  profile.picture = "\xff\xd8\xff\xe0" + std::string(99'000, 'x');
  server.give(server.ann, profile);
  const Element root =
      server.element(resolve({"ann@example.test", "ann@example.test"}, {picture()}));
  CHECK(text_at(*recipients(response(root, 0)).at(0), {tag::kPicture, tag::kStatus}) == "1");
  CHECK(text_at(*recipients(response(root, 1)).at(0), {tag::kPicture, tag::kStatus}) == "175");
}

TEST_CASE("ResolveRecipients: bad requests are status 5 and resolve nobody, in every version") {
  // covers: MS-ASCMD R4269 R4270 R4611 R5873 R4614 R5656 R7501
  for (const char* version : kVersions) {
    CAPTURE(version);
    People server;
    const auto refused = [&](const Call& call) {
      const Element root = server.element(call);
      CHECK(status(root) == "5");
      CHECK(root.children.size() == 1);
    };
    refused(resolve({}, {}, version));
    refused(resolve(std::vector<std::string>(101, "ann"), {}, version));
    refused(resolve({std::string(257, 'x')}, {}, version));
    for (const char* value : {"0", "4", "-1", "x", "99999999999999999999"}) {
      refused(resolve({"ann"}, {option(tag::kCertificateRetrieval, value)}, version));
    }
    for (const char* value : {"10000", "-1", "x"}) {
      refused(resolve({"ann"}, {option(tag::kMaxCertificates, value)}, version));
      refused(resolve({"ann"}, {option(tag::kMaxAmbiguousRecipients, value)}, version));
    }
    if (std::string_view(version) == "14.1") {
      refused(resolve({"ann"}, {picture("-1")}, version));
      refused(resolve({"ann"}, {picture("1", "x")}, version));
    }
    std::string wide;
    for (int i = 0; i < 256; ++i) wide += "\xc3\xa4";  // 256 characters, 512 bytes
    CHECK(status(response(server.element(resolve({wide}, {}, version)))) == "4");
    CHECK(response(server.element(resolve(std::vector<std::string>(100, "ann"), {}, version)), 99)
              .has(tag::kTo));
  }
}

TEST_CASE(
    "ResolveRecipients: while the address list cannot be read the phone is to come again (6)") {
  // covers: MS-ASCMD R4271
  People server;
  server.services.addresses = nullptr;
  server.dispatcher = std::make_unique<eas::Dispatcher>(server.services);
  const Element root = server.element(resolve({"ann"}));
  CHECK(status(root) == "6");
  CHECK(root.children.size() == 1);
}

TEST_CASE("ResolveRecipients: the whole of an answer, element by element, in every version") {
  // covers: MS-ASCMD R1091 R1093 R1094 R1111 R1112 R1114 R6205 R6206 R6207 R6208 R6208100701
  // covers: MS-ASCMD R1127 R1128 R1129 R1130 R6217 R6218 R6219 R6220 R6220100701 R6221 R6222
  // covers: MS-ASCMD R6223 R6224 R6224100701 R1135 R1136 R1137 R1138 R6225 R6226 R6227 R6228
  // covers: MS-ASCMD R6228100701 R2133 R1466 R1467 R1469 R1543 R1544 R1545 R1546 R6462 R6463
  // covers: MS-ASCMD R6464 R6465 R6465102101 R5311 R5312 R5313 R5314 R6494 R6495 R6496 R6497
  // covers: MS-ASCMD R6497100801 R6758 R6759 R6760 R6761 R6761101601 R6774 R6775 R6776 R6777
  // covers: MS-ASCMD R6782 R6783 R6784 R6785 R6785101601 R1939 R1940 R1941 R6822 R6823 R6824
  // covers: MS-ASCMD R6825 R6825101601 R6890 R6891 R6892 R6893 R6893101701 R2372 R2373 R2374
  // covers: MS-ASCMD R2375 R6967 R6968 R6969 R6970 R6970101701 R2431 R2432 R2433 R2434 R3761
  // covers: MS-ASCMD R3762 R3764 R7007 R7008 R7009 R7010 R7010101801 R2435 R2436 R2438 R7011
  // covers: MS-ASCMD R7012 R7013 R7014 R7014101801 R3809 R2475 R2476 R2477 R2478 R7041 R7042
  // covers: MS-ASCMD R7043 R7044 R7044101801 R3825 R2496 R2497 R2498 R2499 R7061 R7062 R7063
  // covers: MS-ASCMD R7064 R7064101801 R7206 R7207 R7208 R7209 R7209101801 R2743 R2744 R2745
  // covers: MS-ASCMD R2746 R4267 R4273 R4274 R4290 R4301 R4309 R7263 R7264 R7266 R7267 R7268
  // covers: MS-ASCMD R7268101801 R2847 R2848 R2849 R2850 R4618 R7334 R7335 R7336 R7337
  // covers: MS-ASCMD R7337101801 R2875 R2876 R2878 R7400 R7401 R7402 R7403 R7403101801
  for (const char* version : kVersions) {
    CAPTURE(version);
    const bool v2 = std::string_view(version) == "2.5";
    const bool has_availability = !v2 && std::string_view(version) >= "14.0";
    const bool has_picture = !v2 && std::string_view(version) >= "14.1";
    People server;
    Profile profile = server.with_certificates({certificate("ann@example.test")});
    profile.picture = "\xff\xd8\xff\xe0";
    server.give(server.ann, profile);
    const Element root = server.element(
        resolve({"ann@example.test", "example", "nobody"},
                {option(tag::kCertificateRetrieval, "2"), option(tag::kMaxCertificates, "9"),
                 option(tag::kMaxAmbiguousRecipients, "1"),
                 availability("2026-11-18T10:00:00.000Z", "2026-11-18T12:00:00.000Z"),
                 picture("1000", "5")},
                version));
    const auto head = [](const char* name, const char* address) {
      return Element(tag::kRecipient, {Element(tag::kType, "1"), Element(tag::kDisplayName, name),
                                       Element(tag::kEmailAddress, address)});
    };
    Element photo(tag::kPicture, {Element(tag::kStatus, "1"), Element(tag::kData)});
    photo.children[1].text = profile.picture;
    photo.children[1].opaque = true;
    Element ann = head("Ann Example", "ann@example.test");
    if (has_availability) {
      ann.children.push_back(Element(tag::kAvailability, {Element(tag::kStatus, "163")}));
    }
    ann.children.push_back(
        Element(tag::kCertificates,
                {Element(tag::kStatus, "1"), Element(tag::kCertificateCount, "1"),
                 Element(tag::kRecipientCount, "1"),
                 Element(tag::kCertificate, storage::base64_encode(profile.certificates[0]))}));
    Element suggestion = head("Ann Example", "ann@example.test");
    if (has_picture) {
      ann.children.push_back(photo);
      suggestion.children.push_back(photo);
    }
    const auto answer = [](const char* to, const char* state, const char* number) {
      return Element(tag::kResponse, {Element(tag::kTo, to), Element(tag::kStatus, state),
                                      Element(tag::kRecipientCount, number)});
    };
    Element first = answer("ann@example.test", "1", "1");
    first.children.push_back(ann);
    Element second = answer("example", "3", "2");
    second.children.push_back(suggestion);
    CHECK(root == Element(tag::kResolveRecipients,
                          {Element(tag::kStatus, "1"), first, second, answer("nobody", "4", "0")}));
  }
}
