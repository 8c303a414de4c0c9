// BodyPartPreference and BodyPart. [MS-ASAIRS] 2.2.2.10, 2.2.2.11
#include <doctest/doctest.h>

#include "tests/support/conversation_calls.h"

using namespace test::conversation;
using test::Call;
using test::ServiceFixture;
using test::text_at;

TEST_CASE("Sync: a BodyPartPreference gives a BodyPart, with or without a Body, from 14.1 on") {
  // covers: MS-ASCON R38 R46 R47 R234 R237 R239 R240 R243 R245 R246 R247 R248 R504 R505
  // covers: MS-ASAIRS R120 R121 R124 R126 R127 R128 R129 R135 R183 R185 R186 R188 R205 R206 R207
  // covers: MS-ASAIRS R208 R253 R254 R255 R256 R257 R258 R269 R282 R283 R286 R291 R294 R314 R317
  // covers: MS-ASAIRS R318 R59 R60 R63 R400 R403 R2599
  const Element body(base::kBodyPreference, {Element(base::kType, "1")});
  const auto part = [](std::vector<Element> more) {
    more.insert(more.begin(), Element(base::kType, "2"));
    return Element(base::kBodyPartPreference, std::move(more));
  };
  struct Case {
    std::vector<Element> options;
    bool body, part;
    std::string data;  // of the part; "": none
    bool truncated = false;
    std::string preview = "";
  };
  const std::string whole = "<html><body><p>Text of root.</p></body></html>\r\n";
  const Case cases[] = {
      {{}, true, false, ""},
      {{body}, true, false, ""},
      {{part({})}, false, true, whole},
      {{body, part({})}, true, true, whole},
      {{part({Element(base::kTruncationSize, "12")})}, false, true, whole.substr(0, 12), true},
      {{part({Element(base::kTruncationSize, "12"), Element(base::kAllOrNone, "1")})},
       false,
       true,
       "",
       true},
      {{part({Element(base::kAllOrNone, "1")})}, false, true, whole},
      {{part({Element(base::kTruncationSize, "0"), Element(base::kPreview, "4")})},
       false,
       true,
       "",
       true,
       "Text"},
  };
  for (const char* version : {"14.0", "14.1", "16.0", "16.1"}) {
    for (const Case& one : cases) {
      CAPTURE(version);
      CAPTURE(&one - cases);
      ServiceFixture server;
      const Folder inbox(server, FolderRole::inbox);
      const auto item = put(server, FolderRole::inbox, mail_of("root", "root"));
      Phone phone{server, inbox.name, version};
      phone.sync();
      const Element answer = phone.sync({Element(airsync::kOptions, one.options)});
      const Element& data = data_of(answer, eas::to_item_id(inbox.id, item));
      const bool knows = std::string(version) != "14.0";
      CHECK(data.has(base::kBody) == (one.body || !knows));
      CHECK(data.has(base::kBodyPart) == (one.part && knows));
      CHECK_FALSE(data.has(base::kBodyPartPreference));
      const Element* found = data.child(base::kBodyPart);
      if (found == nullptr) continue;
      std::vector<wbxml::Tag> order = {base::kStatus, base::kType, base::kEstimatedDataSize};
      if (one.truncated) order.push_back(base::kTruncated);
      if (!one.data.empty()) order.push_back(base::kData);
      if (!one.preview.empty()) order.push_back(base::kPreview);
      REQUIRE(found->children.size() == order.size());
      for (std::size_t i = 0; i < order.size(); ++i) {
        CHECK(found->children[i].tag == order[i]);
        CHECK(found->children[i].children.empty());
      }
      CHECK(text_at(*found, {base::kStatus}) == "1");
      CHECK(text_at(*found, {base::kType}) == "2");
      CHECK(text_at(*found, {base::kData}) == one.data);
      CHECK(text_at(*found, {base::kPreview}) == one.preview);
      CHECK(text_at(*found, {base::kEstimatedDataSize}) == std::to_string(whole.size()));
    }
  }
}

TEST_CASE("ItemOperations: a message part with the message") {
  // covers: MS-ASCON R39 R236 R340
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox);
  const auto item = eas::to_item_id(inbox.id, put(server, FolderRole::inbox, mail_of("a", "a")));
  const auto fetch = [&](std::vector<Element> options) {
    return server.element(operations({Element(
        ops::kFetch,
        {Element(ops::kStore, "Mailbox"), Element(airsync::kCollectionId, inbox.name),
         Element(airsync::kServerId, item), Element(ops::kOptions, std::move(options))})}));
  };
  const auto part = [](const char* type) {
    return Element(base::kBodyPartPreference, {Element(base::kType, type)});
  };
  const Element with = fetch({part("2")});
  CHECK(text_at(with, {ops::kResponse, ops::kFetch, ops::kProperties, base::kBodyPart, base::kData})
            .find("Text of a.") != std::string::npos);
  const Element without = fetch({Element(base::kBodyPreference, {Element(base::kType, "2")})});
  CHECK_FALSE(without.child(ops::kResponse)
                  ->child(ops::kFetch)
                  ->child(ops::kProperties)
                  ->has(base::kBodyPart));
  CHECK(text_at(fetch({part("1")}), {ops::kResponse, ops::kFetch, ops::kStatus}) == "164");
}

TEST_CASE("Sync: a BodyPartPreference of another type than HTML is status 164") {
  // covers: MS-ASCON R241
  ServiceFixture server;
  const Folder inbox(server, FolderRole::inbox);
  put(server, FolderRole::inbox, mail_of("a", "a"));
  for (const char* type : {"1", "3", "4"}) {
    Phone phone{server, inbox.name};
    phone.sync();
    const Element options(airsync::kOptions,
                          {Element(base::kBodyPartPreference, {Element(base::kType, type)})});
    CHECK(text_at(phone.sync({options}), {airsync::kStatus}) == "164");
    CHECK(told(phone.sync(), airsync::kAdd).size() == 1);  // nothing is lost
  }
}
