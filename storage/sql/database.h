// One SQL text, two drivers. A Database is a pool of connections to SQLite (embedded, WAL) or
// PostgreSQL (libpq), chosen by its URL. SQL is written once, in the common subset: parameters are
// $1, $2, …; column types BIGINT, TEXT and {blob} (the driver's name for bytes); INSERT … ON
// CONFLICT … DO UPDATE and RETURNING work in both.
//
// What it is not: an object mapper. Stores write their SQL by hand beside the code that uses it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/base/result.h"

namespace storage {

// Bytes as a parameter or column, to tell them from text.
struct Blob {
  std::string bytes;
};

using SqlValue = std::variant<std::nullptr_t, std::int64_t, std::string, Blob>;

// The rows of one SELECT (or of RETURNING), copied out of the driver. Column indexes start at 0.
// REQUIRES for the getters: row < size(), column exists. A NULL reads as 0 or "".
class Rows {
 public:
  std::size_t size() const { return columns_ == 0 ? 0 : values_.size() / columns_; }
  bool empty() const { return values_.empty(); }
  bool is_null(std::size_t row, std::size_t column) const;
  std::int64_t integer(std::size_t row, std::size_t column) const;
  // Text or bytes, whichever the column holds. Valid as long as this Rows.
  const std::string& text(std::size_t row, std::size_t column) const;
  // Moves the value out, for large blobs.
  std::string take_text(std::size_t row, std::size_t column);

  // For drivers.
  void set_columns(std::size_t columns) { columns_ = columns; }
  void append(SqlValue value);

 private:
  std::size_t columns_ = 0;
  std::vector<SqlValue> values_;
};

// One connection, used by one thread at a time. Statements are prepared once per connection and SQL
// text: pass string literals, not texts built per call.
class Connection {
 public:
  virtual ~Connection() = default;
  // Runs one statement. Returns its rows; empty for a statement without rows.
  // Failure kinds: exists (a UNIQUE or PRIMARY KEY was violated), unavailable (busy, connection
  // lost, serialisation failure, disk full), corrupt (the file is not a database or damaged),
  // internal (anything else; the message names the SQL). After a failure the transaction can only
  // be rolled back: every further statement fails, and so does the commit.
  virtual Result<Rows> query(std::string_view sql, std::span<const SqlValue> parameters) = 0;
  Result<Rows> query(std::string_view sql, std::initializer_list<SqlValue> parameters = {}) {
    return query(sql, std::span<const SqlValue>(parameters.begin(), parameters.size()));
  }
  // Runs one statement and returns how many rows it changed.
  virtual Result<std::int64_t> execute(std::string_view sql,
                                       std::span<const SqlValue> parameters) = 0;
  Result<std::int64_t> execute(std::string_view sql,
                               std::initializer_list<SqlValue> parameters = {}) {
    return execute(sql, std::span<const SqlValue>(parameters.begin(), parameters.size()));
  }
};

// Called before every statement that writes and before every commit, with the step's name. Only
// tests set one: it may throw to simulate that the process is killed at that point.
using StepHook = std::function<void(const char* step)>;

struct DatabaseOptions {
  int max_connections = 10;
  // SQLite: PRAGMA synchronous=FULL instead of NORMAL. NORMAL loses the last transactions when the
  // machine (not the process) goes down; index and device state go back together, so phones resync.
  bool sync_every_commit = false;
  StepHook before_step;
};

// Thread-safe. Lives as long as the process; connections are opened on demand.
class Database {
 public:
  virtual ~Database() = default;

  // `url` is "sqlite:PATH" or a libpq URL "postgresql://…". Creates a missing SQLite file (mode
  // 0600). Failure: unavailable when it cannot be reached, invalid for another scheme.
  static Result<std::unique_ptr<Database>> open(std::string_view url, DatabaseOptions options = {});

  // Runs `body` in a read transaction: all its queries see one state. Nothing may be written.
  virtual Result<void> read(const std::function<Result<void>(Connection&)>& body) = 0;
  // Runs `body` in a write transaction and commits when it returns success; on an error or an
  // exception everything is rolled back. Writers wait for each other (SQLite has one writer).
  // On PostgreSQL a serialisation failure runs `body` again, at most five times: keep its effects
  // inside the database. Must not be nested.
  virtual Result<void> write(const std::function<Result<void>(Connection&)>& body) = 0;

  virtual bool is_sqlite() const = 0;
  // For LISTEN/NOTIFY and full-text SQL that differs by driver.
  virtual const std::string& url() const = 0;
};

// One step of a schema: `name` is unique for ever ("maildir-001"); `sql` may hold several
// statements separated by ';' and uses {blob} for the byte type.
struct Migration {
  std::string_view name;
  std::string_view sql;
};

// Applies the migrations that this database has not seen, in order, each in its own transaction.
// Safe when several processes start at once.
Result<void> migrate(Database& database, std::span<const Migration> migrations);

// The next number of the counter `name`: 1, 2, 3, …; a number of a committed transaction is never
// given again. REQUIRES: a write transaction, after migrate().
Result<std::int64_t> next_id(Connection& connection, std::string_view name);

}  // namespace storage
