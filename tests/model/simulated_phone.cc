#include "tests/model/simulated_phone.h"

#include <algorithm>

#include "wbxml/code_pages.h"

namespace test {
namespace {

namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace compose = wbxml::compose_mail;
namespace email = wbxml::email;
namespace move_page = wbxml::move;
using wbxml::Element;

Element text(wbxml::Tag tag, std::string value) { return Element(tag, std::move(value)); }

}  // namespace

bool SimulatedPhone::finish_pending(const Exchange& exchange) {
  if (!pending_) return true;
  const auto answer = exchange(pending_->command, pending_->body);
  if (!answer) return false;
  const Pending done = std::move(*pending_);
  pending_.reset();
  done.apply(*answer);
  return true;
}

void SimulatedPhone::start(Pending pending, const Exchange& exchange) {
  constexpr std::size_t kRemembered = 6;
  earlier_.push_back({pending.command, pending.collection, pending.body, {}});
  if (earlier_.size() > kRemembered) earlier_.erase(earlier_.begin());
  pending_ = std::move(pending);
  finish_pending(exchange);
}

void SimulatedPhone::repeat_earlier(unsigned which, const Exchange& exchange) {
  if (earlier_.empty()) return;
  const Pending& copy = earlier_[which % earlier_.size()];
  if (copy.command == "Sync") folders_[copy.collection].may_start_again = true;
  exchange(copy.command, copy.body);
}

void SimulatedPhone::start_again(const std::string& collection, const Exchange& exchange) {
  if (!finish_pending(exchange)) return;
  folders_[collection] = PhoneFolder{};
  sync(collection, 1, exchange);
}

void SimulatedPhone::sync(const std::string& collection, int window, const Exchange& exchange) {
  if (!finish_pending(exchange)) return;
  PhoneFolder& folder = folders_[collection];
  Element request(airsync::kCollection);
  if (version_ <= eas::Version::v12_1) request.children.push_back(text(airsync::kClass, "Email"));
  request.children.push_back(text(airsync::kSyncKey, folder.key));
  request.children.push_back(text(airsync::kCollectionId, collection));
  std::size_t sent = 0;
  if (folder.key != "0") {
    if (version_ <= eas::Version::v12_0) request.children.emplace_back(airsync::kGetChanges);
    request.children.push_back(text(airsync::kWindowSize, std::to_string(window)));
    Element options(airsync::kOptions);
    options.children.push_back(text(airsync::kFilterType, std::to_string(filter_)));
    if (version_ >= eas::Version::v12_0) {
      Element preference(base::kBodyPreference);
      preference.children.push_back(text(base::kType, "1"));
      preference.children.push_back(text(base::kTruncationSize, "100"));
      options.children.push_back(std::move(preference));
    } else {
      options.children.push_back(text(airsync::kTruncation, "1"));
    }
    request.children.push_back(std::move(options));
    if (!folder.unsent.empty()) {
      sent = folder.unsent.size();
      Element commands(airsync::kCommands);
      commands.children = folder.unsent;
      request.children.push_back(std::move(commands));
    }
  }
  Element collections(airsync::kCollections);
  collections.children.push_back(std::move(request));
  Element root(airsync::kSync);
  root.children.push_back(std::move(collections));
  start({"Sync", collection, std::move(root),
         [this, collection, sent](const Element& answer) { apply_sync(collection, sent, answer); }},
        exchange);
}

void SimulatedPhone::apply_sync(const std::string& collection, std::size_t sent,
                                const Element& answer) {
  PhoneFolder& folder = folders_[collection];
  folder.more = false;
  const Element* collections = answer.child(airsync::kCollections);
  if (collections == nullptr) {
    if (!answer.is_empty()) complain("Sync without collections: status");
    if (sent > 0) complain("commands were answered with nothing");
    return;
  }
  for (const Element& element : collections->children) {
    if (element.text_of(airsync::kCollectionId) != collection) {
      complain("an answer for another collection");
      continue;
    }
    if (element.text_of(airsync::kStatus) == "3") {  // start again; local changes are lost
      if (!folder.may_start_again) complain("Sync has to start again");
      folder = PhoneFolder{};
      folder.more = true;
      continue;
    }
    if (element.text_of(airsync::kStatus) != "1") complain("unexpected Sync status");
    folder.may_start_again = false;
    folder.synced = folder.key != "0";
    folder.key = std::string(element.text_of(airsync::kSyncKey).value_or("0"));
    folder.more = element.has(airsync::kMoreAvailable);
    folder.unsent.erase(folder.unsent.begin(),
                        folder.unsent.begin() + static_cast<std::ptrdiff_t>(sent));
    sent = 0;
    if (const Element* commands = element.child(airsync::kCommands)) {
      for (const Element& operation : commands->children) apply_operation(folder, operation);
    }
  }
}

void SimulatedPhone::apply_operation(PhoneFolder& folder, const Element& operation) {
  const std::string id(operation.text_of(airsync::kServerId).value_or(""));
  if (operation.tag == airsync::kDelete || operation.tag == airsync::kSoftDelete) {
    folder.items.erase(id);
    return;
  }
  const Element* data = operation.child(airsync::kApplicationData);
  if (data == nullptr) return complain("no ApplicationData for " + id);
  if (operation.tag == airsync::kAdd) {
    // After MoveItems the phone has the item under its new id already; its Add replaces it.
    const bool expected = moved_here_.erase(id) > 0;
    if (folder.items.count(id) != 0 && !expected) complain("added twice: " + id);
    folder.items[id].subject = std::string(data->text_of(email::kSubject).value_or(""));
  } else if (folder.items.count(id) == 0) {
    return;  // changed after the phone removed it
  }
  if (const auto read = data->text_of(email::kRead)) folder.items[id].read = *read == "1";
}

void SimulatedPhone::toggle_read(const std::string& collection, const std::string& server_id) {
  PhoneFolder& folder = folders_[collection];
  PhoneItem& item = folder.items.at(server_id);
  item.read = !item.read;
  Element data(airsync::kApplicationData);
  data.children.push_back(text(email::kRead, item.read ? "1" : "0"));
  Element change(airsync::kChange);
  change.children.push_back(text(airsync::kServerId, server_id));
  change.children.push_back(std::move(data));
  folder.unsent.push_back(std::move(change));
}

void SimulatedPhone::remove(const std::string& collection, const std::string& server_id) {
  PhoneFolder& folder = folders_[collection];
  folder.items.erase(server_id);
  Element removal(airsync::kDelete);
  removal.children.push_back(text(airsync::kServerId, server_id));
  folder.unsent.push_back(std::move(removal));
}

void SimulatedPhone::move(const std::string& from, const std::string& server_id,
                          const std::string& to, const Exchange& exchange) {
  if (!finish_pending(exchange)) return;
  Element one(move_page::kMove);
  one.children.push_back(text(move_page::kSrcMsgId, server_id));
  one.children.push_back(text(move_page::kSrcFldId, from));
  one.children.push_back(text(move_page::kDstFldId, to));
  Element root(move_page::kMoveItems);
  root.children.push_back(std::move(one));
  const auto apply = [this, from, server_id, to](const Element& answer) {
    const Element* response = answer.child(move_page::kResponse);
    if (response == nullptr) return complain("MoveItems without Response");
    const auto status = response->text_of(move_page::kStatus);
    if (status == "1") called_gone_.insert(server_id);
    if (status != "1" && status != "3") complain("unexpected MoveItems status");
    if (status != "3") return;
    const std::string moved(response->text_of(move_page::kDstMsgId).value_or(""));
    const auto found = folders_[from].items.find(server_id);
    if (found == folders_[from].items.end()) return;
    const PhoneItem item = found->second;
    folders_[from].items.erase(found);
    // A folder whose content it never asked for is filled by its first Sync.
    if (folders_[to].synced && folders_[to].items.count(moved) == 0) {
      folders_[to].items[moved] = item;
      moved_here_[moved] = true;
    }
  };
  start({"MoveItems", "", std::move(root), apply}, exchange);
}

bool SimulatedPhone::send_mail(const std::string& client_id, const std::string& mime,
                               const Exchange& exchange) {
  if (!finish_pending(exchange)) return false;
  Element root(compose::kSendMail);
  root.children.push_back(text(compose::kClientId, client_id));
  root.children.emplace_back(compose::kSaveInSentItems);
  Element content(compose::kMime, mime);
  content.opaque = true;
  root.children.push_back(std::move(content));
  start({"SendMail", "", std::move(root),
         [this](const Element& answer) {
           if (!answer.is_empty()) complain("SendMail was refused");
         }},
        exchange);
  return true;
}

}  // namespace test
