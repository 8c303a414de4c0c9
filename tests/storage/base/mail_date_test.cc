#include "storage/base/mail_date.h"

#include <doctest/doctest.h>

TEST_CASE("mail date: as RFC 5322 has it, in UTC") {
  CHECK(storage::mail_date(1'795'334'400'000) == "Sun, 22 Nov 2026 08:00:00 +0000");
  CHECK(storage::mail_date(0) == "Thu, 1 Jan 1970 00:00:00 +0000");
}
