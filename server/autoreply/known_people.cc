#include "server/autoreply/known_people.h"

#include <limits>

#include "server/autoreply/message_header.h"

namespace eas::autoreply {

using storage::ErrorKind;
using storage::Result;

namespace {
constexpr int kPage = 500;
}

// A message that is gone or unreadable makes nobody known.
void KnownPeople::read(storage::Mailbox& mailbox, storage::ItemId id) {
  const auto bytes = mailbox.bytes(sent_, id);
  if (!bytes) return;
  const MessageHeader header(bytes->view());
  for (const std::string_view field : {"To", "Cc", "Bcc"}) {
    for (std::string& address : header.addresses(field)) addresses_.insert(std::move(address));
  }
}

Result<void> KnownPeople::read_all(storage::Mailbox& mailbox, storage::Seq head) {
  storage::Position before{std::numeric_limits<storage::UnixMillis>::max(),
                           std::numeric_limits<storage::ItemId>::max()};
  for (int seen = 0; seen < kMaxMessages;) {
    GODWIT_ASSIGN(const storage::ListPage page,
                  mailbox.newest_first(sent_, before, {}, head, kPage));
    for (const storage::Listed& item : page.items) read(mailbox, item.id);
    seen += static_cast<int>(page.items.size());
    if (!page.more || page.items.empty()) break;
    before = page.items.back().position();
  }
  cursor_ = head;
  return {};
}

Result<void> KnownPeople::read_news(storage::Mailbox& mailbox) {
  for (;;) {
    GODWIT_ASSIGN(const storage::ChangePage page, mailbox.changes(sent_, cursor_, kPage));
    for (const storage::Change& change : page.changes) {
      const bool added = (change.aspects & storage::aspect::kAdded) != 0;
      if (added && (change.aspects & storage::aspect::kRemoved) == 0) read(mailbox, change.id);
      cursor_ = change.log_seq;
    }
    if (!page.more || page.changes.empty()) return {};
  }
}

Result<bool> KnownPeople::knows(storage::Mailbox& mailbox, const std::string& address) {
  if (sent_ == 0) {
    GODWIT_ASSIGN(const storage::HierarchyPage hierarchy, mailbox.folders());
    storage::CollectionId sent = 0;
    for (const storage::MailFolder& folder : hierarchy.folders) {
      if (folder.role == storage::FolderRole::sent) sent = folder.id;
    }
    if (sent == 0) return false;
    GODWIT_ASSIGN(const storage::Seq head, mailbox.head(sent));
    sent_ = sent;
    if (auto done = read_all(mailbox, head); !done) {
      sent_ = 0;
      return storage::fail(std::move(done.error()));
    }
  } else {
    GODWIT_ASSIGN(const storage::Seq head, mailbox.head(sent_));
    if (head != cursor_) {
      const auto done = read_news(mailbox);
      if (!done && done.error().kind == ErrorKind::expired) {
        GODWIT_TRY(read_all(mailbox, head));
      } else if (!done) {
        return storage::fail(done.error());
      }
    }
  }
  return addresses_.contains(address);
}

}  // namespace eas::autoreply
