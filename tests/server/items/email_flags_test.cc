#include "server/items/email/flags.h"

#include "server/items/dates.h"
#include "server/items/email/follow_up.h"
#include "storage/collection.h"
#include "tests/server/items/support.h"

namespace mail = wbxml::email;
namespace mail2 = wbxml::email2;
namespace tasks = wbxml::tasks;
using eas::Version;
using eas::email::parse_change;
using storage::ErrorKind;
using wbxml::Element;

namespace {

Element application_data(std::vector<Element> children) {
  return Element(wbxml::airsync::kApplicationData, std::move(children));
}

Element flag(std::vector<Element> children) { return Element(mail::kFlag, std::move(children)); }

const std::vector<Element> kDates = {
    {tasks::kStartDate, std::string("2026-03-01T00:00:00.000Z")},
    {tasks::kDueDate, std::string("2026-03-02T00:00:00.000Z")},
    {tasks::kUtcStartDate, std::string("2026-02-28T23:00:00.000Z")},
    {tasks::kUtcDueDate, std::string("2026-03-01T23:00:00.000Z")},
};

Element active_flag(std::vector<Element> more = {}) {
  std::vector<Element> children = {{mail::kStatus, std::string("2")},
                                   {mail::kFlagType, std::string("Flag for follow up")}};
  children.insert(children.end(), more.begin(), more.end());
  return flag(std::move(children));
}

storage::MessageInfo apply(storage::MessageInfo info, const storage::FlagChange& change) {
  if (change.seen) info.flags.seen = *change.seen;
  if (change.flagged) info.flags.flagged = *change.flagged;
  if (change.keywords) info.flags.keywords = *change.keywords;
  if (change.annotation) info.flags.annotation = *change.annotation;
  return info;
}

Element rendered(const storage::MessageInfo& info, unsigned aspects = ~0u,
                 Version version = Version::v14_1) {
  wbxml::Encoder out = test::application_data();
  eas::email::render_flag_change(info, aspects, version, out);
  return test::decode(out);
}

bool refused(const Element& element, Version version = Version::v16_1) {
  const auto change = parse_change(application_data({element}), test::message_info(), version);
  return !change && change.error().kind == ErrorKind::invalid;
}

}  // namespace

TEST_CASE("flag change: only the aspects that changed are sent [MS-ASEMAIL] 3.2.5.4.1") {
  const storage::MessageInfo info = test::message_info();
  CHECK(rendered(info, storage::aspect::kRead).children.size() == 1);
  CHECK(test::text(rendered(info, storage::aspect::kRead), mail::kRead) == "0");
  CHECK(rendered(info, storage::aspect::kFlag).children.size() == 1);
  CHECK(rendered(info, storage::aspect::kFlag).child(mail::kFlag)->is_empty());
  CHECK(rendered(info, storage::aspect::kCategories).child(mail::kCategories)->is_empty());
  CHECK(rendered(info, storage::aspect::kFlag, Version::v2_5).children.empty());
  CHECK(rendered(info, storage::aspect::kCategories, Version::v12_1).children.empty());
  CHECK(rendered(info, storage::aspect::kVerb, Version::v12_1).children.empty());
}

TEST_CASE("change: Read is a boolean and nothing else") {
  // covers: MS-ASDTYPE R5 R6
  const auto info = test::message_info();
  const auto seen =
      parse_change(application_data({{mail::kRead, std::string("1")}}), info, Version::v2_5);
  REQUIRE(seen);
  CHECK(seen->seen == true);
  CHECK(!seen->flagged);
  CHECK(!seen->annotation);
  const auto empty =
      parse_change(application_data({{mail::kRead, std::string()}}), info, Version::v2_5);
  REQUIRE(empty);
  CHECK(empty->seen == true);
  for (const char* text : {"2", "yes", "-1", " 1"}) {
    CHECK(refused({mail::kRead, std::string(text)}));
  }
}

TEST_CASE("change: a follow-up flag with all details goes there and back") {
  std::vector<Element> more = kDates;
  more.push_back({tasks::kReminderSet, std::string("1")});
  more.push_back({tasks::kReminderTime, std::string("2026-03-01T08:00:00.000Z")});
  more.push_back({tasks::kSubject, std::string("Call back")});
  more.push_back({tasks::kOrdinalDate, std::string("2026-02-28T12:00:00.000Z")});
  more.push_back({tasks::kSubOrdinalDate, std::string("5555555")});
  const Element sent = active_flag(more);
  const auto change = parse_change(application_data({sent}), test::message_info(), Version::v14_1);
  REQUIRE(change);
  CHECK(change->flagged == true);
  const Element back = rendered(apply(test::message_info(), *change), storage::aspect::kFlag);
  const Element* flag_back = back.child(mail::kFlag);
  REQUIRE(flag_back != nullptr);
  CHECK(flag_back->children.size() == sent.children.size());
  for (const Element& child : sent.children) {
    CHECK(flag_back->text_of(child.tag) == std::string_view(child.text));
  }
}

TEST_CASE("change: completing and clearing a flag (quirks.md: HTC Desire)") {
  storage::MessageInfo info = test::message_info();
  info = apply(info, *parse_change(application_data({active_flag(kDates)}), info, Version::v12_0));
  CHECK(info.flags.flagged);
  const Element complete = flag({{mail::kStatus, std::string("1")},
                                 {tasks::kDateCompleted, std::string("2026-03-02T00:00:00.000Z")},
                                 {mail::kCompleteTime, std::string("2026-03-02T10:00:00.000Z")}});
  const auto done = parse_change(application_data({complete}), info, Version::v14_1);
  REQUIRE(done);
  info = apply(info, *done);
  CHECK(!info.flags.flagged);
  const Element shown = rendered(info, storage::aspect::kFlag);
  CHECK(shown.child(mail::kFlag)->text_of(mail::kStatus) == "1");
  CHECK(shown.child(mail::kFlag)->text_of(mail::kCompleteTime) == "2026-03-02T10:00:00.000Z");
  // An empty Flag clears it (quirks.md: HTC), and so does status 0.
  for (const Element& clear : {flag({}), flag({{mail::kStatus, std::string("0")}})}) {
    const auto cleared = parse_change(application_data({clear}), info, Version::v14_1);
    REQUIRE(cleared);
    CHECK(cleared->flagged == false);
    CHECK(cleared->annotation == "");
  }
}

TEST_CASE("change: malformed flags are refused (status 6)") {
  CHECK(refused(flag({{mail::kStatus, std::string("3")}})));
  CHECK(refused(flag({{mail::kStatus, std::string("")}})));
  for (std::size_t missing = 0; missing < kDates.size(); ++missing) {
    auto dates = kDates;
    dates.erase(dates.begin() + static_cast<std::ptrdiff_t>(missing));
    CHECK(refused(active_flag(dates)));
  }
  auto late = kDates;
  late[0].text = "2026-03-05T00:00:00.000Z";
  CHECK(refused(active_flag(late)));
  late = kDates;
  late[2].text = "2026-03-05T00:00:00.000Z";
  CHECK(refused(active_flag(late)));
  late = kDates;
  late[0].text = "yesterday";
  CHECK(refused(active_flag(late)));
  CHECK(refused(active_flag({{tasks::kReminderSet, std::string("1")}})));
  CHECK(refused(active_flag({{mail::kSubject, std::string("x")}})));
  CHECK(refused(Element(mail::kFlag, std::string("text"))));
  CHECK(refused(active_flag(), Version::v2_5));
}

TEST_CASE("change: what a phone must not change is refused") {
  for (const wbxml::Tag tag :
       {mail::kSubject, mail::kTo, mail::kMessageClass, mail2::kConversationId, mail2::kSender,
        mail2::kReceivedAsBcc, wbxml::airsync_base::kBody}) {
    CHECK(refused({tag, std::string("x")}));
  }
  CHECK(refused({mail::kCategories, std::vector<Element>{}}, Version::v12_1));
}

TEST_CASE("change: categories are replaced, markers of other programs are kept") {
  storage::MessageInfo info = test::message_info();
  info.flags.keywords = {"Old one", "$MDNSent", "NonJunk"};
  const Element categories(mail::kCategories,
                           std::vector<Element>{{mail::kCategory, std::string("Rot")},
                                                {mail::kCategory, std::string("Größe")},
                                                {mail::kCategory, std::string("Rot")}});
  const auto change = parse_change(application_data({categories}), info, Version::v14_0);
  REQUIRE(change);
  CHECK(*change->keywords == std::vector<std::string>{"Rot", "Größe", "$MDNSent", "NonJunk"});
  const Element shown = rendered(apply(info, *change), storage::aspect::kCategories);
  CHECK(shown.child(mail::kCategories)->children.size() == 2);
  std::vector<Element> many(301, Element(mail::kCategory, std::string("x")));
  CHECK(refused(Element(mail::kCategories, many)));
}

TEST_CASE("flag: what other programs set and clear counts, whatever the annotation says") {
  storage::MessageInfo info = test::message_info();
  info.flags.flagged = true;
  CHECK(rendered(info).child(mail::kFlag)->text_of(mail::kStatus) == "2");
  info.flags.annotation = R"({"flag":{"status":1,"type":"old","completed":"x"}})";
  CHECK(rendered(info).child(mail::kFlag)->text_of(mail::kStatus) == "2");
  CHECK(!rendered(info).child(mail::kFlag)->has(mail::kCompleteTime));
  info.flags.flagged = false;
  info.flags.annotation = R"({"flag":{"status":2,"type":"old"}})";
  CHECK(rendered(info).child(mail::kFlag)->is_empty());
  for (const char* broken : {"{", "[]", "null", "{\"flag\":5}", "{\"flag\":{\"status\":\"x\"}}"}) {
    info.flags.annotation = broken;
    CHECK(rendered(info).child(mail::kFlag)->is_empty());
  }
}

TEST_CASE("flag: the annotation stays under 4 KiB, keeps the verb and what it does not know") {
  eas::email::FollowUp long_one;
  long_one.status = eas::email::FlagStatus::active;
  for (std::string* text :
       {&long_one.type, &long_one.subject, &long_one.start, &long_one.due, &long_one.utc_start,
        &long_one.utc_due, &long_one.reminder, &long_one.completed, &long_one.date_completed,
        &long_one.ordinal, &long_one.sub_ordinal}) {
    for (int i = 0; i < 1000; ++i) *text += "你";
  }
  CHECK(eas::email::annotation_with_flag("", long_one).size() <= 4096);
  const std::string with_verb = eas::email::annotation_with_verb(
      R"({"other":1})", eas::email::Verb::forward, 1'772'360'430'400);
  const std::string both = eas::email::annotation_with_flag(with_verb, {});
  CHECK(both == R"({"other":1,"verb":{"last":3,"time":"2026-03-01T10:20:30.400Z"}})");
}

TEST_CASE("last verb: from the annotation, or from the flags that other programs set") {
  storage::MessageInfo info = test::message_info();
  const auto verb = [&] { return test::text(rendered(info), mail2::kLastVerbExecuted); };
  CHECK(verb() == "<absent>");
  info.flags.forwarded = true;
  CHECK(verb() == "3");
  info.flags.answered = true;
  CHECK(verb() == "1");
  info.flags.annotation =
      eas::email::annotation_with_verb("", eas::email::Verb::reply_all, 1'772'360'430'400);
  CHECK(verb() == "2");
  CHECK(test::text(rendered(info), mail2::kLastVerbExecutionTime) == "2026-03-01T10:20:30.400Z");
}

TEST_CASE("dates: written punctuated, read in both forms") {
  // covers: MS-ASDTYPE R16 R12211 R12213
  CHECK(eas::format_date_time(0) == "1970-01-01T00:00:00.000Z");
  CHECK(eas::format_date_time(1'772'360'430'400) == "2026-03-01T10:20:30.400Z");
  CHECK(eas::format_date_time(-1) == "1969-12-31T23:59:59.999Z");
  const std::pair<const char*, std::optional<storage::UnixMillis>> cases[] = {
      {"2026-03-01T10:20:30.400Z", 1'772'360'430'400},
      {"20260301T102030Z", 1'772'360'430'000},
      {"2026-03-01T10:20:30Z", 1'772'360'430'000},
      {"2024-02-29T00:00:00.000Z", 1'709'164'800'000},
      {"2023-02-29T00:00:00.000Z", {}},
      {"2026-13-01T00:00:00.000Z", {}},
      {"2026-03-01T24:00:00.000Z", {}},
      {"2026-03-01", {}},
      {"2026-03-01T10:20:30", {}},
      {"", {}},
      {"Z", {}},
      {"2026-03-01T10:20:30.Z", {}},
  };
  for (const auto& one : cases) {
    const auto& text = one.first;
    const auto& time = one.second;
    INFO(text);
    CHECK(eas::parse_date_time(text) == time);
  }
}
