// The three stores of Search, each in a file of its own, and what their answers have in common.
// [MS-ASCMD] 2.2.1.16, 2.2.3.177.13
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "server/commands/command.h"
#include "wbxml/element.h"
#include "wbxml/encoder.h"

namespace eas {

// Values of Status in Store.
namespace search_status {
inline constexpr int kSuccess = 1;
inline constexpr int kInvalid = 2;
inline constexpr int kServerError = 3;
inline constexpr int kBadLink = 4;
inline constexpr int kAccessDenied = 5;
inline constexpr int kTooComplex = 8;
inline constexpr int kFolderSyncRequired = 11;
inline constexpr int kEndOfRange = 12;
inline constexpr int kPartUnsupported = 164;  // a common one
}  // namespace search_status

// "m-n", both counted from 0 and included.
struct ResultRange {
  int first = 0;
  int last = 99;
};

// The whole of `text` as "m-n" with m <= n and at most three digits each. nullopt: malformed.
std::optional<ResultRange> parse_result_range(std::string_view text);

// What a store answers: the Result elements and where they stand.
struct StoreAnswer {
  int status = search_status::kSuccess;
  std::string_view reason;  // for the log, of a refusal
  wbxml::Encoder results{wbxml::Encoder::Kind::fragment};
  int first = 0;
  int count = 0;  // of Result elements with an entry
  int gaps = 0;   // results between them that are gone by now
  std::int64_t total = 0;
  bool empty_result = false;  // an empty Result stands for none

  static StoreAnswer refuse(int status, std::string_view reason) {
    StoreAnswer answer;
    answer.status = status;
    answer.reason = reason;
    return answer;
  }
};

// The Range of a Search's Options within what a store gives at most: the part of it that can be
// had, and kEndOfRange when there is more to it. invalid: malformed, or two of them.
struct WantedRange {
  int status = search_status::kSuccess;
  ResultRange range;
  bool none = false;  // all of it is beyond the end
};
WantedRange wanted_range(const wbxml::Element* options, int most);

StoreAnswer search_mailbox(const Request& request, const Services& services,
                           const wbxml::Element& store);
StoreAnswer search_address_list(const Request& request, const Services& services,
                                const wbxml::Element& store);
StoreAnswer search_documents(const wbxml::Element& store);

}  // namespace eas
