// The original is looked for while the submission is under way, behind the look into the ledger: a
// repeat of what was sent must not fail because the original was deleted meanwhile.
#include "server/commands/smart_answer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "server/commands/compose_request.h"
#include "server/commands/status.h"
#include "server/commands/submission.h"
#include "server/items/compose/answer.h"
#include "server/items/compose/meeting_forward.h"
#include "server/items/email/follow_up.h"
#include "server/items/email/headers.h"
#include "server/sync/server_id.h"
#include "storage/base/log.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using compose::Kind;
using storage::ErrorKind;

std::string bare(std::string_view field) {
  const auto addresses = email::parse_addresses(field);
  return addresses.empty() ? std::string() : storage::to_lower(addresses.front().address);
}

CommandError not_found() {
  return command_error(status::kItemNotFound, "the original is not there");
}

class Answer {
 public:
  Answer(Request& request, const Services& services, Kind kind, ComposeRequest wanted)
      : request_(request), services_(services), kind_(kind), wanted_(std::move(wanted)) {}

  CommandResult run() {
    Submission submission;
    submission.mime = std::move(wanted_.mime);
    submission.client_id = wanted_.client_id;
    submission.keep_copy = wanted_.keep_copy;
    submission.about = about();
    submission.compose = [this](const std::string& mime) { return compose_message(mime); };
    auto sent = submit(request_, services_, std::move(submission));
    if (auto* error = std::get_if<CommandError>(&sent)) return std::move(*error);
    mark(std::get<Submitted>(sent));
    return Reply{};  // success is an empty body
  }

 private:
  std::string about() const {
    std::string text = kind_ == Kind::reply ? "reply:" : "forward:";
    text += wanted_.item_id;
    if (wanted_.replace_mime) text += ":whole";
    for (const Forwardee& forwardee : wanted_.forwardees) text += ":" + forwardee.address;
    if (wanted_.body) text += ":" + wanted_.body->data;
    return text;
  }

  // nullopt: the ids are none of ours, or do not fit together.
  std::optional<std::pair<storage::CollectionId, storage::ItemId>> original_id() const {
    const auto id = parse_item_id(wanted_.item_id);
    if (!id) return std::nullopt;
    if (!wanted_.folder_id.empty() && parse_collection_id(wanted_.folder_id) != id->first) {
      return std::nullopt;
    }
    return id;
  }

  std::variant<std::string, CommandError> compose_message(const std::string& mime) {
    const auto id = original_id();
    if (!id) return not_found();
    const auto bytes = request_.mailbox->bytes(id->first, id->second);
    if (!bytes && bytes.error().kind == ErrorKind::not_found) return not_found();
    if (!bytes) return command_error(bytes.error());
    remember(bytes->view());
    if (!wanted_.forwardees.empty()) return compose_forward(bytes->view());
    if (wanted_.replace_mime) return compose::with_thread(mime, bytes->view());
    auto composed = compose::answer(mime, bytes->view(), kind_);
    if (!composed) return command_error(status::kInvalidMime, composed.error().message);
    return std::move(*composed);
  }

  std::variant<std::string, CommandError> compose_forward(std::string_view original) {
    compose::MeetingForward forward;
    for (const Forwardee& forwardee : wanted_.forwardees) {
      forward.to.push_back({forwardee.name, forwardee.address});
    }
    if (wanted_.body) {
      forward.html = wanted_.body->type == BodyType::html;
      forward.text = wanted_.body->data;
    }
    auto composed = compose::forward_to(forward, original);
    if (!composed) return command_error(status::kInvalidMime, composed.error().message);
    return std::move(*composed);
  }

  void remember(std::string_view original) {
    const auto mime = email::Mime::parse(original);
    if (!mime) return;
    for (const char* name : {"From", "Reply-To", "Sender"}) {
      const std::string address = bare(mime->header(name));
      if (!address.empty()) senders_.insert(address);
    }
  }

  // To more than the sender: that is "reply to all". [MS-ASEMAIL] 2.2.2.44
  email::Verb verb_of(const Submitted& sent) const {
    if (kind_ == Kind::forward) return email::Verb::forward;
    const bool others = std::any_of(sent.recipients.begin(), sent.recipients.end(),
                                    [&](const std::string& recipient) {
                                      const std::string address = storage::to_lower(recipient);
                                      return senders_.count(address) == 0 &&
                                             address != storage::to_lower(request_.user.address);
                                    });
    return others ? email::Verb::reply_all : email::Verb::reply;
  }

  // Best effort: the mail is out, so a failure here must not make the phone send it again.
  void mark(const Submitted& sent) {
    const auto id = original_id();
    if (!id) return;
    const auto info = request_.mailbox->message(id->first, id->second);
    if (!info) return;
    const bool forward = kind_ == Kind::forward;
    if (sent.before && (forward ? info->flags.forwarded : info->flags.answered)) return;
    storage::FlagChange change;
    (forward ? change.forwarded : change.answered) = true;
    change.annotation = email::annotation_with_verb(info->flags.annotation, verb_of(sent),
                                                    services_.clock->now_ms());
    const auto marked = request_.mailbox->set_flags(id->first, id->second, change);
    if (!marked && marked.error().kind != ErrorKind::not_found) {
      storage::log_event(storage::LogLevel::warning, "the original could not be marked",
                         {{"user", request_.user.address},
                          {"item", wanted_.item_id},
                          {"reason", marked.error().message}});
    }
  }

  Request& request_;
  const Services& services_;
  const Kind kind_;
  ComposeRequest wanted_;
  std::set<std::string> senders_;  // of the original, lower case
};

}  // namespace

CommandResult answer_mail(Request& request, const Services& services, Kind kind) {
  auto read = read_compose_request(
      request, kind == Kind::reply ? ComposeCommand::reply : ComposeCommand::forward);
  if (auto* error = std::get_if<CommandError>(&read)) return std::move(*error);
  return Answer(request, services, kind, std::move(std::get<ComposeRequest>(read))).run();
}

}  // namespace eas
