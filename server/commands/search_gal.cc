// Search in the address list. [MS-ASCMD] 2.2.1.16, 2.2.3.142.2
#include <string>

#include "server/commands/gal_results.h"
#include "server/commands/search_stores.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {

StoreAnswer search_address_list(const Request& request, const Services& services,
                                const wbxml::Element& store) {
  using namespace search_status;
  namespace tag = wbxml::search;
  constexpr int kMost = 100;
  const wbxml::Element& query = *store.child(tag::kQuery);
  const std::string_view text = storage::trim(query.text);
  if (text.empty() || !query.children.empty()) {
    return StoreAnswer::refuse(kInvalid, "a search in the address list is one text");
  }
  const wbxml::Element* options = store.child(tag::kOptions);
  const WantedRange wanted = wanted_range(options, kMost);
  if (wanted.status == kInvalid) return StoreAnswer::refuse(kInvalid, "a malformed Range");
  const bool has_picture = options != nullptr && request.version >= Version::v14_1;
  const auto wish = parse_picture_wish(has_picture ? options->child(tag::kPicture) : nullptr,
                                       tag::kMaxSize, tag::kMaxPictures);
  if (!wish) return StoreAnswer::refuse(kInvalid, "a malformed Picture");
  if (services.addresses == nullptr) {
    return StoreAnswer::refuse(kServerError, "there is no address list");
  }
  StoreAnswer answer;
  answer.status = wanted.status;
  answer.first = wanted.range.first;
  const int limit = wanted.none ? 0 : wanted.range.last - wanted.range.first + 1;
  const auto page = services.addresses->search(text, wanted.range.first, limit, wish->wanted);
  if (!page) return StoreAnswer::refuse(kServerError, "the address list cannot be read");
  GalWriter writer(request, *wish, answer.results);
  for (const storage::DirectoryEntry& entry : page->entries) {
    answer.results.start(tag::kResult);
    answer.results.start(tag::kProperties);
    writer.write(entry);
    answer.results.end();
    answer.results.end();
    ++answer.count;
  }
  answer.total = page->total;
  if (answer.count == 0 && wanted.range.first > 0) answer.status = kEndOfRange;
  return answer;
}

}  // namespace eas
