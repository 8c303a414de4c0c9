// The two databases that the contract suites run on. A backend object is one empty database.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "storage/sql/database.h"
#include "tests/contracts/expect.h"
#include "tests/support/postgres.h"
#include "tests/support/temp_dir.h"

namespace test {

class SqliteBackend {
 public:
  static constexpr bool kIsSqlite = true;
  bool available() const { return true; }
  std::string url() const { return "sqlite:" + directory_.file("test.db"); }
  std::unique_ptr<storage::Database> open(storage::DatabaseOptions options = {}) const {
    return ok(storage::Database::open(url(), std::move(options)));
  }

 private:
  TempDir directory_;
};

class PostgresBackend {
 public:
  static constexpr bool kIsSqlite = false;
  bool available() const { return url_.has_value(); }  // false: skipped, as asked for
  std::string url() const { return *url_; }
  std::unique_ptr<storage::Database> open(storage::DatabaseOptions options = {}) const {
    return ok(storage::Database::open(url(), std::move(options)));
  }

 private:
  std::optional<std::string> url_ = postgres_url();
};

}  // namespace test

TYPE_TO_STRING(test::SqliteBackend);
TYPE_TO_STRING(test::PostgresBackend);
