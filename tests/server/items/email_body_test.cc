#include <string>

#include "storage/base/text.h"
#include "tests/server/items/support.h"

namespace base = wbxml::airsync_base;
namespace mail = wbxml::email;
using eas::BodyOptions;
using eas::BodyPreference;
using eas::BodyType;
using eas::Version;
using test::body;
using test::body_text;
using test::data;

namespace {

constexpr const char* kAbsent = "<absent>";

const std::string kHtmlMail = test::mail(
    "Content-Type: text/html; charset=utf-8\r\n",
    "<html><body><p>First paragraph.</p><p>Second paragraph with more words.</p></body></html>");
const std::string kPlainMail = test::mail("Content-Type: text/plain; charset=utf-8\r\n",
                                          "First line\r\nSecond line with Größe\r\n");
const std::string kSigned = test::mail(
    "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";"
    " boundary=s\r\n",
    "--s\r\nContent-Type: text/plain\r\n\r\nsigned\r\n--s\r\n"
    "Content-Type: application/pkcs7-signature\r\n\r\nAAAA\r\n--s--\r\n");

BodyOptions two(BodyPreference first, BodyPreference second, int mime_support = 0) {
  BodyOptions options;
  options.preferences = {first, second};
  options.mime_support = mime_support;
  return options;
}

wbxml::Element render(const std::string& bytes, const BodyOptions& options,
                      Version version = Version::v14_1) {
  return test::render(bytes, version, options);
}

}  // namespace

TEST_CASE("body: the preference of the native type wins over the order asked") {
  const BodyOptions both = two({BodyType::plain, {}, false, 0}, {BodyType::html, {}, false, 0});
  CHECK(body_text(render(kHtmlMail, both), base::kType) == "2");
  CHECK(body_text(render(kPlainMail, both), base::kType) == "1");
}

TEST_CASE("body: converted when the message lacks the form that is asked") {
  const auto plain = render(kHtmlMail, body(BodyType::plain));
  CHECK(data(plain) == "First paragraph.\r\n\r\nSecond paragraph with more words.");
  CHECK(test::text(plain, base::kNativeBodyType) == "2");
  const auto html = render(kPlainMail, body(BodyType::html));
  CHECK(data(html).find("Second line with Größe<br>") != std::string::npos);
  CHECK(test::text(html, base::kNativeBodyType) == "1");
}

TEST_CASE("body: without a preference the whole text is sent as plain") {
  CHECK(body_text(render(kPlainMail, {}), base::kType) == "1");
  CHECK(data(render(kPlainMail, {})) == "First line\r\nSecond line with Größe\r\n");
}

TEST_CASE("body: rich text is not to be had, so the native form is sent") {
  CHECK(body_text(render(kHtmlMail, body(BodyType::rtf)), base::kType) == "2");
}

TEST_CASE(
    "body: TruncationSize is honoured exactly, in bytes, at character borders (quirks.md: iOS, "
    "field.md pain 9)") {
  std::string words;
  while (words.size() < 3000) words += "Größe 你好 👋 abc ";
  for (const char* encoding : {"8bit", "base64", "quoted-printable"}) {
    std::string text = words;
    if (std::string(encoding) == "base64") text = storage::base64_encode(words);
    const std::string bytes =
        test::mail("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " +
                       std::string(encoding) + "\r\n",
                   text);
    for (std::uint32_t size = 0; size < 600; ++size) {
      INFO(encoding << " " << size);
      const auto tree = render(bytes, body(BodyType::plain, size));
      CHECK(body_text(tree, base::kTruncated) == "1");
      const std::string expected(storage::utf8_prefix(words, size));
      CHECK(data(tree) == (expected.empty() ? kAbsent : expected));
      CHECK(std::stoul(body_text(tree, base::kEstimatedDataSize)) > size);
    }
    const auto whole = render(bytes, body(BodyType::plain, 1'000'000));
    CHECK(body_text(whole, base::kTruncated) == kAbsent);
    CHECK(data(whole) == words);
    CHECK(body_text(whole, base::kEstimatedDataSize) == std::to_string(words.size()));
    const auto exact =
        render(bytes, body(BodyType::plain, static_cast<std::uint32_t>(words.size())));
    CHECK(body_text(exact, base::kTruncated) == kAbsent);
    CHECK(data(exact) == words);
  }
}

TEST_CASE("body: converted and recoded bodies are cut as exactly") {
  std::string html = "<html><head><style>" + std::string(50'000, 'x') + "</style></head><body>";
  for (int i = 0; i < 1000; ++i) html += "<b>word</b> ";
  const std::string bytes = test::mail("Content-Type: text/html\r\n", html + "</body></html>");
  for (const std::uint32_t size : {1u, 10u, 499u, 500u, 2000u}) {
    const auto tree = render(bytes, body(BodyType::plain, size));
    CHECK(data(tree).size() == size);
    CHECK(body_text(tree, base::kTruncated) == "1");
  }
  const std::string latin =
      test::mail("Content-Type: text/plain; charset=iso-8859-1\r\n", std::string(5000, '\xE4'));
  const auto tree = render(latin, body(BodyType::plain, 1001));
  CHECK(data(tree).size() == 1000);
  CHECK(storage::is_valid_utf8(data(tree)));
}

TEST_CASE("body: the size of what was cut is estimated from what was read") {
  const std::string bytes = test::mail("Content-Type: text/plain\r\n", std::string(100'000, 'x'));
  const auto tree = render(bytes, body(BodyType::plain, 500));
  const auto size = std::stoul(body_text(tree, base::kEstimatedDataSize));
  CHECK(size > 90'000);
  CHECK(size < 110'000);
}

TEST_CASE("body: AllOrNone passes to the next preference instead of cutting") {
  BodyOptions options = two({BodyType::html, 20, true, 0}, {BodyType::plain, 1000, false, 0});
  const auto tree = render(kHtmlMail, options);
  CHECK(body_text(tree, base::kType) == "1");
  CHECK(data(tree) == "First paragraph.\r\n\r\nSecond paragraph with more words.");
  options.preferences[0].truncation_size = 10'000;
  CHECK(body_text(render(kHtmlMail, options), base::kType) == "2");
  // [MS-ASAIRS] 2.2.2.3.2: ignored without TruncationSize.
  options.preferences[0].truncation_size.reset();
  CHECK(body_text(render(kHtmlMail, options), base::kType) == "2");
}

TEST_CASE("body: AllOrNone without another preference gives no data, only size and preview") {
  const auto tree = render(kHtmlMail, body(BodyType::html, 20, 30, true));
  CHECK(data(tree) == kAbsent);
  CHECK(body_text(tree, base::kTruncated) == "1");
  CHECK(body_text(tree, base::kPreview) == "First paragraph. Second paragr");
}

TEST_CASE(
    "preview: at most the characters asked, without links, markup and line ends (quirks.md: iOS, "
    "field.md 1.3)") {
  const std::string bytes = test::mail(
      "Content-Type: text/html; charset=utf-8\r\n",
      "<p>Sale!\r\n<a href=\"https://e.test/very/long\">https://e.test/very/long</a></p>"
      "<p>&zwnj;&nbsp;&zwnj;&nbsp;</p><p>-----------</p><p>See 👋👋👋 you</p><img alt=\"pixel\">");
  const auto preview = [&](std::uint32_t size, Version version = Version::v14_1) {
    return body_text(render(bytes, body(BodyType::html, 0, size), version), base::kPreview);
  };
  CHECK(preview(255) == "Sale! See 👋👋👋 you");
  CHECK(preview(5) == "Sale!");
  CHECK(preview(11) == "Sale! See");  // half of a pair is not sent
  CHECK(preview(12) == "Sale! See 👋");
  CHECK(preview(0) == kAbsent);
  CHECK(preview(100, Version::v12_1) == kAbsent);
}

TEST_CASE("preview: not beside the data of a plain body [MS-ASAIRS] 2.2.2.35.1") {
  CHECK(body_text(render(kPlainMail, body(BodyType::plain, {}, 100)), base::kPreview) == kAbsent);
  CHECK(body_text(render(kPlainMail, body(BodyType::plain, 0, 100)), base::kPreview) ==
        "First line Second line with Größe");
}

TEST_CASE("MIMESupport: 0 never, 1 for S/MIME only, 2 for all; type 4 must be asked for") {
  const auto type = [](const std::string& bytes, int mime_support, bool type_4) {
    BodyOptions options = body(BodyType::plain);
    if (type_4) options.preferences.push_back({BodyType::mime, {}, false, 0});
    options.mime_support = mime_support;
    return body_text(render(bytes, options), base::kType);
  };
  CHECK(type(kPlainMail, 0, true) == "1");
  CHECK(type(kPlainMail, 1, true) == "1");
  CHECK(type(kPlainMail, 2, true) == "4");
  CHECK(type(kPlainMail, 2, false) == "1");
  CHECK(type(kSigned, 0, true) == "1");
  CHECK(type(kSigned, 1, true) == "4");
  CHECK(type(kSigned, 2, true) == "4");
  BodyOptions only_mime = body(BodyType::mime, 4);
  only_mime.mime_support = 1;
  const auto regular = render(kPlainMail, only_mime);
  CHECK(body_text(regular, base::kType) == "1");
  CHECK(data(regular) == "Firs");
}

TEST_CASE("MIME: cut at TruncationSize, with Truncated and the whole size") {
  BodyOptions options = body(BodyType::mime, 50);
  options.mime_support = 2;
  const auto tree = render(kPlainMail, options);
  CHECK(data(tree) == kPlainMail.substr(0, 50));
  CHECK(body_text(tree, base::kTruncated) == "1");
  CHECK(body_text(tree, base::kEstimatedDataSize) == std::to_string(kPlainMail.size()));
  BodyOptions old = body(BodyType::mime);
  old.mime_support = 2;
  old.mime_truncation = 60;
  CHECK(data(render(kPlainMail, old, Version::v12_1)) == kPlainMail.substr(0, 60));
}

TEST_CASE("MIME: bytes that are no text survive, as opaque data") {
  const std::string bytes =
      test::mail("Content-Type: text/plain\r\n", std::string("a\0b\xFF\x01z", 6));
  BodyOptions options = body(BodyType::mime);
  options.mime_support = 2;
  CHECK(data(render(bytes, options)) == bytes);
}

TEST_CASE("2.5: Body is plain, with BodySize and BodyTruncated; MIMEData replaces it") {
  BodyOptions options;
  options.truncation = 10;
  auto tree = render(kHtmlMail, options, Version::v2_5);
  CHECK(test::text(tree, mail::kBody) == "First para");
  CHECK(test::text(tree, mail::kBodyTruncated) == "1");
  options.truncation = 0;
  tree = render(kHtmlMail, options, Version::v2_5);
  CHECK(test::text(tree, mail::kBody) == kAbsent);
  CHECK(test::text(tree, mail::kBodyTruncated) == "1");
  options.truncation.reset();
  options.mime_support = 1;
  CHECK(test::text(render(kHtmlMail, options, Version::v2_5), mail::kMIMEData) == kAbsent);
  tree = render(kSigned, options, Version::v2_5);
  CHECK(test::text(tree, mail::kMIMEData) == kSigned);
  CHECK(test::text(tree, mail::kMIMETruncated) == "0");
  CHECK(test::text(tree, mail::kMIMESize) == std::to_string(kSigned.size()));
  CHECK(test::text(tree, mail::kBody) == kAbsent);
}

TEST_CASE("body: line ends of plain text become CRLF (quirks.md: Android)") {
  const std::string bytes = test::mail("", "a\nb\r\nc\rd\n\ne\r\n\r\nf");
  CHECK(data(render(bytes, body(BodyType::plain))) == "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\nf");
}

TEST_CASE("body: an empty message is an empty line, not an empty element (quirks.md: Some)") {
  for (const BodyType type : {BodyType::plain, BodyType::html}) {
    CHECK(data(render(test::mail("", ""), body(type))) == "\r\n");
    CHECK(data(render(test::mail("", "  \r\n \r\n"), body(type))) == "\r\n");
  }
  CHECK(test::text(render(test::mail("", ""), {}, Version::v2_5), mail::kBody) == "\r\n");
}

TEST_CASE("body: characters that XML forbids never go out") {
  const std::string bytes =
      test::mail("Subject: a\x01z\r\nContent-Type: text/html; charset=utf-8\r\n",
                 std::string("x\x01\x02\x0B\x0C\x1B\x1Fy\xEF\xBF\xBFz\xED\xA0\x80w&#1;&#x1F;v"));
  for (const BodyType type : {BodyType::plain, BodyType::html}) {
    const std::string text = data(render(bytes, body(type)));
    CHECK(storage::to_xml_safe_utf8(text) == text);
    CHECK(text.find('y') != std::string::npos);
  }
  CHECK(test::text(render(bytes, {}), mail::kSubject) == "az");
}

TEST_CASE("body: html is sent in UTF-8 and its meta charset says so (quirks.md: Outlook 2013)") {
  const std::string bytes = test::mail("Content-Type: text/html; charset=iso-8859-1\r\n",
                                       "<head><meta charset=\"iso-8859-1\"></head><p>Gr\xFC\xDF"
                                       "e</p>");
  CHECK(data(render(bytes, body(BodyType::html))) ==
        "<head><meta charset=\"utf-8\"></head><p>Grüße</p>");
  // Without a charset parameter the meta is believed.
  const std::string meta = test::mail("Content-Type: text/html\r\n",
                                      "<meta charset=koi8-r><p>\xF0\xD2\xC9\xD7\xC5\xD4</p>");
  CHECK(data(render(meta, body(BodyType::html))) == "<meta charset=utf-8><p>Привет</p>");
}

TEST_CASE("body: charsets of pain 16 come out readable") {
  const std::pair<const char*, std::pair<const char*, const char*>> cases[] = {
      {"windows-1252",
       {"\x80 5 \x96 \x84"
        "ja\x93",
        "€ 5 – „ja“"}},
      {"windows-874", {"\xCA\xC7\xD1\xCA\xB4\xD5", "สวัสดี"}},
      {"iso-8859-2", {"\xBF\xF3\xB3w", "żółw"}},
      {"iso-2022-jp", {"\x1B$B$3$s\x1B(B", "こん"}},
      {"gb18030", {"\xC4\xE3\xBA\xC3", "你好"}},
      {"koi8-r", {"\xF0\xD2\xC9\xD7\xC5\xD4", "Привет"}},
      {"utf-8",
       {"Gr\xC3\xBC\xC3\x9F"
        "e",
        "Grüße"}},
      {"utf-8",
       {"Gr\xC3\x83\xC2\xBC\xC3\x83\xC5\xB8"
        "e",
        "Grüße"}},  // twice
  };
  for (const auto& one : cases) {
    const auto& label = one.first;
    const auto& texts = one.second;
    INFO(label);
    const std::string bytes =
        test::mail("Content-Type: text/plain; charset=" + std::string(label) + "\r\n", texts.first);
    CHECK(data(render(bytes, body(BodyType::plain))) == texts.second);
  }
}

TEST_CASE("body: a stub of plain text gives way to the html beside it") {
  const std::string bytes = test::mail(
      "Content-Type: multipart/alternative; boundary=a\r\n",
      "--a\r\nContent-Type: text/plain\r\n\r\n \r\n--a\r\nContent-Type: text/html\r\n\r\n"
      "<p>Real</p>\r\n--a--\r\n");
  CHECK(data(render(bytes, body(BodyType::plain))) == "Real");
}

TEST_CASE("body: one of 5 MB is cut to what the phone wants (field.md pain 13)") {
  std::string html = "<html><body>";
  while (html.size() < 5'000'000) html += "<p>paragraph of a very large message</p>\r\n";
  const std::string bytes = test::mail("Content-Type: text/html\r\n", html);
  const auto tree = render(bytes, body(BodyType::html, 32'768, 100));
  CHECK(data(tree).size() == 32'768);
  CHECK(body_text(tree, base::kPreview).size() <= 100);
}
