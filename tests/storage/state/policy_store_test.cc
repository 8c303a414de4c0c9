// The contract of policies and of decisions about devices on both drivers.
#include "tests/contracts/policy_store_contract.h"

#include "tests/contracts/sql_backends.h"

TEST_CASE_TEMPLATE_INVOKE(policy_world, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(policy_rules, test::SqliteBackend, test::PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(policy_devices, test::SqliteBackend, test::PostgresBackend);
