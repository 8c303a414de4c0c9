#include "server/items/email/search_text.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using storage::SearchField;
namespace flag = storage::search_flag;

storage::SearchDocument read(std::string_view bytes) {
  storage::MessageInfo info;
  info.id = 7;
  info.date = 1'795'000'000'000;
  info.created_seq = 3;
  info.size = 99;
  return eas::email::search_document(bytes, info);
}

bool has(storage::SearchDocument& document, SearchField field, std::string_view text) {
  return document.text(field).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("search text: every field of a message, decoded") {
  auto document = read(
      "From: =?utf-8?q?Anna_M=C3=BCller?= <anna@example.org>\r\n"
      "Sender: list@example.org\r\n"
      "To: \"Bob\" <bob@example.org>, Team: carl@example.org, dora@example.org;\r\n"
      "Cc: erik@example.org\r\nBcc: fay@example.org\r\n"
      "Subject: =?iso-2022-jp?B?GyRCMnE1RBsoQg==?= 2026\r\n"
      "Date: Wed, 18 Nov 2026 10:00:00 +0000\r\nImportance: high\r\n"
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: text/plain; charset=koi8-r\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
      "=F0=D2=C9=D7=C5=D4\r\n"
      "--b\r\nContent-Type: application/pdf; name=plan.pdf\r\n"
      "Content-Disposition: attachment; filename*=utf-8''%E5%86%99%E7%9C%9F.pdf\r\n\r\nx\r\n"
      "--b--\r\n");
  CHECK(document.item == 7);
  CHECK(document.date == 1'795'000'000'000);
  CHECK(document.created_seq == 3);
  CHECK(document.size == 99);
  CHECK(document.sent == 1'794'996'000'000);
  CHECK(document.importance == 2);
  CHECK(document.flags == flag::kAttachments);
  CHECK(document.conversation.size() == 16);
  CHECK(document.text(SearchField::subject) == "会議 2026");
  CHECK(document.text(SearchField::from) == "Anna Müller\nanna@example.org\nlist@example.org");
  CHECK(document.text(SearchField::to) ==
        "Bob\nbob@example.org\ncarl@example.org\ndora@example.org");
  CHECK(document.text(SearchField::cc) == "erik@example.org");
  CHECK(document.text(SearchField::bcc) == "fay@example.org");
  CHECK(has(document, SearchField::body, "Привет"));
  CHECK(document.text(SearchField::attachment) == "写真.pdf");
}

TEST_CASE("search text: HTML is read as text; what only one form says is there, the rest once") {
  auto html = read(
      "Subject: s\r\nContent-Type: text/html\r\n\r\n"
      "<html><head><style>hidden{}</style><title>t</title></head><body><p class=\"markup\">Hello "
      "<b>wor</b>ld</p><a href=\"http://target.test/\">link</a></body></html>");
  CHECK(has(html, SearchField::body, "Hello world"));
  CHECK_FALSE(has(html, SearchField::body, "hidden"));
  CHECK_FALSE(has(html, SearchField::body, "markup"));
  const auto alternative = [](const char* plain, const char* markup) {
    return read(std::string("MIME-Version: 1.0\r\nContent-Type: multipart/alternative; "
                            "boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n") +
                plain + "\r\n--b\r\nContent-Type: text/html\r\n\r\n" + markup + "\r\n--b--\r\n");
  };
  auto same = alternative("Hello world", "<p>Hello</p> <p>world</p>");
  CHECK(same.text(SearchField::body).find("Hello") == same.text(SearchField::body).rfind("Hello"));
  auto other = alternative("Use another program", "<p>Hello world</p>");
  CHECK(has(other, SearchField::body, "Hello"));
  CHECK(has(other, SearchField::body, "another program"));
}

TEST_CASE("search text: a body and a list of addresses without end are cut") {
  std::string mail = "Subject: s\r\nTo: ";
  for (int i = 0; i < 5000; ++i) mail += "user" + std::to_string(i) + "@example.org,\r\n ";
  mail += "last@example.org\r\n\r\n" + std::string(2'000'000, 'x');
  auto document = read(mail);
  CHECK(document.text(SearchField::to).size() <= eas::email::kMostSearchHeader);
  CHECK(document.text(SearchField::body).size() <= eas::email::kMostSearchBody);
  CHECK(has(document, SearchField::to, "user1@example.org"));
}

TEST_CASE("search text: meetings, flags and categories; unreadable bytes make a document too") {
  const auto meeting = read(
      "Subject: s\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n"
      "METHOD:REQUEST\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
  CHECK((meeting.flags & flag::kMeeting) != 0);
  storage::MessageInfo info;
  info.id = 1;
  info.flags.seen = info.flags.flagged = info.flags.draft = true;
  info.flags.keywords = {"Red", "$MDNSent"};
  const auto flags = eas::email::search_flags(info);
  CHECK(flags.flags == (flag::kSeen | flag::kFlagged | flag::kDraft));
  CHECK(flags.categories == std::vector<std::string>{"Red"});
  CHECK(eas::email::search_document("", info).item == 1);
  CHECK(eas::email::search_document(std::string(100, '\0'), info).flags == flags.flags);
}
