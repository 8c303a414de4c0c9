// Search: the stores Mailbox (12.0 and later), GAL and DocumentLibrary. [MS-ASCMD] 2.2.1.16
//
// The Status of Search says that the command was understood; what became of the search says the
// Status of Store. Range and Total are in every answer of a search that was done, whether it found
// something or not: some phones wait for them.
#include <algorithm>
#include <string>
#include <string_view>

#include "server/commands/commands.h"
#include "server/commands/search_stores.h"
#include "server/commands/status.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

namespace tag = wbxml::search;
using namespace search_status;

StoreAnswer search_store(const Request& request, const Services& services,
                         const wbxml::Element& store) {
  const auto name = store.text_of(tag::kName);
  if (!name || !store.has(tag::kQuery)) {
    return StoreAnswer::refuse(kInvalid, "a Store without Name or Query");
  }
  if (storage::equals_ignore_case(*name, "GAL")) {
    return search_address_list(request, services, store);
  }
  if (request.version >= Version::v12_0) {
    if (storage::equals_ignore_case(*name, "Mailbox")) {
      return search_mailbox(request, services, store);
    }
    if (storage::equals_ignore_case(*name, "DocumentLibrary") ||
        storage::equals_ignore_case(*name, "Document Library")) {
      return search_documents(store);
    }
  }
  return StoreAnswer::refuse(kInvalid, "no such store");
}

void write_store(const StoreAnswer& answer, wbxml::Encoder& out) {
  out.start(tag::kStore);
  out.number(tag::kStatus, answer.status);
  if (answer.status == kSuccess || answer.status == kEndOfRange) {
    if (answer.count > 0) {
      out.append(answer.results);
    } else if (answer.empty_result) {
      out.empty(tag::kResult);
    }
    const int last = std::max(answer.first, answer.first + answer.count + answer.gaps - 1);
    const int first = answer.count > 0 ? answer.first : 0;
    out.text(tag::kRange,
             std::to_string(first) + "-" + std::to_string(answer.count > 0 ? last : 0));
    out.number(tag::kTotal, answer.total);
  }
  out.end();
}

}  // namespace

std::optional<ResultRange> parse_result_range(std::string_view text) {
  constexpr std::size_t kMostDigits = 3;
  text = storage::trim(text);
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view from = text.substr(0, dash);
  const std::string_view to = text.substr(dash + 1);
  if (from.size() > kMostDigits || to.size() > kMostDigits) return std::nullopt;
  const auto first = storage::parse_uint(from);
  const auto last = storage::parse_uint(to);
  if (!first || !last || *first > *last) return std::nullopt;
  return ResultRange{static_cast<int>(*first), static_cast<int>(*last)};
}

WantedRange wanted_range(const wbxml::Element* options, int most) {
  WantedRange wanted;
  wanted.range = {0, most - 1};
  const auto is_range = [](const wbxml::Element& child) { return child.tag == tag::kRange; };
  const auto count = options == nullptr ? 0
                                        : std::count_if(options->children.begin(),
                                                        options->children.end(), is_range);
  if (count == 0) return wanted;
  const auto range = parse_result_range(*options->text_of(tag::kRange));
  if (!range || count > 1) {
    wanted.status = kInvalid;
    return wanted;
  }
  wanted.range = *range;
  if (range->last < most) return wanted;
  wanted.status = kEndOfRange;
  wanted.none = range->first >= most;
  wanted.range.last = most - 1;
  return wanted;
}

CommandResult run_search(Request& request, const Services& services) {
  const auto& children = request.body->children;
  const auto stores =
      std::count_if(children.begin(), children.end(),
                    [](const wbxml::Element& child) { return child.tag == tag::kStore; });
  if (stores == 0) return command_error(status::kInvalidXml, "Search without Store");
  const StoreAnswer answer =
      stores > 1 ? StoreAnswer::refuse(kInvalid, "more than one Store")
                 : search_store(request, services, *request.body->child(tag::kStore));
  if (answer.status != kSuccess) log_refusal(request, "Search", answer.status, answer.reason);
  wbxml::Encoder out;
  out.start(tag::kSearch);
  out.number(tag::kStatus, kSuccess);
  out.start(tag::kResponse);
  write_store(answer, out);
  out.end();
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

}  // namespace eas
