// What every AddressList promises (storage/directory/address_list.h), as test cases over a database
// backend as in sql_backends.h.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/directory/address_list.h"
#include "storage/directory/backends.h"
#include "tests/contracts/expect.h"
#include "tests/support/test_ca.h"

namespace test {

using storage::DirectoryEntry;
using storage::DirectoryPage;
using storage::Profile;

// A directory and its address list over an empty database.
template <typename Backend>
struct Listed {
  Backend backend;
  std::unique_ptr<storage::Database> database;
  std::unique_ptr<storage::Directory> directory;
  std::unique_ptr<storage::AddressList> list;

  Listed() {
    if (!backend.available()) return;
    database = backend.open();
    directory =
        ok(storage::open_directory(*database, {.default_domain = "example.test", .hash_cost = 1}));
    list = ok(storage::open_address_list(*database));
  }
  storage::User add(const std::string& local, const std::string& name = {}) {
    return ok(directory->add(local + "@example.test", "secret", name));
  }
  // The local parts of who is found, in their order.
  std::vector<std::string> found(std::string_view text, int offset = 0, int limit = 100) {
    return locals(ok(list->search(text, offset, limit, false)));
  }
  std::vector<std::string> resolved(std::string_view to, int limit = 100) {
    return locals(ok(list->resolve(to, limit, false)));
  }
  static std::vector<std::string> locals(const DirectoryPage& page) {
    std::vector<std::string> names;
    for (const DirectoryEntry& entry : page.entries) {
      names.push_back(entry.address.substr(0, entry.address.find('@')));
    }
    return names;
  }
};

using Names = std::vector<std::string>;

inline std::string jpeg(std::size_t size) {
  return "\xff\xd8\xff\xe0" + std::string(size - 4, 'j');
}

}  // namespace test

TEST_CASE_TEMPLATE_DEFINE("address list: profiles", Backend, address_list_profiles) {
  using namespace test;
  Listed<Backend> setup;
  if (!setup.list) return;
  storage::AddressList& list = *setup.list;
  const storage::User ann = setup.add("ann", "Ann Lee");
  const storage::User bob = setup.add("bob");

  SUBCASE("what was set comes back; a user without one has an empty one") {
    CHECK(ok(list.profile(ann.id)).alias.empty());
    Profile profile;
    profile.alias = "annie";
    profile.first_name = "Ann";
    profile.last_name = "L\xc3\xa9\xc3\xa9";
    profile.title = "Engineer";
    profile.company = "Birds";
    profile.office = "4/11";
    profile.phone = "+49 1";
    profile.home_phone = "+49 2";
    profile.mobile_phone = "+49 3";
    profile.other_addresses = {"A.Lee@Example.test", "lee@other.test", "lee@OTHER.test"};
    profile.picture = jpeg(100 * 1024);
    profile.certificates = {make_leaf("ann@example.test"), make_leaf("lee@other.test")};
    ok(list.set_profile(ann.id, profile));
    Profile read = ok(list.profile(ann.id));
    CHECK(read.alias == "annie");
    CHECK(read.first_name == "Ann");
    CHECK(read.last_name == "L\xc3\xa9\xc3\xa9");
    CHECK(read.title == "Engineer");
    CHECK(read.company == "Birds");
    CHECK(read.office == "4/11");
    CHECK(read.phone == "+49 1");
    CHECK(read.home_phone == "+49 2");
    CHECK(read.mobile_phone == "+49 3");
    CHECK(read.other_addresses == Names{"a.lee@example.test", "lee@other.test"});
    CHECK(read.picture == profile.picture);
    CHECK(read.certificates == profile.certificates);
    ok(list.set_profile(ann.id, read));  // her own addresses are no others'
    read.other_addresses = {};
    read.picture = "\x89PNG\r\n\x1a\n----";
    read.certificates = {};
    ok(list.set_profile(ann.id, read));
    CHECK(ok(list.profile(ann.id)).other_addresses.empty());
    CHECK(ok(list.profile(ann.id)).certificates.empty());
    CHECK(kind_of(setup.directory->find("lee@other.test")) == "not_found");
  }
  SUBCASE("what is refused changes nothing") {
    ok(list.add_group("all@example.test", "All"));
    Profile good;
    good.alias = "b";
    good.other_addresses = {"robert@example.test"};
    ok(list.set_profile(bob.id, good));
    const auto refused = [&](const char* kind, auto change) {
      Profile profile;
      profile.alias = "changed";
      change(profile);
      CHECK(kind_of(list.set_profile(ann.id, profile)) == kind);
    };
    const auto with_address = [](const char* address) {
      return [address](Profile& profile) { profile.other_addresses = {address}; };
    };
    refused("exists", with_address("Bob@example.test"));
    refused("exists", with_address("robert@example.test"));
    refused("exists", with_address("all@example.test"));
    refused("exists", with_address("ann@example.test"));
    refused("invalid", with_address("no address"));
    refused("invalid", [](Profile& profile) { profile.picture = "GIF89a"; });
    refused("invalid", [](Profile& profile) { profile.certificates = {"no certificate"}; });
    refused("invalid", [](Profile& profile) { profile.certificates = {make_leaf("a@b.c") + "x"}; });
    refused("too_large", [](Profile& profile) { profile.picture = jpeg(100 * 1024 + 1); });
    refused("too_large", [](Profile& profile) { profile.office = std::string(257, 'x'); });
    refused("too_large", [](Profile& profile) { profile.certificates.resize(17); });
    refused("too_large", [](Profile& profile) { profile.other_addresses.resize(65); });
    CHECK(ok(list.profile(ann.id)).alias.empty());
    CHECK(kind_of(list.set_profile(99, good)) == "not_found");
    CHECK(kind_of(list.profile(99)) == "not_found");
    CHECK(kind_of(list.set_display_name(99, "x")) == "not_found");
    CHECK(kind_of(list.set_display_name(ann.id, std::string(257, 'x'))) == "too_large");
  }
  SUBCASE("another address logs in, and is nobody else's; a removed user leaves nothing") {
    Profile profile;
    profile.other_addresses = {"a.lee@example.test"};
    profile.picture = jpeg(10);
    ok(list.set_profile(ann.id, profile));
    CHECK(ok(setup.directory->find("A.Lee")).address == "ann@example.test");
    CHECK(ok(setup.directory->authenticate("a.lee@example.test", "secret")).id == ann.id);
    CHECK(kind_of(setup.directory->authenticate("a.lee", "wrong")) == "denied");
    CHECK(kind_of(setup.directory->add("a.lee@example.test", "x")) == "exists");
    ok(setup.directory->add_many({"a.lee@example.test"}, "x"));
    CHECK(ok(setup.directory->list()).size() == 2);
    CHECK(kind_of(list.add_group("a.lee@example.test", "")) == "exists");
    ok(setup.directory->remove("ann@example.test"));
    CHECK(kind_of(setup.directory->find("a.lee")) == "not_found");
    CHECK(kind_of(list.profile(ann.id)) == "not_found");
    CHECK(setup.found("lee").empty());
    ok(setup.directory->add("a.lee@example.test", "x"));
    const auto fresh = setup.add("ann");
    CHECK(ok(list.profile(fresh.id)).picture.empty());
  }
}

TEST_CASE_TEMPLATE_DEFINE("address list: search", Backend, address_list_search) {
  using namespace test;
  Listed<Backend> setup;
  if (!setup.list) return;
  storage::AddressList& list = *setup.list;

  SUBCASE("each word of the text starts a word of name, alias, address, office or company") {
    const storage::User ann = setup.add("ann.lee", "Ann Lee");
    setup.add("hanna", "Hanna Leeds");
    setup.add("zoe");
    Profile profile;
    profile.alias = "sparrow";
    profile.first_name = "Annabel";
    profile.last_name = "Leeward";
    profile.office = "Building 4";
    profile.company = "Far Birds";
    profile.title = "Captain";
    profile.phone = "555";
    profile.other_addresses = {"godwit@other.test"};
    ok(list.set_profile(ann.id, profile));
    for (const char* text : {"ann", "ANN le", "le an", "sparr", "annabel", "leew", "ann.lee",
                             "ann.lee@example.test", "ann.lee@ex", "building 4", "birds", "godwit",
                             "godwit@other.test", "Ann, Lee", "\"ann\" (lee)"}) {
      CAPTURE(text);
      CHECK(setup.found(text) == Names{"ann.lee"});
    }
    for (const char* text : {"nn", "example", "test", "captain", "555", "ann x", "", " ", "@", "%",
                             "ann.lee@other.test", "*"}) {
      CAPTURE(text);
      CHECK(setup.found(text).empty());
    }
    CHECK(setup.found("lee") == Names{"ann.lee", "hanna"});
    CHECK(setup.found("zo") == Names{"zoe"});
    ok(list.set_display_name(ann.id, "Ann Other"));
    CHECK(setup.found("other") == Names{"ann.lee"});
    ok(list.set_profile(ann.id, {}));
    CHECK(setup.found("sparrow").empty());
    CHECK(setup.found("annabel").empty());
  }
  SUBCASE("without case and accents, in any script") {
    setup.add("a", "\xc3\x85sa \xc3\x98rsted");  // Åsa Ørsted
    setup.add("b",
              "\xc5\x81ukasz Stra\xc3\x9f"
              "e");  // Łukasz Straße
    setup.add("c",
              "\xd0\x99\xd0\xbe\xd0\xb3\xd0\xb0\xd0\xbd \xd0\x91\xd0\xb0\xd1\x85");  // Йоган Бах
    setup.add("d", "\xe7\x94\xb0\xe4\xb8\xad\xe5\xa4\xaa\xe9\x83\x8e");              // 田中太郎
    setup.add("e", "\xce\x86\xce\xbd\xce\xbd\xce\xb1");                              // Άννα
    setup.add("f", "\xef\xbc\xa1\xef\xbd\x8e\xef\xbd\x84\xef\xbd\x99");  // fullwidth "Andy"
    setup.add("g", "A\xcc\x8asmund");                                    // A + combining ring
    CHECK(setup.found("asa orsted") == Names{"a"});
    CHECK(setup.found("\xc3\xa5SA") == Names{"a"});
    CHECK(setup.found("lukasz strasse") == Names{"b"});
    CHECK(setup.found("\xd0\xb8\xd0\xbe\xd0\xb3") == Names{"c"});
    CHECK(setup.found("\xe5\xa4\xaa\xe9\x83\x8e") == Names{"d"});  // the given name
    CHECK(setup.found("\xe7\x94\xb0\xe4\xb8\xad") == Names{"d"});
    CHECK(setup.found("\xce\xb1\xce\xbd\xce\xbd") == Names{"e"});
    CHECK(setup.found("andy") == Names{"f"});
    CHECK(setup.found("\xc3\xa5sm") == Names{"g"});
  }
}

TEST_CASE_TEMPLATE_DEFINE("address list: pages of a search", Backend, address_list_pages) {
  using namespace test;
  Listed<Backend> setup;
  if (!setup.list) return;
  storage::AddressList& list = *setup.list;

  SUBCASE("by display name as readers sort, then address; pages and the total") {
    setup.add("u5", "\xc3\x84nne Test");  // between Anna and Anton
    setup.add("u1", "Anton Test");
    setup.add("u2", "anna Test");
    setup.add("u3", "Zoe Test");
    setup.add("u4", "anna Test");
    CHECK(setup.found("test") == Names{"u2", "u4", "u5", "u1", "u3"});
    CHECK(setup.found("test", 1, 2) == Names{"u4", "u5"});
    CHECK(setup.found("test", 4, 2) == Names{"u3"});
    CHECK(setup.found("test", 5, 2).empty());
    CHECK(ok(list.search("test", 4, 2, false)).total == 5);
    CHECK(ok(list.search("test", 9, 2, false)).total == 5);
    CHECK(ok(list.search("test", 0, 0, false)).total == 5);
    CHECK(setup.found("test", 0, 0).empty());
  }
  SUBCASE("pictures and certificates only when asked; no name shows the address") {
    const storage::User ann = setup.add("ann");
    Profile profile;
    profile.picture = jpeg(10);
    profile.title = "Captain";
    profile.certificates = {make_leaf("ann@example.test")};
    ok(list.set_profile(ann.id, profile));
    const DirectoryEntry without = ok(list.search("ann", 0, 9, false)).entries.at(0);
    CHECK(without.id == ann.id);
    CHECK(without.kind == DirectoryEntry::Kind::user);
    CHECK(without.display_name == "ann@example.test");
    CHECK(without.profile.title == "Captain");
    CHECK(without.profile.picture.empty());
    CHECK(without.profile.certificates.empty());
    const DirectoryEntry with = ok(list.search("ann", 0, 9, true)).entries.at(0);
    CHECK(with.profile.picture == profile.picture);
    CHECK(with.profile.certificates == profile.certificates);
  }
  SUBCASE("users of an older database, and those that were added in bulk, are found") {
    setup.add("ann", "Ann Lee");
    ok(setup.directory->add_many({"many@example.test"}, "x"));
    CHECK(setup.found("many") == Names{"many"});
    ok(list.add_group("lee@example.test", ""));
    ok(setup.database->write([](storage::Connection& connection) -> storage::Result<void> {
      GODWIT_ASSIGN(auto words, connection.execute("DELETE FROM directory_word"));
      GODWIT_ASSIGN(auto entries, connection.execute("DELETE FROM directory_entry WHERE id > 1"));
      GODWIT_ASSIGN(auto old, connection.execute("UPDATE directory_entry SET folding = 'old'"));
      CHECK(words + entries + old > 3);
      return {};
    }));
    CHECK(setup.found("lee").empty());
    const auto again = ok(storage::open_address_list(*setup.database));
    CHECK(setup.found("lee") == Names{"ann", "lee"});
    CHECK(setup.found("many") == Names{"many"});
  }
  SUBCASE("a text of very many or very long words is answered") {
    setup.add("ann", "Ann Lee");
    std::string text;
    for (int i = 0; i < 500; ++i) text += "a" + std::to_string(i) + " ";
    CHECK(setup.found(text).empty());
    CHECK(setup.found(std::string(5000, 'a')).empty());
    CHECK(setup.found("ann \xff\xfe lee").size() <= 1);
  }
}

TEST_CASE_TEMPLATE_DEFINE("address list: resolve", Backend, address_list_resolve) {
  using namespace test;
  Listed<Backend> setup;
  if (!setup.list) return;
  const storage::User ann = setup.add("ann", "Ann Lee");
  setup.add("anna", "Anna Leeds");
  Profile profile;
  profile.other_addresses = {"lee@other.test"};
  profile.picture = jpeg(10);
  ok(setup.list->set_profile(ann.id, profile));
  const auto group = ok(setup.list->add_group("all@example.test", "All Leeds"));

  CHECK(setup.resolved("ANN@example.test") == Names{"ann"});
  CHECK(setup.resolved(" lee@other.test ") == Names{"ann"});
  CHECK(setup.resolved("all@example.test") == Names{"all"});
  CHECK(setup.resolved("ann@example.tes").empty());  // a whole address, and nobody's
  CHECK(setup.resolved("ann@") == Names{"ann"});
  CHECK(setup.resolved("ann l") == Names{"ann", "anna"});
  CHECK(setup.resolved("leeds") == Names{"all", "anna"});
  CHECK(setup.resolved("ann", 1) == Names{"ann"});
  CHECK(ok(setup.list->resolve("ann", 0, true)).total == 2);
  CHECK(ok(setup.list->resolve("ann@example.test", 0, true)).total == 1);
  CHECK(ok(setup.list->resolve("ann", 0, true)).entries.empty());
  CHECK(setup.resolved("nobody").empty());
  CHECK(ok(setup.list->resolve("ann@example.test", 5, true)).entries.at(0).profile.picture ==
        profile.picture);
  const DirectoryEntry entry = ok(setup.list->resolve("all@example.test", 5, true)).entries.at(0);
  CHECK(entry.kind == DirectoryEntry::Kind::group);
  CHECK(entry.id == group.id);
  CHECK(entry.display_name == "All Leeds");
}

TEST_CASE_TEMPLATE_DEFINE("address list: groups", Backend, address_list_groups) {
  using namespace test;
  Listed<Backend> setup;
  if (!setup.list) return;
  storage::AddressList& list = *setup.list;
  const storage::User ann = setup.add("ann", "Ann Lee");
  const storage::User bob = setup.add("bob");
  const auto addresses = [](const auto& items) {
    Names names;
    for (const auto& item : items) names.push_back(item.address);
    return names;
  };

  SUBCASE("are made, listed, renamed and removed; an id is never two things") {
    const storage::Group birds = ok(list.add_group("Birds@example.test", "The Gulls"));
    CHECK(birds.address == "birds@example.test");
    CHECK(birds.id > bob.id);
    CHECK(kind_of(list.add_group("birds@EXAMPLE.test", "")) == "exists");
    CHECK(kind_of(list.add_group("bob@example.test", "")) == "exists");
    CHECK(kind_of(list.add_group("birds", "")) == "invalid");
    CHECK(kind_of(list.add_group("b@example.test", std::string(257, 'x'))) == "too_large");
    CHECK(kind_of(setup.directory->add("birds@example.test", "x")) == "exists");
    ok(list.add_group("aaa@example.test", ""));
    CHECK(addresses(ok(list.groups())) == Names{"aaa@example.test", "birds@example.test"});
    CHECK(ok(list.group("BIRDS@example.test")).name == "The Gulls");
    CHECK(setup.found("the gulls") == Names{"birds"});
    ok(list.set_group_name("birds@example.test", "The Flock"));
    CHECK(setup.found("flock") == Names{"birds"});
    CHECK(setup.found("the gulls").empty());
    CHECK(setup.add("carl").id > birds.id);
    ok(list.remove_group("birds@example.test"));
    CHECK(kind_of(list.group("birds@example.test")) == "not_found");
    CHECK(kind_of(list.remove_group("birds@example.test")) == "not_found");
    CHECK(kind_of(list.set_group_name("birds@example.test", "")) == "not_found");
    CHECK(kind_of(list.remove_group("bob@example.test")) == "not_found");
    CHECK(setup.found("birds").empty());
  }
  SUBCASE("hold users and groups; every user counts once") {
    const auto inner = ok(list.add_group("inner@example.test", ""));
    const auto outer = ok(list.add_group("outer@example.test", "Outer"));
    Profile profile;
    profile.other_addresses = {"a.lee@example.test"};
    ok(list.set_profile(ann.id, profile));
    ok(list.add_member("inner@example.test", "A.Lee@example.test"));
    ok(list.add_member("inner@example.test", "bob@example.test"));
    ok(list.add_member("outer@example.test", "inner@example.test"));
    ok(list.add_member("outer@example.test", "bob@example.test"));
    CHECK(kind_of(list.add_member("inner@example.test", "ann@example.test")) == "exists");
    CHECK(kind_of(list.add_member("inner@example.test", "nobody@example.test")) == "not_found");
    CHECK(kind_of(list.add_member("nobody@example.test", "bob@example.test")) == "not_found");
    CHECK(kind_of(list.add_member("bob@example.test", "ann@example.test")) == "not_found");
    CHECK(addresses(ok(list.members("outer@example.test"))) ==
          Names{"bob@example.test", "inner@example.test"});
    CHECK(ok(list.members("outer@example.test"))[1].member_count == 2);
    CHECK(addresses(ok(list.all_members("outer@example.test"))) ==
          Names{"ann@example.test", "bob@example.test"});
    CHECK(ok(list.search("outer", 0, 9, false)).entries.at(0).member_count == 2);
    profile.certificates = {make_leaf("ann@example.test"), make_leaf("ann@example.test")};
    ok(list.set_profile(ann.id, profile));
    CHECK(ok(list.all_certificates("outer@example.test")) == profile.certificates);
    CHECK(kind_of(list.all_certificates("nobody@example.test")) == "not_found");
    CHECK(ok(list.groups_of(ann.id)) == std::vector<std::int64_t>{inner.id, outer.id});
    CHECK(ok(list.groups_of(bob.id)) == std::vector<std::int64_t>{inner.id, outer.id});
    ok(list.remove_member("inner@example.test", "ann@example.test"));
    CHECK(ok(list.groups_of(ann.id)).empty());
    CHECK(kind_of(list.remove_member("inner@example.test", "ann@example.test")) == "not_found");
    CHECK(kind_of(list.remove_member("inner@example.test", "x@example.test")) == "not_found");
    CHECK(kind_of(list.members("nobody@example.test")) == "not_found");
    CHECK(kind_of(list.all_members("nobody@example.test")) == "not_found");
    CHECK(kind_of(list.all_members("no/body@[10.0.0.1]")) == "not_found");
    ok(setup.directory->remove("bob@example.test"));
    CHECK(ok(list.all_members("outer@example.test")).empty());
    ok(list.remove_group("inner@example.test"));
    CHECK(ok(list.members("outer@example.test")).empty());
  }
  SUBCASE("never hold themselves") {
    for (const char* name : {"a@example.test", "b@example.test", "c@example.test"}) {
      ok(list.add_group(name, ""));
    }
    CHECK(kind_of(list.add_member("a@example.test", "a@example.test")) == "invalid");
    ok(list.add_member("a@example.test", "b@example.test"));
    ok(list.add_member("b@example.test", "c@example.test"));
    CHECK(kind_of(list.add_member("c@example.test", "a@example.test")) == "invalid");
    CHECK(kind_of(list.add_member("b@example.test", "a@example.test")) == "invalid");
    ok(list.add_member("a@example.test", "c@example.test"));
    ok(list.add_member("c@example.test", "ann@example.test"));
    CHECK(addresses(ok(list.all_members("a@example.test"))) == Names{"ann@example.test"});
  }
}
