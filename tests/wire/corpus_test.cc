// The whole variety of the demo mail on its way to a phone: what was written must be what is read,
// in every charset and transfer encoding, with every attachment.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "server/demo/corpus.h"
#include "server/demo/languages.h"
#include "server/demo/message_plan.h"
#include "storage/base/text.h"
#include "tests/support/phone.h"
#include "wbxml/code_pages.h"

using eas::Version;
using eas::client::MailFolder;
using eas::client::MailItem;
using eas::client::SyncOptions;
using test::find_all;
using test::find_text;
using test::Phone;
using test::ServerProcess;
namespace base = wbxml::airsync_base;
namespace em = wbxml::email;

namespace {

constexpr int kMessages = 400;
constexpr std::uint64_t kSeed = 1;  // of `godwit demo`

// The items of the mailbox, oldest first: item i is message i of the corpus.
std::vector<const MailItem*> by_date(const MailFolder& folder) {
  std::vector<const MailItem*> items;
  for (const auto& [id, item] : folder.items()) items.push_back(&item);
  std::ranges::sort(items, {}, &MailItem::date_received);
  return items;
}

std::string expected_subject(const demo::MessagePlan& plan) {
  return (plan.ancestors.empty() ? "" : "Re: ") +
         std::string(demo::languages()[plan.language].subjects[plan.subject]) + " " +
         std::to_string(plan.number);
}

bool holds_a_sentence(const std::string& body, const demo::Language& language) {
  return std::ranges::any_of(language.sentences, [&](std::string_view sentence) {
    return body.find(sentence) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("corpus: every subject, sender, text and attachment arrives as it was written") {
  test::ServerSetup setup;
  setup.messages = kMessages;
  ServerProcess server(setup);
  for (const Version version : {Version::v2_5, Version::v14_1, Version::v16_1}) {
    for (const int type : {1, 2}) {
      if (version == Version::v2_5 && type == 2) continue;  // has text only
      CAPTURE(to_string(version));
      CAPTURE(type);
      Phone phone(server, "user1@example.test", version,
                  "Corpus" + std::to_string(type) + std::string(to_string(version)));
      phone.connect();
      SyncOptions options;
      options.body_type = type;
      options.truncation = -1;
      MailFolder inbox(phone.inbox(), options);
      phone.sync_all(inbox);
      const auto items = by_date(inbox);
      REQUIRE(items.size() == kMessages);
      for (int i = 0; i < kMessages; ++i) {
        const demo::MessagePlan plan = demo::plan_message(kSeed, i);
        const demo::Language& language = demo::languages()[plan.language];
        const MailItem& item = *items[static_cast<std::size_t>(i)];
        CAPTURE(i);
        CAPTURE(static_cast<int>(plan.shape));
        CAPTURE(language.charsets[plan.charset]);
        CHECK(item.subject == expected_subject(plan));
        CHECK(item.from.find(language.people[plan.sender].address) != std::string::npos);
        CHECK(storage::is_valid_utf8(item.body));
        CHECK_MESSAGE(holds_a_sentence(item.body, language), item.body.substr(0, 300));
        const bool files = plan.shape == demo::Shape::attached ||
                           plan.shape == demo::Shape::forwarded ||
                           plan.shape == demo::Shape::related;
        CHECK(item.attachments.empty() == !files);
      }
    }
  }
}

TEST_CASE("corpus: a thread has one conversation, and threads differ") {
  test::ServerSetup setup;
  setup.messages = kMessages;
  ServerProcess server(setup);
  Phone phone(server, "user1@example.test", Version::v16_1);
  phone.connect();
  SyncOptions options;
  options.truncation = 100;
  MailFolder inbox(phone.inbox(), options);
  phone.sync_all(inbox);
  const auto items = by_date(inbox);
  REQUIRE(items.size() == kMessages);
  std::map<int, std::string> conversation_of;  // by the thread's root
  std::map<std::string, int> root_of;
  int wrong = 0;
  for (int i = 0; i < kMessages; ++i) {
    const demo::MessagePlan plan = demo::plan_message(kSeed, i);
    const int root = plan.ancestors.empty() ? i : plan.ancestors.front();
    const std::string id =
        find_text(items[static_cast<std::size_t>(i)]->data, wbxml::email2::kConversationId);
    CAPTURE(i);
    CHECK_FALSE(id.empty());
    const auto [known, first] = conversation_of.emplace(root, id);
    if (!first && known->second != id) ++wrong;
    const auto [other, fresh] = root_of.emplace(id, root);
    if (!fresh && other->second != root) ++wrong;
  }
  CHECK(wrong == 0);
}
