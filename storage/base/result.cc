#include "storage/base/result.h"

namespace storage {

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::exists:
      return "exists";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::invalid:
      return "invalid";
    case ErrorKind::too_large:
      return "too_large";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::expired:
      return "expired";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace storage
