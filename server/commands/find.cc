// Find (16.1): mail by KQL, and people and groups of the address list. [MS-ASCMD] 2.2.1.2
//
// A SearchId names one search of a phone: its first request begins at 0, its later ones are pages
// of the same results. A page of a search that is not known (any more) is told to begin at 0.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "server/commands/commands.h"
#include "server/commands/gal_results.h"
#include "server/commands/mail_scope.h"
#include "server/commands/search_stores.h"
#include "server/commands/status.h"
#include "server/config/limits.h"
#include "server/items/email/found_properties.h"
#include "server/search/kql.h"
#include "server/search/mail_search.h"
#include "server/sync/server_id.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::find;
namespace airsync = wbxml::airsync;
using storage::ErrorKind;
using storage::SearchQuery;

constexpr int kSuccess = 1;
constexpr int kInvalid = 2;
constexpr int kFolderSyncRequired = 3;
constexpr int kStartWithZero = 4;
constexpr ResultRange kDefaultRange = {0, 99};
constexpr std::size_t kMostSearchId = 256;

// What a criterion answers. `whole` is the Status of Find, and if it is 1, `status` that of
// Response.
struct Answer {
  int whole = kSuccess;
  int status = kSuccess;
  std::string_view reason;
  wbxml::Encoder results{wbxml::Encoder::Kind::fragment};
  int first = 0;
  int count = 0;
  int gaps = 0;  // results between them that are gone by now
  std::int64_t total = 0;
};

Answer refuse_all(int status, std::string_view reason) {
  Answer answer;
  answer.whole = status;
  answer.reason = reason;
  return answer;
}

Answer refuse(int status, std::string_view reason) {
  Answer answer;
  answer.status = status;
  answer.reason = reason;
  return answer;
}

std::ptrdiff_t count_of(const wbxml::Element& parent, wbxml::Tag child_tag) {
  return std::count_if(parent.children.begin(), parent.children.end(),
                       [&](const wbxml::Element& child) { return child.tag == child_tag; });
}

// The Range of an Options; nullopt: malformed.
std::optional<ResultRange> range_of(const wbxml::Element* options) {
  if (options == nullptr || !options->has(tag::kRange)) return kDefaultRange;
  if (count_of(*options, tag::kRange) > 1) return std::nullopt;
  return parse_result_range(*options->text_of(tag::kRange));
}

std::string set_name(const Request& request, std::string_view search_id) {
  return std::to_string(request.user.id) + '/' + request.query.device_id + "/F" +
         std::string(search_id);
}

// --- mail ---------------------------------------------------------------------------------------

void write_messages(const Request& request, const Services& services, const FoundPage& page,
                    Answer& answer) {
  wbxml::Encoder& out = answer.results;
  for (const FoundMessage& found : page.messages) {
    if (answer.count > 0 && out.size() > services.limits->max_answer) break;
    const auto bytes = request.mailbox->bytes(found.folder, found.info);
    if (!bytes) continue;  // gone meanwhile
    out.start(tag::kResult);
    out.text(airsync::kClass, "Email");
    out.text(airsync::kServerId, to_item_id(found.folder, found.info.id));
    out.text(airsync::kCollectionId, to_collection_id(found.folder));
    out.start(tag::kProperties);
    email::write_found_properties(bytes->view(), found.info, out);
    out.end();
    out.end();
    answer.gaps = found.index - answer.first - answer.count;
    ++answer.count;
  }
}

// A later page of a search repeats its query; the set that it belongs to is known by the SearchId.
CommandResult find_mail(const Request& request, const Services& services,
                        const wbxml::Element& criterion, std::string_view search_id,
                        Answer& answer) {
  const wbxml::Element* query = criterion.child(tag::kQuery);
  if (query == nullptr || query->text_of(airsync::kClass) != "Email" ||
      count_of(*query, tag::kFreeText) > 1 || count_of(*query, airsync::kCollectionId) > 1) {
    answer = refuse_all(kInvalid, "a Query without Class Email, or with something twice");
    return Reply{};
  }
  const wbxml::Element* options = criterion.child(tag::kOptions);
  const auto range = range_of(options);
  if (!range) {
    answer = refuse(kInvalid, "a malformed Range");
    return Reply{};
  }
  MailQuery wanted;
  const std::string_view text = storage::trim(query->text_of(tag::kFreeText).value_or(""));
  if (!text.empty()) {
    auto parsed = parse_kql(text, services.clock->now_ms());
    if (!parsed) {
      answer = refuse(kInvalid, "malformed KQL");
      return Reply{};
    }
    wanted.query = *std::move(parsed);
  }
  std::vector<std::string_view> folders;
  if (const auto folder = query->text_of(airsync::kCollectionId)) folders.push_back(*folder);
  const bool deep = options != nullptr && options->has(tag::kDeepTraversal);
  auto scope = mail_scope(*request.mailbox, folders, deep);
  if (!scope && scope.error().kind == ErrorKind::not_found) {
    answer = refuse_all(kFolderSyncRequired, "an unknown CollectionId");
    return Reply{};
  }
  if (!scope) return command_error(scope.error());
  if (services.search == nullptr) return command_error(status::kServerError, "no index");
  wanted.user_id = request.user.id;
  wanted.address = request.user.address;
  wanted.folders = *std::move(scope);
  wanted.set = set_name(request, search_id);
  wanted.needs_set = true;
  const auto page = services.search->find(*request.mailbox, wanted, range->first, range->last);
  if (!page && page.error().kind == ErrorKind::expired) {
    answer = refuse(kStartWithZero, "the search is not known: begin at 0");
  } else if (!page && page.error().kind == ErrorKind::invalid) {
    answer = refuse(kInvalid, "the query is too complex");
  } else if (!page) {
    return command_error(page.error());
  } else {
    answer.first = range->first;
    answer.total = page->total;
    write_messages(request, services, *page, answer);
  }
  return Reply{};
}

// --- the address list ---------------------------------------------------------------------------

CommandResult find_people(const Request& request, const Services& services,
                          const wbxml::Element& criterion, Answer& answer) {
  constexpr int kMost = 100;
  const wbxml::Element* query = criterion.child(tag::kQuery);
  const std::string_view text =
      query == nullptr ? std::string_view()
                       : storage::trim(query->text_of(tag::kFreeText).value_or(query->text));
  if (text.empty()) {
    answer = refuse_all(kInvalid, "a search in the address list is one text");
    return Reply{};
  }
  const wbxml::Element* options = criterion.child(tag::kOptions);
  const auto range = range_of(options);
  const auto wish = parse_picture_wish(options == nullptr ? nullptr : options->child(tag::kPicture),
                                       tag::kMaxSize, tag::kMaxPictures);
  if (!range || !wish) {
    answer = refuse(kInvalid, "a malformed Range or Picture");
    return Reply{};
  }
  if (services.addresses == nullptr) {
    return command_error(status::kServerError, "there is no address list");
  }
  const int limit = std::min(kMost, range->last - range->first + 1);
  const auto page = services.addresses->search(text, range->first, limit, wish->wanted);
  if (!page) return command_error(page.error());
  GalWriter writer(request, *wish, answer.results);
  for (const storage::DirectoryEntry& entry : page->entries) {
    answer.results.start(tag::kResult);
    answer.results.start(tag::kProperties);
    writer.write(entry);
    answer.results.end();
    answer.results.end();
    ++answer.count;
  }
  answer.first = range->first;
  answer.total = page->total;
  return Reply{};
}

// --- the command --------------------------------------------------------------------------------

void write_response(const Answer& answer, wbxml::Encoder& out) {
  out.start(tag::kResponse);
  out.text(wbxml::item_operations::kStore, "Mailbox");  // whatever was searched: 2.2.3.178.1
  out.number(tag::kStatus, answer.status);
  if (answer.status == kSuccess) {
    if (answer.count > 0) out.append(answer.results);
    const int first = answer.count > 0 ? answer.first : 0;
    const int last = first + std::max(answer.count + answer.gaps - 1, 0);
    out.text(tag::kRange, std::to_string(first) + "-" + std::to_string(last));
    out.number(tag::kTotal, answer.total);
  }
  out.end();
}

CommandResult run_criterion(const Request& request, const Services& services, Answer& answer) {
  const wbxml::Element& root = *request.body;
  const auto id = root.text_of(tag::kSearchId);
  const wbxml::Element* execute = root.child(tag::kExecuteSearch);
  if (!id || id->empty() || id->size() > kMostSearchId || execute == nullptr ||
      execute->children.size() != 1) {
    answer = refuse_all(kInvalid, "a Find is a SearchId and one criterion");
    return Reply{};
  }
  const wbxml::Element& criterion = execute->children.front();
  if (criterion.tag == tag::kMailBoxSearchCriterion) {
    return find_mail(request, services, criterion, *id, answer);
  }
  if (criterion.tag == tag::kGalSearchCriterion) {
    return find_people(request, services, criterion, answer);
  }
  answer = refuse_all(kInvalid, "no such criterion");
  return Reply{};
}

}  // namespace

CommandResult run_find(Request& request, const Services& services) {
  Answer answer;
  CommandResult result = run_criterion(request, services, answer);
  if (std::holds_alternative<CommandError>(result)) return result;
  const int refused = answer.whole != kSuccess ? answer.whole : answer.status;
  if (refused != kSuccess) log_refusal(request, "Find", refused, answer.reason);
  wbxml::Encoder out;
  out.start(tag::kFind);
  out.number(tag::kStatus, answer.whole);
  if (answer.whole == kSuccess) write_response(answer, out);
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

}  // namespace eas
