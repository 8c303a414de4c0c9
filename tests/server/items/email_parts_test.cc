// Attachments, message classes, hostile messages, placeholders.
#include <chrono>
#include <filesystem>

#include "server/items/email/mime.h"
#include "storage/base/text.h"
#include "tests/server/items/support.h"
#include "tests/support/paths.h"

namespace base = wbxml::airsync_base;
namespace mail = wbxml::email;
using eas::Version;
using eas::email::attachment;
using storage::ErrorKind;

namespace {

std::string golden(const std::string& name) {
  return test::read_file(
      (test::source_dir() / "tests/golden/email" / (std::string(name) + ".eml")).string());
}

std::vector<wbxml::Element> attachments(const wbxml::Element& tree) {
  const wbxml::Element* list = tree.child(base::kAttachments);
  return list == nullptr ? std::vector<wbxml::Element>{} : list->children;
}

std::string class_of(const std::string& bytes) {
  return test::text(test::render(bytes, Version::v14_1), mail::kMessageClass);
}

std::string multipart(const std::string& type, const std::vector<std::string>& parts) {
  std::string body;
  for (const std::string& part : parts) body += "--b\r\n" + part + "\r\n";
  return test::mail("Content-Type: multipart/" + type + "; boundary=b\r\n", body + "--b--\r\n");
}

std::string fixtures() { return (test::shared_dir() / "spec/fixtures").string(); }

}  // namespace

TEST_CASE(
    "attachment: every listed one can be fetched by its reference, with its bytes (quirks.md: "
    "EstimatedDataSize)") {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  const std::string bytes = golden("05-attachments");
  const auto list = attachments(test::render(bytes, Version::v14_1));
  REQUIRE(list.size() == 5);
  for (const wbxml::Element& one : list) {
    std::string reference = test::text(one, base::kFileReference);
    REQUIRE(reference.starts_with("m1:42:"));
    const auto fetched = attachment(bytes, std::string_view(reference).substr(6));
    REQUIRE(fetched);
    CHECK(fetched->name == test::text(one, base::kDisplayName));
    CHECK(std::to_string(fetched->bytes.size()) == test::text(one, base::kEstimatedDataSize));
    if (test::text(one, base::kMethod) == "1") {
      CHECK(fetched->bytes == all);
    } else {
      CHECK(fetched->bytes ==
            "From: inner@example.test\r\nTo: anna@example.test\r\nSubject: Inner subject\r\n\r\n"
            "Inner text");
      CHECK(fetched->content_type == "message/rfc822");
    }
  }
}

TEST_CASE("attachment: a part that is not there is not found") {
  const std::string bytes = golden("05-attachments");
  for (const char* part : {"", "0", "7", "2.1", "x", "1.", "-1", "99999999999999999999", "1.1.1"}) {
    INFO(part);
    const auto result = attachment(bytes, part);
    REQUIRE(!result);
    CHECK(result.error().kind == ErrorKind::not_found);
  }
}

TEST_CASE("attachment: parts in nested multiparts are numbered") {
  const std::string bytes = multipart(
      "mixed", {"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\ntext\r\n--i\r\n"
                "Content-Type: application/pdf; name=a.pdf\r\n\r\nPDF\r\n--i--",
                "Content-Type: application/zip; name=b.zip\r\n\r\nZIP"});
  CHECK(attachment(bytes, "1.2")->bytes == "PDF");
  CHECK(attachment(bytes, "2")->bytes == "ZIP");
  CHECK(attachment(bytes, "2")->name == "b.zip");
}

TEST_CASE("attachment: a picture is inline only where html can show it") {
  const std::string picture =
      "Content-Type: image/png; name=p.png\r\nContent-ID: <p@e>\r\n"
      "Content-Disposition: inline\r\n\r\nPNG";
  const auto with_html = test::render(
      multipart("related", {"Content-Type: text/html\r\n\r\n<img src=cid:p@e>", picture}),
      Version::v12_0);
  CHECK(test::text(attachments(with_html).at(0), base::kIsInline) == "1");
  CHECK(test::text(attachments(with_html).at(0), base::kContentId) == "p@e");
  const auto plain = test::render(
      multipart("mixed", {"Content-Type: text/plain\r\n\r\nhi", picture}), Version::v12_0);
  CHECK(!attachments(plain).at(0).has(base::kIsInline));
}

TEST_CASE("attachment: names are decoded, safe, and never empty (quirks.md: .eml)") {
  const std::pair<const char*, const char*> cases[] = {
      {"Content-Type: image/png; name=\"=?utf-8?B?w7xiZXIucG5n?=\"", "über.png"},
      {"Content-Type: image/png\r\nContent-Disposition: attachment; filename*=utf-8''%C3%BC.png",
       "ü.png"},
      {"Content-Type: image/png; name=\"a/b\\\\c:d.png\"", "a_b_c_d.png"},
      {"Content-Type: image/png; name=\"...\"", "attachment-2.png"},
      {"Content-Type: image/png", "attachment-2.png"},
      {"Content-Type: application/x-unknown", "attachment-2.bin"},
      {"Content-Type: text/calendar; method=REQUEST", "invite.ics"},
      {"Content-Type: message/rfc822; name=x", "x.eml"},
  };
  for (const auto& one : cases) {
    const auto& headers = one.first;
    const auto& name = one.second;
    INFO(headers);
    const std::string bytes = multipart("mixed", {"Content-Type: text/plain\r\n\r\nhi",
                                                  std::string(headers) + "\r\n\r\nA: b\r\n\r\nx"});
    CHECK(test::text(attachments(test::render(bytes, Version::v14_0)).at(0), base::kDisplayName) ==
          name);
  }
}

TEST_CASE("class: table of messages") {
  const std::string text = "Content-Type: text/plain\r\n\r\nhi";
  const auto calendar = [&](const std::string& method, const std::string& body) {
    return multipart("alternative", {text, "Content-Type: text/calendar" + method + "\r\n\r\n" +
                                               "BEGIN:VCALENDAR\r\n" + body + "END:VCALENDAR"});
  };
  const auto report = [&](const std::string& type, const std::string& part) {
    return multipart("report; report-type=" + type, {text, part});
  };
  const std::pair<std::string, std::string> cases[] = {
      {test::mail("", "x"), "IPM.Note"},
      {calendar("; method=REQUEST", ""), "IPM.Schedule.Meeting.Request"},
      {calendar("", "METHOD:REQUEST\r\n"), "IPM.Schedule.Meeting.Request"},
      {calendar("; method=\"cancel\"", ""), "IPM.Schedule.Meeting.Canceled"},
      {calendar("; method=REPLY", "ATTENDEE;PARTSTAT=ACC\r\n EPTED:mailto:a@e\r\n"),
       "IPM.Schedule.Meeting.Resp.Pos"},
      {calendar("; method=REPLY", "ATTENDEE;PARTSTAT=DECLINED:mailto:a@e\r\n"),
       "IPM.Schedule.Meeting.Resp.Neg"},
      {calendar("; method=REPLY", "ATTENDEE;PARTSTAT=TENTATIVE:mailto:a@e\r\n"),
       "IPM.Schedule.Meeting.Resp.Tent"},
      {calendar("; method=PUBLISH", ""), "IPM.Note"},
      {golden("08-meeting-cancel"), "IPM.Schedule.Meeting.Canceled"},
      {report("delivery-status", "Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n"),
       "REPORT.IPM.Note.NDR"},
      {report("delivery-status",
              "Content-Type: message/delivery-status\r\n\r\nA: b\r\n\r\nAction: delivered\r\n"),
       "REPORT.IPM.Note.DR"},
      {report("delivery-status",
              "Content-Type: message/delivery-status\r\n\r\nAction: Delayed\r\n"),
       "REPORT.IPM.Note.DELAYED"},
      {report(
           "disposition-notification",
           "Content-Type: message/disposition-notification\r\n\r\nDisposition: x; displayed\r\n"),
       "REPORT.IPM.Note.IPNRN"},
      {report("disposition-notification",
              "Content-Type: message/disposition-notification\r\n\r\nDisposition: x; deleted\r\n"),
       "REPORT.IPM.Note.IPNNRN"},
      {golden("11-smime-signed"), "IPM.Note.SMIME.MultipartSigned"},
      {golden("12-smime-encrypted"), "IPM.Note.SMIME"},
      {test::mail("Content-Type: application/pkcs7-mime; smime-type=signed-receipt\r\n", "x"),
       "IPM.Note.Receipt.SMIME"},
      {multipart("signed; protocol=\"application/pgp-signature\"", {text, text}), "IPM.Note"},
  };
  for (const auto& [bytes, name] : cases) CHECK(class_of(bytes) == name);
}

TEST_CASE("draft: IsDraft and Bcc for 16.x only") {
  const std::string bytes = test::mail("Bcc: c@example.test\r\n", "x");
  auto context = test::context(Version::v16_0);
  context.draft = true;
  const auto draft = test::render(bytes, test::message_info(), context, {});
  CHECK(test::text(draft, wbxml::email2::kIsDraft) == "1");
  CHECK(test::text(draft, wbxml::email2::kBcc) == "\"c@example.test\" <c@example.test>");
  context.draft = false;
  CHECK(!test::render(bytes, test::message_info(), context, {}).has(wbxml::email2::kBcc));
}

TEST_CASE(
    "placeholder: subject, date and an explanation, for bytes of any kind (field.md pain 14)") {
  const auto placeholder = [](std::string_view bytes, Version version) {
    wbxml::Encoder out = test::application_data();
    eas::email::render_placeholder(bytes, test::message_info(), test::context(version), "why", out);
    return test::decode(out);
  };
  const auto tree = placeholder(golden("03-alternative"), Version::v14_1);
  CHECK(test::text(tree, mail::kSubject) == "Grüße aus München");
  CHECK(test::text(tree, mail::kFrom) == "\"Anna Sender\" <anna@example.test>");
  CHECK(test::text(tree, mail::kDateReceived) == "2026-03-01T10:00:00.123Z");
  CHECK(test::data(tree).find("(why)") != std::string::npos);
  CHECK(test::text(placeholder("", Version::v2_5), mail::kSubject) == "(unreadable message)");
  CHECK(test::text(placeholder("\xFF\xFE\0\x01", Version::v16_1), mail::kImportance) == "1");
  CHECK(test::text(placeholder("Subject: a\r\n b", Version::v16_1), mail::kSubject) == "a b");
}

TEST_CASE("hostile: what cannot be read is an error and leaves the encoder as it was") {
  const auto refused = [](const std::string& bytes) {
    wbxml::Encoder out = test::application_data();
    const std::size_t before = out.size();
    const auto result =
        eas::email::render(bytes, test::message_info(), test::context(Version::v16_1), {}, out);
    CHECK(out.size() == before);
    return !result;
  };
  CHECK(refused(""));
  CHECK(refused("  \r\n\r\n"));
  CHECK(refused("Subject: " + std::string(100 << 20, 'x') + "\r\n\r\nbody"));  // 100 MB of header
  std::string many;
  for (int i = 0; i < 50'000; ++i) many += "a:\r\n";
  CHECK(refused(many + "\r\nbody"));
}

TEST_CASE("hostile: nesting, thousands of parts and broken structures are read in bounded time") {
  const auto start = std::chrono::steady_clock::now();
  std::string nested;
  for (int i = 0; i < 20'000; ++i) {
    const std::string b = "b" + std::to_string(i);
    nested += "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\n";
  }
  std::string messages;
  for (int i = 0; i < 20'000; ++i) messages += "Content-Type: message/rfc822\r\n\r\n";
  std::string parts = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n";
  for (int i = 0; i < 100'000; ++i) parts += "--b\r\nContent-Type: image/png\r\n\r\nx\r\n";
  std::string fields = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
  for (int i = 0; i < 1'000'000; ++i) fields += "a:\n";
  std::string alternatives;
  for (int i = 0; i < 1000; ++i) {
    alternatives += "Content-Type: multipart/alternative; boundary=a" + std::to_string(i) +
                    "\r\n\r\n--a" + std::to_string(i) +
                    "\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--a" + std::to_string(i) + "\r\n";
  }
  for (const std::string* bytes : {&nested, &messages, &parts, &fields, &alternatives}) {
    const auto tree = test::render("From: a@e.test\r\n" + *bytes, Version::v16_1,
                                   test::body(eas::BodyType::html));
    CHECK(attachments(tree).size() <= 1000);
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
}

TEST_CASE(
    "hostile: every prefix of a message renders, or goes out as a placeholder (quirks.md: "
    "DateReceived)") {
  for (const char* name : {"05-attachments", "03-alternative", "09-ndr"}) {
    const std::string bytes = golden(name);
    int placeholders = 0;
    for (std::size_t length = 1; length < bytes.size(); length += 7) {
      const std::string_view prefix = std::string_view(bytes).substr(0, length);
      const auto info = test::message_info();
      const auto context = test::context(Version::v14_1);
      wbxml::Encoder out = test::application_data();
      if (!eas::email::render(prefix, info, context, test::body(eas::BodyType::html, 500, 50),
                              out)) {
        ++placeholders;
        eas::email::render_placeholder(prefix, info, context, "cut", out);
      }
      CHECK(test::decode(out).has(mail::kDateReceived));
    }
    CHECK(placeholders < 15);  // only those cut off in the first header lines
  }
}

TEST_CASE("transfer encodings: decoded in pieces as in one, estimates close") {
  using eas::email::decode_transfer;
  const std::string qp = "a=C3=A4b=\r\nc = d=3D=\nend=ZZ=";
  CHECK(decode_transfer(qp, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, 1000).bytes ==
        "aäbc = d=end=ZZ");
  for (std::size_t limit = 0; limit < 16; ++limit) {
    const auto part = decode_transfer(qp, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, limit);
    CHECK(part.bytes.size() > limit);
    CHECK(std::string("aäbc = d=end=ZZ").starts_with(part.bytes.substr(0, limit + 1)));
  }
  for (std::size_t size : {0u, 1u, 2u, 3u, 56u, 57u, 58u, 1000u, 4321u}) {
    std::string lines;
    const std::string encoded = storage::base64_encode(std::string(size, 'q'));
    for (std::size_t i = 0; i < encoded.size(); i += 76) lines += encoded.substr(i, 76) + "\r\n";
    CHECK(decode_transfer(lines, GMIME_CONTENT_ENCODING_BASE64, 100'000).bytes.size() == size);
    CHECK(eas::email::estimate_decoded_size(lines, GMIME_CONTENT_ENCODING_BASE64) == size);
  }
}

TEST_CASE("fixtures: the mail and the winmail.dat of the interoperability suites render") {
  const std::string file = fixtures() + "/mime/interop/EmailWithAttachment.eml";
  if (!std::filesystem::exists(file)) return;
  const auto tree = test::render(test::read_file(file), Version::v14_1);
  CHECK(!attachments(tree).empty());
  const std::string tnef = test::read_file(fixtures() + "/tnef/interop/winmail.dat");
  REQUIRE(!tnef.empty());
  const std::string bytes =
      multipart("mixed", {"\r\nhi",
                          "Content-Type: application/ms-tnef; name=winmail.dat\r\n"
                          "Content-Transfer-Encoding: base64\r\n\r\n" +
                              storage::base64_encode(tnef)});
  CHECK(attachment(bytes, "2")->bytes == tnef);
  CHECK(test::text(attachments(test::render(bytes, Version::v14_1)).at(0), base::kDisplayName) ==
        "winmail.dat");
}
