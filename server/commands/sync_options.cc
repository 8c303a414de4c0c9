#include "server/commands/sync_options.h"

#include "server/commands/body_options.h"
#include "server/sync/compact.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

using storage::ErrorKind;
namespace airsync = wbxml::airsync;

// An absent number is `fallback`.
storage::Result<int> number(const wbxml::Element& parent, wbxml::Tag tag, int fallback, int max) {
  const auto text = parent.text_of(tag);
  if (!text) return fallback;
  const auto value = storage::parse_int(*text);
  if (!value || *value < 0 || *value > max) {
    return storage::fail(ErrorKind::invalid, wbxml::to_string(tag) + " is out of range");
  }
  return static_cast<int>(*value);
}

void write(CompactWriter& out, const std::optional<std::uint32_t>& value) {
  out.number(value ? static_cast<std::int64_t>(*value) : -1);
}

std::optional<std::uint32_t> read_optional(CompactReader& in) {
  const std::int64_t value = in.number();
  if (value < 0) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

}  // namespace

storage::Result<SyncOptions> parse_sync_options(const wbxml::Element& options, Version version) {
  SyncOptions parsed;
  GODWIT_ASSIGN(parsed.filter, number(options, airsync::kFilterType, 0, 8));
  GODWIT_ASSIGN(const int conflict, number(options, airsync::kConflict, 1, 1));
  parsed.server_wins = conflict == 1;
  GODWIT_ASSIGN(parsed.body, parse_body_options(options, version));
  return parsed;
}

std::string encode(const SyncOptions& options) {
  CompactWriter out;
  out.number(options.filter);
  out.number(options.server_wins ? 1 : 0);
  out.number(options.body.mime_support);
  write(out, options.body.mime_truncation);
  write(out, options.body.truncation);
  out.number(static_cast<std::int64_t>(options.body.preferences.size()));
  for (const BodyPreference& preference : options.body.preferences) {
    out.number(static_cast<int>(preference.type));
    write(out, preference.truncation_size);
    out.number(preference.all_or_none ? 1 : 0);
    out.number(preference.preview);
  }
  if (const auto& part = options.body.part) {
    write(out, part->truncation_size);
    out.number(part->all_or_none ? 1 : 0);
    out.number(part->preview);
  }
  return out.take();
}

SyncOptions decode_sync_options(std::string_view bytes) {
  CompactReader in(bytes);
  SyncOptions options;
  options.filter = static_cast<int>(in.number());
  options.server_wins = in.number() != 0;
  options.body.mime_support = static_cast<int>(in.number());
  options.body.mime_truncation = read_optional(in);
  options.body.truncation = read_optional(in);
  options.body.preferences.resize(in.count());
  for (BodyPreference& preference : options.body.preferences) {
    preference.type = static_cast<BodyType>(in.number());
    preference.truncation_size = read_optional(in);
    preference.all_or_none = in.number() != 0;
    preference.preview = static_cast<std::uint32_t>(in.number());
  }
  if (in.ok() && !in.at_end()) {
    BodyPreference part;
    part.type = BodyType::html;
    part.truncation_size = read_optional(in);
    part.all_or_none = in.number() != 0;
    part.preview = static_cast<std::uint32_t>(in.number());
    options.body.part = part;
  }
  return in.ok() ? options : SyncOptions{};
}

}  // namespace eas
