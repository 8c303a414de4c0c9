#include "server/items/email/headers.h"

#include <ctime>
#include <functional>

#include "tests/server/items/support.h"

using eas::email::decode_header;
using eas::email::format_addresses;
using eas::email::parse_addresses;
using eas::email::topic_of;

TEST_CASE("subject: table of encodings") {
  const std::pair<const char*, const char*> cases[] = {
      {"plain", "plain"},
      {"  folded\r\n line ", "folded line"},
      {"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"},
      {"=?UTF-8?b?R3LDvMOfZQ==?=", "Grüße"},
      {"=?iso-8859-1?Q?Gr=FC=DFe?= und mehr", "Grüße und mehr"},
      {"=?iso-8859-1?Q?5_=80?=", "5 €"},
      {"a =?utf-8?Q?b?= =?utf-8?Q?c?= d", "a bc d"},
      {"=?utf-8?B?w7w=?=\r\n =?utf-8?B?w58=?=", "üß"},
      {"=?utf-8?B?4w==?= =?utf-8?B?gYI=?=", "あ"},  // a character split between two words
      {"=?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"},
      {"=?gb2312?B?xOO6ww==?=", "你好"},
      {"=?koi8-r?B?8NLJ18XU?=", "Привет"},
      {"=?windows-874?B?ys3KtNXk?=", "สอสดีไ"},
      {"=?unknown-8bit?Q?Gr=FC=DFe?=", "Grüße"},
      {"=?us-ascii?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"},
      {"=?utf-8?Q?Gr=FC=DFe?=", "Grüße"},  // labelled UTF-8, is Latin-1
      {"=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"},
      {"=?utf-8?Q?a b c?=", "a b c"},  // illegal spaces
      {"Gr\xFC\xDF"
       "e",
       "Grüße"},           // raw Latin-1
      {"Grüße", "Grüße"},  // RFC 6532
      {"=?utf-8?Q?a?= =?", "a =?"},
      {"=?utf-8?X?a?=", "=?utf-8?X?a?="},
      {"=?utf-8?Q?cut off", "=?utf-8?Q?cut off"},
      {"=?utf-8?B?!!!?=", "!!!"},
      {"tab\there\x01\x02", "tab here"},
      {"", ""},
  };
  for (const auto& one : cases) {
    const auto& raw = one.first;
    const auto& text = one.second;
    INFO(raw);
    CHECK(decode_header(raw) == text);
  }
}

TEST_CASE("addresses: table of forms (quirks.md: HTC)") {
  const std::pair<const char*, const char*> cases[] = {
      {"a@e.test", "\"a@e.test\" <a@e.test>"},
      {"<a@e.test>", "\"a@e.test\" <a@e.test>"},
      {"Anna <a@e.test>", "\"Anna\" <a@e.test>"},
      {"\"Sender, Anna\" <a@e.test>", "\"Sender, Anna\" <a@e.test>"},
      {"\"Anna \\\"A\\\" S\" <a@e.test>", "\"Anna \\\"A\\\" S\" <a@e.test>"},
      {"a@e.test (Anna)", "\"Anna\" <a@e.test>"},
      {"a@e.test, b@e.test", "\"a@e.test\" <a@e.test>, \"b@e.test\" <b@e.test>"},
      {"=?utf-8?Q?Zo=C3=AB?= <z@e.test>", "\"Zoë\" <z@e.test>"},
      {"\"=?utf-8?Q?Zo=C3=AB?=\" <z@e.test>", "\"Zoë\" <z@e.test>"},
      {"=?utf-8?Q?M=C3=BCller=2C_Hans?= <h@e.test>, x@e.test",
       "\"Müller, Hans\" <h@e.test>, \"x@e.test\" <x@e.test>"},
      {"=?iso-8859-1?Q?J=F6rg?= =?iso-8859-1?Q?_M?= <j@e.test>", "\"Jörg M\" <j@e.test>"},
      {"J\xF6rg <j@e.test>", "\"Jörg\" <j@e.test>"},
      {"Jörg <jörg@e.test>", "\"Jörg\" <jörg@e.test>"},
      {"Team: a@e.test, B <b@e.test>;", "\"a@e.test\" <a@e.test>, \"B\" <b@e.test>"},
      {"undisclosed-recipients:;", ""},
      {"", ""},
      {"'Anna' <a@e.test>", "\"Anna\" <a@e.test>"},
  };
  for (const auto& one : cases) {
    const auto& raw = one.first;
    const auto& text = one.second;
    INFO(raw);
    CHECK(format_addresses(parse_addresses(raw), ", ", 1000) == text);
  }
}

TEST_CASE("addresses: a long list is cut between addresses") {
  std::string raw;
  for (int i = 0; i < 3000; ++i) {
    raw += (i == 0 ? "" : ", ") + std::string("user") + std::to_string(i) + "@e.test";
  }
  const std::string to = format_addresses(parse_addresses(raw), ", ", 32'768);
  CHECK(to.size() <= 32'768);
  CHECK(to.size() > 32'600);
  CHECK(to.back() == '>');
}

TEST_CASE("thread topic: prefixes of several languages are removed") {
  const std::pair<const char*, const char*> cases[] = {
      {"Re: x", "x"},
      {"RE: AW: Fwd: x", "x"},
      {"Re[2]: x", "x"},
      {"Antw: x", "x"},
      {"WG: x", "x"},
      {"回复：x", "x"},
      {"Reply: x", "Reply: x"},
      {"x: y", "x: y"},
      {"Re : x", "x"},
      {"Re", "Re"},
      {"", ""},
      {"[list] Re: x", "[list] Re: x"},
  };
  for (const auto& one : cases) {
    const auto& subject = one.first;
    const auto& topic = one.second;
    INFO(subject);
    CHECK(topic_of(subject) == topic);
  }
}

TEST_CASE(
    "importance: read from every header that programs write; always sent (quirks.md: Android, "
    "Outlook)") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "1"},
      {"Importance: high\r\n", "2"},
      {"Importance: Low\r\n", "0"},
      {"X-Priority: 1 (Highest)\r\n", "2"},
      {"X-Priority: 2\r\n", "2"},
      {"X-Priority: 3\r\n", "1"},
      {"X-Priority: 5\r\n", "0"},
      {"X-MSMail-Priority: High\r\n", "2"},
      {"Priority: non-urgent\r\n", "0"},
      {"Importance: normal\r\nX-Priority: 1\r\n", "1"},
      {"X-Priority: nonsense\r\n", "1"},
  };
  for (const auto& one : cases) {
    const auto& header = one.first;
    const auto& importance = one.second;
    INFO(header);
    const auto tree = test::render(test::mail(header, "x"), eas::Version::v14_1);
    CHECK(test::text(tree, wbxml::email::kImportance) == importance);
  }
}

TEST_CASE("conversation: messages of a thread share the id, others do not") {
  const auto id = [](const std::string& headers) {
    return test::text(test::render(test::mail(headers, "x"), eas::Version::v16_0),
                      wbxml::email2::kConversationId);
  };
  const std::string root = id("Message-ID: <root@e>\r\nSubject: a\r\n");
  CHECK(root.size() == 16);
  CHECK(id("Message-ID: <2@e>\r\nReferences: <root@e>\r\nSubject: other\r\n") == root);
  CHECK(id("Message-ID: <3@e>\r\nReferences: <root@e>\r\n <2@e>\r\n") == root);
  CHECK(id("Message-ID: <4@e>\r\nIn-Reply-To: <root@e>\r\n") == root);
  CHECK(id("Message-ID: <other@e>\r\nSubject: a\r\n") != root);
  CHECK(id("Subject: Re: Topic\r\n") == id("Subject: topic\r\n"));
}

TEST_CASE("conversation: the index grows by five bytes a reply, children under their parent") {
  // covers: MS-ASCON R87 R306 R307 R97 R308 R309
  const auto index = [](const std::string& headers) {
    return test::text(
        test::render(test::mail("Date: Sun, 1 Mar 2026 10:00:00 +0000\r\n" + headers, "x"),
                     eas::Version::v14_0),
        wbxml::email2::kConversationIndex);
  };
  const std::string root = index("Message-ID: <a@e>\r\n");
  const std::string child = index("Message-ID: <b@e>\r\nReferences: <a@e>\r\n");
  const std::string grandchild = index("Message-ID: <c@e>\r\nReferences: <a@e> <b@e>\r\n");
  CHECK(root == std::string("\xDC\xA9\x62\x2A\x8C", 5));
  CHECK(child.size() == 10);
  CHECK(grandchild.size() == 15);
  CHECK(child.starts_with(root));
  CHECK(grandchild.starts_with(child));
}

namespace {

std::string repeated(std::string_view piece, std::size_t size) {
  std::string text;
  while (text.size() < size) text += piece;
  return text;
}

double cpu_seconds(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

}  // namespace

// The limits are far above what is needed, and far below what quadratic work costs.
TEST_CASE("headers: hostile text of the size of a header block costs linear time") {
  constexpr std::size_t kHeaderBlock = 1u << 20;
  const std::pair<std::string, std::string> pieces[] = {
      {"", "=?a?q?x"},
      {"", "=?a?q?"},
      {"", "=?"},
      {"", "=?utf-8?q?\xE4?= "},
      {"", "=?a?q?\xE4?= =?b?q?\xF6?= "},
      {"=?utf-8?q?a?= ", " "},
      {"", "'"},
      {"", "\"\\\""},
      {"\xFC", "("},
      {"\xFC", "<a@b>,"},
      {"\xFC", "\""},
      {"Re: ", "RE[1]: "},
  };
  for (const auto& one : pieces) {
    const auto& start = one.first;
    const auto& piece = one.second;
    INFO(start << piece);
    const std::string text = start + repeated(piece, kHeaderBlock);
    const double subject = cpu_seconds([&] { CHECK(!decode_header(text).empty()); });
    CHECK(subject < 10);
    const double addresses = cpu_seconds([&] { (void)parse_addresses(text); });
    CHECK(addresses < 10);
    const double named = cpu_seconds([&] { (void)parse_addresses("\"" + text + "\" <a@e.test>"); });
    CHECK(named < 10);
  }
}

TEST_CASE("headers: hostile encoded words cost no time in a message or in one within it") {
  constexpr std::size_t kHeaderBlock = 1u << 20;
  for (const std::string end : {"", "?="}) {
    const std::string text = repeated("=?a?q?x", kHeaderBlock - 1000) + end;
    const std::string inner = repeated("=?a?q?x", 4 * kHeaderBlock) + end;
    const std::string messages[] = {
        "Subject: " + text + "\r\n\r\nbody", "From: " + text + " <a@e.test>\r\n\r\nbody",
        "Subject: a\r\nContent-Type: message/rfc822\r\n\r\nSubject: " + inner + "\r\n\r\nbody",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; "
        "filename=\"" +
            inner + "\"\r\n\r\nbody\r\n--b--\r\n"};
    for (const std::string& message : messages) {
      INFO(message.substr(0, 120) << end);
      const double seconds = cpu_seconds([&] {
        wbxml::Encoder out = test::application_data();
        (void)eas::email::render(message, test::message_info(), test::context(eas::Version::v16_1),
                                 {}, out);
      });
      CHECK(seconds < 10);
    }
  }
}
