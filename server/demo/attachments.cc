#include "server/demo/attachments.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "server/demo/random.h"

namespace demo {
namespace {

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xff);
}

// One PNG chunk: length, type, data, CRC of type and data.
void append_chunk(std::string& out, std::string_view type, std::string_view data) {
  append_u32(out, static_cast<std::uint32_t>(data.size()));
  std::string body(type);
  body += data;
  out += body;
  const auto crc =
      ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  append_u32(out, static_cast<std::uint32_t>(crc));
}

std::string deflate_all(std::string_view raw) {
  uLongf size = ::compressBound(static_cast<uLong>(raw.size()));
  std::string out(size, '\0');
  ::compress2(reinterpret_cast<Bytef*>(out.data()), &size,
              reinterpret_cast<const Bytef*>(raw.data()), static_cast<uLong>(raw.size()), 6);
  out.resize(size);
  return out;
}

std::string table_file(Random& random, std::size_t rows) {
  std::string out = "station;date;species;count\n";
  constexpr std::array<std::string_view, 4> kSpecies = {"Limosa lapponica", "Limosa limosa",
                                                        "Numenius arquata", "Calidris canutus"};
  for (std::size_t i = 0; i < rows; ++i) {
    out += "S" + std::to_string(random.between(1, 40)) + ";2026-0" +
           std::to_string(random.between(1, 9)) + "-1" + std::to_string(random.below(10)) + ";" +
           std::string(random.pick(kSpecies)) + ";" + std::to_string(random.below(2000)) + "\n";
  }
  return out;
}

std::string log_file(Random& random, std::size_t rows) {
  std::string out;
  constexpr std::array<std::string_view, 3> kEvents = {"delivered", "deferred: try again later",
                                                       "connection closed by peer"};
  for (std::size_t i = 0; i < rows; ++i) {
    out += "10:" + std::to_string(random.between(10, 59)) + " queue " +
           std::to_string(random.below(100000)) + " " + std::string(random.pick(kEvents)) + "\n";
  }
  return out;
}

}  // namespace

std::string make_png(std::uint64_t seed, unsigned width, unsigned height) {
  Random random(seed);
  const auto red = static_cast<unsigned>(random.below(256));
  std::string raw;
  raw.reserve((width * 3 + 1) * height);
  for (unsigned y = 0; y < height; ++y) {
    raw += '\0';  // no filter
    for (unsigned x = 0; x < width; ++x) {
      // A gradient with some noise, so that it compresses like a picture.
      const auto noise = static_cast<unsigned>(random.below(8));
      raw += static_cast<char>((red + noise) & 0xff);
      raw += static_cast<char>((x * 255 / width + noise) & 0xff);
      raw += static_cast<char>((y * 255 / height) & 0xff);
    }
  }
  std::string header;
  append_u32(header, width);
  append_u32(header, height);
  header += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bit RGB
  std::string out("\x89PNG\r\n\x1a\n");
  append_chunk(out, "IHDR", header);
  append_chunk(out, "IDAT", deflate_all(raw));
  append_chunk(out, "IEND", "");
  return out;
}

std::string make_pdf(std::uint64_t seed, std::string_view title, std::size_t padding) {
  Random random(seed);
  const std::string page_text = "BT /F1 18 Tf 72 720 Td (" + std::string(title) + ") Tj ET";
  std::string noise;
  noise.reserve(padding);
  while (noise.size() < padding) noise += static_cast<char>(random.below(256));
  const std::array<std::string, 6> objects = {
      "<< /Type /Catalog /Pages 2 0 R >>",
      "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
      "/Resources << /Font << /F1 5 0 R >> >> >>",
      "<< /Length " + std::to_string(page_text.size()) + " >>\nstream\n" + page_text +
          "\nendstream",
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
      "<< /Length " + std::to_string(noise.size()) + " >>\nstream\n" + noise + "\nendstream"};
  std::string out = "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n";
  std::string table = "xref\n0 7\n0000000000 65535 f \n";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    std::array<char, 32> entry{};
    std::snprintf(entry.data(), entry.size(), "%010zu 00000 n \n", out.size());
    table += entry.data();
    out += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const std::size_t start = out.size();
  return out + table + "trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n" + std::to_string(start) +
         "\n%%EOF\n";
}

std::vector<Attachment> make_attachments(std::uint64_t seed) {
  std::vector<Attachment> all;
  Random random(seed, 77);
  constexpr std::array<unsigned, 10> kSides = {12, 16, 24, 32, 48, 64, 80, 96, 128, 150};
  all.reserve(64);
  for (const unsigned side : kSides) {
    all.push_back({"photo-" + std::to_string(side) + ".png", "image/png",
                   make_png(random.next(), side, side * 3 / 4)});
  }
  constexpr std::array<std::size_t, 8> kPadding = {200,    1'000,  4'000,  9'000,
                                                   15'000, 24'000, 38'000, 60'000};
  for (const std::size_t padding : kPadding) {
    all.push_back({"report " + std::to_string(padding / 100) + ".pdf", "application/pdf",
                   make_pdf(random.next(), "Report", padding)});
  }
  all.push_back(
      {"Prüfbericht Größe.pdf", "application/pdf", make_pdf(random.next(), "Bericht", 3'000)});
  all.push_back({"議事録.pdf", "application/pdf", make_pdf(random.next(), "Minutes", 6'000)});
  for (const std::size_t rows : {8u, 40u, 200u, 800u}) {
    all.push_back(
        {"counts-" + std::to_string(rows) + ".csv", "text/csv", table_file(random, rows)});
    all.push_back(
        {"server-" + std::to_string(rows) + ".log", "text/plain", log_file(random, rows)});
  }
  all.push_back({"отчёт.txt", "text/plain", log_file(random, 60)});
  std::ranges::stable_sort(all, {}, [](const Attachment& a) { return a.bytes.size(); });
  return all;
}

}  // namespace demo
