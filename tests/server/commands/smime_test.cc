// S/MIME through the server in both directions, byte for byte: messages that OpenSSL signed and
// encrypted verify and open after they went through.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "server/items/compose/header_fields.h"
#include "server/items/email/email.h"
#include "server/sync/server_id.h"
#include "tests/support/service_fixture.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace {

using storage::FolderRole;
using test::Call;
using test::ServiceFixture;
using wbxml::Element;
namespace airsync = wbxml::airsync;
namespace base = wbxml::airsync_base;
namespace compose = wbxml::compose_mail;
namespace io = wbxml::item_operations;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A certificate and what OpenSSL makes with it.
class Smime {
 public:
  Smime() {
    run("req -x509 -newkey rsa:2048 -nodes -subj /CN=ann@example.test -days 3650 -keyout key.pem "
        "-out cert.pem -addext extendedKeyUsage=emailProtection "
        "-addext subjectAltName=email:ann@example.test");
    // Blanks at line ends, a line with a dot and letters beyond ASCII: what careless code changes.
    std::ofstream(dir_.file("text"), std::ios::binary)
        << "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
           "Gr\xC3\xBC\xC3\x9F"
           "e \r\n.\r\n\r\n-- \r\nAnn\t\r\n";
  }

  std::string clear_signed(const std::string& to) {
    return make("-sign -signer cert.pem -inkey key.pem", to);
  }
  std::string opaque_signed(const std::string& to) {
    return make("-sign -nodetach -signer cert.pem -inkey key.pem", to);
  }
  std::string encrypted(const std::string& to) { return make("-encrypt -aes256", to, "cert.pem"); }

  bool verifies(const std::string& mail) {
    write("got.eml", mail);
    return try_run("cms -verify -in got.eml -CAfile cert.pem -out verified") &&
           read_file(dir_.file("verified")) == read_file(dir_.file("text"));
  }
  bool opens(const std::string& mail) {
    write("got.eml", mail);
    return try_run("cms -decrypt -in got.eml -recip cert.pem -inkey key.pem -out opened") &&
           read_file(dir_.file("opened")) == read_file(dir_.file("text"));
  }

 private:
  std::string make(const std::string& how, const std::string& to, const std::string& last = "") {
    run("cms " + how + " -crlfeol -in text -out made.eml -from ann@example.test -to " + to +
        " -subject sealed " + last);
    // OpenSSL ends base64 lines by a bare LF, which no mail has.
    std::string mail;
    for (const char c : read_file(dir_.file("made.eml"))) {
      if (c == '\n' && !mail.ends_with('\r')) mail += '\r';
      mail += c;
    }
    return mail;
  }
  void write(const char* name, const std::string& bytes) {
    std::ofstream(dir_.file(name), std::ios::binary) << bytes;
  }
  bool try_run(const std::string& arguments) {
    return std::system(("cd '" + dir_.str() + "' && openssl " + arguments + " 2>log").c_str()) == 0;
  }
  void run(const std::string& arguments) {
    const bool ran = try_run(arguments);
    REQUIRE_MESSAGE(ran, arguments << ": " << read_file(dir_.file("log")));
  }

  test::TempDir dir_;
};

Element opaque(wbxml::Tag tag, std::string bytes) {
  Element element(tag, std::move(bytes));
  element.opaque = true;
  return element;
}

std::string body_of(const std::string& mail) {
  return mail.substr(eas::compose::parse_header(mail).body);
}

void check_sent(const http::HttpReply& reply) {
  CHECK(reply.status == 200);
  CHECK(reply.body.empty());
}

const std::string kPlain =
    "From: ann@example.test\r\nTo: bob@example.test\r\nSubject: Fwd\r\n\r\nSee.\r\n";

Call smart(const std::string& command, const std::string& id, const std::string& mime) {
  Call call;
  call.command = command;
  call.body = Element(
      command == "SmartReply" ? compose::kSmartReply : compose::kSmartForward,
      {Element(compose::kClientId, "c1"),
       Element(compose::kSource, {Element(compose::kItemId, id)}), opaque(compose::kMime, mime)});
  return call;
}

}  // namespace

TEST_CASE(
    "S/MIME: SendMail leaves signed and encrypted mail byte for byte (quirks.md: Nine, field.md "
    "pain 15)") {
  Smime smime;
  ServiceFixture server;
  int count = 0;
  for (const std::string& mail :
       {smime.clear_signed("bob@example.test"), smime.opaque_signed("bob@example.test"),
        smime.encrypted("bob@example.test")}) {
    Call call;
    call.command = "SendMail";
    call.body = Element(compose::kSendMail,
                        {Element(compose::kClientId, "c" + std::to_string(++count)),
                         Element(compose::kSaveInSentItems), opaque(compose::kMime, mail)});
    check_sent(server.reply(call));
    const std::string& sent = server.sender.sent.back().bytes;
    CHECK(body_of(sent) == body_of(mail));
    CHECK((count == 3 ? smime.opens(sent) : smime.verifies(sent)));
    Call raw;
    raw.command = "SendMail";
    raw.version = "12.1";
    raw.content_type = "message/rfc822";
    raw.raw = mail;
    check_sent(server.reply(raw));
    CHECK(body_of(server.sender.sent.back().bytes) == body_of(mail));
  }
  CHECK(server.sender.sent.size() == 6);
  CHECK(server.count(FolderRole::sent) == 3);
}

TEST_CASE("S/MIME: what the phone signed itself goes out untouched in a SmartReply") {
  Smime smime;
  ServiceFixture server;
  const auto item = server.deliver(test::simple_mail("plain"));
  const std::string id = eas::to_item_id(server.folder(FolderRole::inbox), item);
  check_sent(server.reply(smart("SmartReply", id, smime.clear_signed("bob@example.test"))));
  CHECK(smime.verifies(server.sender.sent.back().bytes));
  check_sent(server.reply(smart("SmartForward", id, smime.encrypted("bob@example.test"))));
  CHECK(smime.opens(server.sender.sent.back().bytes));
}

TEST_CASE("S/MIME: a sealed original is attached whole and still verifies and opens") {
  Smime smime;
  for (const char* command : {"SmartReply", "SmartForward"}) {
    ServiceFixture server;
    const std::string originals[] = {smime.clear_signed("ann@example.test"),
                                     smime.opaque_signed("ann@example.test"),
                                     smime.encrypted("ann@example.test")};
    for (const std::string& original : originals) {
      const auto item = server.deliver(original);
      const std::string id = eas::to_item_id(server.folder(FolderRole::inbox), item);
      check_sent(server.reply(smart(command, id, kPlain)));
      const auto attached = eas::email::attachment(server.sender.sent.back().bytes, "2");
      REQUIRE(attached);
      CHECK(attached->content_type == "message/rfc822");
      CHECK(attached->bytes == original);
      CHECK((&original == &originals[2] ? smime.opens(attached->bytes)
                                        : smime.verifies(attached->bytes)));
    }
  }
}

TEST_CASE("S/MIME: Sync and ItemOperations give the stored bytes as Type 4 (quirks.md: iOS)") {
  // covers: MS-ASCMD R3363-R3368 R3408 R3410 R3409
  Smime smime;
  for (const std::string& mail :
       {smime.clear_signed("ann@example.test"), smime.encrypted("ann@example.test")}) {
    ServiceFixture server;
    const auto item = server.deliver(mail);
    const std::string folder = eas::to_collection_id(server.folder(FolderRole::inbox));
    const Element preference(base::kBodyPreference, {Element(base::kType, "4")});
    std::string key = "0";
    std::string synced;
    const auto check_body = [&](const Element* body) {
      REQUIRE(body != nullptr);
      CHECK(body->text_of(base::kType) == "4");
      CHECK(body->text_of(base::kEstimatedDataSize) == std::to_string(mail.size()));
      CHECK(body->text_of(base::kTruncated) == "0");
    };
    for (int round = 0; round < 2; ++round) {
      Call sync;
      sync.command = "Sync";
      sync.body = Element(
          airsync::kSync,
          {Element(
              airsync::kCollections,
              {Element(airsync::kCollection,
                       {Element(airsync::kSyncKey, key), Element(airsync::kCollectionId, folder),
                        Element(airsync::kOptions,
                                {Element(airsync::kMIMESupport, "1"), preference})})})});
      const Element answer = server.element(sync);
      key = test::text_at(answer, {airsync::kCollections, airsync::kCollection, airsync::kSyncKey});
      synced = test::text_at(
          answer, {airsync::kCollections, airsync::kCollection, airsync::kCommands, airsync::kAdd,
                   airsync::kApplicationData, base::kBody, base::kData});
      if (round == 0) continue;
      check_body(answer.child(airsync::kCollections)
                     ->child(airsync::kCollection)
                     ->child(airsync::kCommands)
                     ->child(airsync::kAdd)
                     ->child(airsync::kApplicationData)
                     ->child(base::kBody));
    }
    CHECK(synced == mail);
    CHECK((smime.verifies(synced) || smime.opens(synced)));

    Call fetch;
    fetch.command = "ItemOperations";
    fetch.body = Element(
        io::kItemOperations,
        {Element(
            io::kFetch,
            {Element(io::kStore, "Mailbox"), Element(airsync::kCollectionId, folder),
             Element(airsync::kServerId, eas::to_item_id(server.folder(FolderRole::inbox), item)),
             Element(io::kOptions, {Element(airsync::kMIMESupport, "1"), preference})})});
    const Element fetched = server.element(fetch);
    CHECK(test::text_at(fetched, {io::kResponse, io::kFetch, io::kProperties, base::kBody,
                                  base::kData}) == mail);
    check_body(fetched.child(io::kResponse)
                   ->child(io::kFetch)
                   ->child(io::kProperties)
                   ->child(base::kBody));
  }
}

TEST_CASE("S/MIME: a draft that the phone signed is sent as it was saved") {
  Smime smime;
  ServiceFixture server;
  const std::string folder = eas::to_collection_id(server.folder(FolderRole::drafts));
  const std::string key = server.prime(folder);
  const std::string mail = smime.clear_signed("bob@example.test");
  Call sync;
  sync.command = "Sync";
  sync.version = "16.1";
  sync.body = Element(
      airsync::kSync,
      {Element(
          airsync::kCollections,
          {Element(airsync::kCollection,
                   {Element(airsync::kSyncKey, key), Element(airsync::kCollectionId, folder),
                    Element(airsync::kCommands,
                            {Element(airsync::kAdd,
                                     {Element(airsync::kClientId, "c1"),
                                      Element(airsync::kApplicationData,
                                              {Element(base::kBody, {Element(base::kType, "4"),
                                                                     opaque(base::kData, mail)})}),
                                      Element(wbxml::email2::kSend)})})})})});
  CHECK(server.reply(sync).status == 200);
  REQUIRE(server.sender.sent.size() == 1);
  CHECK(smime.verifies(server.sender.sent[0].bytes));
}
