// Files to attach: real PNG pictures, minimal PDF documents, text and CSV, in sizes from some
// hundred bytes to about 60 kB. Made from a seed; pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

struct Attachment {
  std::string name;          // UTF-8
  std::string content_type;  // "image/png"
  std::string bytes;
};

std::string make_png(std::uint64_t seed, unsigned width, unsigned height);
std::string make_pdf(std::uint64_t seed, std::string_view title, std::size_t padding);

// About forty files of all kinds, smallest first.
std::vector<Attachment> make_attachments(std::uint64_t seed);

}  // namespace demo
