// The driver: one Session a recorded user (its map and its device), one exchange after the other.
#include "server/client/replay.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "server/client/query_codec.h"
#include "server/client/replay_map.h"
#include "server/client/replay_messages.h"
#include "storage/base/crypto.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas::client {
namespace {

using capture::ExchangeRecord;
using storage::Result;
using wbxml::Element;
namespace as = wbxml::airsync;
namespace pg = wbxml::ping;

constexpr int kMaxDrainRounds = 1000;

const Element* pointer_to(const std::optional<Element>& tree) { return tree ? &*tree : nullptr; }

// One recorded user.
struct Session {
  explicit Session(const AddressRewriter& addresses) : map(addresses) {}
  ReplayMap map;
  std::string device_id, device_type;
  bool provisioned_apart = false;
};

// One request on its way.
struct Work {
  const ExchangeRecord& record;
  ExchangeReport report;
  std::optional<ClientQuery> query;  // the live one
  std::string path;
  std::optional<Element> recorded_request, live_request;
  std::string raw_body;  // when it is no WBXML
  std::optional<Element> recorded_answer;
  std::vector<std::string> unknown;
  std::chrono::steady_clock::duration waited{};  // for the last answer, or for none
};

class Replayer {
 public:
  Replayer(const std::vector<ExchangeRecord>& records, const ReplayOptions& options)
      : records_(records), options_(options), client_(options.client) {
    suffix_ = options.device_suffix.empty() ? storage::to_hex(storage::random_bytes(4))
                                            : options.device_suffix;
    address_ = options.address.empty() ? options.client.user : options.address;
    if (address_.find('@') == std::string::npos) address_ += "@example.test";
    learn_users();
  }

  ReplayReport run() {
    for (std::size_t i = 0; i < records_.size(); ++i) {
      Work work{records_[i], {}, {}, {}, {}, {}, {}, {}, {}, {}};
      work.report.number = i + 1;
      work.report.recorded_status = records_[i].status;
      exchange(work);
      finish(std::move(work.report));
    }
    check_sent_mail();
    return std::move(report_);
  }

 private:
  static std::string_view query_text(const ExchangeRecord& record) {
    const std::string_view target = record.target;
    const std::size_t mark = target.find('?');
    return mark == target.npos ? "" : target.substr(mark + 1);
  }

  // Whose mailbox was it? The request line says it, or the capture; if neither does, those that the
  // mails of the session go from and to are taken for its users.
  void learn_users() {
    bool known = false;
    for (const ExchangeRecord& record : records_) {
      const auto query = decode_query(query_text(record));
      const std::string client = record.client.substr(0, record.client.find(' '));
      std::string user = query ? login_name(query->user) : "";
      if (user.empty() && client.find('@') != std::string::npos) user = client;
      if (user.empty()) continue;
      addresses_.add(user, address_);
      known = true;
    }
    if (known) return;
    for (const ExchangeRecord& record : records_) {
      const auto tree = decode_tree(record.request_body);
      const auto mime = tree ? tree->text_of(wbxml::compose_mail::kMime) : std::nullopt;
      for (std::string& address : addresses_of_mail(mime.value_or(""))) {
        addresses_.add(std::move(address), address_);
      }
    }
  }

  // "DOMAIN\user" → "user".
  static std::string login_name(const std::string& user) {
    const std::size_t slash = user.rfind('\\');
    return slash == user.npos ? user : user.substr(slash + 1);
  }

  Session& session_of(const ClientQuery& query) {
    const std::string key = login_name(query.user) + '\n' + query.device_id;
    auto found = sessions_.find(key);
    if (found == sessions_.end()) {
      auto session = std::make_unique<Session>(addresses_);
      for (const char c : query.device_id.substr(0, 20)) {
        const bool plain =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (plain) session->device_id += c;
      }
      session->device_id += suffix_ + std::to_string(sessions_.size());
      session->device_type = query.device_type;
      found = sessions_.emplace(key, std::move(session)).first;
    }
    return *found->second;
  }

  void add(Work& work, Severity severity, std::string text) {
    work.report.findings.push_back(Finding{severity, std::move(text)});
  }

  void exchange(Work& work) {
    const ExchangeRecord& record = work.record;
    work.path = record.target.substr(0, record.target.find('?'));
    work.query = decode_query(query_text(record));
    work.report.command = work.query ? work.query->command : record.method;
    if (!work.query) {
      send_without_query(work);
      return;
    }
    Session& session = session_of(*work.query);
    work.recorded_answer = decode_tree(recorded_answer_body(record));
    prepare(work, session);
    std::thread cause = start_cause(work);
    Result<Answer> answer = send(work);
    if (answer && wants_provisioning(*answer)) {
      provision(work, session);
      answer = send(work);
    }
    if (answer && adopt_heartbeat(work, *answer)) answer = send(work);
    judge(work, session, answer);
    if (cause.joinable()) cause.join();
  }

  // OPTIONS, and anything that is no EAS command.
  void send_without_query(Work& work) {
    const Result<Answer> answer = client_.send(work.record.method, work.record.target,
                                               headers(work), work.record.request_body);
    work.report.live_status = answer ? answer->status : 0;
    if (work.record.status == 0 || work.record.status >= 400) return;
    if (!answer) {
      add(work, Severity::problem, answer.error().message);
    } else if (answer->status >= 400) {
      add(work, Severity::problem, "HTTP status " + std::to_string(answer->status));
    } else if (work.record.method == "OPTIONS" && answer->header("MS-ASProtocolVersions").empty()) {
      add(work, Severity::problem, "MS-ASProtocolVersions is missing");
    }
  }

  // --- the request --------------------------------------------------------------------------

  void prepare(Work& work, Session& session) {
    const std::string& body = work.record.request_body;
    work.recorded_request = decode_tree(body);
    if (work.recorded_request) {
      work.live_request = work.recorded_request;
      session.map.rewrite(*work.live_request, work.unknown);
    } else {
      work.raw_body = addresses_.rewrite(body);
    }
    prepare_query(work, session);
    work.report.carried_over = work.unknown.empty();
    for (const std::string& what : work.unknown) add(work, Severity::note, what);
  }

  void prepare_query(Work& work, Session& session) {
    ClientQuery& query = *work.query;
    if (!query.user.empty()) query.user = options_.client.user;
    query.device_id = session.device_id;
    if (query.policy_key) {
      const std::string key = session.map.policy_key(std::to_string(*query.policy_key));
      query.policy_key = static_cast<std::uint32_t>(storage::parse_uint(key).value_or(0));
    }
    const std::string* collection = query.param("CollectionId");
    const std::string recorded_folder = collection == nullptr ? "" : *collection;
    for (auto& [name, value] : query.params) {
      if (name == "CollectionId") value = session.map.folder(value, work.unknown);
      if (name == "ItemId") value = session.map.item(recorded_folder, value, work.unknown);
      if (name == "AttachmentName") value = session.map.file_reference(value, work.unknown);
      if (name == "LongId") value = session.map.long_id(value, work.unknown);
    }
  }

  std::vector<Header> headers(const Work& work) const {
    std::vector<Header> result;
    for (const auto& [name, value] : work.record.request_headers) {
      bool own = false;  // what this side of the connection says for itself
      for (const std::string_view mine :
           {"Authorization", "Host", "Content-Length", "Connection", "Cookie", "Accept-Encoding",
            "Expect", "Transfer-Encoding", "X-MS-PolicyKey"}) {
        own = own || storage::equals_ignore_case(name, mine);
      }
      if (!own) result.emplace_back(name, value);
    }
    const bool gzip =
        work.record.request_header("Accept-Encoding").find("gzip") != std::string::npos;
    result.emplace_back("Accept-Encoding", gzip ? "gzip" : "identity");
    return result;
  }

  Result<Answer> send(Work& work) {
    std::vector<Header> sent = headers(work);
    const std::string_view policy = work.record.request_header("X-MS-PolicyKey");
    if (!policy.empty() && work.query) {
      Session& session = session_of_device(work.query->device_id);
      sent.emplace_back("X-MS-PolicyKey", session.map.policy_key(std::string(policy)));
    }
    const bool waits = may_wait(work);
    const std::chrono::seconds patience(waits && options_.max_wait_seconds > 0
                                            ? options_.max_wait_seconds
                                        : waits ? 3600
                                                : 60);
    const auto begin = std::chrono::steady_clock::now();
    Result<Answer> answer = client_.send(
        work.record.method, work.path + "?" + encode_query(*work.query), sent,
        work.live_request ? wbxml::encode(*work.live_request) : work.raw_body, patience);
    work.waited = std::chrono::steady_clock::now() - begin;
    return answer;
  }

  Session& session_of_device(const std::string& live_device) {
    for (auto& [key, session] : sessions_) {
      if (session->device_id == live_device) return *session;
    }
    return *sessions_.begin()->second;
  }

  // Whether the last request ended because it waited as long as it may.
  bool was_hung_up(const Work& work) const {
    return may_wait(work) && options_.max_wait_seconds > 0 &&
           work.waited >= std::chrono::seconds(options_.max_wait_seconds);
  }

  bool may_wait(const Work& work) const {
    if (work.query->command == "Ping") return true;
    return work.query->command == "Sync" &&
           (!work.live_request || work.live_request->has(as::kWait) ||
            work.live_request->has(as::kHeartbeatInterval));
  }

  // --- what a phone does by itself ----------------------------------------------------------

  void provision(Work& work, Session& session) {
    if (session.provisioned_apart) return;
    session.provisioned_apart = true;
    ClientOptions options = options_.client;
    options.device_id = session.device_id;
    options.device_type = session.device_type;
    const auto version = parse_version(work.record.request_header("MS-ASProtocolVersion"));
    options.version = version.value_or(Version::v14_1);
    EasClient device(options);
    const Result<std::uint32_t> key = device.provision();
    if (!key) {
      add(work, Severity::problem, "the device cannot be provisioned: " + key.error().message);
      return;
    }
    session.map.set_policy_key(std::to_string(*key));
    if (work.query->base64) work.query->policy_key = *key;
    add(work, Severity::note, "the server wanted the device provisioned first; done");
  }

  bool adopt_heartbeat(Work& work, const Answer& answer) {
    if (!answer.tree || answer.tree->tag != pg::kPing || !work.live_request) return false;
    if (number_of(*answer.tree, pg::kStatus) != 5) return false;
    for (Element& child : work.live_request->children) {
      if (child.tag != pg::kHeartbeatInterval) continue;
      child.text = std::to_string(number_of(*answer.tree, pg::kHeartbeatInterval, 60));
      add(work, Severity::note, "the server wants a heartbeat of " + child.text + " s");
      return true;
    }
    return false;
  }

  // A message for the Ping that was woken by one, from another device, once the Ping waits.
  std::thread start_cause(const Work& work) {
    const bool woken = is_woken_ping(pointer_to(work.recorded_answer));
    if (!woken || !options_.cause_changes) return {};
    return std::thread([this] {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      ClientOptions options = options_.client;
      options.device_id = "Replay" + suffix_;
      options.version = Version::v12_1;
      EasClient other(options);
      const std::string mime = "From: " + address_ + "\r\nTo: " + address_ +
                               "\r\nSubject: replay " + storage::to_hex(storage::random_bytes(4)) +
                               "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nwake\r\n";
      static_cast<void>(other.send_mail(mime, "", false));
    });
  }

  // --- the answer ---------------------------------------------------------------------------

  void judge(Work& work, Session& session, Result<Answer>& answer) {
    const bool recorded_failed = work.record.status == 0 || work.record.status >= 400;
    if (!answer) {
      if (was_hung_up(work)) {
        judge_hung_up(work);
        session.map.learn(pointer_to(work.recorded_request), pointer_to(work.recorded_answer),
                          pointer_to(work.live_request), nullptr);
      } else if (!recorded_failed) {
        add(work, Severity::problem, answer.error().message);
      }
      return;
    }
    work.report.live_status = answer->status;
    if (answer->status == 501) {
      add(work, Severity::unsupported, "the server does not have " + work.report.command);
      return;
    }
    if (answer->status != 200) {
      const bool excused = recorded_failed || !work.report.carried_over;
      add(work, excused ? Severity::note : Severity::problem,
          "HTTP status " + std::to_string(answer->status) + ", recorded " +
              std::to_string(work.record.status));
      return;
    }
    remember_sent_mail(work);
    session.map.learn(pointer_to(work.recorded_request), pointer_to(work.recorded_answer),
                      pointer_to(work.live_request), pointer_to(answer->tree));
    if (!recorded_failed) compare(work, session, *answer);
    if (work.report.command == "Sync") drain(work, session, *answer);
  }

  void judge_hung_up(Work& work) {
    const bool woken = is_woken_ping(pointer_to(work.recorded_answer));
    const std::string after = " after " + std::to_string(options_.max_wait_seconds) + " s";
    if (woken && options_.cause_changes && work.report.carried_over) {
      add(work, Severity::problem, "a new message did not wake the Ping; hung up" + after);
    } else {
      add(work, Severity::note, "still waiting, hung up" + after);
    }
  }

  void compare(Work& work, Session& session, const Answer& answer) {
    if (!answer.body.empty() && !answer.tree && work.recorded_answer) {
      add(work, Severity::problem, "the answer is not WBXML");
      return;
    }
    ComparedAnswers answers;
    answers.recorded = pointer_to(work.recorded_answer);
    answers.live = pointer_to(answer.tree);
    answers.carried_over = work.report.carried_over;
    const Element* list = answers.live == nullptr ? nullptr : answers.live->child(as::kCollections);
    if (list != nullptr) {
      for (const Element& collection : list->children) {
        const std::string live(collection.text_of(as::kCollectionId).value_or(""));
        answers.folder_names.emplace_back(live, session.map.recorded_folder(live));
      }
    }
    for (Finding& finding : compare_answers(answers)) {
      work.report.findings.push_back(std::move(finding));
    }
  }

  // The live folder holds more than the recorded one: the rest, so that what follows is there.
  void drain(Work& work, Session& session, const Answer& first) {
    if (more_available(pointer_to(work.recorded_answer)) ||
        !more_available(pointer_to(first.tree))) {
      return;
    }
    int rounds = 0;
    std::optional<Element> answer = first.tree;
    while (more_available(pointer_to(answer)) && rounds < kMaxDrainRounds) {
      if (!advance_keys(*work.live_request, *answer)) break;
      Result<Answer> next = send(work);
      if (!next || !next->tree) break;
      learn_round(work, session, *next->tree);
      answer = std::move(next->tree);
      ++rounds;
    }
    add(work, Severity::note,
        std::to_string(rounds) + " more rounds, for the folder holds more than was recorded");
  }

  // What the recorded client sends next is the key of its own answer; it stands for the last live
  // one. The recorded items were learnt with the first round.
  static void learn_round(const Work& work, Session& session, const Element& answer) {
    const Element keys_only = keys_of(work.recorded_answer);
    session.map.learn(pointer_to(work.recorded_request), &keys_only, pointer_to(work.live_request),
                      &answer);
  }

  // --- the session --------------------------------------------------------------------------

  void remember_sent_mail(const Work& work) {
    std::string subject;
    if (work.recorded_request) {
      const auto mime = work.recorded_request->text_of(wbxml::compose_mail::kMime);
      if (mime) subject = subject_of_mail(*mime);
    } else if (work.report.command == "SendMail") {
      subject = subject_of_mail(work.raw_body);
    }
    if (!subject.empty()) sent_subjects_.insert(subject);
  }

  // A mail that was sent and seen in the recorded session must be seen here.
  void check_sent_mail() {
    for (const std::string& subject : sent_subjects_) {
      bool recorded = false, live = false;
      for (const auto& [key, session] : sessions_) {
        recorded = recorded || session->map.recorded_has_subject(subject);
        live = live || session->map.live_has_subject(subject);
      }
      if (!recorded || live) continue;
      report_.session.push_back(
          Finding{Severity::problem, "the mail \"" + subject + "\" was sent and did not arrive"});
      ++report_.problems;
    }
  }

  void finish(ExchangeReport report) {
    if (!report.carried_over) ++report_.not_carried_over;
    for (const Finding& finding : report.findings) {
      if (finding.severity == Severity::problem) ++report_.problems;
      auto& names = report_.unsupported;
      if (finding.severity == Severity::unsupported &&
          std::find(names.begin(), names.end(), report.command) == names.end()) {
        names.push_back(report.command);
      }
    }
    report_.exchanges.push_back(std::move(report));
  }

  const std::vector<ExchangeRecord>& records_;
  const ReplayOptions& options_;
  EasClient client_;
  std::string suffix_, address_;
  AddressRewriter addresses_;
  std::map<std::string, std::unique_ptr<Session>> sessions_;
  std::set<std::string> sent_subjects_;
  ReplayReport report_;
};

}  // namespace

ReplayReport replay(const std::vector<ExchangeRecord>& records, const ReplayOptions& options) {
  return Replayer(records, options).run();
}

}  // namespace eas::client
