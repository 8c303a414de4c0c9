#include "server/client/replay_compare.h"

#include <algorithm>
#include <map>
#include <set>

#include "wbxml/code_pages.h"

namespace eas::client {
namespace {

using wbxml::Element;
using wbxml::Tag;
namespace as = wbxml::airsync;

// Elements that hold an item's content. Their children depend on the mailbox.
bool holds_item(Tag tag) {
  return tag == as::kApplicationData || tag == wbxml::item_operations::kProperties ||
         tag == wbxml::search::kProperties;
}

// Whether an answer has it depends on what the mailbox holds and not on how the server answers.
bool depends_on_mailbox(Tag tag) {
  for (const Tag dependent :
       {as::kAdd, as::kChange, as::kDelete, as::kSoftDelete, as::kFetch, as::kServerId,
        as::kClientId, as::kApplicationData, as::kCommands, as::kMoreAvailable}) {
    if (tag == dependent) return true;
  }
  return false;
}

bool is_status(Tag tag) {
  // Email:Status is a flag's state, and none of the item pages has a protocol status.
  for (const std::uint8_t page : {wbxml::email::kPage, wbxml::calendar::kPage, wbxml::tasks::kPage,
                                  wbxml::contacts::kPage, wbxml::email2::kPage}) {
    if (tag.page == page) return false;
  }
  const wbxml::TagInfo* info = wbxml::find_tag(tag);
  return info != nullptr && info->name == "Status";
}

// Everything that counts in one answer, flattened.
struct Summary {
  // (where, its status), in order. "where" names the element around it.
  std::vector<std::pair<std::string, std::pair<Tag, std::string>>> statuses;
  std::set<std::string> elements;          // outside of items
  std::map<std::string, int> commands;     // "Add" → how many, in Sync
  std::map<std::string, int> item_fields;  // "Email:Subject" → in how many items
  int items = 0;
};

class Summarizer {
 public:
  explicit Summarizer(const std::vector<std::pair<std::string, std::string>>& folder_names)
      : folder_names_(folder_names) {}

  Summary run(const Element* root) {
    if (root != nullptr) walk(*root, wbxml::to_string(root->tag), root->tag);
    return std::move(summary_);
  }

 private:
  std::string folder_name(std::string_view id) const {
    for (const auto& [live, recorded] : folder_names_) {
      if (live == id) return recorded;
    }
    return std::string(id);
  }

  void walk(const Element& element, const std::string& where, Tag around) {
    if (!depends_on_mailbox(element.tag)) summary_.elements.insert(wbxml::to_string(element.tag));
    if (is_status(element.tag)) {
      summary_.statuses.push_back({where, {element.tag, element.text}});
      return;
    }
    if (around == as::kCommands) ++summary_.commands[wbxml::to_string(element.tag)];
    if (holds_item(element.tag)) {
      ++summary_.items;
      std::set<std::string> names;
      for (const Element& field : element.children) names.insert(wbxml::to_string(field.tag));
      for (const std::string& name : names) ++summary_.item_fields[name];
      return;
    }
    for (const Element& child : element.children) {
      const bool status = is_status(child.tag);
      walk(child, status ? name_of(element, where) : wbxml::to_string(child.tag), element.tag);
    }
  }

  std::string name_of(const Element& element, const std::string& where) const {
    const auto folder = element.text_of(as::kCollectionId);
    return element.tag == as::kCollection && folder ? where + " " + folder_name(*folder) : where;
  }

  const std::vector<std::pair<std::string, std::string>>& folder_names_;
  Summary summary_;
};

class Comparison {
 public:
  explicit Comparison(const ComparedAnswers& answers)
      : answers_(answers),
        recorded_(Summarizer(no_names_).run(answers.recorded)),
        live_(Summarizer(answers.folder_names).run(answers.live)) {}

  std::vector<Finding> run() {
    compare_statuses();
    if (answers_.live != nullptr && answers_.recorded != nullptr) {
      if (answers_.live->tag != answers_.recorded->tag) {
        add(failure(), "the answer is a " + wbxml::to_string(answers_.live->tag) +
                           " instead of a " + wbxml::to_string(answers_.recorded->tag));
      }
      compare_commands();
      compare_elements();
      compare_fields();
    } else if (answers_.live == nullptr && answers_.recorded != nullptr) {
      compare_with_nothing();
    }
    return std::move(findings_);
  }

 private:
  void add(Severity severity, std::string text) {
    findings_.push_back(Finding{severity, std::move(text)});
  }
  Severity failure() const { return answers_.carried_over ? Severity::problem : Severity::note; }

  // The n-th status of a place against the n-th of the same place.
  void compare_statuses() {
    std::map<std::string, std::vector<std::pair<Tag, std::string>>> recorded;
    for (const auto& [where, status] : recorded_.statuses) recorded[where].push_back(status);
    std::map<std::string, std::size_t> seen;
    for (const auto& [where, status] : live_.statuses) {
      const auto& there = recorded[where];
      const std::size_t index = seen[where]++;
      const bool known = index < there.size();
      const std::string was = known ? there[index].second : "none";
      if (was == status.second) continue;
      const bool good = is_success(status.first, status.second);
      const bool was_good = !known || is_success(there[index].first, was);
      if (good && (was_good || !known)) continue;
      std::string text = where;
      text.append(": status ").append(status.second).append(", recorded ").append(was);
      add(!good && was_good ? failure() : Severity::note, std::move(text));
    }
  }

  void compare_commands() {
    std::set<std::string> names;
    for (const auto& [name, count] : recorded_.commands) names.insert(name);
    for (const auto& [name, count] : live_.commands) names.insert(name);
    for (const std::string& name : names) {
      const int recorded = recorded_.commands[name], live = live_.commands[name];
      if (recorded == live) continue;
      add(Severity::note,
          std::to_string(live) + " × " + name + ", recorded " + std::to_string(recorded));
    }
  }

  void compare_elements() {
    for (const std::string& name : recorded_.elements) {
      if (live_.elements.count(name) != 0) continue;
      add(Severity::note, name + " is missing");
    }
  }

  // Elements that every recorded item has and no live one: more than the mailbox's doing.
  void compare_fields() {
    if (recorded_.items == 0 || live_.items == 0) return;
    for (const auto& [name, count] : recorded_.item_fields) {
      if (count == recorded_.items && live_.item_fields[name] == 0) {
        add(Severity::note, "no item has " + name);
      }
    }
  }

  // An empty answer to Sync says that nothing has changed; to SendMail that all went well.
  void compare_with_nothing() {
    if (answers_.recorded->tag == as::kSync) {
      if (recorded_.elements.count(wbxml::to_string(as::kResponses)) != 0) {
        add(failure(), "the answer is empty, recorded were Responses");
      } else if (!recorded_.commands.empty()) {
        add(Severity::note, "nothing has changed here, recorded were changes");
      }
      return;
    }
    if (answers_.recorded->tag.page == wbxml::compose_mail::kPage) return;
    add(failure(), "the answer is empty");
  }

  const ComparedAnswers& answers_;
  const std::vector<std::pair<std::string, std::string>> no_names_;
  Summary recorded_, live_;
  std::vector<Finding> findings_;
};

}  // namespace

bool is_success(Tag status, std::string_view value) {
  if (status == wbxml::move::kStatus) return value == "3";
  if (status == wbxml::ping::kStatus) return value == "1" || value == "2";
  // Whom a name means depends on who is there: several people (2, 3) is as good an answer as one.
  if (status == wbxml::resolve_recipients::kStatus && (value == "2" || value == "3")) return true;
  return value == "1";
}

std::vector<Finding> compare_answers(const ComparedAnswers& answers) {
  return Comparison(answers).run();
}

}  // namespace eas::client
