// Replies and forwards as bytes: what goes out for every form of the phone's message and of the
// original.
#include "server/items/compose/answer.h"

#include <doctest/doctest.h>

#include "server/items/compose/header_fields.h"
#include "storage/base/text.h"
#include "tests/server/items/support.h"

namespace {

using eas::BodyType;
using eas::compose::Kind;
using wbxml::Element;
namespace base = wbxml::airsync_base;

const std::string kOriginal =
    "From: Carl <carl@example.test>\r\nTo: ann@example.test\r\nSubject: Plan\r\n"
    "Date: Sun, 01 Mar 2026 10:00:00 +0000\r\nMessage-ID: <o1@example.test>\r\n"
    "\r\nFirst line.\r\n> older\r\nLast line.\r\n";

// With all kinds of parts: both texts, a picture that the HTML shows, and a file.
const std::string kRich =
    "From: Carl <carl@example.test>\r\nTo: ann@example.test\r\nSubject: Rich\r\n"
    "Date: Sun, 01 Mar 2026 10:00:00 +0000\r\nMessage-ID: <o2@example.test>\r\n"
    "References: <o0@example.test>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=mm\r\n\r\n"
    "--mm\r\nContent-Type: multipart/related; boundary=rr\r\n\r\n"
    "--rr\r\nContent-Type: multipart/alternative; boundary=aa\r\n\r\n"
    "--aa\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n"
    "--aa\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    "<html><head><style>p {color: red}</style></head><body bgcolor=3D\"white\"><p>Gr=FC=DFe</p>"
    "<img src=3D\"cid:pic1\"></body></html>\r\n--aa--\r\n"
    "--rr\r\nContent-Type: image/png; name=\"p.png\"\r\nContent-ID: <pic1>\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\nGgo=\r\n--rr--\r\n"
    "--mm\r\nContent-Type: application/pdf; name=\"plan.pdf\"\r\n"
    "Content-Disposition: attachment; filename=\"plan.pdf\"\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\nLjQK\r\n--mm--\r\n";

std::string own(const std::string& type, const std::string& body) {
  return "From: ann@example.test\r\nTo: carl@example.test\r\nSubject: Re: Plan\r\n" +
         (type.empty() ? "" : "MIME-Version: 1.0\r\nContent-Type: " + type + "\r\n") + "\r\n" +
         body;
}

std::string composed(const std::string& submitted, const std::string& original, Kind kind) {
  auto result = eas::compose::answer(submitted, original, kind);
  REQUIRE(result);
  return *result;
}

std::string plain_of(const std::string& mail) {
  return test::data(test::render(mail, eas::Version::v16_1, test::body(BodyType::plain)));
}
std::string html_of(const std::string& mail) {
  return test::data(test::render(mail, eas::Version::v16_1, test::body(BodyType::html)));
}
std::string native_of(const std::string& mail) {
  return test::text(test::render(mail, eas::Version::v16_1), base::kNativeBodyType);
}

std::vector<std::string> attachment_names(const std::string& mail) {
  const Element data = test::render(mail, eas::Version::v16_1);
  std::vector<std::string> names;
  if (const Element* list = data.child(base::kAttachments)) {
    for (const Element& one : list->children) {
      names.push_back(test::text(one, base::kDisplayName) +
                      (one.has(base::kIsInline) ? " inline" : ""));
    }
  }
  return names;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string field(const std::string& mail, const char* name) {
  const auto header = eas::compose::parse_header(mail);
  const auto* found = header.find(name);
  return found == nullptr ? "<absent>" : std::string(storage::trim(found->value));
}

}  // namespace

TEST_CASE("answer: a plain reply quotes the original under the phone's text") {
  // covers: MS-ASCMD R545 R580
  const std::string mail = composed(own("", "Yes.\r\n"), kOriginal, Kind::reply);
  CHECK(plain_of(mail) ==
        "Yes.\r\n\r\n-----Original Message-----\r\nFrom: \"Carl\" <carl@example.test>\r\n"
        "Sent: Sun, 01 Mar 2026 10:00:00 +0000\r\nTo: \"ann@example.test\" <ann@example.test>\r\n"
        "Subject: Plan\r\n\r\n> First line.\r\n>> older\r\n> Last line.\r\n");
  CHECK(field(mail, "To") == "carl@example.test");
  CHECK(field(mail, "Subject") == "Re: Plan");
  CHECK(field(mail, "Content-Type") == "text/plain; charset=utf-8");
  CHECK(attachment_names(mail).empty());
}

TEST_CASE("answer: a forward has the original's text as it is") {
  const std::string mail = composed(own("", "See below."), kOriginal, Kind::forward);
  CHECK(has(plain_of(mail), "See below.\r\n\r\n-----Forwarded Message-----\r\n"));
  CHECK(plain_of(mail).ends_with("\r\n\r\nFirst line.\r\n> older\r\nLast line.\r\n"));
}

TEST_CASE("answer: threads go on; what the phone set stays") {
  const std::string mail = composed(own("", "Yes."), kRich, Kind::reply);
  CHECK(field(mail, "In-Reply-To") == "<o2@example.test>");
  CHECK(field(mail, "References") == "<o0@example.test>\r\n <o2@example.test>");
  const std::string set = composed(
      "In-Reply-To: <mine@x>\r\nReferences: <mine@x>\r\n" + own("", "Yes."), kRich, Kind::reply);
  CHECK(field(set, "In-Reply-To") == "<mine@x>");
  CHECK(field(set, "References") == "<mine@x>");
  // An original without Message-ID has no thread to go on with.
  const std::string none = composed(own("", "Yes."), "From: x@y.test\r\n\r\nHi", Kind::reply);
  CHECK(field(none, "References") == "<absent>");
}

TEST_CASE("answer: a long thread keeps its first and its newest references") {
  std::string references = "References:";
  for (int i = 0; i < 200; ++i) references += "\r\n <r" + std::to_string(i) + "@x>";
  const std::string mail = composed(own("", "Yes."), references + "\r\n" + kOriginal, Kind::reply);
  const std::string value = field(mail, "References");
  CHECK(value.starts_with("<r0@x>\r\n <r171@x>"));
  CHECK(value.ends_with("<r199@x>\r\n <o1@example.test>"));
}

TEST_CASE("answer: an HTML reply holds the original's HTML, its styles and the picture it shows") {
  const std::string mail = composed(
      own("text/html; charset=utf-8", "<html><body><p>Ja, sch\xC3\xB6n.</p></body></html>"), kRich,
      Kind::reply);
  const std::string html = html_of(mail);
  CHECK(html.starts_with("<html><body><p>Ja, sch\xC3\xB6n.</p>"));
  CHECK(has(html,
            "<blockquote type=\"cite\"><style>p {color: red}</style><p>Gr\xC3\xBC\xC3\x9F"
            "e</p><img src=\"cid:pic1\"></blockquote>"));
  CHECK(html.ends_with("</blockquote>\r\n</body></html>"));
  CHECK_FALSE(has(html, "bgcolor"));
  CHECK(native_of(mail) == "2");
  CHECK(attachment_names(mail) == std::vector<std::string>{"p.png inline"});
  CHECK(has(mail, "multipart/related"));
}

TEST_CASE("answer: a forward carries pictures and files as they lie there") {
  const std::string mail =
      composed(own("text/html; charset=utf-8", "<p>FYI</p>"), kRich, Kind::forward);
  CHECK(attachment_names(mail) == std::vector<std::string>{"p.png inline", "plan.pdf"});
  // Not encoded anew: the odd line lengths are those of the original.
  CHECK(has(mail, "\r\n\r\niVBORw0K\r\nGgo=\r\n--"));
  CHECK(has(mail, "\r\n\r\nJVBERi0x\r\nLjQK\r\n--"));
  CHECK(has(mail, "Content-ID: <pic1>\r\n"));
  CHECK(has(html_of(mail),
            "<div><style>p {color: red}</style><p>Gr\xC3\xBC\xC3\x9F"
            "e</p><img src=\"cid:pic1\"></div>"));
}

TEST_CASE("answer: a plain forward of HTML has its text, and all parts as attachments") {
  const std::string mail = composed(own("text/plain", "FYI"), kRich, Kind::forward);
  CHECK(native_of(mail) == "1");
  CHECK(
      plain_of(mail).ends_with("\r\n\r\nGr\xC3\xBC\xC3\x9F"
                               "e\r\n"));
  CHECK(attachment_names(mail) == std::vector<std::string>{"p.png", "plan.pdf"});
}

TEST_CASE("answer: both renditions of the phone get the original") {
  const std::string mail =
      composed(own("multipart/alternative; boundary=x",
                   "--x\r\nContent-Type: text/plain\r\n\r\nPlain own\r\n--x\r\nContent-Type: "
                   "text/html\r\n\r\n<b>Html own</b>\r\n--x--\r\n"),
               kRich, Kind::reply);
  CHECK(has(mail, "multipart/alternative"));
  CHECK(plain_of(mail).starts_with("Plain own\r\n\r\n-----Original"));
  CHECK(
      plain_of(mail).ends_with("> Gr\xC3\xBC\xC3\x9F"
                               "e\r\n"));
  CHECK(html_of(mail).starts_with("<b>Html own</b>"));
  CHECK(has(html_of(mail),
            "Gr\xC3\xBC\xC3\x9F"
            "e</p>"));
}

TEST_CASE("answer: what the phone attached stays, in front of what the original brings") {
  const std::string mine =
      own("multipart/mixed; boundary=x",
          "--x\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n\xF0\xD2\xC9\r\n--x\r\n"
          "Content-Type: image/jpeg; name=\"mine.jpg\"\r\nContent-Disposition: attachment\r\n"
          "Content-Transfer-Encoding: base64\r\n\r\n/9j/4A==\r\n--x--\r\n");
  const std::string forward = composed(mine, kRich, Kind::forward);
  CHECK(attachment_names(forward) == std::vector<std::string>{"mine.jpg", "p.png", "plan.pdf"});
  CHECK(plain_of(forward).starts_with("\xD0\x9F\xD1\x80\xD0\xB8\r\n"));
  const std::string reply = composed(mine, kRich, Kind::reply);
  CHECK(attachment_names(reply) == std::vector<std::string>{"mine.jpg"});
}

TEST_CASE("answer: a submission without text takes the forms of the original") {
  CHECK(native_of(composed(own("", ""), kOriginal, Kind::forward)) == "1");
  const std::string only_file =
      own("application/zip; name=\"a.zip\"\r\nContent-Transfer-Encoding: base64", "UEsDBA==\r\n");
  const std::string mail = composed(only_file, kRich, Kind::forward);
  CHECK(native_of(mail) == "2");
  CHECK(attachment_names(mail) == std::vector<std::string>{"p.png inline", "a.zip", "plan.pdf"});
}

TEST_CASE("answer: an encrypted, signed or unreadable original is attached byte for byte") {
  const std::string encrypted =
      "From: c@x.test\r\nSubject: secret/plan\r\nMessage-ID: <e1@x>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\nMIAGCSqGSIb3DQEHA6CAMIACAQA=\r\n";
  const std::string is_signed =
      "From: c@x.test\r\nSubject: signed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; "
      "protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=s\r\n\r\n--s\r\n"
      "Content-Type: text/plain\r\n\r\nsigned text \r\n--s\r\nContent-Type: "
      "application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\nMIAG\r\n--s--\r\n";
  const std::string pgp =
      "From: c@x.test\r\nSubject: pgp\r\nContent-Type: multipart/encrypted; boundary=p; "
      "protocol=\"application/pgp-encrypted\"\r\n\r\n--p\r\nContent-Type: "
      "application/pgp-encrypted\r\n\r\nVersion: 1\r\n--p--\r\n";
  for (const std::string& original : {encrypted, is_signed, pgp, std::string(" \r\n")}) {
    CAPTURE(original);
    for (const Kind kind : {Kind::reply, Kind::forward}) {
      const std::string mail = composed(own("", "See."), original, kind);
      CHECK(has(mail, "\r\n\r\n" + original + "\r\n--"));
      CHECK(plain_of(mail) == "See.");
    }
  }
  const std::string mail = composed(own("", "See."), encrypted, Kind::forward);
  CHECK(attachment_names(mail) == std::vector<std::string>{"secret_plan.eml"});
  CHECK(field(mail, "References") == "<e1@x>");
}

TEST_CASE("answer: a signed or encrypted submission is not touched") {
  const std::string body =
      "--s\r\nContent-Type: text/plain\r\n\r\nmine\r\n--s\r\nContent-Type: "
      "application/pkcs7-signature\r\n\r\nMIAG\r\n--s--\r\n";
  const std::string mine =
      own("multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=s", body);
  const std::string mail = composed(mine, kRich, Kind::forward);
  CHECK(mail.ends_with("\r\n\r\n" + body));
  CHECK(field(mail, "In-Reply-To") == "<o2@example.test>");
  CHECK(mail.starts_with(mine.substr(0, mine.find("\r\n\r\n"))));
}

TEST_CASE("answer: with ReplaceMime only the thread is added") {
  // covers: MS-ASCMD R3775
  const std::string mine = own("", "All mine.\r\n");
  const std::string mail = eas::compose::with_thread(mine, kRich);
  CHECK(mail == mine.substr(0, mine.find("\r\n\r\n") + 2) +
                    "In-Reply-To: <o2@example.test>\r\nReferences: <o0@example.test>\r\n "
                    "<o2@example.test>\r\n\r\nAll mine.\r\n");
  CHECK(eas::compose::with_thread("To: a@b.test", kOriginal) ==
        "To: a@b.test\r\nIn-Reply-To: <o1@example.test>\r\nReferences: <o1@example.test>\r\n\r\n");
}

TEST_CASE("answer: a report is quoted like any mail and forwarded with its parts") {
  const std::string report =
      "From: MAILER-DAEMON@x.test\r\nSubject: failed\r\nMIME-Version: 1.0\r\nContent-Type: "
      "multipart/report; report-type=delivery-status; boundary=d\r\n\r\n--d\r\nContent-Type: "
      "text/plain\r\n\r\nCould not.\r\n--d\r\nContent-Type: message/delivery-status\r\n\r\n"
      "Action: failed\r\n\r\n--d\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n"
      "--d--\r\n";
  CHECK(plain_of(composed(own("", "Why?"), report, Kind::reply)).ends_with("> Could not.\r\n"));
  CHECK(attachment_names(composed(own("", "Why?"), report, Kind::forward)).size() == 2);
  CHECK(has(composed(own("", "Why?"), report, Kind::forward),
            "\r\n\r\nSubject: inner\r\n\r\nx\r\n--"));
}

TEST_CASE("answer: eight-bit and binary parts, long lines and 'From ' lines stay readable") {
  const std::string original =
      "From: c@x.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n"
      "--m\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
      std::string(3000, 'x') +
      " \r\nFrom here\r\n--m\r\nContent-Type: application/x-raw; "
      "name=raw\r\nContent-Transfer-Encoding: binary\r\n\r\n\x01\x02\xFF\r\n--m--\r\n";
  const std::string mail = composed(own("", "Hm."), original, Kind::forward);
  CHECK(plain_of(mail).ends_with(std::string(3000, 'x') + " \r\nFrom here\r\n"));
  CHECK(has(mail, "Content-Transfer-Encoding: base64\r\n\r\nAQL/\r\n"));
  for (const auto line : storage::split(mail, '\n')) CHECK(line.size() < 1000);
}

TEST_CASE("answer: what is no message is refused; the same input gives the same bytes") {
  CHECK_FALSE(eas::compose::answer("", kOriginal, Kind::reply));
  CHECK_FALSE(eas::compose::answer("\x01\x02", kOriginal, Kind::reply));
  CHECK(composed(own("", "a"), kRich, Kind::forward) ==
        composed(own("", "a"), kRich, Kind::forward));
}

TEST_CASE("answer: odd HTML of the original loses no text") {
  struct Case {
    const char* original;
    const char* expected;
  };
  for (const Case& row :
       {Case{"no markup & all", "no markup & all"}, Case{"<BODY><P>a</BODY><!-- x", "<P>a"},
        Case{"<html><p>a</html>", "<p>a"}, Case{"<head><title>t</title></head>b", "b"},
        Case{"<body title='a>b'>c</body>", ">c<"}, Case{"<bodyguard>d", "<bodyguard>d"},
        Case{"<body unclosed", ""}, Case{"<body x=\"1>e", "e"}}) {
    CAPTURE(row.original);
    const std::string mail =
        composed(own("text/html", "<p>mine"),
                 "From: c@x.test\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" +
                     std::string(row.original),
                 Kind::reply);
    CHECK(html_of(mail).starts_with("<p>mine<br>"));
    CHECK(has(html_of(mail), row.expected));
  }
}
