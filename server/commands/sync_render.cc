#include "server/commands/sync_render.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <span>
#include <unordered_map>

#include "server/items/email/email.h"
#include "server/sync/server_id.h"
#include "storage/base/log.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::ItemId;
using storage::MessageInfo;
namespace airsync = wbxml::airsync;

bool needs_message(const SyncOperation& operation) {
  return operation.kind == SyncOperation::Kind::add ||
         operation.kind == SyncOperation::Kind::change;
}

bool needs_body(const SyncOperation& operation) {
  return operation.kind == SyncOperation::Kind::add ||
         (operation.kind == SyncOperation::Kind::change &&
          (operation.aspects & storage::aspect::kContent) != 0);
}

storage::Result<std::unordered_map<ItemId, MessageInfo>> load_infos(
    storage::Mailbox& mailbox, storage::CollectionId collection,
    std::span<const SyncOperation> operations) {
  std::vector<ItemId> ids;
  for (const SyncOperation& operation : operations) {
    if (needs_message(operation)) ids.push_back(operation.id);
  }
  std::unordered_map<ItemId, MessageInfo> infos;
  if (ids.empty()) return infos;
  GODWIT_ASSIGN(std::vector<MessageInfo> found, mailbox.messages(collection, ids));
  for (MessageInfo& info : found) {
    const ItemId id = info.id;
    infos.emplace(id, std::move(info));
  }
  return infos;
}

// The most bytes of a body that these options let through.
std::size_t body_limit(const BodyOptions& options) {
  constexpr auto kWhole = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t most = 0;
  for (const BodyPreference& preference : options.preferences) {
    most = std::max(most, preference.truncation_size.value_or(kWhole));
  }
  if (options.preferences.empty()) most = options.truncation.value_or(kWhole);
  if (options.part) most = std::max(most, options.part->truncation_size.value_or(kWhole));
  if (options.mime_support > 0) most = std::max(most, options.mime_truncation.value_or(kWhole));
  return most;
}

class Renderer {
 public:
  Renderer(const Request& request, storage::CollectionId collection, const BodyOptions& options,
           wbxml::Encoder& out)
      : request_(request),
        collection_(collection),
        options_(options),
        outside_options_(options),
        out_(out) {
    outside_options_.without_data = true;
  }

  storage::Result<int> render(std::span<const SyncOperation> operations) {
    int written = 0;
    GODWIT_ASSIGN(const auto infos, load_infos(*request_.mailbox, collection_, operations));
    for (const SyncOperation& operation : operations) {
      const auto info = infos.find(operation.id);
      if (needs_message(operation) && info == infos.end()) continue;  // gone meanwhile
      GODWIT_ASSIGN(const bool wrote,
                    write(operation, info == infos.end() ? nullptr : &info->second));
      if (wrote) ++written;
    }
    return written;
  }

 private:
  storage::Result<bool> write(const SyncOperation& operation, const MessageInfo* info) {
    const std::string id = to_item_id(collection_, operation.id);
    if (!needs_message(operation)) {
      const bool soft = operation.kind == SyncOperation::Kind::soft_remove;
      out_.start(soft ? airsync::kSoftDelete : airsync::kDelete);
      out_.text(airsync::kServerId, id);
      out_.end();
      return true;
    }
    const wbxml::Encoder::Mark before = out_.mark();
    out_.start(operation.kind == SyncOperation::Kind::add ? airsync::kAdd : airsync::kChange);
    out_.text(airsync::kServerId, id);
    out_.start(airsync::kApplicationData);
    const std::size_t empty = out_.size();
    if (needs_body(operation)) {
      const BodyOptions& options = operation.outside ? outside_options_ : options_;
      auto rendered = render_message(request_, collection_, *info, options, out_);
      if (!rendered) {
        out_.rewind(before);
        if (rendered.error().kind == ErrorKind::not_found) return false;
        return storage::fail(rendered.error());
      }
    } else {
      email::render_flag_change(*info, operation.aspects, request_.version, out_);
    }
    if (out_.size() == empty) {  // nothing that this version knows has changed
      out_.rewind(before);
      return false;
    }
    out_.end();
    out_.end();
    return true;
  }

  const Request& request_;
  const storage::CollectionId collection_;
  const BodyOptions& options_;
  BodyOptions outside_options_;  // of what is told for its conversation's sake
  wbxml::Encoder& out_;
};

}  // namespace

storage::Result<void> render_message(const Request& request, storage::CollectionId collection,
                                     const MessageInfo& info, const BodyOptions& options,
                                     wbxml::Encoder& out) {
  auto read = request.mailbox->bytes(collection, info);
  // What cannot be read now is worth another try; what cannot be read at all must not stop the
  // rest.
  if (!read &&
      (read.error().kind == ErrorKind::not_found || read.error().kind == ErrorKind::unavailable)) {
    return storage::fail(std::move(read.error()));
  }
  const std::string_view bytes = read ? read->view() : std::string_view();
  email::Context context;
  context.version = request.version;
  context.reference = to_item_id(collection, info.id);
  context.draft = info.flags.draft;
  const wbxml::Encoder::Mark before = out.mark();
  auto rendered = read ? email::render(bytes, info, context, options, out)
                       : storage::Result<void>(storage::fail(std::move(read.error())));
  if (rendered) return {};

  out.rewind(before);
  const std::string& reason = rendered.error().message;
  storage::log_event(
      storage::LogLevel::warning, "message sent as a placeholder",
      {{"user", request.user.address}, {"item", context.reference}, {"reason", reason}});
  email::render_placeholder(bytes, info, context, reason, out);
  // The list for the administrator must not stop the phone's mail.
  (void)request.mailbox->note_broken(collection, info.id, reason);
  return {};
}

namespace {

storage::Result<int> render_in_order(const RenderTask& task, std::span<const SyncOperation> all,
                                     wbxml::Encoder& out) {
  constexpr std::size_t kBatch = 64;
  Renderer renderer(task.request, task.collection, task.options, out);
  int written = 0;
  for (std::size_t at = 0; at < all.size(); at += kBatch) {
    GODWIT_ASSIGN(const int batch,
                  renderer.render(all.subspan(at, std::min(kBatch, all.size() - at))));
    written += batch;
  }
  return written;
}

// The same on another thread, where nothing may be thrown.
storage::Result<int> render_apart(const RenderTask& task, std::span<const SyncOperation> all,
                                  wbxml::Encoder& out) noexcept {
  try {
    return render_in_order(task, all, out);
  } catch (const std::exception& error) {
    return storage::fail(ErrorKind::internal, error.what());
  }
}

}  // namespace

// Many operations are rendered in two halves at once, when another thread has nothing to do.
storage::Result<int> render_operations(const RenderTask& task,
                                       const std::vector<SyncOperation>& operations,
                                       wbxml::Encoder& out) {
  constexpr std::size_t kWorthSharing = 16;
  const std::span<const SyncOperation> all(operations);
  if (task.spare == nullptr || all.size() < kWorthSharing) return render_in_order(task, all, out);
  const std::size_t half = all.size() / 2;
  wbxml::Encoder rest(wbxml::Encoder::Kind::fragment);
  storage::Result<int> rest_written = 0;
  auto share =
      task.spare->take([&] { rest_written = render_apart(task, all.subspan(half), rest); });
  if (share == nullptr) return render_in_order(task, all, out);
  GODWIT_ASSIGN(const int written, render_in_order(task, all.first(half), out));
  share.reset();  // waits
  if (!rest_written) return storage::fail(rest_written.error());
  if (*rest_written > 0) out.append(rest);
  return written + *rest_written;
}

storage::Result<int> operations_within(const Request& request, storage::CollectionId collection,
                                       const std::vector<SyncOperation>& operations,
                                       const BodyOptions& options, std::size_t budget) {
  constexpr std::size_t kItemOverhead = 1024;
  const std::size_t limit = body_limit(options);
  // The usual window fits whatever its messages are.
  if (limit < budget && operations.size() * (limit + kItemOverhead) <= budget) {
    return static_cast<int>(operations.size());
  }
  GODWIT_ASSIGN(const auto infos, load_infos(*request.mailbox, collection, operations));
  std::size_t total = 0;
  int fitting = 0;
  for (const SyncOperation& operation : operations) {
    const auto info = infos.find(operation.id);
    if (needs_body(operation) && info != infos.end()) {
      total += std::min(limit, static_cast<std::size_t>(info->second.size)) + kItemOverhead;
    }
    if (total > budget && fitting > 0) break;
    ++fitting;
  }
  return fitting;
}

}  // namespace eas
