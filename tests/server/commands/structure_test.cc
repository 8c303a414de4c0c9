// The shape of answers as [MS-ASCMD] 2.2.3 states it, element by element: parents, children, type
// and number. Answers of every kind are collected, and each line of
// tests/requirements/structure.tsv must be true in all of them and be seen in at least one.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "tests/support/requirement_table.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using test::text_at;
using wbxml::Element;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;

std::string name_of(const Element& element) {
  const wbxml::TagInfo* info = wbxml::find_tag(element.tag);
  return info == nullptr ? "?" : std::string(info->name);
}

// --- the answers -------------------------------------------------------------------------------

using Answers = std::map<std::string, std::vector<Element>>;

class Collector {
 public:
  explicit Collector(Answers& answers) : answers_(answers) {}

  Element ask(const std::string& command, const Element& body, const char* version = "14.1") {
    Call call;
    call.command = command;
    call.version = version;
    call.body = body;
    const http::HttpReply reply = server.reply(call);
    REQUIRE(reply.status == 200);
    if (reply.body.empty()) return {};
    auto root = wbxml::decode(reply.body);
    REQUIRE(root);
    answers_[command].push_back(*root);
    return *std::move(root);
  }
  void keep(const std::string& command, const http::HttpReply& reply) {
    auto root = wbxml::decode(reply.body);
    REQUIRE(root);
    answers_[command].push_back(*std::move(root));
  }

  ServiceFixture server;

 private:
  Answers& answers_;
};

void hierarchy(Collector& phone) {
  namespace tag = wbxml::folder_hierarchy;
  const auto sync = [&](const std::string& key) {
    return text_at(
        phone.ask("FolderSync", Element(tag::kFolderSync, {Element(tag::kSyncKey, key)})),
        {tag::kSyncKey});
  };
  storage::Mailbox& mailbox = *phone.server.mailbox();
  const auto renamed = mailbox.create_folder(0, "Work");
  const auto removed = mailbox.create_folder(0, "Gone");
  REQUIRE(renamed);
  REQUIRE(removed);
  const std::string key = sync("0");
  REQUIRE(mailbox.rename_folder(renamed->id, 0, "Play"));
  REQUIRE(mailbox.remove_folder(removed->id));
  sync(key);
  sync("nonsense");
}

Element sync_body(std::vector<Element> collection, std::vector<Element> more = {}) {
  more.push_back(
      Element(airsync::kCollections, {Element(airsync::kCollection, std::move(collection))}));
  return Element(airsync::kSync, std::move(more));
}

void items(Collector& phone, const std::string& folder, storage::CollectionId id) {
  std::string key = "0";
  const auto sync = [&](std::vector<Element> more) {
    more.insert(more.begin(),
                {Element(airsync::kSyncKey, key), Element(airsync::kCollectionId, folder)});
    const Element root = phone.ask("Sync", sync_body(std::move(more)));
    const std::string next =
        text_at(root, {airsync::kCollections, airsync::kCollection, airsync::kSyncKey});
    if (!next.empty()) key = next;
  };
  storage::Mailbox& mailbox = *phone.server.mailbox();
  const Element filter(airsync::kOptions, {Element(airsync::kFilterType, "3")});
  std::vector<storage::ItemId> made;
  for (const char* subject : {"one", "two", "three", "four"}) {
    made.push_back(phone.server.deliver(test::simple_mail(subject)));
  }
  sync({});
  sync({Element(airsync::kWindowSize, "1"), filter});  // MoreAvailable
  sync({});
  storage::FlagChange seen;
  seen.seen = true;
  REQUIRE(mailbox.set_flags(id, made[0], seen));
  REQUIRE(mailbox.remove(id, made[1]));
  sync({});  // Change and Delete
  const auto item = [&](std::size_t at) { return eas::to_item_id(id, made[at]); };
  const auto change = [&](const std::string& server_id, const Element& data) {
    return Element(airsync::kChange, {Element(airsync::kServerId, server_id),
                                      Element(airsync::kApplicationData, {data})});
  };
  sync({Element(airsync::kCommands,
                {Element(airsync::kFetch, {Element(airsync::kServerId, item(2))}),
                 change(item(2), Element(wbxml::email::kRead, "1")),
                 change(folder + ":99999", Element(wbxml::email::kRead, "1")),
                 Element(airsync::kDelete, {Element(airsync::kServerId, folder + ":99999")})})});
  phone.server.clock.advance(30LL * 24 * 3'600'000);
  sync({});  // SoftDelete
  phone.ask("Sync", sync_body({Element(airsync::kSyncKey, "bad"),
                               Element(airsync::kCollectionId, folder)}));
  phone.ask("Sync",
            sync_body({Element(airsync::kSyncKey, key), Element(airsync::kCollectionId, folder)},
                      {Element(airsync::kWait, "60000")}));  // Limit
}

void other_commands(Collector& phone, const std::string& folder, storage::CollectionId id) {
  namespace estimate = wbxml::get_item_estimate;
  const std::string key = phone.server.prime(folder);
  for (const std::string& collection : {folder, std::string("m99999")}) {
    phone.ask("GetItemEstimate",
              Element(estimate::kGetItemEstimate,
                      {Element(estimate::kCollections,
                               {Element(estimate::kCollection,
                                        {Element(airsync::kSyncKey, key),
                                         Element(estimate::kCollectionId, collection)})})}));
  }
  phone.ask("GetItemEstimate", Element(estimate::kGetItemEstimate));

  namespace move = wbxml::move;
  const std::string trash = eas::to_collection_id(phone.server.folder(FolderRole::trash));
  const std::string item =
      eas::to_item_id(id, phone.server.deliver(test::simple_mail("to be moved")));
  const auto one = [&](const std::string& source) {
    return Element(move::kMove, {Element(move::kSrcMsgId, source), Element(move::kSrcFldId, folder),
                                 Element(move::kDstFldId, trash)});
  };
  phone.ask("MoveItems", Element(move::kMoveItems, {one(item), one(folder + ":99999")}));

  namespace ping = wbxml::ping;
  phone.server.folder_id(2);
  phone.server.prime(folder);
  phone.server.deliver(test::simple_mail("news"));
  const auto ping_body = [&](const char* interval, std::size_t folders) {
    Element list(ping::kFolders);
    for (std::size_t i = 0; i < folders; ++i) {
      list.children.push_back(
          Element(ping::kFolder, {Element(ping::kId, folder), Element(ping::kClass, "Email")}));
    }
    return Element(ping::kPing, {Element(ping::kHeartbeatInterval, interval), list});
  };
  phone.ask("Ping", ping_body("600", 1));
  phone.ask("Ping", ping_body("100000", 1));
  phone.ask("Ping", ping_body("600", 5000));
}

void operations(Collector& phone, const std::string& folder, storage::CollectionId id) {
  namespace ops = wbxml::item_operations;
  const auto item = eas::to_item_id(
      id, phone.server.deliver(
              "From: c@elsewhere.test\r\nSubject: attached\r\nMIME-Version: 1.0\r\n"
              "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nText.\r\n--b\r\n"
              "Content-Type: image/png\r\nContent-Disposition: attachment; filename=a.png\r\n\r\n"
              "0123456789\r\n--b--\r\n"));
  const auto fetch = [](std::vector<Element> children) {
    children.insert(children.begin(), Element(ops::kStore, "Mailbox"));
    return Element(ops::kFetch, std::move(children));
  };
  const auto both =
      fetch({Element(airsync::kCollectionId, folder), Element(airsync::kServerId, item)});
  const auto ask = [&](std::vector<Element> children) {
    return phone.ask("ItemOperations", Element(ops::kItemOperations, std::move(children)));
  };
  const Element root = ask({both});
  const std::string reference =
      text_at(root, {ops::kResponse, ops::kFetch, ops::kProperties, base::kAttachments,
                     base::kAttachment, base::kFileReference});
  ask({fetch({Element(base::kFileReference, reference)})});
  ask({fetch({Element(base::kFileReference, reference),
              Element(ops::kOptions, {Element(ops::kRange, "2-5")})})});
  Element conversation(ops::kConversationId,
                       text_at(root, {ops::kResponse, ops::kFetch, ops::kProperties,
                                      wbxml::email2::kConversationId}));
  conversation.opaque = true;
  ask({Element(ops::kMove, {conversation,
                            Element(ops::kDstFldId,
                                    eas::to_collection_id(phone.server.folder(FolderRole::trash))),
                            Element(ops::kOptions, {Element(ops::kMoveAlways)})}),
       Element(ops::kEmptyFolderContents, {Element(airsync::kCollectionId, "m99999")})});
  ask({});
}

void changed_folders(Collector& phone) {
  namespace tag = wbxml::folder_hierarchy;
  std::string key =
      text_at(phone.ask("FolderSync", Element(tag::kFolderSync, {Element(tag::kSyncKey, "0")})),
              {tag::kSyncKey});
  const auto ask = [&](const std::string& command, wbxml::Tag root, std::vector<Element> more) {
    more.insert(more.begin(), Element(tag::kSyncKey, "nonsense"));
    phone.ask(command, Element(root, more));
    more[0].text = key;
    const Element answer = phone.ask(command, Element(root, more));
    key = text_at(answer, {tag::kSyncKey});
    return answer;
  };
  const Element parent(tag::kParentId, "0");
  const Element made = ask("FolderCreate", tag::kFolderCreate,
                           {parent, Element(tag::kDisplayName, "Own"), Element(tag::kType, "12")});
  const Element id(tag::kServerId, text_at(made, {tag::kServerId}));
  phone.ask("GetHierarchy", {}, "12.1");
  ask("FolderUpdate", tag::kFolderUpdate, {id, parent, Element(tag::kDisplayName, "Other")});
  ask("FolderDelete", tag::kFolderDelete, {id});
}

void searches(Collector& phone) {
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
  profile.picture = "\xFF\xD8\xFF\xE0" + std::string(100, 'x') + "\xFF\xD9";
  auto& directory = *phone.server.services.directory;
  REQUIRE(directory.add("ma@example.test", "secret", "Michael Alexander"));
  REQUIRE(directory.add("mb@example.test", "secret", "Michael Without"));
  REQUIRE(phone.server.services.addresses->set_profile(phone.server.user("ma@example.test").id,
                                                       profile));
  for (const char* words : {"found words", "found others"}) {
    phone.server.deliver(
        "From: c@x.test\r\nTo: Ann <ann@example.test>\r\nCc: d@x.test\r\n"
        "Bcc: f@x.test\r\nSubject: " +
        std::string(words) + "\r\n\r\nText.\r\n");
  }
  namespace search = wbxml::search;
  const auto in_store = [&](const char* name, const Element& query, const Element& options) {
    phone.ask("Search",
              Element(search::kSearch,
                      {Element(search::kStore, {Element(search::kName, name), query, options})}));
  };
  for (const char* name : {"michael", "nobody"}) {
    in_store("GAL", Element(search::kQuery, name),
             Element(search::kOptions, {Element(search::kPicture)}));
  }
  for (const char* words : {"found", "nothing"}) {
    in_store("Mailbox",
             Element(search::kQuery, {Element(search::kAnd, {Element(airsync::kClass, "Email"),
                                                             Element(search::kFreeText, words)})}),
             Element(search::kOptions, {Element(search::kRange, "0-9")}));
  }
  phone.ask("Search", Element(search::kSearch));

  namespace find = wbxml::find;
  const auto ask = [&](const Element& criterion) {
    phone.ask("Find",
              Element(find::kFind, {Element(find::kSearchId, "one"),
                                    Element(find::kExecuteSearch, {criterion})}),
              "16.1");
  };
  for (const char* words : {"michael", "nobody", " "}) {
    ask(Element(find::kGalSearchCriterion, {Element(find::kQuery, words),
                                            Element(find::kOptions, {Element(find::kPicture)})}));
  }
  for (const char* words : {"found", "nothing"}) {
    ask(Element(find::kMailBoxSearchCriterion,
                {Element(find::kQuery,
                         {Element(airsync::kClass, "Email"), Element(find::kFreeText, words)})}));
  }
}

void settings(Collector& phone) {
  namespace tag = wbxml::settings;
  const auto ask = [&](std::vector<Element> children, const char* version = "14.1") {
    phone.ask("Settings", Element(tag::kSettings, std::move(children)), version);
  };
  const auto get = [](wbxml::Tag property) { return Element(property, {Element(tag::kGet)}); };
  const Element oof(tag::kOof, {Element(tag::kGet, {Element(tag::kBodyType, "Text")})});
  const auto message = [](wbxml::Tag audience) {
    return Element(tag::kOofMessage,
                   {Element(audience), Element(tag::kEnabled, "1"),
                    Element(tag::kReplyMessage, "away"), Element(tag::kBodyType, "Text")});
  };
  ask({Element(tag::kOof, {Element(tag::kSet, {Element(tag::kOofState, "2"),
                                               Element(tag::kStartTime, "2026-11-20T00:00:00.000Z"),
                                               Element(tag::kEndTime, "2026-11-30T00:00:00.000Z"),
                                               message(tag::kAppliesToInternal),
                                               message(tag::kAppliesToExternalKnown),
                                               message(tag::kAppliesToExternalUnknown)})})});
  ask({oof, get(tag::kUserInformation), get(tag::kRightsManagementInformation),
       Element(tag::kDeviceInformation, {Element(tag::kSet, {Element(tag::kModel, "x")})}),
       Element(tag::kDevicePassword, {Element(tag::kSet, {Element(tag::kPassword, "1234")})})});
  ask({get(tag::kUserInformation)}, "14.0");
  ask({});
}

void failures_of_sending(Collector& phone) {
  namespace tag = wbxml::compose_mail;
  phone.ask("SendMail", Element(tag::kSendMail, {Element(tag::kClientId, "1")}));
  phone.ask("SmartReply", Element(tag::kSmartReply, {Element(tag::kClientId, "2")}));
  phone.ask("SmartForward", Element(tag::kSmartForward, {Element(tag::kClientId, "3")}));
}

Answers collect() {
  Answers answers;
  Collector phone(answers);
  hierarchy(phone);
  const storage::CollectionId id = phone.server.folder(FolderRole::inbox);
  const std::string folder = eas::to_collection_id(id);
  items(phone, folder, id);
  other_commands(phone, folder, id);
  operations(phone, folder, id);
  Collector other(answers);
  changed_folders(other);
  settings(other);
  failures_of_sending(other);
  searches(other);
  return answers;
}

// --- the statements ----------------------------------------------------------------------------

struct Statement {
  std::string element, kind;
  std::vector<std::string> parents, values;
};

struct Found {
  int seen = 0;
  std::string problem;
};

bool is_parent(const std::string& wanted, const std::string& name, const std::string& above) {
  return wanted == name || wanted == above + "/" + name;
}

std::string type_problem(const Element& element, const std::string& type) {
  const bool container = !element.children.empty();
  if (type == "empty") return element.is_empty() ? "" : "not empty";
  if (type == "container") return element.text.empty() ? "" : "text in a container";
  if (container) return "children in a value";
  const auto number = storage::parse_int(element.text);
  if (type == "integer") return number ? "" : "no integer: " + element.text;
  if (type == "unsigned integer") return number && *number >= 0 ? "" : "not unsigned";
  if (type == "unsignedByte") {
    return number && *number >= 0 && *number < 256 ? "" : "no byte: " + element.text;
  }
  if (type == "boolean") return number && (*number == 0 || *number == 1) ? "" : "no boolean";
  if (type == "datetime") {
    const std::string& text = element.text;
    return text.size() == 24 && text[10] == 'T' && text[23] == 'Z' ? "" : "no time: " + text;
  }
  return "";  // any text is a string
}

std::string number_problem(const Element& parent, const Statement& statement) {
  const auto count =
      std::count_if(parent.children.begin(), parent.children.end(),
                    [&](const Element& child) { return name_of(child) == statement.element; });
  const std::string& range = statement.values.at(0);  // "0..1", "1..N"
  if (range[0] == '1' && count == 0) return "missing in " + name_of(parent);
  if (range[3] != 'N' && count > range[3] - '0') return "too many in " + name_of(parent);
  return "";
}

void look(const Element& element, const std::string& parent, const std::string& above,
          const Statement& statement, Found& found) {
  const std::string name = name_of(element);
  const auto here = [&](const std::string& own, const std::string& over) {
    if (statement.parents.empty()) return own.empty();
    return std::any_of(statement.parents.begin(), statement.parents.end(),
                       [&](const std::string& wanted) { return is_parent(wanted, own, over); });
  };
  std::string problem;
  if (statement.kind == "number" && here(name, parent)) {
    problem = number_problem(element, statement);
  }
  if (name == statement.element && here(parent, above)) {
    ++found.seen;
    if (statement.kind == "type") problem = type_problem(element, statement.values.at(0));
    if (statement.kind == "children") {
      for (const Element& child : element.children) {
        const auto& allowed = statement.values;
        if (std::find(allowed.begin(), allowed.end(), name_of(child)) == allowed.end()) {
          problem = name_of(child) + " in " + name;
        }
      }
    }
  }
  if (!problem.empty()) found.problem = problem;
  for (const Element& child : element.children) look(child, name, parent, statement, found);
}

}  // namespace

TEST_CASE(
    "structure: every answer has the parents, children, types and numbers of the documents "
    "(quirks.md: order of tags)") {
  // covers: MS-ASDTYPE R8 R9 R123
  // covers: MS-ASCON MS-ASDTYPE_R8 MS-ASDTYPE_R9
  // covers: MS-ASCMD R6829101617 R7329101815 R3476 R3676 R3953 R3957 R3960 R3887 R4558 R4596 R4382
  const Answers answers = collect();
  const auto rows = test::requirement_table("structure.tsv");
  REQUIRE(rows.size() > 200);
  for (const auto& row : rows) {
    REQUIRE(row.size() == 7);
    const std::string text =
        row[1] + " " + row[2] + " " + row[3] + " in " + row[4] + ": " + row[5] + " " + row[6];
    CAPTURE(text);
    const Statement statement{
        row[3], row[5], test::words_of(row[4]),
        row[5] == "type" ? std::vector<std::string>{row[6]} : test::words_of(row[6])};
    Found found;
    const auto of_command = answers.find(row[2]);
    REQUIRE(of_command != answers.end());
    for (const Element& answer : of_command->second) look(answer, "", "", statement, found);
    CHECK_MESSAGE(found.problem.empty(), found.problem);
    CHECK_MESSAGE(found.seen > 0, "never seen");
  }
}
