#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"

namespace {

using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::search;
namespace gal = wbxml::gal;

constexpr const char* kAll[] = {"2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1"};

Call query(const std::string& text, std::vector<Element> options = {},
           const char* version = "14.1") {
  Call call;
  call.command = "Search";
  call.version = version;
  std::vector<Element> store = {Element(tag::kName, "GAL"), Element(tag::kQuery, text)};
  if (!options.empty()) store.emplace_back(tag::kOptions, std::move(options));
  call.body = Element(tag::kSearch, {Element(tag::kStore, std::move(store))});
  return call;
}

const Element& store_of(const Element& answer) {
  CHECK(answer.text_of(tag::kStatus) == "1");
  const Element* response = answer.child(tag::kResponse);
  REQUIRE(response != nullptr);
  const Element* store = response->child(tag::kStore);
  REQUIRE(store != nullptr);
  return *store;
}

std::vector<Element> properties(const Element& answer) {
  std::vector<Element> all;
  for (const Element& child : store_of(answer).children) {
    if (child.tag != tag::kResult) continue;
    REQUIRE(child.children.size() == 1);
    CHECK(child.children[0].tag == tag::kProperties);
    all.push_back(child.children[0]);
  }
  return all;
}

std::vector<std::string> names(const Element& answer) {
  std::vector<std::string> all;
  for (const Element& one : properties(answer)) all.push_back(text_at(one, {gal::kDisplayName}));
  return all;
}

using Names = std::vector<std::string>;

// A JPEG of about that many bytes.
std::string picture(std::size_t size) {
  return "\xFF\xD8\xFF\xE0" + std::string(size, 'x') + "\xFF\xD9";
}

void add_people(ServiceFixture& server) {
  auto& directory = *server.services.directory;
  for (const char* name :
       {"Michael Alexander", "Michael Allen", "Barry Johnson", "John Frum", "James Littlejohn"}) {
    std::string address(name);
    for (char& c : address) c = c == ' ' ? '.' : c;
    REQUIRE(directory.add(address + "@example.test", "secret", name));
  }
  storage::Profile profile;
  profile.alias = "malex";
  profile.first_name = "Michael";
  profile.last_name = "Alexander";
  profile.title = "Engineer";
  profile.company = "Example";
  profile.office = "B 12";
  profile.phone = "+1 1";
  profile.home_phone = "+1 2";
  profile.mobile_phone = "+1 3";
  profile.picture = picture(100);
  REQUIRE(server.services.addresses->set_profile(server.user("michael.alexander@example.test").id,
                                                 profile));
  storage::Profile large;
  large.picture = picture(5000);
  REQUIRE(
      server.services.addresses->set_profile(server.user("michael.allen@example.test").id, large));
}

}  // namespace

TEST_CASE("Search GAL: people whose words begin so, by name, with what is known of them") {
  // covers: MS-ASCMD R416 R417 R5711 R419 R420 R421 R426 R431 R3699 R3698 R3691 R3692 R3735 R7078
  // covers: MS-ASCMD R5286 R5287 R5293 R5300 R5316 R5323 R5330 R5337 R5353 R5360 R5361 R5368 R5391
  // covers: MS-ASCMD R6165 R6166 R6167 R6168 R6168101072
  ServiceFixture server;
  add_people(server);
  for (const char* version : kAll) {
    CAPTURE(version);
    const Element answer = server.element(query("michael A", {}, version));
    CHECK(text_at(store_of(answer), {tag::kStatus}) == "1");
    CHECK(names(answer) == Names{"Michael Alexander", "Michael Allen"});
    CHECK(text_at(store_of(answer), {tag::kRange}) == "0-1");
    CHECK(text_at(store_of(answer), {tag::kTotal}) == "2");
    const Element first = properties(answer).at(0);
    CHECK(text_at(first, {gal::kAlias}) == "malex");
    CHECK(text_at(first, {gal::kFirstName}) == "Michael");
    CHECK(text_at(first, {gal::kLastName}) == "Alexander");
    CHECK(text_at(first, {gal::kTitle}) == "Engineer");
    CHECK(text_at(first, {gal::kCompany}) == "Example");
    CHECK(text_at(first, {gal::kOffice}) == "B 12");
    CHECK(text_at(first, {gal::kPhone}) == "+1 1");
    CHECK(text_at(first, {gal::kHomePhone}) == "+1 2");
    CHECK(text_at(first, {gal::kMobilePhone}) == "+1 3");
    CHECK(text_at(first, {gal::kEmailAddress}) == "michael.alexander@example.test");
    CHECK_FALSE(first.has(gal::kPicture));
    const Element second = properties(answer).at(1);
    CHECK(text_at(second, {gal::kAlias}) == "michael.allen");
    CHECK_FALSE(second.has(gal::kTitle));
    CHECK_FALSE(second.has(gal::kFirstName));
  }
  CHECK(names(server.element(query("John"))) == Names{"Barry Johnson", "John Frum"});
  CHECK(names(server.element(query("malex"))) == Names{"Michael Alexander"});
  CHECK(names(server.element(query("john.frum@example.test"))) == Names{"John Frum"});
}

TEST_CASE("Search GAL: nobody found is no Result, with Range and Total (quirks.md: Android 4)") {
  // covers: MS-ASCMD R3847
  ServiceFixture server;
  for (const char* version : kAll) {
    CAPTURE(version);
    const Element answer = server.element(query("nobody", {}, version));
    CHECK_FALSE(store_of(answer).has(tag::kResult));
    CHECK(text_at(store_of(answer), {tag::kStatus}) == "1");
    CHECK(text_at(store_of(answer), {tag::kRange}) == "0-0");
    CHECK(text_at(store_of(answer), {tag::kTotal}) == "0");
  }
}

TEST_CASE("Search GAL: a query of one letter is answered (quirks.md: TbSync, GAL)") {
  ServiceFixture server;
  add_people(server);
  CHECK(names(server.element(query("m"))).size() == 2);
}

TEST_CASE("Search GAL: pages, and a range beyond the end") {
  // covers: MS-ASCMD R3736 R4361
  ServiceFixture server;
  for (int i = 0; i < 12; ++i) {
    const std::string name = "Team " + std::string(1, static_cast<char>('A' + i));
    REQUIRE(server.services.directory->add("team" + std::to_string(i) + "@example.test", "secret",
                                           name));
  }
  const auto page = [&](const char* range) {
    return server.element(query("team", {Element(tag::kRange, range)}));
  };
  const Element second = page("5-9");
  CHECK(names(second) == Names{"Team F", "Team G", "Team H", "Team I", "Team J"});
  CHECK(text_at(store_of(second), {tag::kRange}) == "5-9");
  CHECK(text_at(store_of(second), {tag::kTotal}) == "12");
  CHECK(text_at(store_of(page("10-19")), {tag::kRange}) == "10-11");
  CHECK(text_at(store_of(page("0-100")), {tag::kStatus}) == "12");
  CHECK(names(page("0-100")).size() == 12);
  CHECK(text_at(store_of(page("50-60")), {tag::kStatus}) == "12");
  CHECK(text_at(store_of(page("x")), {tag::kStatus}) == "2");
}

TEST_CASE("Search GAL: an empty query or one with elements is malformed") {
  // covers: MS-ASCMD R4329
  ServiceFixture server;
  CHECK(text_at(store_of(server.element(query("  "))), {tag::kStatus}) == "2");
  Call call = query("");
  call.body.children[0].children[1] =
      Element(tag::kQuery, {Element(tag::kAnd, {Element(tag::kFreeText, "x")})});
  CHECK(text_at(store_of(server.element(call)), {tag::kStatus}) == "2");
}

TEST_CASE("Search GAL: pictures from 14.1 on, each with its status") {
  // covers: MS-ASCMD R3294 R3295 R3296 R3297 R3310 R3311 R4371 R4372 R4373 R4374 R4375 R7273 R4972
  // covers: MS-ASCMD R4974 R3674
  ServiceFixture server;
  add_people(server);
  const auto statuses = [&](const std::string& text, std::vector<Element> limits,
                            const char* version = "14.1") {
    std::string all;
    const Element answer =
        server.element(query(text, {Element(tag::kPicture, std::move(limits))}, version));
    for (const Element& one : properties(answer)) {
      all += text_at(one, {gal::kPicture, gal::kStatus}) + " ";
      const Element* shown = one.child(gal::kPicture);
      const bool retrieved = text_at(one, {gal::kPicture, gal::kStatus}) == "1";
      CHECK((shown != nullptr && shown->has(gal::kData)) == retrieved);
    }
    return all;
  };
  const auto max_size = [](const char* bytes) { return Element(tag::kMaxSize, bytes); };
  const auto max_count = [](const char* count) { return Element(tag::kMaxPictures, count); };
  CHECK(statuses("michael", {max_size("1000")}) == "1 174 ");
  CHECK(statuses("michael", {max_count("1")}) == "1 175 ");
  CHECK(statuses("michael", {max_count("0"), max_size("1000")}) == "175 174 ");
  CHECK(statuses("john", {max_count("1")}) == "173 173 ");
  CHECK(statuses("michael", {max_size("100000")}, "16.1") == "1 1 ");
  CHECK(statuses("michael", {max_size("100000")}, "14.0") == "  ");
  const Element answer = server.element(query("malex", {Element(tag::kPicture)}));
  CHECK(text_at(properties(answer).at(0), {gal::kPicture, gal::kData}) == picture(100));
  const Element bad = server.element(query("malex", {Element(tag::kPicture, {max_size("x")})}));
  CHECK(text_at(store_of(bad), {tag::kStatus}) == "2");
}

TEST_CASE("Search GAL: an empty Picture has no limits (quirks.md: iOS)") {
  ServiceFixture server;
  add_people(server);
  const Element answer = server.element(query("michael", {Element(tag::kPicture)}));
  for (const Element& one : properties(answer)) {
    CHECK(text_at(one, {gal::kPicture, gal::kStatus}) == "1");
  }
}

TEST_CASE("Search GAL: Nokia phones get an empty FirstName (quirks.md: Nokia)") {
  ServiceFixture server;
  add_people(server);
  Call call = query("john");
  call.device_type = "NokiaE71";
  call.device = "nokia1";
  for (const Element& one : properties(server.element(call))) CHECK(one.has(gal::kFirstName));
}
