// Settings: Oof, the automatic reply. Kept by server/autoreply, which also sends it.
// [MS-ASCMD] 2.2.3.122 to 2.2.3.124
#include <array>
#include <optional>
#include <string>

#include "server/autoreply/oof.h"
#include "server/commands/settings_properties.h"
#include "server/items/clean_text.h"
#include "server/items/dates.h"
#include "server/items/html/html_to_text.h"
#include "server/items/html/text_to_html.h"
#include "storage/base/log.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {

namespace tag = wbxml::settings;
using namespace settings_status;
using autoreply::Oof;
using autoreply::OofMessage;
using autoreply::OofState;
using storage::Result;

namespace {

constexpr std::array<wbxml::Tag, autoreply::kAudiences> kAppliesTo = {
    tag::kAppliesToInternal, tag::kAppliesToExternalKnown, tag::kAppliesToExternalUnknown};

// nullopt: neither "Text" nor "HTML".
std::optional<bool> is_html(std::string_view body_type) {
  if (storage::equals_ignore_case(body_type, "HTML")) return true;
  if (storage::equals_ignore_case(body_type, "Text")) return false;
  return std::nullopt;
}

std::string in_form(const OofMessage& message, bool html) {
  if (message.html == html) return message.text;
  return html ? html::text_to_html_fragment(message.text) : html::html_to_text(message.text).text;
}

// --- Set -------------------------------------------------------------------------------------

struct Refusal {
  int status = kSuccess;
  std::string_view reason;
};
constexpr Refusal kAccepted{};

Refusal set_message(const wbxml::Element& element, Oof& oof,
                    std::array<bool, autoreply::kAudiences>& seen) {
  std::optional<std::size_t> audience;
  for (std::size_t i = 0; i < kAppliesTo.size(); ++i) {
    if (!element.has(kAppliesTo[i])) continue;
    if (audience) return {kConflictingArguments, "a message for two audiences"};
    audience = i;
  }
  if (!audience) return {kProtocolError, "a message for no audience"};
  if (seen[*audience]) return {kConflictingArguments, "two messages for one audience"};
  seen[*audience] = true;
  OofMessage& message = oof.messages[*audience];
  if (const auto enabled = element.text_of(tag::kEnabled)) {
    if (*enabled != "0" && *enabled != "1") return {kInvalidArguments, "Enabled is no boolean"};
    message.enabled = *enabled == "1";
  }
  const auto text = element.text_of(tag::kReplyMessage);
  if (!text) return kAccepted;
  const auto body_type = element.text_of(tag::kBodyType);
  if (!body_type || body_type->empty()) return {kProtocolError, "ReplyMessage without BodyType"};
  const auto html = is_html(*body_type);
  if (!html) return {kInvalidArguments, "an unknown BodyType"};
  if (text->size() > autoreply::kMaxReply) return {kInvalidArguments, "a reply that is too long"};
  message.html = *html;
  message.text = storage::to_xml_safe_utf8(*text);
  return kAccepted;
}

// Times count with state 2 only; with another one they are accepted and not kept (R3535, R7544).
Refusal set_times(const wbxml::Element& set, Oof& oof) {
  const auto start_text = set.text_of(tag::kStartTime);
  const auto end_text = set.text_of(tag::kEndTime);
  if (start_text.has_value() != end_text.has_value()) {
    return {kProtocolError, "one of StartTime and EndTime"};
  }
  if (!start_text) {
    if (oof.state == OofState::timed && oof.end == 0) {
      return {kConflictingArguments, "time-based without times"};
    }
    return kAccepted;
  }
  const auto start = parse_date_time(*start_text);
  const auto end = parse_date_time(*end_text);
  if (!start || !end) return {kInvalidArguments, "a malformed time"};
  if (oof.state != OofState::timed) return kAccepted;
  if (*end <= *start) return {kConflictingArguments, "EndTime is not after StartTime"};
  oof.start = *start;
  oof.end = *end;
  return kAccepted;
}

Refusal apply(const wbxml::Element& set, Oof& oof) {
  if (const auto state = set.text_of(tag::kOofState)) {
    const auto number = storage::parse_int(*state);
    if (!number || *number < 0 || *number > 2) return {kInvalidArguments, "an unknown OofState"};
    oof.state = static_cast<OofState>(*number);
  }
  if (const Refusal refused = set_times(set, oof); refused.status != kSuccess) return refused;
  std::array<bool, autoreply::kAudiences> seen{};
  for (const wbxml::Element& element : set.children) {
    if (element.tag != tag::kOofMessage) continue;
    const Refusal refused = set_message(element, oof, seen);
    if (refused.status != kSuccess) return refused;
  }
  return kAccepted;
}

Result<Refusal> set_oof(const wbxml::Element& set, const Request& request,
                        const Services& services) {
  GODWIT_ASSIGN(const Oof before, autoreply::load_oof(*services.settings, request.user.id));
  Oof oof = before;
  const Refusal refused = apply(set, oof);
  if (refused.status != kSuccess || oof == before) return refused;
  GODWIT_TRY(autoreply::save_oof(*services.settings, request.user.id, before, oof,
                                 services.clock->now_ms()));
  storage::log_event(storage::LogLevel::info, "automatic reply set",
                     {{"user", request.user.address}, {"state", static_cast<int>(oof.state)}});
  if (services.oof_listener != nullptr) services.oof_listener->oof_changed(request.user);
  return kAccepted;
}

// --- Get -------------------------------------------------------------------------------------

void write_oof(const Oof& oof, bool html, wbxml::Encoder& out) {
  out.start(tag::kGet);
  out.number(tag::kOofState, static_cast<int>(oof.state));
  if (oof.state == OofState::timed) {
    out.text(tag::kStartTime, format_date_time(oof.start));
    out.text(tag::kEndTime, format_date_time(oof.end));
  }
  for (std::size_t i = 0; i < kAppliesTo.size(); ++i) {
    const OofMessage& message = oof.messages[i];
    out.start(tag::kOofMessage);
    out.empty(kAppliesTo[i]);
    out.number(tag::kEnabled, message.enabled ? 1 : 0);
    if (!message.text.empty()) {
      out.text(tag::kReplyMessage, in_form(message, html));
      out.text(tag::kBodyType, html ? "HTML" : "Text");
    }
    out.end();
  }
  out.end();
}

}  // namespace

Result<void> answer_oof(const wbxml::Element& property, Request& request, const Services& services,
                        wbxml::Encoder& out) {
  const wbxml::Element* get = property.child(tag::kGet);
  const wbxml::Element* set = property.child(tag::kSet);
  const auto refuse = [&](const Refusal& refused) {
    write_property_status(property.tag, refused.status, refused.reason, request, out);
    return Result<void>{};
  };
  if ((get == nullptr) == (set == nullptr)) return refuse({kProtocolError, "not one Get or Set"});
  if (set != nullptr) {
    GODWIT_ASSIGN(const Refusal refused, set_oof(*set, request, services));
    return refuse(refused);
  }
  const auto body_type = get->text_of(tag::kBodyType);
  if (!body_type || body_type->empty()) return refuse({kProtocolError, "Get without BodyType"});
  const auto html = is_html(*body_type);
  if (!html) return refuse({kInvalidArguments, "an unknown BodyType"});
  GODWIT_ASSIGN(const Oof oof, autoreply::load_oof(*services.settings, request.user.id));
  out.start(property.tag);
  out.number(tag::kStatus, kSuccess);
  write_oof(oof, *html, out);
  out.end();
  return {};
}

}  // namespace eas
