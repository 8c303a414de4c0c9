// Body and HttpRequest: the parts of exchange.h that are not plain data.
#include "server/http/exchange.h"

#include <sys/mman.h>

#include "storage/base/text.h"

namespace http {

Body::Body(Body&& other) noexcept
    : bytes_(std::move(other.bytes_)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      length_(std::exchange(other.length_, 0)),
      hold_(std::move(other.hold_)) {
  other.bytes_.clear();
}

Body& Body::operator=(Body&& other) noexcept {
  if (this != &other) {
    if (mapping_ != nullptr) ::munmap(mapping_, length_);
    bytes_ = std::move(other.bytes_);
    other.bytes_.clear();
    mapping_ = std::exchange(other.mapping_, nullptr);
    length_ = std::exchange(other.length_, 0);
    hold_ = std::move(other.hold_);
  }
  return *this;
}

Body::~Body() {
  if (mapping_ != nullptr) ::munmap(mapping_, length_);
}

std::string_view HttpRequest::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (storage::equals_ignore_case(header.first, name)) return header.second;
  }
  return {};
}

bool HttpRequest::has_header(std::string_view name) const {
  for (const Header& header : headers) {
    if (storage::equals_ignore_case(header.first, name)) return true;
  }
  return false;
}

}  // namespace http
