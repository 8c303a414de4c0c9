#include <doctest/doctest.h>
#include <gmime/gmime.h>
#include <iconv.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "server/demo/attachments.h"
#include "server/demo/corpus.h"
#include "server/demo/languages.h"
#include "server/demo/message_plan.h"
#include "server/demo/mime_text.h"
#include "storage/base/text.h"

namespace {

constexpr storage::UnixMillis kNow = 1'790'000'000'000;
constexpr storage::UnixMillis kDay = 24LL * 3600 * 1000;
const demo::Recipient kTo{"user1@example.test", "User One"};

GMimeMessage* parse(const std::string& bytes) {
  static const bool started = [] {
    g_mime_init();
    return true;
  }();
  REQUIRE(started);
  GMimeStream* stream = g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size());
  GMimeParser* parser = g_mime_parser_new_with_stream(stream);
  GMimeMessage* message = g_mime_parser_construct_message(parser, nullptr);
  g_object_unref(parser);
  g_object_unref(stream);
  return message;
}

std::string back_to_utf8(const std::string& bytes, std::string_view charset) {
  const iconv_t converter = ::iconv_open("utf-8", std::string(charset).c_str());
  std::string input = bytes;
  std::string out(bytes.size() * 4, '\0');
  char* from = input.data();
  char* to = out.data();
  std::size_t left = input.size();
  std::size_t room = out.size();
  ::iconv(converter, &from, &left, &to, &room);
  ::iconv_close(converter);
  out.resize(out.size() - room);
  return left == 0 ? out : "";
}

// Decodes the encoded words of a header by itself: GMime 3.2.13 drops a base64 word that follows a
// padded one of the same charset.
std::string decode_words(std::string text) {
  std::string out;
  bool after_word = false;
  while (!text.empty()) {
    const std::size_t start = text.find("=?");
    const std::string before = text.substr(0, start);
    if (!after_word || before.find_first_not_of(" \r\n") != std::string::npos) out += before;
    if (start == std::string::npos) break;
    const std::size_t charset_end = text.find('?', start + 2);
    const std::size_t end = text.find("?=", charset_end + 3);
    const std::string payload = text.substr(charset_end + 3, end - charset_end - 3);
    std::string bytes;
    if (text[charset_end + 1] == 'B') {
      bytes = storage::base64_decode(payload).value();
    } else {
      for (std::size_t i = 0; i < payload.size(); ++i) {
        if (payload[i] == '=') {
          bytes += static_cast<char>(std::stoi(payload.substr(i + 1, 2), nullptr, 16));
          i += 2;
        } else {
          bytes += payload[i] == '_' ? ' ' : payload[i];
        }
      }
    }
    out += back_to_utf8(bytes, text.substr(start + 2, charset_end - start - 2));
    text.erase(0, end + 2);
    after_word = true;
  }
  return out;
}

// The raw value of a header, continuation lines included.
std::string raw_header(const std::string& bytes, const std::string& name) {
  const std::size_t start = bytes.find("\n" + name + ": ") + name.size() + 3;
  std::size_t end = bytes.find('\n', start);
  while (end + 1 < bytes.size() && bytes[end + 1] == ' ') end = bytes.find('\n', end + 1);
  std::string value = bytes.substr(start, end - start);
  if (value.ends_with('\r')) value.pop_back();
  return value;
}

struct Found {
  std::set<std::string> types, charsets, encodings;
  int with_content_id = 0;
  int unlabelled = 0;
};

void visit(GMimeObject*, GMimeObject* part, gpointer data) {
  auto* found = static_cast<Found*>(data);
  const GMimeContentType* type = g_mime_object_get_content_type(part);
  found->types.insert(std::string(type->type) + "/" + type->subtype);
  if (const char* charset =
          g_mime_content_type_get_parameter(const_cast<GMimeContentType*>(type), "charset")) {
    found->charsets.insert(charset);
  }
  if (GMIME_IS_PART(part)) {
    const char* encoding =
        g_mime_content_encoding_to_string(g_mime_part_get_content_encoding(GMIME_PART(part)));
    if (encoding != nullptr) found->encodings.insert(encoding);
    if (g_mime_object_get_content_id(part) != nullptr) ++found->with_content_id;
  }
}

}  // namespace

TEST_CASE("corpus: the same seed, recipient and index give the same bytes, another seed others") {
  const demo::Corpus one(7);
  const demo::Corpus same(7);
  const demo::Corpus other(8);
  int different = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string bytes = one.message(kTo, i, 40, kNow).bytes;
    CHECK(bytes == same.message(kTo, i, 40, kNow).bytes);
    if (bytes != other.message(kTo, i, 40, kNow).bytes) ++different;
  }
  CHECK(different == 40);
}

TEST_CASE("corpus: every message is 2 kB to 100 kB, small ones are most") {
  const demo::Corpus corpus(1);
  std::size_t small = 0;
  std::size_t large = 0;
  std::size_t total = 0;
  constexpr int kCount = 2000;
  for (int i = 0; i < kCount; ++i) {
    const demo::DemoMessage message = corpus.message(kTo, i, kCount, kNow);
    CAPTURE(i);
    CAPTURE(static_cast<int>(message.shape));
    CHECK(message.bytes.size() >= 2'048);
    CHECK(message.bytes.size() <= 102'400);
    total += message.bytes.size();
    if (message.bytes.size() < 8'000) ++small;
    if (message.bytes.size() > 50'000) ++large;
  }
  CHECK(small > kCount / 2);
  CHECK(large > 10);
  MESSAGE("mean size " << total / kCount);
}

TEST_CASE("corpus: dates grow with the index, a quarter in three days, nearly all in two months") {
  const demo::Corpus corpus(1);
  constexpr int kCount = 1000;
  storage::UnixMillis last = 0;
  int three_days = 0;
  int two_months = 0;
  for (int i = 0; i < kCount; ++i) {
    const storage::UnixMillis date = corpus.message(kTo, i, kCount, kNow).date;
    CHECK(date >= last);
    CHECK(date < kNow);
    last = date;
    if (date > kNow - 3 * kDay) ++three_days;
    if (date > kNow - 61 * kDay) ++two_months;
  }
  CHECK(three_days > 150);
  CHECK(three_days < 350);
  CHECK(two_months > 950);
  CHECK(two_months < kCount);
}

TEST_CASE("corpus: GMime reads every message: subject, sender, date, text, files, threads") {
  const demo::Corpus corpus(3);
  Found found;
  std::map<std::string, std::string> subject_of;  // by message id
  std::set<demo::Shape> shapes;
  int replies = 0;
  constexpr int kCount = 600;
  for (int i = 0; i < kCount; ++i) {
    const demo::DemoMessage made = corpus.message(kTo, i, kCount, kNow);
    CAPTURE(i);
    shapes.insert(made.shape);
    GMimeMessage* message = parse(made.bytes);
    REQUIRE(message != nullptr);
    REQUIRE(g_mime_message_get_subject(message) != nullptr);
    const std::string subject = decode_words(raw_header(made.bytes, "Subject"));
    CHECK(storage::is_valid_utf8(subject));
    CHECK(subject.find("=?") == std::string::npos);
    InternetAddressList* from = g_mime_message_get_from(message);
    REQUIRE(internet_address_list_length(from) == 1);
    CHECK(INTERNET_ADDRESS_IS_MAILBOX(internet_address_list_get_address(from, 0)));
    GDateTime* date = g_mime_message_get_date(message);
    REQUIRE(date != nullptr);
    CHECK(g_date_time_to_unix(date) == (made.date - 4'000) / 1000);
    const char* id = g_mime_message_get_message_id(message);
    REQUIRE(id != nullptr);
    CHECK(subject_of.emplace(id, subject).second);
    if (const char* parent = g_mime_object_get_header(GMIME_OBJECT(message), "In-Reply-To")) {
      ++replies;
      const std::string bare = std::string(parent).substr(1, std::string(parent).size() - 2);
      REQUIRE(subject_of.contains(bare));
      CHECK(subject.starts_with("Re: "));
      CAPTURE(subject_of[bare]);
      CAPTURE(subject);
      CHECK(subject_of[bare].ends_with(subject.substr(4)));
    }
    g_mime_message_foreach(message, visit, &found);
    g_object_unref(message);
  }
  CHECK(shapes.size() == demo::kShapes);
  CHECK(replies > kCount / 5);
  CHECK(replies < kCount / 2);
  CHECK(found.with_content_id > 10);
  for (const char* type :
       {"text/plain", "text/html", "text/csv", "image/png", "application/pdf", "message/rfc822",
        "multipart/alternative", "multipart/mixed", "multipart/related"}) {
    CAPTURE(type);
    CHECK(found.types.contains(type));
  }
  for (const char* charset : {"utf-8", "us-ascii", "iso-8859-1", "windows-1252", "koi8-r",
                              "gb18030", "iso-2022-jp", "iso-8859-7", "shift_jis"}) {
    CAPTURE(charset);
    CHECK(found.charsets.contains(charset));
  }
  for (const char* encoding : {"7bit", "8bit", "quoted-printable", "base64"}) {
    CAPTURE(encoding);
    CHECK(found.encodings.contains(encoding));
  }
}

TEST_CASE("corpus: some messages have CRLF line ends throughout, the others LF") {
  const demo::Corpus corpus(1);
  int crlf = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string bytes = corpus.message(kTo, i, 200, kNow).bytes;
    const auto lines = std::ranges::count(bytes, '\n');
    const auto returns = std::ranges::count(bytes, '\r');
    CHECK((returns == 0 || returns == lines));
    if (returns != 0) ++crlf;
  }
  CHECK(crlf > 10);
  CHECK(crlf < 80);
}

TEST_CASE("corpus: two mailboxes share no message id") {
  const demo::Recipient other{"user2@example.test", "User Two"};
  for (int i = 0; i < 20; ++i) CHECK(demo::message_id(1, i, kTo) != demo::message_id(1, i, other));
}

TEST_CASE("languages: every text can be said in every charset of its language and comes back") {
  for (const demo::Language& language : demo::languages()) {
    CAPTURE(language.code);
    CHECK(language.charsets.size() >= 1);
    for (const std::string_view charset : language.charsets) {
      CAPTURE(charset);
      for (const auto& texts :
           {language.subjects, language.greetings, language.sentences, language.closings}) {
        for (const std::string_view text : texts) {
          CAPTURE(text);
          const std::string converted = demo::convert(text, charset);
          CHECK(back_to_utf8(converted, charset) == text);
          CHECK(text.find_first_of("<>&") == std::string_view::npos);
        }
      }
    }
  }
}

TEST_CASE("mime text: encoded words are short and split at characters") {
  const std::string text = "Зажигание 打ち合わせ äöü 🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉";
  for (const bool q : {false, true}) {
    const std::string header = demo::header_text(text, "utf-8", q);
    for (const std::string_view line : storage::split(header, '\n')) CHECK(line.size() <= 76);
    CHECK(decode_words(header) == text);
  }
}

TEST_CASE("mime text: quoted-printable lines are at most 76 long and trailing blanks are encoded") {
  const std::string body =
      demo::encode_body(std::string(300, '=') + "\nx \n", demo::Transfer::quoted_printable);
  for (const std::string_view line : storage::split(body, '\n')) CHECK(line.size() <= 76);
  CHECK(body.ends_with("x=20\n"));
}

TEST_CASE("attachments: PNG and PDF have their signatures, sizes range from small to 60 kB") {
  const auto files = demo::make_attachments(1);
  CHECK(files.size() > 20);
  CHECK(files.front().bytes.size() < 1'000);
  CHECK(files.back().bytes.size() > 40'000);
  for (const demo::Attachment& file : files) {
    if (file.content_type == "image/png") {
      CHECK(file.bytes.starts_with("\x89PNG\r\n\x1a\n"));
      CHECK(file.bytes.substr(file.bytes.size() - 8, 4) == "IEND");
    }
    if (file.content_type == "application/pdf") {
      CHECK(file.bytes.starts_with("%PDF-1."));
      const std::size_t at = file.bytes.rfind("startxref\n");
      REQUIRE(at != std::string::npos);
      const auto table = std::stoul(file.bytes.substr(at + 10));
      CHECK(file.bytes.compare(table, 4, "xref") == 0);
    }
  }
}
