// PostgreSQL through libpq. Statements are prepared on the server once per connection, text and
// parameter types; values travel in the binary format.
//
// Writers run SERIALIZABLE and readers on one snapshot (REPEATABLE READ, READ ONLY), so that a
// store which is right on SQLite, where there is one writer, is right here; what loses is run
// again.
#include "storage/sql/postgres_connection.h"

#include <cstring>
#include <utility>

#include "storage/base/text.h"
#include "storage/sql/drivers.h"
#include "storage/sql/postgres_values.h"

namespace storage::sql {
namespace {

// A statement that hangs must not hold a worker for ever. Migrations lift the first two.
constexpr const char* kSettings =
    "SET statement_timeout = '30s'; SET lock_timeout = '10s';"
    "SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = 'warning'";
constexpr std::size_t kMostStatements = 512;

constexpr int kBinary = 1;

bool writes(std::string_view sql) {
  const std::string_view text = trim(sql);
  return !starts_with_ignore_case(text, "SELECT") && !starts_with_ignore_case(text, "SET ") &&
         !starts_with_ignore_case(text, "LOCK ");
}

// SQLSTATE classes: 08 connection, 40 rolled back, 53 resources, 55P03 lock not available, 57
// operator intervention (shutdown, cancelled by a timeout), 58 system error.
ErrorKind kind_of(std::string_view state) {
  if (state == "23505" || state == "42P07") return ErrorKind::exists;
  if (state == "08P01") return ErrorKind::internal;  // we broke the protocol: a bug, not a loss
  if (state.empty() || state.starts_with("08") || state.starts_with("40") ||
      state.starts_with("53") || state.starts_with("57") || state.starts_with("58") ||
      state == "55P03" || state == "25P03") {
    return ErrorKind::unavailable;
  }
  if (state.starts_with("XX0") && state != "XX000") return ErrorKind::corrupt;
  return ErrorKind::internal;
}

}  // namespace

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(
    const std::string& url, const DatabaseOptions& options) {
  // What comes before the URL are defaults that it may override.
  const char* const keywords[] = {"connect_timeout", "application_name", "keepalives_idle",
                                  "dbname",          "client_encoding",  nullptr};
  const char* const values[] = {"5", "godwit", "30", url.c_str(), "UTF8", nullptr};
  PGconn* handle = PQconnectdbParams(keywords, values, 1);
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(handle, options));
  if (!connection->usable()) {
    return fail(ErrorKind::unavailable,
                "postgresql: " + std::string(trim(handle == nullptr ? "out of memory"
                                                                    : PQerrorMessage(handle))));
  }
  PQsetNoticeProcessor(
      handle, [](void*, const char*) {}, nullptr);
  GODWIT_TRY(connection->control(kSettings));
  return connection;
}

Error PostgresConnection::error(const PGresult* result, std::string_view sql) {
  const char* field = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string state = field == nullptr ? "" : field;
  // An error without a code is libpq's own: the server cannot be talked to. PQstatus() does not
  // always notice.
  if (state.empty() || state.starts_with("57P")) lost_ = true;
  // Another process migrated a table under a prepared statement: prepared anew it works again.
  const bool stale_plan =
      state == "0A000" && std::strstr(PQresultErrorMessage(result), "cached plan") != nullptr;
  if (stale_plan) statements_.clear();
  may_retry_ = state == "40001" || state == "40P01" || stale_plan;
  const ErrorKind kind = stale_plan ? ErrorKind::unavailable : kind_of(state);
  const char* message =
      result == nullptr ? PQerrorMessage(handle_.get()) : PQresultErrorMessage(result);
  return Error{
      kind, "postgresql: " + std::string(trim(message)) + " (" + state + ") in: " + describe(sql)};
}

Result<std::string> PostgresConnection::prepare(std::string_view sql,
                                                std::span<const SqlValue> parameters) {
  std::string key = parameter_types(parameters);
  key += '|';
  key += sql;
  if (const auto found = statements_.find(key); found != statements_.end()) return found->second;
  if (statements_.size() >= kMostStatements) {
    statements_.clear();
    GODWIT_TRY(control("DEALLOCATE ALL"));
  }
  std::string name = "godwit_" + std::to_string(++statements_made_);
  const PostgresParameters wire(parameters);
  const ResultHandle result(PQprepare(handle_.get(), name.c_str(),
                                      with_blob_type(sql, "BYTEA").c_str(), wire.count(),
                                      wire.types()));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) return fail(error(result.get(), sql));
  statements_.emplace(std::move(key), name);
  return name;
}

Result<PostgresConnection::ResultHandle> PostgresConnection::send(
    std::string_view sql, std::span<const SqlValue> parameters) {
  ResultHandle result;
  const PostgresParameters wire(parameters);
  if (is_run_once(sql)) {
    result.reset(PQexecParams(handle_.get(), with_blob_type(sql, "BYTEA").c_str(), wire.count(),
                              wire.types(), wire.values(), wire.lengths(), wire.formats(),
                              kBinary));
  } else {
    GODWIT_ASSIGN(const std::string name, prepare(sql, parameters));
    result.reset(PQexecPrepared(handle_.get(), name.c_str(), wire.count(), wire.values(),
                                wire.lengths(), wire.formats(), kBinary));
  }
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    return fail(error(result.get(), sql));
  }
  return result;
}

Result<PostgresConnection::ResultHandle> PostgresConnection::run(
    std::string_view sql, std::span<const SqlValue> parameters) {
  if (failure_) return fail(*failure_);
  if (options_.before_step && mode_ == Mode::write && writes(sql)) {
    options_.before_step(std::string(sql).c_str());
  }
  auto result = send(sql, parameters);
  if (!result) failure_ = result.error();
  return result;
}

Result<Rows> PostgresConnection::query(std::string_view sql, std::span<const SqlValue> parameters) {
  GODWIT_ASSIGN(const ResultHandle result, run(sql, parameters));
  const PGresult* answer = result.get();
  const int columns = PQnfields(answer);
  Rows rows;
  rows.set_columns(static_cast<std::size_t>(columns));
  for (int row = 0; row < PQntuples(answer); ++row) {
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(answer, row, column) != 0) {
        rows.append(nullptr);
        continue;
      }
      auto value = from_wire(PQftype(answer, column),
                             {PQgetvalue(answer, row, column),
                              static_cast<std::size_t>(PQgetlength(answer, row, column))});
      if (!value) {
        failure_ = Error{ErrorKind::internal,
                         "postgresql: column " + std::string(PQfname(answer, column)) +
                             " has a type that is not read here, in: " + describe(sql)};
        return fail(*failure_);
      }
      rows.append(std::move(*value));
    }
  }
  return rows;
}

Result<std::int64_t> PostgresConnection::execute(std::string_view sql,
                                                 std::span<const SqlValue> parameters) {
  GODWIT_ASSIGN(const ResultHandle result, run(sql, parameters));
  if (!writes(sql)) return 0;
  return parse_int(PQcmdTuples(result.get())).value_or(0);
}

Result<void> PostgresConnection::control(const char* sql) {
  const ResultHandle result(PQexec(handle_.get(), sql));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) return fail(error(result.get(), sql));
  return {};
}

Result<void> PostgresConnection::begin(Mode mode) {
  failure_.reset();
  may_retry_ = false;
  mode_ = mode;
  return control(mode == Mode::write ? "BEGIN ISOLATION LEVEL SERIALIZABLE"
                                     : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

Result<void> PostgresConnection::commit() {
  if (mode_ == Mode::write && options_.before_step) options_.before_step("commit");
  return control("COMMIT");
}

void PostgresConnection::rollback() {
  if (!usable() || PQtransactionStatus(handle_.get()) == PQTRANS_IDLE) return;
  const bool retry = may_retry_;
  if (!control("ROLLBACK")) lost_ = true;
  may_retry_ = retry;
}

}  // namespace storage::sql
