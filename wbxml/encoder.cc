// Whether an element has content is known only when the first piece comes, so start() writes the
// bare tag byte and the first piece sets its content bit (put_content_begin).
#include "wbxml/encoder.h"

#include <array>
#include <cassert>
#include <charconv>
#include <cstring>
#include <utility>

#include "wbxml/tokens.h"

namespace wbxml {
namespace {

constexpr std::string_view kHeader{"\x03\x01\x6A\x00", 4};
constexpr int kUnknownPage = -1;

char to_char(std::uint8_t byte) { return static_cast<char>(byte); }

}  // namespace

Encoder::Encoder(Kind kind) {
  if (kind == Kind::document) {
    bytes_ = kHeader;
  } else {
    page_ = kUnknownPage;
  }
}

void Encoder::put_content_begin() {
  if (!pending_) return;
  char& tag_byte = bytes_[open_.back()];
  tag_byte = static_cast<char>(tag_byte | token::kContentBit);
  pending_ = false;
}

void Encoder::start(Tag tag) {
  put_content_begin();
  if (tag.page != page_) {
    bytes_.push_back(to_char(token::kSwitchPage));
    bytes_.push_back(to_char(tag.page));
    page_ = tag.page;
  }
  open_.push_back(bytes_.size());
  bytes_.push_back(to_char(tag.token & token::kTokenMask));
  pending_ = true;
}

void Encoder::end() {
  assert(!open_.empty());
  if (!pending_) bytes_.push_back(to_char(token::kEnd));
  pending_ = false;
  open_.pop_back();
}

void Encoder::write_text(std::string_view text) {
  if (text.empty()) return;
  if (const void* nul = std::memchr(text.data(), 0, text.size())) {
    text = text.substr(0, static_cast<std::size_t>(static_cast<const char*>(nul) - text.data()));
    if (text.empty()) return;
  }
  put_content_begin();
  bytes_.push_back(to_char(token::kStrI));
  bytes_.append(text);
  bytes_.push_back('\0');
}

void Encoder::write_opaque(std::string_view bytes) {
  begin_opaque(bytes.size());
  write_raw(bytes);
}

void Encoder::begin_opaque(std::size_t size) {
  assert(size <= UINT32_MAX);
  put_content_begin();
  bytes_.push_back(to_char(token::kOpaque));
  std::array<char, 5> digits{};
  std::size_t first = digits.size() - 1;
  digits[first] = static_cast<char>(size & 0x7F);
  while ((size >>= 7) != 0 && first > 0) digits[--first] = static_cast<char>(0x80 | (size & 0x7F));
  bytes_.append(digits.data() + first, digits.size() - first);
}

void Encoder::write_raw(std::string_view bytes) { bytes_.append(bytes); }

void Encoder::empty(Tag tag) {
  start(tag);
  end();
}

void Encoder::text(Tag tag, std::string_view text) {
  start(tag);
  write_text(text);
  end();
}

void Encoder::number(Tag tag, std::int64_t value) {
  std::array<char, 24> digits;
  const auto [last, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  text(tag, {digits.data(), static_cast<std::size_t>(last - digits.data())});
}

void Encoder::opaque(Tag tag, std::string_view bytes) {
  start(tag);
  write_opaque(bytes);
  end();
}

void Encoder::element(const Element& element) {
  start(element.tag);
  if (element.opaque) {
    write_opaque(element.text);
  } else {
    write_text(element.text);
  }
  for (const Element& child : element.children) this->element(child);
  end();
}

void Encoder::append(const Encoder& fragment) {
  assert(fragment.open_.empty());
  if (fragment.bytes_.empty()) return;
  put_content_begin();
  bytes_.append(fragment.bytes_);
  if (fragment.page_ != kUnknownPage) page_ = fragment.page_;
}

std::string Encoder::take() {
  assert(open_.empty());
  std::string result = std::exchange(bytes_, {});
  open_.clear();
  page_ = kUnknownPage;
  pending_ = false;
  return result;
}

Encoder::Mark Encoder::mark() const { return Mark{bytes_.size(), open_.size(), page_, pending_}; }

void Encoder::rewind(const Mark& mark) {
  assert(mark.size <= bytes_.size() && mark.open <= open_.size());
  bytes_.resize(mark.size);
  open_.resize(mark.open);
  page_ = mark.page;
  pending_ = mark.pending;
  if (pending_) {
    char& tag_byte = bytes_[open_.back()];
    tag_byte = static_cast<char>(tag_byte & ~token::kContentBit);
  }
}

std::string encode(const Element& root) {
  Encoder encoder;
  encoder.element(root);
  return encoder.take();
}

}  // namespace wbxml
