// SmartReply and SmartForward on the wire: raw MIME up to 12.1, ComposeMail from 14.0.
#include <doctest/doctest.h>

#include <string>

#include "tests/support/phone.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace {

using eas::Version;
using eas::client::MailFolder;
using test::Phone;
using wbxml::Element;
namespace cm = wbxml::compose_mail;

constexpr int kMessages = test::kSharedMessages;

struct Answering {
  std::string command;  // "SmartReply"
  std::string folder, item;
  std::string client_id;
  std::string mime;
};

eas::client::Answer post(Phone& phone, const Answering& answering) {
  eas::client::PostRequest request;
  request.command = answering.command;
  if (phone.version() < Version::v14_0) {
    request.content_type = "message/rfc822";
    request.params = {
        {"CollectionId", answering.folder}, {"ItemId", answering.item}, {"SaveInSent", "T"}};
    request.body = answering.mime;
    return phone.post(request);
  }
  const auto root = answering.command == "SmartReply" ? cm::kSmartReply : cm::kSmartForward;
  Element body(root, {Element(cm::kClientId, answering.client_id),
                      Element(cm::kSource, {Element(cm::kFolderId, answering.folder),
                                            Element(cm::kItemId, answering.item)}),
                      Element(cm::kSaveInSentItems), Element(cm::kMime, answering.mime)});
  body.children.back().opaque = true;
  request.body = wbxml::encode(body);
  return phone.post(request);
}

std::string note(const std::string& from, const std::string& to, const std::string& subject) {
  return "From: " + from + "\r\nTo: " + to + "\r\nSubject: " + subject + "\r\nMessage-ID: <" +
         subject.substr(0, 2) + from + ">\r\nMIME-Version: 1.0\r\n" +
         "Content-Type: text/plain; charset=utf-8\r\n\r\nWhat I have to say.\r\n";
}

// A message with a file, so that a forward has something to carry.
std::string with_file(const std::string& to, const std::string& subject) {
  return "From: Carl <carl@elsewhere.example>\r\nTo: " + to + "\r\nSubject: " + subject +
         "\r\nDate: Wed, 18 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
         "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
         "The words of the original.\r\n--b\r\nContent-Type: application/pdf\r\n"
         "Content-Disposition: attachment; filename=plan.pdf\r\n\r\n%PDF of the plan\r\n--b--\r\n";
}

void check_arrived(const std::string& receiver, Version version, const Answering& answering,
                   const std::string& subject) {
  Phone other(test::shared_server(), receiver, version);
  other.connect();
  MailFolder inbox(other.inbox());
  other.sync_all(inbox);
  CHECK(static_cast<int>(inbox.items().size()) == kMessages + 1);
  const auto* item = inbox.find_subject(subject);
  REQUIRE(item != nullptr);
  CHECK(item->body.find("What I have to say.") != std::string::npos);
  CHECK(item->body.find("The words of the original.") != std::string::npos);
  const bool forwarded = answering.command == "SmartForward";
  CHECK(item->attachments.size() == (forwarded ? 1u : 0u));
}

}  // namespace

TEST_CASE("SmartReply and SmartForward carry the original to the receiver, once") {
  // covers: MS-ASHTTP R488 R489
  for (const Version version : test::kAllVersions) {
    for (const std::string command : {"SmartReply", "SmartForward"}) {
      CAPTURE(to_string(version));
      CAPTURE(command);
      Phone phone(version);
      phone.connect();
      test::shared_server().deliver(phone.user(), with_file(phone.user(), "The original"));
      MailFolder inbox(phone.inbox());
      phone.sync_all(inbox);
      const auto* original = inbox.find_subject("The original");
      REQUIRE(original != nullptr);
      const std::string receiver = test::fresh_user();
      const std::string subject = command == "SmartReply" ? "Re: The original" : "Fw: The original";
      const Answering answering{command, phone.inbox(), original->server_id, "answer-1",
                                note(phone.user(), receiver, subject)};
      const auto first = post(phone, answering);
      CHECK(first.status == 200);
      CHECK(first.body.empty());
      (void)post(phone, answering);  // the answer was lost
      check_arrived(receiver, version, answering, subject);
      MailFolder sent(phone.folder_id(5));
      phone.sync_all(sent);
      CHECK(sent.items().size() == 1);
    }
  }
}

TEST_CASE("SmartReply to a message that is not there is 150, before 14.0 an HTTP error") {
  for (const Version version : test::kAllVersions) {
    CAPTURE(to_string(version));
    Phone phone(version);
    phone.connect();
    const std::string receiver = test::fresh_user();
    const auto answer = post(phone, {"SmartReply", phone.inbox(), phone.inbox() + ":999999",
                                     "answer-1", note(phone.user(), receiver, "Re: nothing")});
    if (version < Version::v14_0) {
      CHECK(answer.status >= 400);
    } else {
      REQUIRE(answer.tree.has_value());
      CHECK(answer.tree->text_of(cm::kStatus) == "150");
    }
    CHECK(test::shared_server().count_messages(receiver) == kMessages);
  }
}
