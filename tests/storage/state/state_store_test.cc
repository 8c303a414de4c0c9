// The state store contract on both drivers.
#include "tests/contracts/state_store_contract.h"

#include "tests/contracts/sql_backends.h"

TEST_CASE_TEMPLATE_INVOKE(state_devices, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(state_devices_gone, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(state_commits, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(state_races, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(state_ledger, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(state_kills, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(state_size, test::SqliteBackend, test::PostgresBackend);
