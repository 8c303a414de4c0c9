#include "server/client/replay_compare.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "wbxml/code_pages.h"

namespace {

using eas::client::ComparedAnswers;
using eas::client::Finding;
using eas::client::Severity;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace em = wbxml::email;
namespace fh = wbxml::folder_hierarchy;
namespace mv = wbxml::move;

Element sync(const char* folder, const char* status, std::vector<Element> commands = {}) {
  Element collection(as::kCollection,
                     {Element(as::kCollectionId, folder), Element(as::kStatus, status)});
  if (!commands.empty()) collection.children.emplace_back(as::kCommands, std::move(commands));
  return Element(as::kSync, {Element(as::kCollections, {std::move(collection)})});
}

Element add(std::vector<Element> fields) {
  return Element(as::kAdd, {Element(as::kApplicationData, std::move(fields))});
}

std::vector<Finding> compare(const Element* recorded, const Element* live,
                             bool carried_over = true) {
  ComparedAnswers answers;
  answers.recorded = recorded;
  answers.live = live;
  answers.carried_over = carried_over;
  answers.folder_names = {{"1", "R1"}, {"2", "R2"}};
  return eas::client::compare_answers(answers);
}

std::string texts(const std::vector<Finding>& findings, Severity severity) {
  std::string all;
  for (const Finding& finding : findings) {
    if (finding.severity == severity) all += finding.text + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("compare: equal answers have no findings") {
  const Element recorded = sync("R1", "1", {add({Element(em::kSubject, "a")})});
  const Element live = sync("1", "1", {add({Element(em::kSubject, "other")})});
  CHECK(compare(&recorded, &live).empty());
  CHECK(compare(nullptr, nullptr).empty());
}

TEST_CASE("compare: a status that was good and is not is a problem, the other way round is none") {
  const Element good = sync("R1", "1"), bad = sync("1", "3");
  CHECK(texts(compare(&good, &bad), Severity::problem) ==
        "AirSync:Collection R1: status 3, recorded 1\n");
  CHECK(texts(compare(&good, &bad, false), Severity::problem).empty());
  const Element recorded_bad = sync("R1", "3"), live_good = sync("1", "1");
  CHECK(texts(compare(&recorded_bad, &live_good), Severity::problem).empty());
  const Element recorded_other = sync("R1", "5");
  CHECK(texts(compare(&recorded_other, &bad), Severity::problem).empty());
  CHECK(texts(compare(&recorded_other, &bad), Severity::note).find("status 3, recorded 5") !=
        std::string::npos);
}

TEST_CASE("compare: an error where there was an empty answer is a problem") {
  namespace cm = wbxml::compose_mail;
  const Element error(cm::kSendMail, {Element(cm::kStatus, "120")});
  CHECK(texts(compare(nullptr, &error), Severity::problem) ==
        "ComposeMail:SendMail: status 120, recorded none\n");
}

TEST_CASE("compare: an empty answer where there was one") {
  const Element quiet = sync("R1", "1");
  CHECK(compare(&quiet, nullptr).empty());
  const Element news = sync("R1", "1", {add({})});
  CHECK(texts(compare(&news, nullptr), Severity::problem).empty());
  CHECK_FALSE(compare(&news, nullptr).empty());
  Element responses = sync("R1", "1");
  responses.children[0].children[0].children.emplace_back(
      as::kResponses, std::vector<Element>{Element(as::kChange, {Element(as::kStatus, "1")})});
  CHECK_FALSE(texts(compare(&responses, nullptr), Severity::problem).empty());
  const Element folders(fh::kFolderSync, {Element(fh::kStatus, "1")});
  CHECK(texts(compare(&folders, nullptr), Severity::problem) == "the answer is empty\n");
}

TEST_CASE("compare: another root is a problem") {
  const Element recorded(fh::kFolderSync, {Element(fh::kStatus, "1")});
  const Element live = sync("1", "1");
  CHECK(texts(compare(&recorded, &live), Severity::problem).find("instead of a") !=
        std::string::npos);
}

TEST_CASE("compare: numbers of commands, missing elements and fields are notes") {
  const Element recorded =
      sync("R1", "1",
           {add({Element(em::kSubject, "a"), Element(em::kDisplayTo, "x")}),
            add({Element(em::kSubject, "b"), Element(em::kDisplayTo, "x"), Element(em::kCc, "c")}),
            Element(as::kDelete, {Element(as::kServerId, "1")})});
  const Element live = sync("1", "1", {add({Element(em::kSubject, "a")})});
  const auto findings = compare(&recorded, &live);
  CHECK(texts(findings, Severity::problem).empty());
  const std::string notes = texts(findings, Severity::note);
  CHECK(notes.find("1 × AirSync:Add, recorded 2\n") != std::string::npos);
  CHECK(notes.find("0 × AirSync:Delete, recorded 1\n") != std::string::npos);
  CHECK(notes.find("no item has Email:DisplayTo\n") != std::string::npos);
  CHECK(notes.find("Email:Cc") == std::string::npos);  // not all recorded items had it
}

TEST_CASE("compare: success has the number of its command, and a flag's status is none") {
  CHECK(eas::client::is_success(mv::kStatus, "3"));
  CHECK_FALSE(eas::client::is_success(mv::kStatus, "1"));
  CHECK(eas::client::is_success(wbxml::ping::kStatus, "2"));
  CHECK(eas::client::is_success(as::kStatus, "1"));
  CHECK_FALSE(eas::client::is_success(as::kStatus, ""));
  const auto flagged = [](const char* status) {
    return sync("1", "1", {add({Element(em::kFlag, {Element(em::kStatus, status)})})});
  };
  const Element a = flagged("0"), b = flagged("2");
  CHECK(compare(&a, &b).empty());
}
