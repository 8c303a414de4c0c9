// The decoder keeps the open elements on a stack of its own instead of recursing, so that a
// document's depth is a number to compare and never the process's stack. Whatever a document
// declares, a length is compared with the bytes that are left before anything is copied.
#include "wbxml/decoder.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "wbxml/tokens.h"

namespace wbxml {
namespace {

constexpr std::uint32_t kCharsetUnknown = 0, kCharsetAscii = 3, kCharsetUtf8 = 106;

std::string hex_byte(std::uint8_t value) {
  constexpr char kHex[] = "0123456789ABCDEF";
  return {'0', 'x', kHex[value >> 4], kHex[value & 0x0F]};
}

// Appends the character as UTF-8. False when it is no character that text may hold.
bool append_utf8(std::string& out, std::uint32_t c) {
  if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return false;
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
  return true;
}

class Decoder {
 public:
  Decoder(std::string_view bytes, const DecodeLimits& limits) : bytes_(bytes), limits_(limits) {}

  tl::expected<Element, DecodeError> run() {
    if (read_header() && read_body()) return std::move(root_);
    return tl::unexpected<DecodeError>(std::move(error_));
  }

 private:
  bool fail(std::size_t offset, std::string message) {
    error_ = DecodeError{offset, false, std::move(message)};
    return false;
  }
  bool fail_limit(std::size_t offset, std::string message) {
    error_ = DecodeError{offset, true, std::move(message)};
    return false;
  }
  std::size_t left() const { return bytes_.size() - at_; }
  std::uint8_t byte_at(std::size_t offset) const {
    return static_cast<std::uint8_t>(bytes_[offset]);
  }

  bool read_byte(const char* what, std::uint8_t& value) {
    if (left() == 0)
      return fail(at_, std::string("the document ends where ") + what + " should be");
    value = byte_at(at_++);
    return true;
  }
  // WBXML 5.1: seven bits a byte, the most significant first, at most 32 bits.
  bool read_uint32(const char* what, std::uint32_t& value) {
    const std::size_t begin = at_;
    std::uint64_t sum = 0;
    for (int i = 0; i < 5; ++i) {
      std::uint8_t byte = 0;
      if (!read_byte(what, byte)) return false;
      sum = (sum << 7) | (byte & 0x7F);
      if ((byte & 0x80) != 0) continue;
      if (sum > UINT32_MAX) break;
      value = static_cast<std::uint32_t>(sum);
      return true;
    }
    return fail(begin, std::string(what) + " is a number of more than 32 bits");
  }

  bool read_header() {
    std::uint8_t version = 0;
    if (!read_byte("the WBXML version", version)) return false;
    if (version > 0x03) return fail(0, "not WBXML 1.x: the first byte is " + hex_byte(version));
    std::uint32_t number = 0;
    if (!read_uint32("the public identifier", number)) return false;
    if (number == 0 && !read_uint32("the index of the public identifier", number)) return false;
    if (version != 0) {  // WBXML 1.0 names no character set
      const std::size_t begin = at_;
      if (!read_uint32("the character set", number)) return false;
      if (number != kCharsetUtf8 && number != kCharsetAscii && number != kCharsetUnknown) {
        return fail(begin, "character set " + std::to_string(number) + " instead of UTF-8");
      }
    }
    const std::size_t begin = at_;
    if (!read_uint32("the length of the string table", number)) return false;
    if (number > left()) {
      return fail(begin, "a string table of " + std::to_string(number) + " bytes where " +
                             std::to_string(left()) + " are left");
    }
    string_table_ = bytes_.substr(at_, number);
    at_ += number;
    return true;
  }

  bool read_body() {
    while (!done_) {
      const std::size_t begin = at_;
      std::uint8_t byte = 0;
      const char* expected = open_.empty() ? "the root element" : "the end of an element";
      if (!read_byte(expected, byte)) return false;
      if (!read_item(begin, byte)) return false;
    }
    // A page switch behind the root has no meaning and does no harm.
    while (left() >= 2 && byte_at(at_) == token::kSwitchPage) at_ += 2;
    if (left() != 0) {
      return fail(at_, std::to_string(left()) + " bytes follow behind the root element");
    }
    return true;
  }

  bool read_item(std::size_t begin, std::uint8_t byte) {
    switch (byte) {
      case token::kSwitchPage:
        return read_byte("the number of a code page", page_);
      case token::kEnd:
        if (open_.empty()) return fail(begin, "END without an open element");
        close_element();
        return true;
      case token::kStrI:
      case token::kStrT:
      case token::kOpaque:
      case token::kEntity:
        if (open_.empty()) return fail(begin, "text outside of the root element");
        return read_text(begin, byte);
      case token::kLiteral:
      case token::kLiteralA:
      case token::kLiteralC:
      case token::kLiteralAc:
        return fail(begin, "LITERAL tags are not used by ActiveSync");
      case token::kPi:
        return fail(begin, "processing instructions are not used by ActiveSync");
      case token::kExtI0:
      case token::kExtI1:
      case token::kExtI2:
      case token::kExtT0:
      case token::kExtT1:
      case token::kExtT2:
      case token::kExt0:
      case token::kExt1:
      case token::kExt2:
        return fail(begin, "extension tokens are not used by ActiveSync");
      default:
        return read_tag(begin, byte);
    }
  }

  bool read_tag(std::size_t begin, std::uint8_t byte) {
    if ((byte & token::kAttributeBit) != 0) {
      return fail(begin, "a tag with attributes: " + hex_byte(byte));
    }
    if (open_.size() >= limits_.max_depth) {
      return fail_limit(begin,
                        "more than " + std::to_string(limits_.max_depth) + " nested elements");
    }
    if (++elements_ > limits_.max_elements) {
      return fail_limit(begin, "more than " + std::to_string(limits_.max_elements) + " elements");
    }
    if (!open_.empty()) {
      Element& parent = open_.back();
      if (!parent.text.empty()) return fail(begin, "a tag behind text in the same element");
      parent.opaque = false;
    }
    open_.emplace_back(Tag{page_, static_cast<std::uint8_t>(byte & token::kTokenMask)});
    if ((byte & token::kContentBit) == 0) close_element();
    return true;
  }

  void close_element() {
    Element element = std::move(open_.back());
    open_.pop_back();
    if (open_.empty()) {
      root_ = std::move(element);
      done_ = true;
    } else {
      open_.back().children.push_back(std::move(element));
    }
  }

  bool read_text(std::size_t begin, std::uint8_t kind) {
    if (kind == token::kEntity) return read_entity(begin);
    std::string_view piece;
    if (kind == token::kStrI && !read_inline_string(begin, piece)) return false;
    if (kind == token::kStrT && !read_table_string(begin, piece)) return false;
    if (kind == token::kOpaque && !read_opaque(begin, piece)) return false;
    return add_text(begin, piece, kind == token::kOpaque);
  }

  bool read_inline_string(std::size_t begin, std::string_view& piece) {
    const char* start = bytes_.data() + at_;
    const void* nul = left() == 0 ? nullptr : std::memchr(start, 0, left());
    if (nul == nullptr) return fail(begin, "an inline string without its end");
    piece = {start, static_cast<std::size_t>(static_cast<const char*>(nul) - start)};
    at_ += piece.size() + 1;
    return true;
  }

  bool read_table_string(std::size_t begin, std::string_view& piece) {
    std::uint32_t index = 0;
    if (!read_uint32("the index into the string table", index)) return false;
    if (index >= string_table_.size()) {
      return fail(begin, "index " + std::to_string(index) + " lies behind the string table");
    }
    piece = string_table_.substr(index);
    piece = piece.substr(0, piece.find('\0'));
    return true;
  }

  bool read_opaque(std::size_t begin, std::string_view& piece) {
    std::uint32_t length = 0;
    if (!read_uint32("the length of opaque data", length)) return false;
    if (length > left()) {
      return fail(begin, "opaque data of " + std::to_string(length) + " bytes where " +
                             std::to_string(left()) + " are left");
    }
    piece = bytes_.substr(at_, length);
    at_ += length;
    return true;
  }

  bool read_entity(std::size_t begin) {
    std::uint32_t character = 0;
    if (!read_uint32("the number of a character", character)) return false;
    std::string utf8;
    if (!append_utf8(utf8, character)) {
      return fail(begin, "character " + std::to_string(character) + " cannot be in a text");
    }
    return add_text(begin, utf8, false);
  }

  bool add_text(std::size_t begin, std::string_view piece, bool opaque) {
    Element& element = open_.back();
    if (!element.children.empty()) {
      if (piece.empty()) return true;
      return fail(begin, "text behind a tag in the same element");
    }
    // The string table may be repeated many times over by few bytes; what one document's texts
    // take together stays in proportion to its own size.
    text_bytes_ += piece.size();
    if (piece.size() > limits_.max_text - std::min(limits_.max_text, element.text.size())) {
      return fail_limit(begin,
                        "a text of more than " + std::to_string(limits_.max_text) + " bytes");
    }
    if (text_bytes_ > kMaxExpansion * bytes_.size()) {
      return fail_limit(begin, "the string table is used too often");
    }
    element.opaque = element.opaque || opaque;
    element.text.append(piece);
    return true;
  }

  static constexpr std::size_t kMaxExpansion = 8;

  const std::string_view bytes_;
  const DecodeLimits limits_;
  std::size_t at_ = 0;
  std::string_view string_table_;
  std::uint8_t page_ = 0;
  std::size_t elements_ = 0;
  std::size_t text_bytes_ = 0;
  std::vector<Element> open_;
  Element root_;
  bool done_ = false;
  DecodeError error_;
};

}  // namespace

tl::expected<Element, DecodeError> decode(std::string_view bytes, const DecodeLimits& limits) {
  return Decoder(bytes, limits).run();
}

}  // namespace wbxml
