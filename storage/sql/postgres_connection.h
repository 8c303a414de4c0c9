// One PostgreSQL connection over libpq: its settings and its prepared statements.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/sql/database.h"

namespace storage::sql {

// One thread at a time.
class PostgresConnection final : public Connection {
 public:
  enum class Mode { read, write };

  // `options` must outlive the connection. Failure: unavailable.
  static Result<std::unique_ptr<PostgresConnection>> open(const std::string& url,
                                                          const DatabaseOptions& options);
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  using Connection::execute;
  using Connection::query;
  Result<Rows> query(std::string_view sql, std::span<const SqlValue> parameters) override;
  Result<std::int64_t> execute(std::string_view sql, std::span<const SqlValue> parameters) override;

  Result<void> begin(Mode mode);
  Result<void> commit();
  void rollback();
  // The first statement of this transaction that failed; then it can only be rolled back.
  const std::optional<Error>& failure() const { return failure_; }
  // The transaction lost against another one; running it again may succeed.
  bool may_retry() const { return may_retry_; }
  bool usable() const { return !lost_ && PQstatus(handle_.get()) == CONNECTION_OK; }

 private:
  struct CloseHandle {
    void operator()(PGconn* handle) const { PQfinish(handle); }
  };
  struct ClearResult {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using ResultHandle = std::unique_ptr<PGresult, ClearResult>;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  PostgresConnection(PGconn* handle, const DatabaseOptions& options)
      : handle_(handle), options_(options) {}
  Result<ResultHandle> run(std::string_view sql, std::span<const SqlValue> parameters);
  Result<ResultHandle> send(std::string_view sql, std::span<const SqlValue> parameters);
  // The name of the statement prepared for this text and these parameter types.
  Result<std::string> prepare(std::string_view sql, std::span<const SqlValue> parameters);
  Result<void> control(const char* sql);
  // What went wrong with `result`; remembers whether a retry may help.
  Error error(const PGresult* result, std::string_view sql);

  std::unique_ptr<PGconn, CloseHandle> handle_;
  const DatabaseOptions& options_;
  std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> statements_;
  std::int64_t statements_made_ = 0;
  std::optional<Error> failure_;
  Mode mode_ = Mode::read;
  bool may_retry_ = false;
  bool lost_ = false;  // the server closed the connection
};

}  // namespace storage::sql
