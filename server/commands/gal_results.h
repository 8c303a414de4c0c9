// Entries of the address list as Search and Find answer them. [MS-ASCMD] 2.2.3.139.1, 2.2.3.139.3
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "server/commands/command.h"
#include "storage/directory/address_list.h"
#include "wbxml/element.h"
#include "wbxml/encoder.h"

namespace eas {

// What a phone wants of pictures. [MS-ASCMD] 2.2.3.104, 2.2.3.105, 2.2.3.135
struct PictureWish {
  bool wanted = false;
  std::uint64_t max_size = std::numeric_limits<std::uint64_t>::max();  // bytes of one
  std::uint64_t max_pictures = std::numeric_limits<std::uint64_t>::max();
};

// From the Picture element of an Options (null: none); an empty one has no limits. nullopt: a limit
// that is no number.
std::optional<PictureWish> parse_picture_wish(const wbxml::Element* picture, wbxml::Tag max_size,
                                              wbxml::Tag max_pictures);

// Writes the entries of one answer, one after the other: the pictures are counted.
class GalWriter {
 public:
  GalWriter(const Request& request, PictureWish wish, wbxml::Encoder& out)
      : request_(request), wish_(wish), out_(out) {}
  // The children of Properties: what is known of the entry, each element once.
  void write(const storage::DirectoryEntry& entry);

 private:
  void write_picture(const std::string& picture);

  const Request& request_;
  const PictureWish wish_;
  wbxml::Encoder& out_;
  std::uint64_t pictures_ = 0;
};

}  // namespace eas
