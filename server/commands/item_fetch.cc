// ItemOperations Fetch: a message by its ids or its LongId, or an attachment. [MS-ASCMD]
// 2.2.3.67.1, 2.2.3.125.3; [MS-ASAIRS] 2.2.3.1
//
// There is no document library here (status 9).
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/commands/body_options.h"
#include "server/commands/item_operation.h"
#include "server/commands/status.h"
#include "server/commands/sync_render.h"
#include "server/config/limits.h"
#include "server/items/email/email.h"
#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace eas {
namespace {

namespace tag = wbxml::item_operations;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;
using namespace item_status;
using storage::ErrorKind;

constexpr std::size_t kMaxPassword = 256;  // characters. [MS-ASCMD] 2.2.3.132.1
constexpr std::size_t kMaxLongId = 256;

struct ByteRange {
  std::size_t first = 0;
  std::size_t last = 0;  // inclusive
};

// "m-n" with m <= n.
std::optional<ByteRange> parse_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = storage::parse_uint(storage::trim(text.substr(0, dash)));
  const auto last = storage::parse_uint(storage::trim(text.substr(dash + 1)));
  if (!first || !last || *first > *last) return std::nullopt;
  return ByteRange{static_cast<std::size_t>(*first), static_cast<std::size_t>(*last)};
}

int status_of(const storage::Error& error, int when_missing) {
  switch (error.kind) {
    case ErrorKind::not_found:
    case ErrorKind::invalid:
      return when_missing;
    case ErrorKind::too_large:
      return kTooLarge;
    case ErrorKind::corrupt:
      return kConversionFailed;
    case ErrorKind::denied:
      return kAccessDenied;
    default:
      return kServerError;
  }
}

class Fetcher {
 public:
  Fetcher(ItemOperationContext& context, const wbxml::Element& fetch, wbxml::Encoder& out)
      : context_(context), request_(context.request), fetch_(fetch), out_(out) {}

  // Writes the Fetch element.
  void run() {
    const wbxml::Encoder::Mark before = out_.mark();
    const std::size_t parts = context_.parts.size();
    const std::size_t most = 2 * context_.services.limits->max_mail;
    out_.start(tag::kFetch);
    const int status = context_.bytes > most ? kTooLarge : write();
    if (status == kSuccess) {
      out_.end();
      return;
    }
    log_refusal(request_, "ItemOperations", status, "the Fetch was not served");
    // Whatever was written of it is taken back.
    out_.rewind(before);
    context_.parts.resize(parts);
    out_.start(tag::kFetch);
    out_.number(tag::kStatus, status);
    echo_ids();
    out_.end();
  }

 private:
  int write() {
    const auto store = fetch_.text_of(tag::kStore);
    if (!store) return kProtocolError;
    if (!storage::equals_ignore_case(*store, "Mailbox")) return kUnknownStore;
    const auto references = std::count_if(
        fetch_.children.begin(), fetch_.children.end(),
        [](const wbxml::Element& child) { return child.tag == base::kFileReference; });
    const bool item = fetch_.has(airsync::kServerId);
    const bool long_id = fetch_.has(wbxml::search::kLongId);
    // One of the three; a LinkId is of a document library.
    if (references + (item ? 1 : 0) + (long_id ? 1 : 0) != 1 ||
        fetch_.has(wbxml::document_library::kLinkId)) {
      return kProtocolError;
    }
    if (references == 1) return write_attachment();
    return item ? write_by_ids() : write_by_long_id();
  }

  void echo_ids() {
    for (const wbxml::Tag id : {airsync::kCollectionId, airsync::kServerId, wbxml::search::kLongId,
                                wbxml::document_library::kLinkId, base::kFileReference}) {
      const auto text = fetch_.text_of(id);
      if (text && !text->empty()) out_.text(id, storage::utf8_prefix(*text, kMaxLongId));
    }
  }

  // --- messages ---------------------------------------------------------------------------------

  int write_by_ids() {
    const auto id = parse_item_id(*fetch_.text_of(airsync::kServerId));
    if (!id) return kNotFound;
    if (const auto collection = fetch_.text_of(airsync::kCollectionId)) {
      if (parse_collection_id(*collection) != id->first) return kNotFound;
    }
    return write_message(id->first, id->second, [&] {
      out_.text(airsync::kCollectionId, to_collection_id(id->first));
      out_.text(airsync::kServerId, to_item_id(id->first, id->second));
    });
  }

  int write_by_long_id() {
    const std::string_view text = *fetch_.text_of(wbxml::search::kLongId);
    const auto id = parse_long_id(text);
    if (!id) return kNotFound;
    return write_message(id->first, id->second, [&] { out_.text(wbxml::search::kLongId, text); });
  }

  bool has_good_options(const wbxml::Element& options) const {
    return has_only(options, {tag::kSchema, tag::kRange, tag::kUserName, tag::kPassword,
                              airsync::kMIMESupport, airsync::kMIMETruncation,
                              base::kBodyPreference, base::kBodyPartPreference,
                              wbxml::rights_management::kRightsManagementSupport}) &&
           options.text_of(tag::kPassword).value_or("").size() <= kMaxPassword;
  }

  template <typename WriteIds>
  int write_message(storage::CollectionId collection, storage::ItemId item, WriteIds write_ids) {
    const wbxml::Element* options_element = fetch_.child(tag::kOptions);
    BodyOptions options;
    if (options_element != nullptr) {
      if (!has_good_options(*options_element)) return kProtocolError;
      const auto parsed = parse_body_options(*options_element, request_.version);
      if (!parsed) return kProtocolError;
      options = *parsed;
      if (options.part_unsupported) return kPartUnsupported;
    }
    const auto info = request_.mailbox->message(collection, item);
    if (!info) return status_of(info.error(), kNotFound);

    out_.number(tag::kStatus, kSuccess);
    write_ids();
    out_.text(airsync::kClass, info_of(class_of(collection)).name);
    const wbxml::Element* schema =
        options_element == nullptr ? nullptr : options_element->child(tag::kSchema);
    if (schema != nullptr || context_.multipart) {
      return write_selected(collection, *info, options, schema);
    }
    out_.start(tag::kProperties);
    const auto rendered = render_message(request_, collection, *info, options, out_);
    if (!rendered) return status_of(rendered.error(), kNotFound);
    out_.end();
    return kSuccess;
  }

  // By way of a tree: only what Schema names, and in a multipart answer the body as a part.
  int write_selected(storage::CollectionId collection, const storage::MessageInfo& info,
                     const BodyOptions& options, const wbxml::Element* schema) {
    wbxml::Encoder whole;
    whole.start(tag::kProperties);
    const auto rendered = render_message(request_, collection, info, options, whole);
    if (!rendered) return status_of(rendered.error(), kNotFound);
    whole.end();
    auto properties = wbxml::decode(whole.take());
    if (!properties) return kConversionFailed;
    if (schema != nullptr && !schema->children.empty()) {
      std::erase_if(properties->children,
                    [&](const wbxml::Element& child) { return !schema->has(child.tag); });
    }
    if (context_.multipart) {
      for (wbxml::Element& child : properties->children) {
        if (child.tag == base::kBody || child.tag == base::kBodyPart) move_to_part(child);
      }
    }
    out_.element(*properties);
    return kSuccess;
  }

  void move_to_part(wbxml::Element& body) {
    for (wbxml::Element& child : body.children) {
      if (child.tag != base::kData) continue;
      child = wbxml::Element(tag::kPart, std::to_string(context_.add_part(std::move(child.text))));
    }
  }

  // --- attachments ------------------------------------------------------------------------------

  int write_attachment() {
    const std::string_view reference = *fetch_.text_of(base::kFileReference);
    std::optional<ByteRange> range;
    if (const wbxml::Element* options = fetch_.child(tag::kOptions)) {
      // [MS-ASCMD] R767, R3547
      if (!has_only(*options, {tag::kRange})) return kProtocolError;
      if (const auto text = options->text_of(tag::kRange)) {
        range = parse_range(*text);
        if (!range) return kBadRange;
      }
    }
    // "m1:42:2": the message, then the part in it.
    const std::size_t colon = reference.rfind(':');
    if (colon == std::string_view::npos) return kBadAttachment;
    const auto id = parse_item_id(reference.substr(0, colon));
    if (!id) return kBadAttachment;
    const auto bytes = request_.mailbox->bytes(id->first, id->second);
    if (!bytes) return status_of(bytes.error(), kBadAttachment);
    auto attachment = email::attachment(bytes->view(), reference.substr(colon + 1));
    if (!attachment) return status_of(attachment.error(), kBadAttachment);

    const std::size_t total = attachment->bytes.size();
    if (range) {
      if (total == 0) return kEmptyFile;
      if (range->first >= total) return kBadRange;
      range->last = std::min(range->last, total - 1);
      attachment->bytes.resize(range->last + 1);
      attachment->bytes.erase(0, range->first);
    }
    out_.number(tag::kStatus, kSuccess);
    out_.text(base::kFileReference, reference);
    out_.start(tag::kProperties);
    if (range) {  // only when it was asked for: some phones fail on it otherwise
      out_.text(tag::kRange, std::to_string(range->first) + "-" + std::to_string(range->last));
      out_.number(tag::kTotal, static_cast<std::int64_t>(total));
    }
    if (!attachment->content_type.empty()) {
      out_.text(base::kContentType, attachment->content_type);
    }
    if (context_.multipart) {
      out_.number(tag::kPart, context_.add_part(std::move(attachment->bytes)));
    } else {
      out_.text(tag::kData, storage::base64_encode(attachment->bytes));
    }
    out_.end();
    return kSuccess;
  }

  ItemOperationContext& context_;
  const Request& request_;
  const wbxml::Element& fetch_;
  wbxml::Encoder& out_;
};

}  // namespace

void run_fetch_operation(ItemOperationContext& context, const wbxml::Element& operation,
                         wbxml::Encoder& out) {
  Fetcher(context, operation, out).run();
}

}  // namespace eas
