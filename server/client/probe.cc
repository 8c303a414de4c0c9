#include "server/client/probe.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "server/client/mail_folder.h"
#include "storage/base/text.h"

namespace eas::client {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Result;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr int kInbox = 2;
constexpr int kShortestHeartbeat = 60;

std::string_view type_name(int type) {
  constexpr std::string_view kNames[] = {"",      "folder",  "Inbox", "Drafts",   "Deleted",
                                         "Sent",  "Outbox",  "Tasks", "Calendar", "Contacts",
                                         "Notes", "Journal", "mail",  "calendar", "contacts",
                                         "tasks", "journal", "notes", "?",        "recipients"};
  return type > 0 && type < static_cast<int>(std::size(kNames)) ? kNames[type] : "?";
}

bool holds_mail(int type) { return type == 1 || (type >= 2 && type <= 6) || type == 12; }

std::string join(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

// One line, whatever the subject holds.
std::string one_line(std::string_view text) {
  std::string line(storage::to_xml_safe_utf8(text));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return line;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Probe {
 public:
  Probe(const ProbeOptions& options, std::ostream& out)
      : options_(options), out_(out), client_(options.client) {}

  Result<void> run() {
    GODWIT_TRY(ask_options());
    GODWIT_TRY(provision());
    GODWIT_TRY(sync_folders());
    GODWIT_TRY(sync_mail());
    show_newest();
    if (options_.wait_push_seconds > 0) GODWIT_TRY(wait_for_push());
    return {};
  }
  Json& report() { return report_; }

 private:
  // For people, unless JSON was asked for.
  void say(const std::string& line) {
    if (!options_.json) out_ << line << std::endl;
  }

  Result<void> ask_options() {
    GODWIT_ASSIGN(const ServerOptions server, client_.options());
    say("server   " + options_.client.url);
    say("versions " + join(server.versions) +
        "; used: " + std::string(to_string(options_.client.version)));
    say("commands " + join(server.commands));
    report_["url"] = options_.client.url;
    report_["version"] = to_string(options_.client.version);
    report_["versions"] = server.versions;
    report_["commands"] = server.commands;
    const auto& versions = server.versions;
    if (std::find(versions.begin(), versions.end(), to_string(options_.client.version)) ==
        versions.end()) {
      return fail(ErrorKind::invalid, "the server does not offer version " +
                                          std::string(to_string(options_.client.version)));
    }
    return {};
  }

  // Counting needs no bodies.
  static SyncOptions counting() {
    SyncOptions options;
    options.window = 512;
    options.body_type = 0;
    options.truncation = 0;
    return options;
  }

  Result<void> provision() {
    GODWIT_ASSIGN(const std::uint32_t key, client_.provision());
    say(key == 0 ? "policy   none" : "policy   accepted");
    report_["policy"] = key != 0;
    return {};
  }

  Result<void> sync_folders() {
    GODWIT_TRY(client_.folder_sync(hierarchy_));
    const Folder* inbox = hierarchy_.find_type(kInbox);
    if (inbox == nullptr) return fail(ErrorKind::not_found, "there is no Inbox");
    inbox_.emplace(inbox->server_id, counting());
    return {};
  }

  Result<void> sync_mail() {
    say("folders");
    report_["folders"] = Json::array();
    for (const auto& [id, folder] : hierarchy_.folders) {
      Json entry = {{"name", folder.name}, {"type", folder.type}, {"id", id}};
      std::string line =
          "  " + one_line(folder.name) + " (" + std::string(type_name(folder.type)) + ")";
      if (holds_mail(folder.type)) {
        MailFolder other(id, counting());
        MailFolder& mail = id == inbox_->collection_id() ? *inbox_ : other;
        const auto begin = Clock::now();
        GODWIT_ASSIGN(const std::size_t count, mail.sync_all(client_));
        const auto unread =
            std::count_if(mail.items().begin(), mail.items().end(),
                          [](const auto& entry_item) { return !entry_item.second.read; });
        line += ": " + std::to_string(count) + " messages, " + std::to_string(unread) + " unread";
        entry["messages"] = count;
        entry["unread"] = unread;
        entry["seconds"] = seconds_since(begin);
      }
      say(line);
      report_["folders"].push_back(std::move(entry));
    }
    return {};
  }

  void show_newest() {
    std::vector<const MailItem*> items;
    for (const auto& [id, item] : inbox_->items()) items.push_back(&item);
    const auto newer = [](const MailItem* a, const MailItem* b) {
      return a->date_received > b->date_received;
    };
    const std::size_t count = std::min(options_.newest, items.size());
    std::partial_sort(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(count),
                      items.end(), newer);
    say("newest in the Inbox");
    report_["newest"] = Json::array();
    for (std::size_t i = 0; i < count; ++i) {
      const MailItem& item = *items[i];
      say("  " + item.date_received + "  " + (item.read ? "  " : "* ") + one_line(item.subject) +
          "  — " + one_line(item.from));
      report_["newest"].push_back({{"date", item.date_received},
                                   {"subject", one_line(item.subject)},
                                   {"from", one_line(item.from)},
                                   {"read", item.read}});
    }
  }

  // Answers that bring nothing (status 1, another folder's change) are asked again until the time
  // is over.
  Result<void> wait_for_push() {
    const auto begin = Clock::now();
    const std::chrono::seconds patience(options_.wait_push_seconds);
    // Said also with JSON: whoever delivers the message waits for this line.
    out_ << "waiting for a new message (" << options_.wait_push_seconds << " s)" << std::endl;
    while (Clock::now() - begin < patience) {
      const auto left = std::chrono::duration_cast<std::chrono::seconds>(
          patience - (Clock::now() - begin) + std::chrono::seconds(1));
      const Result<PingAnswer> pushed = ping(static_cast<int>(left.count()));
      const double seconds = seconds_since(begin);
      if (!pushed) {
        const bool hung_up = pushed.error().kind == ErrorKind::unavailable;
        if (hung_up && Clock::now() - begin >= patience) break;
        return fail(pushed.error());
      }
      if (pushed->status != 2) continue;
      GODWIT_ASSIGN(const SyncRound round, inbox_->sync_once(client_));
      if (round.status != 1) {
        return fail(ErrorKind::conflict, "Sync status " + std::to_string(round.status));
      }
      if (round.added.empty()) continue;
      const MailItem& item = inbox_->items().at(round.added.front());
      say("pushed   after " + std::to_string(seconds).substr(0, 5) +
          " s: " + one_line(item.subject) + "  — " + one_line(item.from));
      report_["push"] = {
          {"seconds", seconds}, {"subject", one_line(item.subject)}, {"from", one_line(item.from)}};
      return {};
    }
    return fail(ErrorKind::not_found, "no new message came in time");
  }

  // The heartbeat that is left, but not less than servers accept; one that the server finds wrong
  // is replaced by the one that it names.
  Result<PingAnswer> ping(int left) {
    int heartbeat = std::max(left, kShortestHeartbeat);
    for (int attempt = 0; attempt < 2; ++attempt) {
      GODWIT_ASSIGN(PingAnswer answer,
                    client_.ping(heartbeat, {inbox_->collection_id()}, std::chrono::seconds(left)));
      if (answer.status == 6) return fail(ErrorKind::conflict, "Ping: too many folders");
      if (answer.status != 5) return answer;
      heartbeat = answer.limit;
    }
    return fail(ErrorKind::conflict, "Ping: no heartbeat is right");
  }

  const ProbeOptions& options_;
  std::ostream& out_;
  EasClient client_;
  FolderHierarchy hierarchy_;
  std::optional<MailFolder> inbox_;
  Json report_ = Json::object();
};

}  // namespace

int run_probe(const ProbeOptions& options, std::ostream& out) {
  Probe probe(options, out);
  const Result<void> result = probe.run();
  if (options.json) {
    probe.report()["ok"] = result.has_value();
    if (!result) probe.report()["error"] = result.error().message;
    out << probe.report().dump(2, ' ', false, Json::error_handler_t::replace) << std::endl;
  } else if (!result) {
    out << "failed   " << result.error().message << std::endl;
  }
  return result ? 0 : 1;
}

}  // namespace eas::client
