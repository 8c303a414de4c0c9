// SQLite: WAL, so that readers never wait for the writer; statements are prepared once and found
// again by their text, so that a point read costs a hash, a bind and a step.
//
// Two things are stricter than SQLite itself, so that code tested on SQLite also works on
// PostgreSQL: a read transaction refuses to write, and a statement that failed dooms its
// transaction.
#include "storage/sql/sqlite_connection.h"

#include <array>
#include <utility>

#include "storage/base/text.h"
#include "storage/sql/drivers.h"

namespace storage::sql {
namespace {

constexpr int kBusyMs = 5000;                 // how long another process's write is waited for
constexpr std::size_t kMostStatements = 512;  // per connection; the stores' literals are ~100

void append_row(sqlite3_stmt* statement, int columns, Rows& rows) {
  for (int column = 0; column < columns; ++column) {
    switch (sqlite3_column_type(statement, column)) {
      case SQLITE_NULL:
        rows.append(nullptr);
        break;
      case SQLITE_INTEGER:
        rows.append(std::int64_t{sqlite3_column_int64(statement, column)});
        break;
      case SQLITE_BLOB: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
        rows.append(Blob{bytes == nullptr ? std::string() : std::string(bytes, size)});
        break;
      }
      default: {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
        rows.append(text == nullptr ? std::string() : std::string(text, size));
        break;
      }
    }
  }
}

int bind_value(sqlite3_stmt* statement, int position, const SqlValue& value) {
  // The caller's values outlive the step, so nothing is copied.
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return sqlite3_bind_int64(statement, position, *number);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, position, text->data(), text->size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  }
  if (const auto* blob = std::get_if<Blob>(&value)) {
    // data() of an empty string is not null, so this is an empty blob and not NULL.
    return sqlite3_bind_blob64(statement, position, blob->bytes.data(), blob->bytes.size(),
                               SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, position);
}

ErrorKind kind_of(int extended_code) {
  switch (extended_code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return ErrorKind::exists;
    default:
      break;
  }
  switch (extended_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
      return ErrorKind::unavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::corrupt;
    default:
      return ErrorKind::internal;
  }
}

}  // namespace

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path,
                                                                 const DatabaseOptions& options) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  // A failed open leaves a handle too, which the connection then closes.
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(handle, options));
  if (code != SQLITE_OK) {
    return fail(ErrorKind::unavailable, "cannot open " + path + ": " + sqlite3_errstr(code));
  }
  sqlite3_extended_result_codes(handle, 1);
  GODWIT_TRY(connection->configure());
  return connection;
}

SqliteConnection::~SqliteConnection() { statements_.clear(); }

Result<void> SqliteConnection::configure() {
  sqlite3_busy_timeout(handle_.get(), kBusyMs);
  // Small private caches: the file is mapped, so pages are shared between connections by the
  // kernel, and a page that another connection changed is not read again with a system call.
  const std::array<const char*, 8> settings = {
      "PRAGMA journal_mode=WAL",
      options_.sync_every_commit ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
      "PRAGMA foreign_keys=ON",
      "PRAGMA cache_size=-1024",
      "PRAGMA mmap_size=134217728",
      "PRAGMA temp_store=MEMORY",
      "PRAGMA journal_size_limit=67108864",
      "PRAGMA trusted_schema=OFF",
  };
  for (const char* setting : settings) {
    const int code = sqlite3_exec(handle_.get(), setting, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return fail(error(code, setting));
  }
  return {};
}

Error SqliteConnection::error(int code, std::string_view sql) const {
  return Error{kind_of(code), std::string("sqlite: ") + sqlite3_errmsg(handle_.get()) + " (" +
                                  std::to_string(code) + ") in: " + describe(sql)};
}

Result<std::unique_ptr<SqliteConnection::Prepared>> SqliteConnection::prepare(
    std::string_view sql) {
  auto prepared = std::make_unique<Prepared>();
  prepared->sql = with_blob_type(sql, "BLOB");
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), prepared->sql.data(),
                                      static_cast<int>(prepared->sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return fail(error(code, sql));
  if (statement == nullptr) return fail(ErrorKind::internal, "sqlite: an empty statement");
  prepared->statement.reset(statement);
  prepared->writes = sqlite3_stmt_readonly(statement) == 0;
  // To SQLite "$2" is a name, numbered in the order of appearance: find out which value it means.
  const int count = sqlite3_bind_parameter_count(statement);
  for (int position = 1; position <= count; ++position) {
    const char* name = sqlite3_bind_parameter_name(statement, position);
    const auto number = name == nullptr ? std::nullopt : parse_uint(name + 1);
    if (!number || *number == 0) {
      return fail(ErrorKind::internal, "sqlite: a parameter is not $1, $2 … in: " + describe(sql));
    }
    prepared->parameters.push_back(static_cast<std::size_t>(*number) - 1);
  }
  return prepared;
}

Result<SqliteConnection::Prepared*> SqliteConnection::find_or_prepare(
    std::string_view sql, std::unique_ptr<Prepared>& once) {
  if (const auto found = statements_.find(sql); found != statements_.end()) {
    return found->second.get();
  }
  GODWIT_ASSIGN(auto prepared, prepare(sql));
  if (is_run_once(sql)) {
    once = std::move(prepared);
    return once.get();
  }
  if (statements_.size() >= kMostStatements) statements_.clear();
  Prepared* result = prepared.get();
  statements_.emplace(std::string(sql), std::move(prepared));
  return result;
}

Result<void> SqliteConnection::bind(const Prepared& prepared,
                                    std::span<const SqlValue> parameters) {
  for (std::size_t i = 0; i < prepared.parameters.size(); ++i) {
    if (prepared.parameters[i] >= parameters.size()) {
      return fail(ErrorKind::internal, "sqlite: too few parameters for: " + describe(prepared.sql));
    }
    const int code = bind_value(prepared.statement.get(), static_cast<int>(i) + 1,
                                parameters[prepared.parameters[i]]);
    if (code != SQLITE_OK) return fail(error(code, prepared.sql));
  }
  return {};
}

Result<std::int64_t> SqliteConnection::run(std::string_view sql,
                                           std::span<const SqlValue> parameters, Rows* rows) {
  if (failure_) return fail(*failure_);
  const auto doom = [this](Error problem) {
    failure_ = problem;
    return fail(std::move(problem));
  };
  std::unique_ptr<Prepared> once;
  auto found = find_or_prepare(sql, once);
  if (!found) return doom(std::move(found.error()));
  const Prepared& prepared = **found;
  if (prepared.writes) {
    if (mode_ == Mode::read) {
      return doom({ErrorKind::internal, "a read transaction must not write: " + describe(sql)});
    }
    if (options_.before_step) options_.before_step(prepared.sql.c_str());
  }
  struct ResetAtEnd {
    sqlite3_stmt* statement;
    ~ResetAtEnd() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  } const reset{prepared.statement.get()};
  if (auto bound = bind(prepared, parameters); !bound) return doom(std::move(bound.error()));
  const int columns = sqlite3_column_count(reset.statement);
  if (rows != nullptr) rows->set_columns(static_cast<std::size_t>(columns));
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(reset.statement)) == SQLITE_ROW) {
    if (rows != nullptr) append_row(reset.statement, columns, *rows);
  }
  if (code != SQLITE_DONE) return doom(error(code, sql));
  if (!prepared.writes || once != nullptr) return 0;
  return std::int64_t{sqlite3_changes64(handle_.get())};
}

Result<Rows> SqliteConnection::query(std::string_view sql, std::span<const SqlValue> parameters) {
  Rows rows;
  GODWIT_TRY(run(sql, parameters, &rows));
  return rows;
}

Result<std::int64_t> SqliteConnection::execute(std::string_view sql,
                                               std::span<const SqlValue> parameters) {
  return run(sql, parameters, nullptr);
}

Result<void> SqliteConnection::control(const char* sql) {
  std::unique_ptr<Prepared> once;
  GODWIT_ASSIGN(Prepared * prepared, find_or_prepare(sql, once));
  const int code = sqlite3_step(prepared->statement.get());
  Result<void> result;
  if (code != SQLITE_DONE) result = fail(error(code, sql));
  sqlite3_reset(prepared->statement.get());
  return result;
}

Result<void> SqliteConnection::begin(Mode mode) {
  failure_.reset();
  mode_ = mode;
  return control(mode == Mode::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Result<void> SqliteConnection::commit() {
  if (mode_ == Mode::write && options_.before_step) options_.before_step("commit");
  return control("COMMIT");
}

void SqliteConnection::rollback() {
  // Some errors (a full disk) have ended the transaction already.
  if (sqlite3_get_autocommit(handle_.get()) == 0 && !control("ROLLBACK")) usable_ = false;
}

}  // namespace storage::sql
