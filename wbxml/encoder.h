// Streaming writer of WBXML, the only place that writes page switches. [MS-ASWBXML] 2.1
//
//   Encoder out;                       // writes the header 03 01 6A 00
//   out.start(airsync::kSync);
//   out.text(airsync::kStatus, "1");
//   out.end();
//   send(out.take());
//
// An element that gets no content is written without the content bit (an empty tag). One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wbxml/element.h"
#include "wbxml/tag.h"

namespace wbxml {

class Encoder {
 public:
  enum class Kind { document, fragment };
  // A fragment has no header and switches to its first page explicitly, so that it can be put into
  // any document with append().
  explicit Encoder(Kind kind = Kind::document);

  void start(Tag tag);
  void end();  // REQUIRES: an open element
  // Text inside the open element. A NUL byte ends an inline string, so text is cut at the first
  // one. Empty text writes nothing.
  void write_text(std::string_view text);
  void write_opaque(std::string_view bytes);
  // Streams opaque content whose size is known: begin_opaque(n), then exactly n bytes.
  void begin_opaque(std::size_t size);
  void write_raw(std::string_view bytes);

  void empty(Tag tag);                        // <tag/>
  void text(Tag tag, std::string_view text);  // <tag>text</tag>
  void number(Tag tag, std::int64_t value);
  void opaque(Tag tag, std::string_view bytes);
  void element(const Element& element);  // a whole tree
  // A finished fragment inside the open element (or as siblings at the current place).
  void append(const Encoder& fragment);

  std::size_t size() const { return bytes_.size(); }
  bool has_open_element() const { return !open_.empty(); }
  // The bytes; the encoder is empty afterwards. REQUIRES: every element ended.
  std::string take();
  const std::string& bytes() const { return bytes_; }

  // Forgets everything written after the mark: for an item that fails half-way.
  struct Mark {
    std::size_t size = 0;
    std::size_t open = 0;
    int page = 0;
    bool pending = false;
  };
  Mark mark() const;
  void rewind(const Mark& mark);

 private:
  void put_content_begin();
  std::string bytes_;
  std::vector<std::size_t> open_;  // offsets of the tag bytes of open elements
  int page_ = 0;                   // -1: unknown, the next tag switches
  bool pending_ = false;           // the open element has no content yet
};

// A whole tree as a document.
std::string encode(const Element& root);

}  // namespace wbxml
