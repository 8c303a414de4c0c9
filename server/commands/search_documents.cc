// Search in document libraries (SharePoint, file shares): this server has none to give access to.
// A link that is well-formed is answered with "access denied", one that is none with "bad link".
// [MS-ASCMD] 2.2.3.62, 2.2.3.177.13
#include "server/commands/search_stores.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"

namespace eas {
namespace {

bool is_link(std::string_view value) {
  for (const std::string_view begin : {"http://", "https://", "file://", "\\\\"}) {
    if (storage::starts_with_ignore_case(value, begin) && value.size() > begin.size()) return true;
  }
  return false;
}

}  // namespace

StoreAnswer search_documents(const wbxml::Element& store) {
  using namespace search_status;
  namespace tag = wbxml::search;
  const wbxml::Element& query = *store.child(tag::kQuery);
  const wbxml::Element* equal = query.child(tag::kEqualTo);
  if (equal == nullptr || query.children.size() != 1) {
    return StoreAnswer::refuse(kInvalid, "a document search is one EqualTo");
  }
  const auto value = equal->text_of(tag::kValue);
  if (!equal->has(wbxml::document_library::kLinkId) || !value || value->size() > 1024) {
    return StoreAnswer::refuse(kInvalid, "EqualTo without LinkId or Value");
  }
  if (wanted_range(store.child(tag::kOptions), 1000).status == kInvalid) {
    return StoreAnswer::refuse(kInvalid, "a malformed Range");
  }
  if (!is_link(storage::trim(*value))) return StoreAnswer::refuse(kBadLink, "no link");
  return StoreAnswer::refuse(kAccessDenied, "there are no document libraries");
}

}  // namespace eas
