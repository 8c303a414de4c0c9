#include "server/client/mail_folder.h"

#include "wbxml/code_pages.h"

namespace eas::client {

using storage::ErrorKind;
using storage::fail;
using storage::Result;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace em = wbxml::email;

namespace {

constexpr int kInvalidSyncKey = 3;

void read_attachments(const Element& list, MailItem& item) {
  item.attachments.clear();
  for (const Element& entry : list.children) {
    const auto text = [&entry](wbxml::Tag current, wbxml::Tag old) {
      const auto value = entry.text_of(current);
      return std::string(value ? *value : entry.text_of(old).value_or(""));
    };
    item.attachments.push_back(MailAttachment{text(base::kDisplayName, em::kDisplayName),
                                              text(base::kFileReference, em::kAttName)});
  }
}

Element change(const std::string& server_id, Element data) {
  return Element(as::kChange, {Element(as::kServerId, server_id),
                               Element(as::kApplicationData, {std::move(data)})});
}

// [MS-ASCMD] 2.2.3.186 Truncation of 2.5: the step that holds so many bytes.
std::string truncation_step(int bytes) {
  if (bytes < 0) return "9";
  if (bytes == 0) return "0";
  return bytes <= 512 ? "1" : bytes <= 1024 ? "2" : bytes <= 2048 ? "3" : bytes <= 5120 ? "4" : "8";
}

}  // namespace

void read_mail_data(const Element& data, MailItem& item) {
  for (const Element& field : data.children) {
    if (field.tag == em::kSubject) item.subject = field.text;
    if (field.tag == em::kFrom) item.from = field.text;
    if (field.tag == em::kTo) item.to = field.text;
    if (field.tag == em::kDateReceived) item.date_received = field.text;
    if (field.tag == em::kRead) item.read = field.text == "1";
    if (field.tag == em::kFlag) item.flag = number_of(field, em::kStatus);
    if (field.tag == em::kBody) item.body = field.text;
    if (field.tag == base::kBody) item.body = field.text_of(base::kData).value_or("");
    if (field.tag == base::kAttachments || field.tag == em::kAttachments) {
      read_attachments(field, item);
    }
  }
}

Element change_read(const std::string& server_id, bool read) {
  return change(server_id, Element(em::kRead, read ? "1" : "0"));
}

Element change_flag(const std::string& server_id, int flag) {
  Element element(em::kFlag);
  if (flag != 0) {
    element.children.emplace_back(em::kStatus, std::to_string(flag));
    element.children.emplace_back(em::kFlagType, "for Follow Up");
  }
  return change(server_id, std::move(element));
}

Element delete_item(const std::string& server_id) {
  return Element(as::kDelete, {Element(as::kServerId, server_id)});
}

Element fetch_command(const std::string& server_id) {
  return Element(as::kFetch, {Element(as::kServerId, server_id)});
}

const MailItem* MailFolder::find_subject(std::string_view subject) const {
  for (const auto& [id, item] : items_) {
    if (item.subject == subject) return &item;
  }
  return nullptr;
}

Element MailFolder::sync_options(Version version) const {
  Element options(as::kOptions, {Element(as::kFilterType, std::to_string(options_.filter))});
  if (version == Version::v2_5) {
    options.children.emplace_back(as::kTruncation, truncation_step(options_.truncation));
    if (options_.body_type == 4) options.children.emplace_back(as::kMIMESupport, "2");
  } else if (options_.body_type != 0) {
    if (options_.body_type == 4) options.children.emplace_back(as::kMIMESupport, "2");
    Element preference(base::kBodyPreference,
                       {Element(base::kType, std::to_string(options_.body_type))});
    if (options_.truncation >= 0) {
      preference.children.emplace_back(base::kTruncationSize, std::to_string(options_.truncation));
    }
    options.children.push_back(std::move(preference));
  }
  return options;
}

Element MailFolder::request(Version version, std::vector<Element> commands) const {
  Element collection(as::kCollection);
  if (version <= Version::v12_0) collection.children.emplace_back(as::kClass, "Email");
  collection.children.emplace_back(as::kSyncKey, sync_key_);
  collection.children.emplace_back(as::kCollectionId, collection_id_);
  if (sync_key_ != "0") {
    collection.children.emplace_back(as::kDeletesAsMoves, "1");
    if (version < Version::v12_1) {
      collection.children.emplace_back(as::kGetChanges);
    } else {
      collection.children.emplace_back(as::kGetChanges, "1");
    }
    collection.children.emplace_back(as::kWindowSize, std::to_string(options_.window));
  }
  collection.children.push_back(sync_options(version));
  if (sync_key_ != "0" && !commands.empty()) {
    collection.children.emplace_back(as::kCommands, std::move(commands));
  }
  return Element(as::kSync, {Element(as::kCollections, {std::move(collection)})});
}

void MailFolder::apply_command(const Element& command, SyncRound& round) {
  const std::string id(command.text_of(as::kServerId).value_or(""));
  if (command.tag == as::kDelete || command.tag == as::kSoftDelete) {
    items_.erase(id);
    (command.tag == as::kDelete ? round.deleted : round.soft_deleted).push_back(id);
    return;
  }
  const Element* data = command.child(as::kApplicationData);
  if (data == nullptr) return;
  MailItem& item = items_[id];
  item.server_id = id;
  if (command.tag == as::kAdd) {
    item.data = *data;
    round.added.push_back(id);
  } else {
    round.changed.push_back(id);
  }
  read_mail_data(*data, item);
}

SyncRound MailFolder::apply(const Element& answer) {
  SyncRound round;
  if (answer.tag != as::kSync) {  // an empty answer
    round.status = 1;
    round.empty = true;
    return round;
  }
  const Element* collection = nullptr;
  if (const Element* collections = answer.child(as::kCollections)) {
    for (const Element& candidate : collections->children) {
      if (candidate.text_of(as::kCollectionId) == collection_id_) collection = &candidate;
    }
  }
  if (collection == nullptr) {
    round.status = number_of(answer, as::kStatus, 1);
    round.empty = round.status == 1;
    return round;
  }
  round.status = number_of(*collection, as::kStatus);
  if (round.status == kInvalidSyncKey) {
    sync_key_ = "0";
    items_.clear();
  }
  if (round.status != 1) return round;
  sync_key_ = collection->text_of(as::kSyncKey).value_or("");
  round.more = collection->has(as::kMoreAvailable);
  if (const Element* responses = collection->child(as::kResponses)) round.responses = *responses;
  if (const Element* commands = collection->child(as::kCommands)) {
    for (const Element& command : commands->children) apply_command(command, round);
  }
  return round;
}

Result<SyncRound> MailFolder::sync_once(EasClient& client, std::vector<Element> commands) {
  GODWIT_ASSIGN(const Element answer,
                client.command(request(client.settings().version, std::move(commands))));
  return apply(answer);
}

Result<std::size_t> MailFolder::sync_all(EasClient& client) {
  std::size_t added = 0;
  for (;;) {
    const bool first = sync_key_ == "0";
    GODWIT_ASSIGN(const SyncRound round, sync_once(client));
    if (round.status != 1) {
      return fail(ErrorKind::conflict, "Sync status " + std::to_string(round.status));
    }
    added += round.added.size();
    if (!round.more && !first) return added;
    if (first && sync_key_ == "0") return fail(ErrorKind::internal, "Sync gave no key");
  }
}

}  // namespace eas::client
