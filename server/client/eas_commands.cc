// The commands of EasClient: what a phone sends for each, in each version.
#include <algorithm>

#include "server/client/eas_client.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas::client {

using storage::ErrorKind;
using storage::fail;
using storage::Result;
using wbxml::Element;
namespace fh = wbxml::folder_hierarchy;
namespace io = wbxml::item_operations;

namespace {

constexpr int kNoPolicy = 2;

Result<void> expect_status(const Element& answer, wbxml::Tag tag, const char* command) {
  const int status = number_of(answer, tag, -1);
  if (status == 1) return {};
  return fail(ErrorKind::conflict, std::string(command) + " status " + std::to_string(status));
}

Element device_information() {
  namespace st = wbxml::settings;
  return Element(
      st::kDeviceInformation,
      {Element(st::kSet, {Element(st::kModel, "Godwit client"), Element(st::kOS, "Godwit"),
                          Element(st::kFriendlyName, "Godwit client")})});
}

Element policy_request(Version version, std::uint32_t key) {
  namespace pv = wbxml::provision;
  Element policy(pv::kPolicy, {Element(pv::kPolicyType, version == Version::v2_5
                                                            ? "MS-WAP-Provisioning-XML"
                                                            : "MS-EAS-Provisioning-WBXML")});
  if (key != 0) {
    policy.children.emplace_back(pv::kPolicyKey, std::to_string(key));
    policy.children.emplace_back(pv::kStatus, "1");
  }
  Element request(pv::kProvision);
  if (key == 0 && version >= Version::v14_1) request.children.push_back(device_information());
  request.children.emplace_back(pv::kPolicies, std::vector<Element>{std::move(policy)});
  return request;
}

Folder to_folder(const Element& entry) {
  const auto text = [&entry](wbxml::Tag tag) {
    return std::string(entry.text_of(tag).value_or(""));
  };
  return Folder{text(fh::kServerId), text(fh::kParentId), text(fh::kDisplayName),
                number_of(entry, fh::kType)};
}

}  // namespace

Result<std::uint32_t> EasClient::provision() {
  namespace pv = wbxml::provision;
  std::uint32_t key = 0;
  policy_key_ = 0;
  for (int phase = 1; phase <= 2; ++phase) {
    GODWIT_ASSIGN(const Element answer, command(policy_request(options_.version, key)));
    GODWIT_TRY(expect_status(answer, pv::kStatus, "Provision"));
    const Element* policies = answer.child(pv::kPolicies);
    const Element* policy = policies == nullptr ? nullptr : policies->child(pv::kPolicy);
    if (policy == nullptr) return fail(ErrorKind::internal, "Provision without a policy");
    if (number_of(*policy, pv::kStatus, -1) == kNoPolicy) return policy_key_;
    GODWIT_TRY(expect_status(*policy, pv::kStatus, "Provision policy"));
    const auto number = storage::parse_uint(policy->text_of(pv::kPolicyKey).value_or(""));
    if (!number || *number > UINT32_MAX) return fail(ErrorKind::internal, "no policy key");
    key = static_cast<std::uint32_t>(*number);
    policy_key_ = key;
  }
  return key;
}

Result<void> EasClient::folder_sync(FolderHierarchy& hierarchy) {
  GODWIT_ASSIGN(const Element answer,
                command(Element(fh::kFolderSync, {Element(fh::kSyncKey, hierarchy.sync_key)})));
  GODWIT_TRY(expect_status(answer, fh::kStatus, "FolderSync"));
  hierarchy.sync_key = answer.text_of(fh::kSyncKey).value_or("");
  const Element* changes = answer.child(fh::kChanges);
  if (changes == nullptr) return {};
  for (const Element& change : changes->children) {
    Folder folder = to_folder(change);
    if (change.tag == fh::kDelete) {
      hierarchy.folders.erase(folder.server_id);
    } else if (change.tag == fh::kAdd || change.tag == fh::kUpdate) {
      std::string id = folder.server_id;
      hierarchy.folders[std::move(id)] = std::move(folder);
    }
  }
  return {};
}

Result<PingAnswer> EasClient::ping(int heartbeat_seconds, const std::vector<std::string>& folders,
                                   std::chrono::milliseconds patience) {
  namespace pg = wbxml::ping;
  Element request(pg::kPing, {Element(pg::kHeartbeatInterval, std::to_string(heartbeat_seconds))});
  if (!folders.empty()) {
    Element list(pg::kFolders);
    for (const std::string& id : folders) {
      list.children.push_back(
          Element(pg::kFolder, {Element(pg::kId, id), Element(pg::kClass, "Email")}));
    }
    request.children.push_back(std::move(list));
  }
  if (patience.count() == 0) patience = std::chrono::seconds(heartbeat_seconds + 30);
  GODWIT_ASSIGN(const Element answer, command(request, patience));
  PingAnswer result;
  result.status = number_of(answer, pg::kStatus);
  if (result.status != 1 && result.status != 2 && result.status != 5 && result.status != 6) {
    return fail(ErrorKind::conflict, "Ping status " + std::to_string(result.status));
  }
  result.limit = number_of(answer, pg::kHeartbeatInterval, number_of(answer, pg::kMaxFolders));
  if (const Element* changed = answer.child(pg::kFolders)) {
    for (const Element& folder : changed->children) result.changed.push_back(folder.text);
  }
  return result;
}

Result<void> EasClient::send_mail(std::string_view mime, std::string_view client_id,
                                  bool save_in_sent) {
  namespace cm = wbxml::compose_mail;
  PostRequest request;
  request.command = "SendMail";
  if (options_.version >= Version::v14_0) {
    wbxml::Encoder out;
    out.start(cm::kSendMail);
    out.text(cm::kClientId, client_id);
    if (save_in_sent) out.empty(cm::kSaveInSentItems);
    out.opaque(cm::kMime, mime);
    out.end();
    request.body = out.take();
  } else {
    request.body = mime;
    request.content_type = "message/rfc822";
    request.params.emplace_back("SaveInSent", save_in_sent ? "T" : "F");
  }
  GODWIT_ASSIGN(const Answer answer, post(request));
  if (auto error = http_error(answer)) return fail(std::move(*error));
  if (!answer.tree) return {};  // an empty body says that all is well
  return expect_status(*answer.tree, cm::kStatus, "SendMail");
}

Result<Element> EasClient::fetch_item(const std::string& collection_id,
                                      const std::string& server_id, int body_type) {
  namespace as = wbxml::airsync;
  namespace base = wbxml::airsync_base;
  Element options(io::kOptions);
  if (body_type == 4) options.children.emplace_back(as::kMIMESupport, "2");
  options.children.push_back(
      Element(base::kBodyPreference, {Element(base::kType, std::to_string(body_type))}));
  const Element request(
      io::kItemOperations,
      {Element(io::kFetch,
               {Element(io::kStore, "Mailbox"), Element(as::kCollectionId, collection_id),
                Element(as::kServerId, server_id), std::move(options)})});
  GODWIT_ASSIGN(const Element answer, command(request));
  GODWIT_TRY(expect_status(answer, io::kStatus, "ItemOperations"));
  const Element* response = answer.child(io::kResponse);
  const Element* fetch = response == nullptr ? nullptr : response->child(io::kFetch);
  if (fetch == nullptr) return fail(ErrorKind::internal, "ItemOperations without a Fetch");
  GODWIT_TRY(expect_status(*fetch, io::kStatus, "Fetch"));
  const Element* properties = fetch->child(io::kProperties);
  if (properties == nullptr) return fail(ErrorKind::internal, "Fetch without Properties");
  return *properties;
}

Result<Attachment> EasClient::fetch_attachment(const std::string& file_reference) {
  if (options_.version == Version::v2_5) {
    PostRequest request;
    request.command = "GetAttachment";
    request.params.emplace_back("AttachmentName", file_reference);
    request.content_type.clear();
    GODWIT_ASSIGN(Answer answer, post(request));
    if (auto error = http_error(answer)) return fail(std::move(*error));
    return Attachment{std::string(answer.header("Content-Type")), std::move(answer.body)};
  }
  namespace base = wbxml::airsync_base;
  const Element request(io::kItemOperations,
                        {Element(io::kFetch, {Element(io::kStore, "Mailbox"),
                                              Element(base::kFileReference, file_reference)})});
  GODWIT_ASSIGN(const Element answer, command(request));
  GODWIT_TRY(expect_status(answer, io::kStatus, "ItemOperations"));
  const Element* response = answer.child(io::kResponse);
  const Element* fetch = response == nullptr ? nullptr : response->child(io::kFetch);
  if (fetch == nullptr) return fail(ErrorKind::internal, "ItemOperations without a Fetch");
  GODWIT_TRY(expect_status(*fetch, io::kStatus, "Fetch"));
  const Element* properties = fetch->child(io::kProperties);
  const Element* data = properties == nullptr ? nullptr : properties->child(io::kData);
  if (data == nullptr) return fail(ErrorKind::internal, "Fetch without Data");
  Attachment attachment;
  attachment.content_type = properties->text_of(base::kContentType).value_or("");
  std::optional<std::string> bytes = storage::base64_decode(data->text);
  if (!bytes) return fail(ErrorKind::internal, "the attachment's Data is not base64");
  attachment.bytes = std::move(*bytes);
  return attachment;
}

}  // namespace eas::client
