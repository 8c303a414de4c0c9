// Names and bases of files are bytes, not text: a file system takes any bytes, and bytes compare
// the same way in both databases, which the scanner's ordered pass relies on.
#include <array>

#include "storage/mail/maildir/index.h"

namespace storage::maildir {

namespace {

constexpr std::string_view kTables = R"sql(
CREATE TABLE mail_user (
  user_id BIGINT PRIMARY KEY,
  hierarchy_seq BIGINT NOT NULL,
  next_folder BIGINT NOT NULL,
  root_mtime BIGINT NOT NULL,
  root_inode BIGINT NOT NULL,
  rename_from {blob} NOT NULL,
  rename_to {blob} NOT NULL
);
CREATE TABLE mail_folder (
  user_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  parent BIGINT NOT NULL,
  dir {blob} NOT NULL,
  name TEXT NOT NULL,
  role BIGINT NOT NULL,
  created_seq BIGINT NOT NULL,
  changed_seq BIGINT NOT NULL,
  removed BIGINT NOT NULL,
  head BIGINT NOT NULL,
  horizon BIGINT NOT NULL,
  new_mtime BIGINT NOT NULL,
  new_inode BIGINT NOT NULL,
  cur_mtime BIGINT NOT NULL,
  cur_inode BIGINT NOT NULL,
  keywords_mtime BIGINT NOT NULL,
  keywords_inode BIGINT NOT NULL,
  scanned BIGINT NOT NULL,
  dir_inode BIGINT NOT NULL,
  dir_born BIGINT NOT NULL,
  PRIMARY KEY (user_id, id)
);
CREATE UNIQUE INDEX mail_folder_dir ON mail_folder (user_id, dir) WHERE removed = 0;
CREATE INDEX mail_folder_changed ON mail_folder (user_id, changed_seq);
CREATE TABLE mail_item (
  collection BIGINT NOT NULL,
  id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  read_seq BIGINT NOT NULL,
  flag_seq BIGINT NOT NULL,
  category_seq BIGINT NOT NULL,
  verb_seq BIGINT NOT NULL,
  date BIGINT NOT NULL,
  size BIGINT NOT NULL,
  flags BIGINT NOT NULL,
  in_cur BIGINT NOT NULL,
  removed BIGINT NOT NULL,
  moved_folder BIGINT NOT NULL,
  moved_item BIGINT NOT NULL,
  base {blob} NOT NULL,
  suffix {blob} NOT NULL,
  keywords {blob} NOT NULL,
  annotation {blob} NOT NULL,
  PRIMARY KEY (collection, id)
);
CREATE UNIQUE INDEX mail_item_base ON mail_item (collection, base) WHERE removed = 0;
CREATE INDEX mail_item_gone ON mail_item (collection, base) WHERE removed <> 0;
CREATE INDEX mail_item_changed ON mail_item (collection, seq) WHERE seq <> id;
CREATE INDEX mail_item_date ON mail_item (collection, date, id) WHERE removed = 0;
CREATE TABLE mail_summary (
  collection BIGINT NOT NULL,
  id BIGINT NOT NULL,
  summary {blob} NOT NULL,
  PRIMARY KEY (collection, id)
);
CREATE TABLE mail_broken (
  collection BIGINT NOT NULL,
  id BIGINT NOT NULL,
  reason TEXT NOT NULL,
  noticed BIGINT NOT NULL,
  PRIMARY KEY (collection, id)
)
)sql";

// The seq at which the content was last replaced.
constexpr std::string_view kContent =
    "ALTER TABLE mail_item ADD COLUMN content_seq BIGINT NOT NULL DEFAULT 0";

// Cached summaries of messages, which nothing used: see the README.
constexpr std::string_view kNoSummaries = "DROP TABLE mail_summary";

constexpr std::array kMigrations = {Migration{"maildir-001", kTables},
                                    Migration{"maildir-002-content", kContent},
                                    Migration{"maildir-003-no-summaries", kNoSummaries}};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

}  // namespace storage::maildir
