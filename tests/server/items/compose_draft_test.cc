// Drafts as bytes: what a phone says in elements, and the message that it makes.
#include <doctest/doctest.h>

#include "server/items/compose/draft.h"
#include "server/items/compose/header_fields.h"
#include "storage/base/text.h"
#include "tests/server/items/support.h"

namespace {

using eas::compose::DraftEdit;
using eas::compose::DraftStamp;
using wbxml::Element;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace mail = wbxml::email;
namespace mail2 = wbxml::email2;

Element opaque(wbxml::Tag tag, std::string bytes) {
  Element element(tag, std::move(bytes));
  element.opaque = true;
  return element;
}

Element data(std::vector<Element> children) {
  return Element(airsync::kApplicationData, std::move(children));
}

Element body(const char* type, const std::string& text) {
  return Element(base::kBody, {Element(base::kType, type), Element(base::kData, text)});
}

Element file(const char* id, const char* name, const std::string& bytes,
             std::vector<Element> more = {}) {
  Element add(base::kAdd, {Element(base::kClientId, id), Element(base::kMethod, "1"),
                           opaque(base::kContent, bytes), Element(base::kDisplayName, name)});
  for (Element& element : more) add.children.push_back(std::move(element));
  return add;
}

Element removal(const char* reference) {
  return Element(base::kDelete, {Element(base::kFileReference, reference)});
}

DraftStamp stamp(const char* command = "c1") {
  return {"From: Ann <ann@example.test>\r\n", "Date: Wed, 18 Nov 2026 10:00:00 +0000\r\n",
          "<id@example.test>", command};
}

DraftEdit parsed(const Element& element, const char* reference = "m3:7") {
  auto edit = eas::compose::parse_draft(element, reference, {}, eas::Version::v16_1);
  REQUIRE(edit);
  return *edit;
}

bool is_refused(const Element& element) {
  return !eas::compose::parse_draft(element, "m3:7", {}, eas::Version::v16_1);
}

std::string edited(const std::string& stored, const Element& element, const char* command = "c1") {
  auto draft = eas::compose::edit_draft(stored, parsed(element), stamp(command));
  REQUIRE(draft);
  return draft->bytes;
}

Element shown(const std::string& bytes) {
  eas::email::Context context = test::context(eas::Version::v16_1);
  context.draft = true;
  context.reference = "m3:7";
  eas::BodyOptions options;
  options.preferences = {{eas::BodyType::plain, {}, false, 0}, {eas::BodyType::html, {}, false, 0}};
  return test::render(bytes, test::message_info(), context, options);
}

std::vector<std::string> files(const std::string& bytes) {
  std::vector<std::string> names;
  const Element draft = shown(bytes);
  if (const Element* list = draft.child(base::kAttachments)) {
    for (const Element& one : list->children) {
      names.push_back(test::text(one, base::kDisplayName) + " " +
                      test::text(one, base::kFileReference));
    }
  }
  return names;
}

std::string content(const std::string& bytes, const char* part) {
  auto found = eas::email::attachment(bytes, part);
  return found ? found->bytes : "<none>";
}

std::string text_of(const std::string& bytes, wbxml::Tag tag) {
  return test::text(shown(bytes), tag);
}

}  // namespace

TEST_CASE("draft: elements become a message that gives them back") {
  // covers: MS-ASEMAIL R1489 R1135 R1278
  const std::string bytes = edited(
      "", data({Element(mail::kTo, "\"Bob, B\xC3\xB6\" <bob@example.test>; carl@example.test"),
                Element(mail::kCc, "d@example.test"), Element(mail2::kBcc, "e@example.test"),
                Element(mail::kReplyTo, "ann2@example.test"),
                Element(mail::kSubject,
                        "Gr\xC3\xBC\xC3\x9F"
                        "e an alle"),
                Element(mail::kImportance, "2"), body("1", "Zeile 1\nZeile 2 \xE2\x82\xAC")}));
  CHECK(text_of(bytes, mail::kTo) ==
        "\"Bob, B\xC3\xB6\" <bob@example.test>, \"carl@example.test\" <carl@example.test>");
  CHECK(text_of(bytes, mail::kCc) == "\"d@example.test\" <d@example.test>");
  CHECK(text_of(bytes, mail2::kBcc) == "\"e@example.test\" <e@example.test>");
  CHECK(text_of(bytes, mail::kReplyTo) == "\"ann2@example.test\" <ann2@example.test>");
  CHECK(text_of(bytes, mail::kFrom) == "\"Ann\" <ann@example.test>");
  CHECK(text_of(bytes, mail::kSubject) ==
        "Gr\xC3\xBC\xC3\x9F"
        "e an alle");
  CHECK(text_of(bytes, mail::kImportance) == "2");
  CHECK(text_of(bytes, mail2::kIsDraft) == "1");
  CHECK(test::data(shown(bytes)) == "Zeile 1\r\nZeile 2 \xE2\x82\xAC");
  for (const char c : bytes) CHECK(static_cast<unsigned char>(c) < 128);
  CHECK(bytes.find("Message-ID: <id@example.test>\r\n") != std::string::npos);
}

TEST_CASE(
    "draft: recipients parted by ';' and ',', with commas in names (quirks.md: Android 16.x)") {
  const std::string bytes =
      edited("", data({Element(mail::kTo, "a@x.test; \"Last, First\" <b@x.test>,c@x.test;")}));
  CHECK(text_of(bytes, mail::kTo) ==
        "\"a@x.test\" <a@x.test>, \"Last, First\" <b@x.test>, \"c@x.test\" <c@x.test>");
  CHECK(eas::compose::has_valid_recipients(bytes));
}

TEST_CASE("draft: a recipient that is no address yet is kept as it was written") {
  const std::string bytes = edited("", data({Element(mail::kTo, "carl; bob@x.test; J\xC3\xB6rg")}));
  CHECK(bytes.find("To: carl,\r\n bob@x.test,\r\n =?") != std::string::npos);
  CHECK_FALSE(eas::compose::has_valid_recipients(bytes));
}

TEST_CASE("draft: full MIME is stored as it is (quirks.md: iOS, Nine)") {
  // covers: MS-ASEMAIL R14890
  const std::string mime =
      "From: ann@example.test\r\nTo: bob@x.test\r\nBcc: carl@x.test\r\nSubject: whole\r\n"
      "Message-ID: <mine@phone>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
      "boundary=b\r\n\r\n--b\r\n\r\nText \r\n--b\r\nContent-Type: image/png; name=p.png\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\nGgo=\r\n--b--\r\nepilogue";
  const std::string bytes = edited("", data({body("4", mime), Element(mail::kImportance, "0")}));
  CHECK(bytes.ends_with(mime.substr(mime.find("\r\n\r\n"))));
  CHECK(text_of(bytes, mail2::kBcc) == "\"carl@x.test\" <carl@x.test>");
  CHECK(text_of(bytes, mail::kImportance) == "0");
  CHECK(bytes.find("Message-ID: <mine@phone>") != std::string::npos);
  CHECK(bytes.find("<id@example.test>") == std::string::npos);

  const std::string more =
      edited("", data({body("4", mime), Element(base::kAttachments, {file("a1", "x.txt", "X")})}));
  CHECK(files(more) == std::vector<std::string>{"p.png m3:7:2", "x.txt m3:7:3"});
  CHECK(more.find("iVBORw0K\r\nGgo=") != std::string::npos);
  CHECK(is_refused(data({body("4", "no message at all")})));
}

TEST_CASE("draft: a change touches what it names and nothing else") {
  // covers: MS-ASEMAIL R1490
  const std::string first = edited(
      "",
      data({Element(mail::kTo, "a@x.test"), Element(mail::kSubject, "one"),
            body("2", "<p>html</p>"), Element(base::kAttachments, {file("a1", "x.txt", "X")})}));
  const std::string second = edited(first, data({Element(mail::kSubject, "two")}), "c2");
  CHECK(text_of(second, mail::kSubject) == "two");
  CHECK(text_of(second, mail::kTo) == "\"a@x.test\" <a@x.test>");
  CHECK(second.substr(second.find("\r\n\r\n")) == first.substr(first.find("\r\n\r\n")));
  const std::string third =
      edited(second, data({Element(mail::kTo, ""), body("1", "plain")}), "c3");
  CHECK(text_of(third, mail::kTo) == "<absent>");
  CHECK(test::data(shown(third)) == "plain");
  CHECK(files(third) == std::vector<std::string>{"x.txt m3:7:2"});
  CHECK(content(third, "2") == "X");
  CHECK(third.find("Message-ID: <id@example.test>") != std::string::npos);
}

TEST_CASE("draft: attachments are added and deleted; numbers that move are told") {
  // covers: MS-ASAIRS R1336 R1393 R1395
  const Element three(
      base::kAttachments,
      {file("a1", "one.bin", std::string("\0\xFF\r\n", 4)),
       file("a2", "zw\xC3\xB6lf.txt", "12", {Element(base::kContentType, "text/x-a")}),
       file("a3", "message.eml", "Subject: inner\r\n\r\nHi\r\n")});
  Element added = three;
  added.children[2].children[1].text = "5";
  const std::string first = edited("", data({body("1", "t"), added}));
  CHECK(files(first) == std::vector<std::string>{"one.bin m3:7:2", "zw\xC3\xB6lf.txt m3:7:3",
                                                 "message.eml m3:7:4"});
  CHECK(content(first, "2") == std::string("\0\xFF\r\n", 4));
  CHECK(content(first, "4") == "Subject: inner\r\n\r\nHi\r\n");
  CHECK(*eas::compose::added_by(first, "c1") == std::vector<std::string>{"2", "3", "4"});

  auto draft = eas::compose::edit_draft(
      first, parsed(data({Element(base::kAttachments, {removal("m3:7:2")})})), stamp("c2"));
  REQUIRE(draft);
  CHECK(draft->renumbered);
  CHECK(files(draft->bytes) ==
        std::vector<std::string>{"zw\xC3\xB6lf.txt m3:7:2", "message.eml m3:7:3"});
  CHECK(content(draft->bytes, "2") == "12");
  CHECK(*eas::compose::added_by(draft->bytes, "c1") == std::vector<std::string>{"", "2", "3"});

  auto more = eas::compose::edit_draft(
      draft->bytes, parsed(data({Element(base::kAttachments, {file("a4", "four", "4")})})),
      stamp("c3"));
  REQUIRE(more);
  CHECK_FALSE(more->renumbered);
  CHECK(*eas::compose::added_by(more->bytes, "c3") == std::vector<std::string>{"4"});
  CHECK_FALSE(eas::compose::added_by(more->bytes, "c4"));
}

TEST_CASE("draft: a picture that the HTML shows goes beside it") {
  const std::string bytes = edited(
      "", data({body("2", "<img src=\"cid:p1\">"),
                Element(base::kAttachments,
                        {file("a1", "p.png", "PNG",
                              {Element(base::kContentId, "<p1>"), Element(base::kIsInline, "1"),
                               Element(base::kContentType, "image/png")}),
                         file("a2", "doc.pdf", "PDF")})}));
  CHECK(files(bytes) == std::vector<std::string>{"p.png m3:7:1.2", "doc.pdf m3:7:2"});
  CHECK(*eas::compose::added_by(bytes, "c1") == std::vector<std::string>{"1.2", "2"});
  const Element draft = shown(bytes);
  const Element& picture = draft.child(base::kAttachments)->children.at(0);
  CHECK(test::text(picture, base::kIsInline) == "1");
  CHECK(test::text(picture, base::kContentId) == "p1");
}

TEST_CASE("draft: what a draft cannot have is refused, what only the server says is passed over") {
  // covers: MS-ASEMAIL R817 R835
  CHECK(is_refused(data({Element(mail2::kUmCallerID, "1")})));
  CHECK(is_refused(data({Element(mail2::kUmUserNotes, "1")})));
  CHECK(is_refused(data({Element(mail::kImportance, "3")})));
  CHECK(is_refused(data({body("3", "rtf")})));
  CHECK(is_refused(data({Element(base::kAttachments, {removal("m3:8:2")})})));
  CHECK(is_refused(data({Element(base::kAttachments, {removal("m3:72:2")})})));
  CHECK(is_refused(data({Element(base::kAttachments, {file("", "no id", "x")})})));
  Element method = file("a", "b", "c");
  method.children[1].text = "6";
  CHECK(is_refused(data({Element(base::kAttachments, {method})})));
  CHECK(is_refused(data({Element(wbxml::calendar::kSubject, "x")})));
  const std::string bytes =
      edited("", data({Element(mail::kFrom, "boss@x.test"), Element(mail2::kIsDraft, "1"),
                       Element(mail::kSubject, "s\r\nBcc: evil@x.test")}));
  CHECK(text_of(bytes, mail::kFrom) == "\"Ann\" <ann@example.test>");
  CHECK(text_of(bytes, mail::kSubject) == "s Bcc: evil@x.test");
  CHECK(text_of(bytes, mail2::kBcc) == "<absent>");
}

TEST_CASE("draft: a base64 string is taken for the bytes that it should have been") {
  Element add = file("a1", "x", "");
  add.children[2] = Element(base::kContent, "aGVsbG8=");
  CHECK(content(edited("", data({Element(base::kAttachments, {add})})), "2") == "hello");
}

TEST_CASE("draft: what goes out has no trace of the draft, and a new date") {
  const std::string bytes =
      edited("", data({Element(mail::kTo, "a@x.test"), body("1", "X-Godwit-Draft: in text")}));
  CHECK(bytes.find("X-Godwit-Draft: c1=\r\n") != std::string::npos);
  const std::string sent = eas::compose::draft_to_send(bytes);
  const auto header = eas::compose::parse_header(sent);
  CHECK(header.find("X-Godwit-Draft") == nullptr);
  CHECK(header.find("Date") == nullptr);
  CHECK(header.find("To") != nullptr);
  CHECK(sent.ends_with("\r\n\r\nX-Godwit-Draft: in text"));
  CHECK(eas::compose::draft_to_send("To: a@x.test").starts_with("To: a@x.test\r\n\r\n"));
}

TEST_CASE("draft: of many changes the last eight are remembered") {
  std::string bytes = edited("", data({Element(mail::kTo, "a@x.test")}), "c0");
  for (int i = 1; i <= 10; ++i) {
    bytes = edited(bytes, data({Element(mail::kSubject, std::to_string(i))}),
                   ("c" + std::to_string(i)).c_str());
  }
  CHECK_FALSE(eas::compose::added_by(bytes, "c2"));
  CHECK(eas::compose::added_by(bytes, "c3"));
  CHECK(eas::compose::added_by(bytes, "c10"));
}

TEST_CASE("draft: a signed draft gets attachments around it, not into it") {
  const std::string sealed =
      "Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol=\"application/"
      "pkcs7-signature\"; boundary=s\r\n\r\n--s\r\n\r\nsigned \r\n--s\r\nContent-Type: "
      "application/pkcs7-signature\r\n\r\nMIAG\r\n--s--\r\n";
  const std::string bytes = edited(
      "", data({body("4", sealed), Element(base::kAttachments, {file("a1", "x.txt", "X")})}));
  CHECK(bytes.find("--s\r\n\r\nsigned \r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\r\n"
                   "MIAG\r\n--s--\r\n") != std::string::npos);
  CHECK(content(bytes, "2") == "X");
}

TEST_CASE("draft: drafts of other programs can be changed, with LF and without header") {
  CHECK(
      text_of(edited("Subject: old\nTo: a@x.test\n\nbody\n", data({Element(mail::kSubject, "n")})),
              mail::kSubject) == "n");
  CHECK(test::data(shown(edited("no header\n", data({Element(mail::kSubject, "n")})))) ==
        "no header\r\n");
}
