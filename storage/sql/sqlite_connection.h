// One SQLite connection: its handle, its settings and its cache of prepared statements.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/sql/database.h"

namespace storage::sql {

// One thread at a time.
class SqliteConnection final : public Connection {
 public:
  enum class Mode { read, write };

  // `options` must outlive the connection.
  static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path,
                                                        const DatabaseOptions& options);
  ~SqliteConnection() override;
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  using Connection::execute;
  using Connection::query;
  Result<Rows> query(std::string_view sql, std::span<const SqlValue> parameters) override;
  Result<std::int64_t> execute(std::string_view sql, std::span<const SqlValue> parameters) override;

  Result<void> begin(Mode mode);
  Result<void> commit();
  void rollback();
  // The first statement of this transaction that failed; then it can only be rolled back.
  const std::optional<Error>& failure() const { return failure_; }
  bool usable() const { return usable_; }

 private:
  struct CloseHandle {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  struct Prepared {
    std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement;
    std::string sql;
    std::vector<std::size_t> parameters;  // SQLite's position - 1 → index among the caller's values
    bool writes = false;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  SqliteConnection(sqlite3* handle, const DatabaseOptions& options)
      : handle_(handle), options_(options) {}
  Result<void> configure();
  Result<std::unique_ptr<Prepared>> prepare(std::string_view sql);
  // The cached statement, or `once` filled with one that is not kept.
  Result<Prepared*> find_or_prepare(std::string_view sql, std::unique_ptr<Prepared>& once);
  Result<std::int64_t> run(std::string_view sql, std::span<const SqlValue> parameters, Rows* rows);
  Result<void> bind(const Prepared& prepared, std::span<const SqlValue> parameters);
  Result<void> control(const char* sql);  // BEGIN, COMMIT, ROLLBACK
  Error error(int code, std::string_view sql) const;

  std::unique_ptr<sqlite3, CloseHandle> handle_;
  const DatabaseOptions& options_;
  std::unordered_map<std::string, std::unique_ptr<Prepared>, TextHash, std::equal_to<>> statements_;
  std::optional<Error> failure_;
  Mode mode_ = Mode::read;
  bool usable_ = true;
};

}  // namespace storage::sql
