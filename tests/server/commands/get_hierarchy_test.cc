#include <doctest/doctest.h>

#include <filesystem>
#include <map>

#include "tests/support/folder_calls.h"
#include "wbxml/code_pages.h"

namespace {

using test::Call;
using test::Phone;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace tag = wbxml::folder_hierarchy;

Call get_hierarchy(const char* version) {
  Call call;
  call.command = "GetHierarchy";
  call.version = version;
  return call;
}

}  // namespace

TEST_CASE(
    "GetHierarchy: the mail folders with the ids that FolderSync gives, up to 12.1 (field.md "
    "1.2)") {
  // covers: MS-ASCMD R6024 R6025 R6026 R6030 R7505 R7506 R7507 R6031 R6032 R6037 R6046 R6047 R6048
  // covers: MS-ASCMD R6452 R6567 R6570 R6600 R6601 R6926 R6927 R7150 R7388 R7384
  // covers: MS-ASCMD R7144 R6933 R7152 R7396
  for (const char* version : {"2.5", "12.0", "12.1"}) {
    CAPTURE(version);
    ServiceFixture server;
    Phone phone{server, version};
    const auto all = phone.folder_sync();
    const std::string made = phone.create("0", "Own").server_id;
    const std::string inner = phone.create(made, "Inner").server_id;
    const Element root = server.element(get_hierarchy(version));
    CHECK(root.tag == tag::kFolders);
    std::map<std::string, const Element*> by_name;
    for (const Element& folder : root.children) {
      CHECK(folder.tag == tag::kFolder);
      by_name[text_at(folder, {tag::kDisplayName})] = &folder;
    }
    CHECK(by_name.size() == 7);
    const auto check = [&](const char* name, const char* type, const std::string& id,
                           const std::string& parent) {
      CAPTURE(name);
      REQUIRE(by_name.count(name) == 1);
      CHECK(text_at(*by_name[name], {tag::kType}) == type);
      CHECK(text_at(*by_name[name], {tag::kServerId}) == id);
      CHECK(text_at(*by_name[name], {tag::kParentId}) == parent);
    };
    for (const auto& [name, type] : all.types) {
      if (type.size() == 1 && type <= "6")
        check(name.c_str(), type.c_str(), all.added.at(name), "0");
    }
    check("Own", "1", made, "0");
    check("Inner", "1", inner, made);
  }
}

TEST_CASE("GetHierarchy: from 14.0 on there is none") {
  // covers: MS-ASCMD R6049 R6050 R6051 R6051100601 R7397 R7398 R7399
  // covers: MS-ASCMD R6936 R6936101701 R7153 R7154 R7155 R7155101801 R7399101801
  ServiceFixture server;
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    const http::HttpReply reply = server.reply(get_hierarchy(version));
    CHECK(reply.status == 400);
    CHECK(reply.body.empty());
  }
}

TEST_CASE("GetHierarchy: a failure is HTTP 500") {
  // covers: MS-ASCMD R6033
  struct Broken {};
  bool broken = false;
  ServiceFixture server({}, {}, [&broken](std::string_view step) {
    if (broken && step == "index folders") throw Broken();
  });
  CHECK(server.reply(get_hierarchy("12.1")).status == 200);
  // A folder that another program made has to be indexed, and that fails.
  for (const char* sub : {"", "/cur", "/new", "/tmp"}) {
    std::filesystem::create_directories(server.dir.path() / "mail/ann@example.test" /
                                        (".Fresh" + std::string(sub)));
  }
  broken = true;
  CHECK(server.reply(get_hierarchy("12.1")).status == 500);
  broken = false;
  CHECK(server.element(get_hierarchy("12.1")).children.size() == 6);
}
