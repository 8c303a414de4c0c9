// A mail store on a private directory and database, and file operations as other programs do them.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/mail/backends.h"
#include "storage/mail/maildir/maildir_store.h"
#include "storage/notify/change_hub.h"
#include "storage/sql/database.h"
#include "tests/support/postgres.h"
#include "tests/support/temp_dir.h"

namespace test {

constexpr storage::UnixMillis kDate = 1'700'000'000'000;
constexpr char kMessage[] = "From: a@example.test\r\nSubject: hello\r\n\r\nbody\r\n";

struct Sqlite {
  static std::optional<std::string> url(const TempDir& dir) {
    return "sqlite:" + dir.file("index.db");
  }
};
struct Postgres {
  static std::optional<std::string> url(const TempDir&) { return postgres_url(); }
};

// The value of a Result; fails the test case when it is an error.
template <typename T>
T must(storage::Result<T> result) {
  if (!result) FAIL("unexpected error: " << result.error().message);
  return std::move(*result);
}
inline void must(storage::Result<void> result) {
  if (!result) FAIL("unexpected error: " << result.error().message);
}
template <typename T>
storage::ErrorKind kind_of(const storage::Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error().kind;
}

class World {
 public:
  explicit World(std::string database_url, std::string root_path)
      : url(std::move(database_url)), root(std::move(root_path)) {
    options.root = root;
    options.fsync = false;
    open();
  }
  ~World() { close(); }

  // As after a restart: everything that is in memory is new.
  void reopen() {
    close();
    open();
  }
  void close() {
    box.reset();
    if (store != nullptr) store->stop();
    store.reset();
    database.reset();
  }
  void open() {
    database = must(storage::Database::open(url, database_options));
    store = must(storage::maildir::MaildirStore::open(options, *database, hub));
    box = must(store->open(1, "u@example.test"));
  }

  std::filesystem::path home() const { return std::filesystem::path(root) / "u@example.test"; }
  // "" is the Inbox, ".Sent" …
  std::filesystem::path path(const std::string& dir) const { return home() / dir; }

  storage::MailFolder by_role(storage::FolderRole role) {
    for (const auto& folder : must(box->folders()).folders) {
      if (folder.role == role) return folder;
    }
    FAIL("no folder has this role");
    return {};
  }
  storage::CollectionId inbox() { return by_role(storage::FolderRole::inbox).id; }
  storage::CollectionId trash() { return by_role(storage::FolderRole::trash).id; }
  std::optional<storage::MailFolder> by_name(const std::string& name) {
    for (const auto& folder : must(box->folders()).folders) {
      if (folder.name == name) return folder;
    }
    return std::nullopt;
  }
  storage::MessageInfo add(storage::CollectionId folder, storage::MessageFlags flags = {},
                           storage::UnixMillis date = kDate) {
    return must(box->append(folder, kMessage, flags, date));
  }
  // All live ids, newest first, after a look at the folder.
  std::vector<storage::ItemId> ids(storage::CollectionId folder) {
    const auto head = must(box->head(folder));
    std::vector<storage::ItemId> found;
    for (const auto& item :
         must(box->newest_first(folder, {INT64_MAX, INT64_MAX}, {INT64_MIN, 0}, head, 1'000'000))
             .items) {
      found.push_back(item.id);
    }
    return found;
  }
  std::vector<storage::Change> changes(storage::CollectionId folder, storage::Seq since) {
    must(box->head(folder));
    return must(box->changes(folder, since, 1'000'000)).changes;
  }

  std::string url;
  std::string root;
  storage::maildir::MaildirOptions options;
  storage::DatabaseOptions database_options;
  storage::ChangeHub hub;
  std::unique_ptr<storage::Database> database;
  std::unique_ptr<storage::maildir::MaildirStore> store;
  std::shared_ptr<storage::Mailbox> box;
};

// Delivers as every other program does: tmp/, then a rename.
inline void deliver(const std::filesystem::path& folder, const std::string& name,
                    const std::string& text = kMessage, const std::string& into = "new") {
  for (const char* sub : {"tmp", "new", "cur"}) std::filesystem::create_directories(folder / sub);
  std::ofstream(folder / "tmp" / "d") << text;
  std::filesystem::rename(folder / "tmp" / "d", folder / into / name);
}

inline void set_mtime(const std::filesystem::path& path, storage::UnixMillis when) {
  const timespec time{when / 1000, (when % 1000) * 1'000'000};
  const timespec times[2] = {time, time};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

// The names in a directory, sorted.
inline std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace test
