#include <sys/mman.h>

#include <utility>

#include "storage/mail/mail_store.h"

namespace storage {

MessageBytes::MessageBytes(std::string owned) : owned_(std::move(owned)) {}

MessageBytes::MessageBytes(void* mapping, std::size_t length)
    : mapping_(mapping), length_(length) {}

MessageBytes::MessageBytes(MessageBytes&& other) noexcept
    : owned_(std::move(other.owned_)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      length_(std::exchange(other.length_, 0)) {}

MessageBytes& MessageBytes::operator=(MessageBytes&& other) noexcept {
  if (this != &other) {
    if (mapping_ != nullptr) ::munmap(mapping_, length_);
    owned_ = std::move(other.owned_);
    mapping_ = std::exchange(other.mapping_, nullptr);
    length_ = std::exchange(other.length_, 0);
  }
  return *this;
}

MessageBytes::~MessageBytes() {
  if (mapping_ != nullptr) ::munmap(mapping_, length_);
}

std::string_view MessageBytes::view() const {
  if (mapping_ != nullptr) return {static_cast<const char*>(mapping_), length_};
  return owned_;
}

}  // namespace storage
