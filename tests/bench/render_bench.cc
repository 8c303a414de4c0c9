// How fast mail is rendered, against GMime's bare parser on the same bytes: the two rates and their
// ratio. The corpus is generated (seeded): 2 kB to 100 kB, plain, HTML, alternative, attachments.
//
//   render_bench [--messages N] [--case NAME] [--json]
#include <gmime/gmime.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "server/items/email/email.h"
#include "server/items/email/mime.h"
#include "storage/base/text.h"

namespace {

using Random = std::mt19937;

// One text in three is in German, where every tenth word has a letter beyond ASCII.
std::string words(Random& random, std::size_t bytes) {
  static const std::vector<std::string> kEnglish = {
      "meeting", "the",  "project", "and",      "tomorrow", "of", "report", "please", "budget",
      "for",     "with", "your",    "customer", "invoice",  "to", "in",     "review", "deadline"};
  static const std::vector<std::string> kGerman = {
      "Besprechung", "die",   "das",  "Projekt", "und",    "morgen", "von",  "bitte", "für", "mit",
      "Kunde",       "Größe", "nach", "Bericht", "senden", "wird",   "noch", "einen", "ist", "zum"};
  const std::vector<std::string>& kWords = random() % 3 == 0 ? kGerman : kEnglish;
  std::string text;
  std::size_t column = 0;
  while (text.size() < bytes) {
    const std::string& word = kWords[random() % kWords.size()];
    text += word;
    column += word.size() + 1;
    if (column > 70) {
      text += "\r\n";
      column = 0;
    } else {
      text += ' ';
    }
  }
  return text + "\r\n";
}

std::string html(Random& random, std::size_t bytes) {
  std::string text =
      "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">"
      "<style>p { margin: 0; font-family: sans-serif }</style></head><body>\r\n";
  while (text.size() < bytes) {
    text += "<div class=\"section\" style=\"color:#333;font-size:14px\"><p>" + words(random, 300) +
            "</p>\r\n<table border=\"0\"><tr><td>Item&nbsp;" + std::to_string(random() % 100) +
            "</td><td><a href=\"https://example.test/item/" + std::to_string(random()) +
            "\">Details</a></td></tr></table></div>\r\n";
  }
  return text + "</body></html>\r\n";
}

std::string quoted_printable(const std::string& text) {
  std::string out;
  std::size_t column = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r' || c == '\n') {
      out += c;
      column = 0;
      continue;
    }
    if (column > 72) {
      out += "=\r\n";
      column = 0;
    }
    if (byte >= 0x80 || c == '=') {
      char hex[4];
      std::snprintf(hex, sizeof hex, "=%02X", byte);
      out += hex;
      column += 3;
    } else {
      out += c;
      ++column;
    }
  }
  return out;
}

std::string base64_lines(const std::string& bytes) {
  const std::string text = storage::base64_encode(bytes);
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 76) out += text.substr(i, 76) + "\r\n";
  return out;
}

std::string headers(Random& random, int index) {
  const std::string id = std::to_string(index);
  return "Return-Path: <sender" + id +
         "@example.test>\r\n"
         "Received: from mx.example.test (mx.example.test [192.0.2.1])\r\n"
         "\tby mail.example.test with ESMTPS id " +
         std::to_string(random()) +
         ";\r\n"
         "\tSun, 1 Mar 2026 10:00:00 +0000\r\n"
         "Date: Sun, 1 Mar 2026 10:00:00 +0000\r\nMessage-ID: <" +
         id +
         "@example.test>\r\n"
         "From: =?utf-8?Q?J=C3=B6rg?= Sender <sender" +
         id +
         "@example.test>\r\n"
         "To: \"User One\" <user1@example.test>, user2@example.test\r\n"
         "Subject: Re: Message " +
         id +
         " about the project\r\n"
         "References: <root@example.test> <parent@example.test>\r\nMIME-Version: 1.0\r\n";
}

std::string part(const std::string& type, const std::string& encoding, const std::string& body) {
  return "Content-Type: " + type + "\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n" + body;
}

std::string alternative(Random& random, std::size_t bytes) {
  return "Content-Type: multipart/alternative; boundary=\"=_alt\"\r\n\r\n--=_alt\r\n" +
         part("text/plain; charset=utf-8", "quoted-printable",
              quoted_printable(words(random, bytes / 3))) +
         "\r\n--=_alt\r\n" +
         part("text/html; charset=utf-8", "quoted-printable",
              quoted_printable(html(random, bytes * 2 / 3))) +
         "\r\n--=_alt--\r\n";
}

std::string message(Random& random, int index) {
  // Most mail is small, some is large: sizes are even on a logarithmic scale.
  const double power = std::uniform_real_distribution<>(0.0, 1.0)(random);
  const auto bytes = static_cast<std::size_t>(2000.0 * std::pow(50.0, power));
  std::string text = headers(random, index);
  switch (index % 5) {
    case 0:
      return text + part("text/plain; charset=utf-8", "8bit", words(random, bytes));
    case 1:
      return text + part("text/html; charset=utf-8", "quoted-printable",
                         quoted_printable(html(random, bytes)));
    case 2:
    case 3:
      return text + alternative(random, bytes);
    default: {
      std::string blob(bytes * 2 / 3, '\0');
      for (char& c : blob) c = static_cast<char>(random());
      return text + "Content-Type: multipart/mixed; boundary=\"=_mix\"\r\n\r\n--=_mix\r\n" +
             alternative(random, bytes / 4) + "\r\n--=_mix\r\n" +
             part("application/pdf; name=\"report.pdf\"", "base64", base64_lines(blob)) +
             "\r\n--=_mix--\r\n";
    }
  }
}

void parse_bare(const std::string& bytes) {
  GMimeStream* stream = g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size());
  GMimeParser* parser = g_mime_parser_new_with_stream(stream);
  GMimeMessage* parsed = g_mime_parser_construct_message(parser, nullptr);
  if (parsed != nullptr) g_object_unref(parsed);
  g_object_unref(parser);
  g_object_unref(stream);
}

void render_one(const std::string& bytes, const eas::BodyOptions& options) {
  storage::MessageInfo info;
  info.id = 1;
  info.date = 1772359200000;
  eas::email::Context context;
  context.reference = "m1:1";
  wbxml::Encoder out(wbxml::Encoder::Kind::fragment);
  if (!eas::email::render(bytes, info, context, options, out) || out.size() < 100) std::abort();
}

// Processor time, so that other work on the machine does not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double rate(const std::vector<std::string>& corpus,
            const std::function<void(const std::string&)>& work) {
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const double start = cpu_seconds();
    for (const std::string& bytes : corpus) work(bytes);
    best = std::max(best, static_cast<double>(corpus.size()) / (cpu_seconds() - start));
  }
  return best;
}

struct Case {
  const char* name;
  eas::BodyOptions options;
};

std::vector<Case> cases() {
  using eas::BodyPreference;
  using eas::BodyType;
  std::vector<Case> list(5);
  list[0].name = "html_200k_preview";
  list[0].options.preferences = {BodyPreference{BodyType::html, 200'000, false, 100}};
  list[1].name = "html_32k";
  list[1].options.preferences = {BodyPreference{BodyType::html, 32'768, false, 0}};
  list[2].name = "plain_whole";
  list[2].options.preferences = {BodyPreference{BodyType::plain, std::nullopt, false, 0}};
  list[3].name = "plain_500";
  list[3].options.preferences = {BodyPreference{BodyType::plain, 500, false, 0}};
  list[4].name = "mime_whole";
  list[4].options.preferences = {BodyPreference{BodyType::mime, std::nullopt, false, 0}};
  list[4].options.mime_support = 2;
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  int count = 10'000;
  bool json = false;
  const char* only = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--messages") == 0 && i + 1 < argc) count = std::atoi(argv[++i]);
    if (std::strcmp(argv[i], "--case") == 0 && i + 1 < argc) only = argv[++i];
    if (std::strcmp(argv[i], "--json") == 0) json = true;
  }
  // As the server does: freed memory stays with the process instead of being faulted in again for
  // every large message.
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  eas::email::init_gmime();
  Random random(42);
  std::vector<std::string> corpus;
  std::size_t bytes = 0;
  for (int i = 0; i < count; ++i) {
    corpus.push_back(message(random, i));
    bytes += corpus.back().size();
  }
  const double bare = rate(corpus, parse_bare);
  if (json) {
    std::printf("{\"messages\":%d,\"bytes\":%zu,\"gmime_per_second\":%.0f", count, bytes, bare);
  } else {
    std::printf("%d messages, %.1f MB; bare GMime parse: %.0f messages/s\n", count,
                static_cast<double>(bytes) / 1e6, bare);
  }
  for (const Case& one : cases()) {
    if (only != nullptr && std::strcmp(only, one.name) != 0) continue;
    const double rendered =
        rate(corpus, [&](const std::string& text) { render_one(text, one.options); });
    if (json) {
      std::printf(",\"%s\":{\"per_second\":%.0f,\"ratio\":%.3f}", one.name, rendered,
                  rendered / bare);
    } else {
      std::printf("render %-18s %8.0f messages/s   ratio %.2f (must be at least 0.50)\n", one.name,
                  rendered, rendered / bare);
    }
  }
  if (json) std::printf("}\n");
  return 0;
}
