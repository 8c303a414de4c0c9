// ItemOperations: Fetch of messages and attachments, inline or multipart. [MS-ASCMD] 2.2.1.10
//
// EmptyFolderContents and Move are answered with status 2 each: nothing is done, and the phone is
// told so. A document library does not exist here (status 9).
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/commands/body_options.h"
#include "server/commands/commands.h"
#include "server/commands/item_operations_move.h"
#include "server/commands/multipart.h"
#include "server/commands/status.h"
#include "server/commands/sync_render.h"
#include "server/config/limits.h"
#include "server/items/email/email.h"
#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::item_operations;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;
using storage::ErrorKind;

constexpr int kSuccess = 1;
constexpr int kProtocolError = 2;
constexpr int kServerError = 3;
constexpr int kNotFound = 6;
constexpr int kBadRange = 8;
constexpr int kUnknownStore = 9;
constexpr int kTooLarge = 11;
constexpr int kConversionFailed = 14;
constexpr int kPartUnsupported = 164;
constexpr int kBadAttachment = 15;

// One answer under construction.
struct Answer {
  explicit Answer(bool as_multipart) : multipart(as_multipart) {}

  wbxml::Encoder out;
  const bool multipart;
  std::vector<std::string> parts;  // of a multipart answer, from part 1 on
  std::size_t part_bytes = 0;

  std::size_t size() const { return out.size() + part_bytes; }
  // Takes the data and returns the number of its part.
  std::int64_t add_part(std::string data) {
    part_bytes += data.size();
    parts.push_back(std::move(data));
    return static_cast<std::int64_t>(parts.size());
  }
};

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
    default:
      return kServerError;
  }
}

class Fetcher {
 public:
  Fetcher(const Request& request, const Limits& limits, Answer& answer)
      : request_(request), most_(2 * limits.max_mail), answer_(answer) {}

  // Writes one Fetch element.
  void run(const wbxml::Element& fetch) {
    const wbxml::Encoder::Mark before = answer_.out.mark();
    const std::size_t parts = answer_.parts.size();
    const std::size_t part_bytes = answer_.part_bytes;
    answer_.out.start(tag::kFetch);
    const int status = answer_.size() > most_ ? kTooLarge : write(fetch);
    if (status == kSuccess) {
      answer_.out.end();
      return;
    }
    log_refusal(request_, "ItemOperations", status, "the Fetch was not served");
    // Whatever was written of it is taken back.
    answer_.out.rewind(before);
    answer_.parts.resize(parts);
    answer_.part_bytes = part_bytes;
    answer_.out.start(tag::kFetch);
    answer_.out.number(tag::kStatus, status);
    echo_ids(fetch);
    answer_.out.end();
  }

 private:
  int write(const wbxml::Element& fetch) {
    const auto store = fetch.text_of(tag::kStore);
    if (!store) return kProtocolError;
    if (!storage::equals_ignore_case(*store, "Mailbox")) return kUnknownStore;
    const auto references = std::count_if(
        fetch.children.begin(), fetch.children.end(),
        [](const wbxml::Element& child) { return child.tag == base::kFileReference; });
    const bool item = fetch.has(airsync::kServerId);
    if (references > 1 || (references == 1 && item)) return kProtocolError;
    if (references == 1) return write_attachment(fetch);
    if (item) return write_message(fetch);
    // A LongId comes from a search, and nothing has been searched.
    return fetch.has(wbxml::search::kLongId) ? kNotFound : kProtocolError;
  }

  void echo_ids(const wbxml::Element& fetch) {
    for (const wbxml::Tag id : {airsync::kCollectionId, airsync::kServerId, wbxml::search::kLongId,
                                base::kFileReference}) {
      const auto text = fetch.text_of(id);
      if (text && !text->empty()) answer_.out.text(id, storage::utf8_prefix(*text, 256));
    }
  }

  // --- messages ---------------------------------------------------------------------------------

  int write_message(const wbxml::Element& fetch) {
    const auto id = parse_item_id(*fetch.text_of(airsync::kServerId));
    if (!id) return kNotFound;
    if (const auto collection = fetch.text_of(airsync::kCollectionId)) {
      if (parse_collection_id(*collection) != id->first) return kNotFound;
    }
    const wbxml::Element* options_element = fetch.child(tag::kOptions);
    BodyOptions options;
    if (options_element != nullptr) {
      const auto parsed = parse_body_options(*options_element, request_.version);
      if (!parsed) return kProtocolError;
      options = *parsed;
      if (options.part_unsupported) return kPartUnsupported;
    }
    const auto info = request_.mailbox->message(id->first, id->second);
    if (!info) return status_of(info.error(), kNotFound);

    answer_.out.number(tag::kStatus, kSuccess);
    answer_.out.text(airsync::kCollectionId, to_collection_id(id->first));
    answer_.out.text(airsync::kServerId, to_item_id(id->first, id->second));
    answer_.out.text(airsync::kClass, "Email");
    const wbxml::Element* schema =
        options_element == nullptr ? nullptr : options_element->child(tag::kSchema);
    if (schema != nullptr || answer_.multipart) {
      return write_selected(id->first, *info, options, schema);
    }
    answer_.out.start(tag::kProperties);
    const auto rendered = render_message(request_, id->first, *info, options, answer_.out);
    if (!rendered) return status_of(rendered.error(), kNotFound);
    answer_.out.end();
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
    if (answer_.multipart) {
      for (wbxml::Element& child : properties->children) {
        if (child.tag == base::kBody) move_to_part(child);
      }
    }
    answer_.out.element(*properties);
    return kSuccess;
  }

  void move_to_part(wbxml::Element& body) {
    for (wbxml::Element& child : body.children) {
      if (child.tag != base::kData) continue;
      child = wbxml::Element(tag::kPart, std::to_string(answer_.add_part(std::move(child.text))));
    }
  }

  // --- attachments ------------------------------------------------------------------------------

  int write_attachment(const wbxml::Element& fetch) {
    const std::string_view reference = *fetch.text_of(base::kFileReference);
    // "m1:42:2": the message, then the part in it.
    const std::size_t colon = reference.rfind(':');
    if (colon == std::string_view::npos) return kBadAttachment;
    const auto id = parse_item_id(reference.substr(0, colon));
    if (!id) return kBadAttachment;
    std::optional<ByteRange> range;
    if (const wbxml::Element* options = fetch.child(tag::kOptions)) {
      if (const auto text = options->text_of(tag::kRange)) {
        range = parse_range(*text);
        if (!range) return kBadRange;
      }
    }
    const auto bytes = request_.mailbox->bytes(id->first, id->second);
    if (!bytes) return status_of(bytes.error(), kBadAttachment);
    auto attachment = email::attachment(bytes->view(), reference.substr(colon + 1));
    if (!attachment) return status_of(attachment.error(), kBadAttachment);

    const std::size_t total = attachment->bytes.size();
    if (range) {
      if (range->first >= total) return kBadRange;
      range->last = std::min(range->last, total - 1);
      attachment->bytes.resize(range->last + 1);
      attachment->bytes.erase(0, range->first);
    }
    answer_.out.number(tag::kStatus, kSuccess);
    answer_.out.text(base::kFileReference, reference);
    answer_.out.start(tag::kProperties);
    if (range) {  // only when it was asked for: some phones fail on it otherwise
      answer_.out.text(tag::kRange,
                       std::to_string(range->first) + "-" + std::to_string(range->last));
      answer_.out.number(tag::kTotal, static_cast<std::int64_t>(total));
    }
    if (!attachment->content_type.empty()) {
      answer_.out.text(base::kContentType, attachment->content_type);
    }
    if (answer_.multipart) {
      answer_.out.number(tag::kPart, answer_.add_part(std::move(attachment->bytes)));
    } else {
      answer_.out.text(tag::kData, storage::base64_encode(attachment->bytes));
    }
    answer_.out.end();
    return kSuccess;
  }

  const Request& request_;
  const std::size_t most_;  // bytes after which no further Fetch is served
  Answer& answer_;
};

void refuse_empty(const wbxml::Element& empty, wbxml::Encoder& out) {
  out.start(tag::kEmptyFolderContents);
  out.number(tag::kStatus, kProtocolError);
  const auto id = empty.text_of(airsync::kCollectionId);
  out.text(airsync::kCollectionId, storage::utf8_prefix(id.value_or(""), 64));
  out.end();
}

Reply refuse(const Request& request, int status, std::string_view reason) {
  log_refusal(request, "ItemOperations", status, reason);
  wbxml::Encoder out;
  out.start(tag::kItemOperations);
  out.number(tag::kStatus, status);
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

bool is_operation(const wbxml::Element& child, Version version) {
  return child.tag == tag::kFetch || child.tag == tag::kEmptyFolderContents ||
         (child.tag == tag::kMove && version >= Version::v14_0);
}

}  // namespace

CommandResult run_item_operations(Request& request, const Services& services) {
  const auto& operations = request.body->children;
  if (operations.size() > static_cast<std::size_t>(services.limits->max_fetches)) {
    return refuse(request, kTooLarge, "too many operations");
  }
  const bool well_formed =
      !operations.empty() &&
      std::all_of(operations.begin(), operations.end(), [&](const wbxml::Element& operation) {
        return is_operation(operation, request.version);
      });
  if (!well_formed) return refuse(request, kProtocolError, "malformed operations");

  Answer answer(request.query.accept_multipart);
  answer.out.start(tag::kItemOperations);
  answer.out.number(tag::kStatus, kSuccess);
  answer.out.start(tag::kResponse);
  // The schema wants them by kind; within a kind the order is the request's.
  for (const wbxml::Element& operation : operations) {
    if (operation.tag == tag::kMove) {
      move_conversation(operation, request, services, answer.out);
    }
  }
  for (const wbxml::Element& operation : operations) {
    if (operation.tag == tag::kEmptyFolderContents) refuse_empty(operation, answer.out);
  }
  Fetcher fetcher(request, *services.limits, answer);
  for (const wbxml::Element& operation : operations) {
    if (operation.tag == tag::kFetch) fetcher.run(operation);
  }
  answer.out.end();
  answer.out.end();
  Reply reply;
  if (answer.multipart) {
    reply.content_type = kMultipartType;
    reply.body = encode_multipart(answer.out.take(), answer.parts);
  } else {
    reply.body = answer.out.take();
  }
  return reply;
}

}  // namespace eas
