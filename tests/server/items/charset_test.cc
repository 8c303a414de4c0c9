#include "server/items/charset.h"

#include <unicode/ucnv.h>

#include "storage/base/text.h"
#include "tests/server/items/support.h"

using eas::decode_text;

namespace {

// The bytes of a UTF-8 text in another charset.
std::string encode(std::string_view text, const char* charset) {
  std::string out(text.size() * 4 + 16, '\0');
  UErrorCode error = U_ZERO_ERROR;
  const std::int32_t length =
      ucnv_convert(charset, "utf-8", out.data(), static_cast<std::int32_t>(out.size()), text.data(),
                   static_cast<std::int32_t>(text.size()), &error);
  REQUIRE(U_SUCCESS(error));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

struct Case {
  const char* label;
  const char* charset;
  const char* text;
};

}  // namespace

TEST_CASE("charset: labelled text is read by its label (field.md pain 16)") {
  const Case cases[] = {
      {"windows-1252", "windows-1252", "Preis: 5 € – „günstig“"},
      {"iso-8859-1", "windows-1252", "Preis: 5 € – „günstig“"},  // what programs mean by it
      {"ISO-8859-15", "iso-8859-15", "Preis 5 € Œuvre"},
      {"iso-8859-2", "iso-8859-2", "Zażółć gęślą jaźń"},
      {"windows-1250", "windows-1250", "Příliš žluťoučký kůň"},
      {"koi8-r", "koi8-r", "Привет, как дела?"},
      {"windows-1251", "windows-1251", "Привет, как дела?"},
      {"windows-874", "windows-874", "สวัสดีครับ ภาษาไทย"},
      {"tis-620", "windows-874", "สวัสดีครับ ภาษาไทย"},
      {"iso-2022-jp", "iso-2022-jp", "こんにちは、世界"},
      {"Shift_JIS", "shift_jis", "こんにちは、世界"},
      {"euc-jp", "euc-jp", "こんにちは、世界"},
      {"gb2312", "gb18030", "你好，世界"},
      {"gb18030", "gb18030", "你好，世界 𠀀"},
      {"big5", "big5", "你好世界"},
      {"ks_c_5601-1987", "euc-kr", "안녕하세요"},
      {"windows-1256", "windows-1256", "مرحبا بالعالم"},
      {"windows-1255", "windows-1255", "שלום עולם"},
      {"utf-16le", "utf-16le", "Grüße 你好"},
      {"utf-7", "utf-7", "Grüße"},
      {"utf-8", "utf-8", "Grüße 你好 👋"},
      {"\"utf8\"", "utf-8", "Grüße"},
      {"cp-1252", "windows-1252", "Grüße"},
  };
  for (const Case& one : cases) {
    INFO(one.label);
    CHECK(decode_text(encode(one.text, one.charset), one.label) == one.text);
  }
}

TEST_CASE("charset: an unknown, missing or wrong label does not make mojibake (field.md pain 16)") {
  const std::string german = "Grüße aus München, schöne Straße";
  for (const char* label : {"", "x-unknown", "us-ascii", "utf-8", "unknown-8bit", "iso-8859-1"}) {
    INFO(label);
    CHECK(decode_text(german, label) == german);                          // UTF-8 under any label
    CHECK(decode_text(encode(german, "windows-1252"), label) == german);  // Latin-1 under any label
  }
  CHECK(decode_text(german, "koi8-r") == german);
  const std::string japanese = "こんにちは、世界。今日は天気がいいですね。";
  CHECK(decode_text(japanese, "shift_jis") == japanese);
  CHECK(decode_text(encode(japanese, "iso-2022-jp"), "") == japanese);
  CHECK(decode_text(encode(japanese, "iso-2022-jp"), "us-ascii") == japanese);
  const std::string russian =
      "Уважаемые коллеги, встреча состоится завтра в десять часов утра. С уважением, Иван.";
  CHECK(decode_text(encode(russian, "koi8-r"), "") == russian);
  CHECK(decode_text(encode(russian, "windows-1251"), "x-none") == russian);
}

TEST_CASE("charset: UTF-8 that was encoded twice is read once (field.md pain 16)") {
  const std::string text = "Grüße aus München – schöne Straße";
  std::string twice;
  UErrorCode error = U_ZERO_ERROR;
  twice.resize(400);
  const std::int32_t length = ucnv_convert("utf-8", "windows-1252", twice.data(), 400, text.data(),
                                           static_cast<std::int32_t>(text.size()), &error);
  REQUIRE(U_SUCCESS(error));
  twice.resize(static_cast<std::size_t>(length));
  REQUIRE(twice != text);
  CHECK(decode_text(twice, "utf-8") == text);
  // Text about mojibake, and real text with such letters, stays as it is.
  const std::string about = "Aus „Ã¤“ wird ein ä, das ist richtig so. Größe";
  CHECK(decode_text(about, "utf-8") == about);
  CHECK(decode_text("AÇÃO É NÃO", "utf-8") == "AÇÃO É NÃO");
}

TEST_CASE("charset: a character cut off at the end of a part that goes on is left out") {
  CHECK(decode_text("abc\xC3", "utf-8", true) == "abc");
  CHECK(decode_text("abc\xE4\xBD", "", true) == "abc");
  CHECK(decode_text(encode("你好", "gb18030").substr(0, 3), "gb18030", true) == "你");
}

TEST_CASE("charset: byte order marks are obeyed and removed") {
  CHECK(decode_text("\xEF\xBB\xBF"
                    "abc",
                    "utf-8") == "abc");
  CHECK(decode_text(std::string("\xFF\xFE"
                                "a\0b\0",
                                6),
                    "utf-8") == "ab");
}

TEST_CASE("charset: the result is well-formed UTF-8 for any bytes under any label") {
  std::uint32_t state = 12345;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes;
    const std::size_t length = (state >> 8) % 40;
    for (std::size_t k = 0; k < length; ++k) {
      state = state * 1664525 + 1013904223;
      bytes += static_cast<char>(state >> 24);
    }
    state = state * 1664525 + 1013904223;
    static const char* const kLabels[] = {"",      "utf-8",  "iso-8859-1",  "gb18030",
                                          "big5",  "koi8-r", "iso-2022-jp", "utf-16",
                                          "utf-7", "bogus"};
    const char* label = kLabels[(state >> 10) % 10];
    CHECK(storage::is_valid_utf8(decode_text(bytes, label)));
    CHECK(storage::is_valid_utf8(decode_text(bytes, label, true)));
  }
}

TEST_CASE("charset: a meta charset is found and made to say utf-8") {
  const std::pair<std::string, std::string> cases[] = {
      {"<meta charset=\"koi8-r\">x", "<meta charset=\"utf-8\">x"},
      {"<META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset=ISO-8859-1'>",
       "<META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset=utf-8'>"},
      {"<meta name=x><meta charset=big5 />", "<meta name=x><meta charset=utf-8 />"},
      {"<meta charset=UTF-8>", "<meta charset=UTF-8>"},
      {"<p>charset=latin1</p>", "<p>charset=latin1</p>"},
      {"<meta charset", "<meta charset"},
      {"<meta charset=", "<meta charset="},
  };
  for (const auto& [before, after] : cases) {
    std::string html = before;
    eas::set_meta_charset_utf8(html);
    CHECK(html == after);
  }
  CHECK(eas::meta_charset("<meta charset=\"koi8-r\">") == "koi8-r");
  CHECK(eas::meta_charset("<p>none</p>").empty());
}

TEST_CASE("charset: code pages for InternetCPID") {
  CHECK(eas::code_page_of("utf-8") == 65001);
  CHECK(eas::code_page_of("ISO-8859-1") == 28591);
  CHECK(eas::code_page_of("us-ascii") == 20127);
  CHECK(eas::code_page_of("") == 65001);
  CHECK(eas::code_page_of("nonsense") == 65001);
}
