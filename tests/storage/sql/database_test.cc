// The database contract on both drivers.
#include "tests/contracts/database_contract.h"

#include "tests/contracts/sql_backends.h"

TEST_CASE_TEMPLATE_INVOKE(database_values, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(database_failures, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(database_kills, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(database_concurrency, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(database_migrations, test::SqliteBackend, test::PostgresBackend);
