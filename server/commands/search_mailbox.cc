// Search in the mailbox: one And with what must be true of a message. [MS-ASCMD] 2.2.3.142.2
//
// Other elements of a query than And's children are "too complex", as the specification says of
// each of them. Only mail is there to be found; a search for items of other classes finds nothing.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/commands/body_options.h"
#include "server/commands/mail_scope.h"
#include "server/commands/search_stores.h"
#include "server/commands/sync_render.h"
#include "server/config/limits.h"
#include "server/items/dates.h"
#include "server/search/kql_properties.h"
#include "server/search/mail_search.h"
#include "server/sync/server_id.h"
#include "storage/base/crypto.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::search;
namespace airsync = wbxml::airsync;
using namespace search_status;
using storage::SearchQuery;
using Kind = SearchQuery::Kind;

constexpr int kMostInAll = 100;  // [MS-ASCMD] 2.2.3.143.3

// The query in the making; `status` says what is wrong with it.
struct Parsed {
  int status = kSuccess;
  std::string_view reason;
  std::vector<SearchQuery> conditions;
  std::vector<std::string_view> folders;
  bool mail = true;  // mail is among the classes
  bool conversation = false;

  void refuse(int code, std::string_view why) {
    if (status != kSuccess) return;
    status = code;
    reason = why;
  }
};

bool is_class(std::string_view name, Version version) {
  constexpr std::array<std::string_view, 4> kAlways = {"Email", "Calendar", "Contacts", "Tasks"};
  if (std::find(kAlways.begin(), kAlways.end(), name) != kAlways.end()) return true;
  return version >= Version::v14_0 && (name == "SMS" || name == "Notes");
}

// 16 bytes as they are, or a GUID in words.
std::optional<std::string> conversation_of(const wbxml::Element& element) {
  constexpr std::size_t kBytes = 16;
  if (element.text.size() == kBytes) return element.text;
  std::string digits;
  for (const char c : storage::to_lower(storage::trim(element.text))) {
    if (c != '-' && c != '{' && c != '}') digits += c;
  }
  if (digits.size() != 2 * kBytes) return std::nullopt;
  std::string bytes;
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const std::size_t high = kHex.find(digits[i]);
    const std::size_t low = kHex.find(digits[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<storage::UnixMillis> date_of(std::string_view text) {
  text = storage::trim(text);
  if (const auto time = parse_date_time(text)) return time;
  const auto day = kql::parse_date(text, 0);
  if (!day || text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  return day->first;
}

// GreaterThan and LessThan: DateReceived, then Value.
void parse_comparison(const wbxml::Element& element, Parsed& out) {
  const bool shaped = element.children.size() == 2 &&
                      element.children[0].tag == wbxml::email::kDateReceived &&
                      element.children[1].tag == tag::kValue;
  if (!shaped) return out.refuse(kInvalid, "a comparison is DateReceived and Value");
  const auto date = date_of(element.children[1].text);
  if (!date) return out.refuse(kInvalid, "a Value that is no date");
  SearchQuery range = SearchQuery::range(SearchQuery::Column::received, *date, *date);
  if (element.tag == tag::kGreaterThan) {
    range.low = *date + 1;
    range.high = std::numeric_limits<std::int64_t>::max();
  } else {
    range.low = std::numeric_limits<std::int64_t>::min();
    range.high = *date - 1;
  }
  out.conditions.push_back(std::move(range));
}

void parse_and(const wbxml::Element& all, Version version, Parsed& out) {
  std::vector<std::string_view> classes;
  const auto once = [&](const wbxml::Element& child) {
    const auto count =
        std::count_if(all.children.begin(), all.children.end(),
                      [&](const wbxml::Element& other) { return other.tag == child.tag; });
    if (count > 1) out.refuse(kInvalid, "an element that may come once came twice");
  };
  for (const wbxml::Element& child : all.children) {
    if (child.tag == airsync::kClass) {
      if (!is_class(child.text, version)) out.refuse(kInvalid, "no such Class");
      classes.push_back(child.text);
    } else if (child.tag == airsync::kCollectionId) {
      out.folders.push_back(child.text);
    } else if (child.tag == tag::kFreeText) {
      if (storage::trim(child.text).empty()) continue;
      out.conditions.push_back(SearchQuery::text_query(Kind::words, child.text));
    } else if (child.tag == tag::kConversationId && version >= Version::v14_0) {
      once(child);
      const auto id = conversation_of(child);
      if (!id) out.refuse(kInvalid, "a malformed ConversationId");
      out.conversation = true;
      out.conditions.push_back(SearchQuery::text_query(Kind::conversation, id.value_or("")));
    } else if (child.tag == tag::kGreaterThan || child.tag == tag::kLessThan) {
      once(child);
      parse_comparison(child, out);
    } else if (child.tag == tag::kAnd || child.tag == tag::kOr) {
      out.refuse(kTooComplex, "operators in one another");
    } else {
      out.refuse(kInvalid, "not a part of a query for mail");
    }
  }
  out.mail = classes.empty() || std::find(classes.begin(), classes.end(), "Email") != classes.end();
  const bool asks = !out.conditions.empty() || !out.folders.empty() || !classes.empty();
  if (!asks) out.refuse(kInvalid, "a query that asks for nothing");
}

Parsed parse_query(const wbxml::Element& query, Version version) {
  Parsed parsed;
  if (query.children.empty()) {
    parsed.refuse(kInvalid, "a query without And");
    return parsed;
  }
  for (const wbxml::Element& child : query.children) {
    if (child.tag == tag::kEqualTo) parsed.refuse(kInvalid, "EqualTo is for documents");
    if (child.tag != tag::kAnd) parsed.refuse(kTooComplex, "a condition outside And");
  }
  if (query.children.size() > 1) parsed.refuse(kTooComplex, "more than one And");
  if (parsed.status == kSuccess) parse_and(query.children.front(), version, parsed);
  return parsed;
}

struct ParsedOptions {
  int status = kSuccess;
  std::string_view reason;
  WantedRange wanted;
  BodyOptions body;
  bool deep = false;
  bool rebuild = false;
};

bool too_long(const wbxml::Element& options, wbxml::Tag name) {
  constexpr std::size_t kMost = 400;  // 100 characters
  return options.text_of(name).value_or("").size() > kMost;
}

ParsedOptions parse_options(const wbxml::Element* options, const Parsed& query, Version version) {
  ParsedOptions parsed;
  parsed.wanted = wanted_range(options, kMostInAll);
  const auto refuse = [&](std::string_view why) {
    parsed.status = kInvalid;
    parsed.reason = why;
    return parsed;
  };
  if (parsed.wanted.status == kInvalid) return refuse("a malformed Range");
  if (options == nullptr) return parsed;
  const auto body = parse_body_options(*options, version);
  if (!body) return refuse("malformed body options");
  parsed.body = *body;
  if (body->part_unsupported) {
    parsed.status = kPartUnsupported;
    parsed.reason = "a BodyPartPreference of another Type than HTML";
    return parsed;
  }
  parsed.deep = options->has(tag::kDeepTraversal);
  parsed.rebuild = options->has(tag::kRebuildResults);
  if (options->has(wbxml::airsync_base::kBodyPartPreference) && !query.conversation) {
    return refuse("BodyPartPreference without ConversationId");
  }
  if (too_long(*options, tag::kUserName) || too_long(*options, tag::kPassword)) {
    return refuse("UserName or Password is too long");
  }
  return parsed;
}

// All pages of one search have one name, which another query or another phone cannot have.
std::string set_name(const Request& request, const wbxml::Element& query, bool deep) {
  return std::to_string(request.user.id) + '/' + request.query.device_id + "/S" +
         (deep ? "d" : "") + storage::sha256(wbxml::encode(query));
}

void write_results(const Request& request, const Services& services, const FoundPage& page,
                   const BodyOptions& body, StoreAnswer& answer) {
  wbxml::Encoder& out = answer.results;
  for (const FoundMessage& found : page.messages) {
    if (answer.count > 0 && out.size() > services.limits->max_answer) break;
    const wbxml::Encoder::Mark before = out.mark();
    out.start(tag::kResult);
    out.text(airsync::kClass, "Email");
    out.text(tag::kLongId, to_long_id(found.folder, found.info.id));
    out.text(airsync::kCollectionId, to_collection_id(found.folder));
    out.start(tag::kProperties);
    if (!render_message(request, found.folder, found.info, body, out)) {
      out.rewind(before);  // gone meanwhile
      continue;
    }
    out.end();
    out.end();
    answer.gaps = found.index - answer.first - answer.count;
    ++answer.count;
  }
}

}  // namespace

StoreAnswer search_mailbox(const Request& request, const Services& services,
                           const wbxml::Element& store) {
  const wbxml::Element& query = *store.child(tag::kQuery);
  Parsed parsed = parse_query(query, request.version);
  if (parsed.status != kSuccess) return StoreAnswer::refuse(parsed.status, parsed.reason);
  const ParsedOptions options = parse_options(store.child(tag::kOptions), parsed, request.version);
  if (options.status != kSuccess) return StoreAnswer::refuse(options.status, options.reason);
  if (services.search == nullptr) return StoreAnswer::refuse(kServerError, "there is no index");
  auto scope = mail_scope(*request.mailbox, parsed.folders, options.deep);
  if (!scope && scope.error().kind == storage::ErrorKind::not_found) {
    return StoreAnswer::refuse(kFolderSyncRequired, "an unknown CollectionId");
  }
  if (!scope) return StoreAnswer::refuse(kServerError, "the folders cannot be read");

  StoreAnswer answer;
  answer.empty_result = true;
  answer.status = options.wanted.status;
  answer.first = options.wanted.range.first;
  if (!parsed.mail) return answer;
  MailQuery wanted;
  wanted.user_id = request.user.id;
  wanted.address = request.user.address;
  wanted.folders = *std::move(scope);
  wanted.query = SearchQuery::combine(Kind::all_of, std::move(parsed.conditions));
  wanted.set = set_name(request, query, options.deep);
  wanted.rebuild = options.rebuild;
  // Beyond the end only the number of results is told.
  const int last = options.wanted.none ? answer.first - 1 : options.wanted.range.last;
  const auto page = services.search->find(*request.mailbox, wanted, answer.first, last);
  if (!page) {
    const bool complex = page.error().kind == storage::ErrorKind::invalid;
    return StoreAnswer::refuse(complex ? kTooComplex : kServerError, "the search failed");
  }
  answer.total = page->total;
  write_results(request, services, *page, options.body, answer);
  if (answer.count == 0 && answer.first > 0) answer.status = kEndOfRange;
  return answer;
}

}  // namespace eas
