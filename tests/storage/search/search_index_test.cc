// The contract of the full-text index on both drivers, and what is special to SQLite.
#include "tests/contracts/search_index_contract.h"

#include <fstream>

#include "tests/contracts/sql_backends.h"

TEST_CASE_TEMPLATE_INVOKE(search_texts, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(search_fields, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(search_conditions, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(search_changes, test::SqliteBackend, test::PostgresBackend);

TEST_CASE("search database: a damaged file is deleted and made anew") {
  const test::TempDir dir;
  const std::string path = dir.file("search.db");
  std::ofstream(path, std::ios::binary) << std::string(8192, 'x');
  const auto database = test::ok(storage::open_search_database("sqlite:" + path));
  CHECK(storage::open_search_index(*database).has_value());
}
