// The operations inside ItemOperations: one file and one row of the table in item_operations.cc
// for each. [MS-ASCMD] 2.2.1.10
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/commands/command.h"
#include "storage/base/result.h"
#include "wbxml/element.h"
#include "wbxml/encoder.h"

namespace eas {

// [MS-ASCMD] 2.2.3.177.8
namespace item_status {
inline constexpr int kSuccess = 1;
inline constexpr int kProtocolError = 2;
inline constexpr int kServerError = 3;
inline constexpr int kNotFound = 6;
inline constexpr int kBadRange = 8;
inline constexpr int kUnknownStore = 9;
inline constexpr int kEmptyFile = 10;
inline constexpr int kTooLarge = 11;
inline constexpr int kConversionFailed = 14;
inline constexpr int kBadAttachment = 15;
inline constexpr int kAccessDenied = 16;
inline constexpr int kPartialSuccess = 17;
inline constexpr int kPartUnsupported = 164;  // BodyPartPreference of a Type that has no parts
}  // namespace item_status

// What all operations of one request share.
struct ItemOperationContext {
  Request& request;
  const Services& services;
  const bool multipart;
  std::vector<std::string> parts;  // of a multipart answer, from part 1 on
  std::size_t bytes = 0;           // of what was written before, parts included

  // Takes the data and returns the number of its part.
  std::int64_t add_part(std::string data) {
    parts.push_back(std::move(data));
    return static_cast<std::int64_t>(parts.size());
  }
};

// Carries out one operation and writes its element, with its Status, into `out`. Whatever goes
// wrong is in that Status: one operation's failure does not touch the others.
using RunItemOperation = void (*)(ItemOperationContext& context, const wbxml::Element& operation,
                                  wbxml::Encoder& out);

struct ItemOperation {
  wbxml::Tag element;
  Version since = Version::v12_0;
  RunItemOperation run = nullptr;
};

void run_fetch_operation(ItemOperationContext& context, const wbxml::Element& operation,
                         wbxml::Encoder& out);
void run_empty_folder_operation(ItemOperationContext& context, const wbxml::Element& operation,
                                wbxml::Encoder& out);

// True when Options holds nothing but these; an option that is not for the operation is status 2.
// [MS-ASCMD] R3547
bool has_only(const wbxml::Element& options, std::initializer_list<wbxml::Tag> allowed);

}  // namespace eas
