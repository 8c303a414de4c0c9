// The contract of user settings on both drivers.
#include "tests/contracts/user_settings_contract.h"

#include "tests/contracts/sql_backends.h"

TEST_CASE_TEMPLATE_INVOKE(user_settings, test::SqliteBackend, test::PostgresBackend);
