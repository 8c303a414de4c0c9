#include "server/commands/collections.h"

namespace eas {
namespace {

using storage::CollectionId;
using storage::ErrorKind;
using storage::Position;
using storage::Result;
using storage::Seq;

// A collection that nothing was ever put into. Without state, so one serves all.
class EmptyLog final : public storage::ChangeLog {
 public:
  Result<Seq> head(CollectionId /*collection*/) override { return Seq{0}; }
  Result<storage::ChangePage> changes(CollectionId /*collection*/, Seq /*since*/,
                                      int /*limit*/) override {
    return storage::ChangePage{};
  }
  Result<storage::ListPage> newest_first(CollectionId /*collection*/, Position /*before*/,
                                         Position /*cutoff*/, Seq /*created_upto*/,
                                         int /*limit*/) override {
    return storage::ListPage{};
  }
  Result<storage::ListPage> oldest_first(CollectionId /*collection*/, Position /*from*/,
                                         Position /*to*/, int /*limit*/) override {
    return storage::ListPage{};
  }
  Result<std::int64_t> count(CollectionId /*collection*/, Position /*before*/, Position /*cutoff*/,
                             Seq /*created_upto*/) override {
    return std::int64_t{0};
  }
};

}  // namespace

Result<ItemClass> find_collection(storage::Mailbox& mailbox, Version version,
                                  CollectionId collection) {
  const ItemClass item_class = class_of(collection);
  if (item_class == ItemClass::mail) {
    GODWIT_TRY(mailbox.folder(collection));
    return item_class;
  }
  if (collection != default_collection(item_class) || version < info_of(item_class).since) {
    return storage::fail(ErrorKind::not_found, "no such collection");
  }
  return item_class;
}

storage::ChangeLog& change_log(storage::Mailbox& mailbox, CollectionId collection) {
  static EmptyLog empty;
  if (class_of(collection) == ItemClass::mail) return mailbox;
  return empty;
}

}  // namespace eas
