#include "storage/base/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <set>

namespace {

using storage::ErrorKind;
using storage::Result;

Result<int> half(int value) {
  if (value % 2 != 0) return storage::fail(ErrorKind::invalid, "odd");
  return value / 2;
}

Result<int> quarter(int value, int& steps) {
  GODWIT_ASSIGN(const int first, half(value));
  ++steps;
  GODWIT_ASSIGN(const int second, half(first));
  ++steps;
  return second;
}

Result<void> check_even(int value) {
  GODWIT_TRY(half(value));
  return {};
}

Result<std::unique_ptr<int>> make(bool good) {
  if (!good) return storage::fail(ErrorKind::unavailable, "later");
  return std::make_unique<int>(7);
}

Result<int> read(bool good) {
  GODWIT_ASSIGN(const std::unique_ptr<int> value, make(good));
  return *value;
}

}  // namespace

TEST_CASE("result: GODWIT_ASSIGN gives the value or returns the first error at once") {
  int steps = 0;
  CHECK(quarter(8, steps).value() == 2);
  CHECK(steps == 2);
  steps = 0;
  const Result<int> early = quarter(3, steps);
  REQUIRE_FALSE(early.has_value());
  CHECK(early.error().kind == ErrorKind::invalid);
  CHECK(early.error().message == "odd");
  CHECK(steps == 0);
  CHECK_FALSE(quarter(6, steps).has_value());
  CHECK(steps == 1);
}

TEST_CASE("result: GODWIT_ASSIGN moves what cannot be copied") {
  CHECK(read(true).value() == 7);
  REQUIRE_FALSE(read(false).has_value());
  CHECK(read(false).error().kind == ErrorKind::unavailable);
}

TEST_CASE("result: GODWIT_TRY passes an error up and lets success through") {
  CHECK(check_even(2).has_value());
  REQUIRE_FALSE(check_even(1).has_value());
  CHECK(check_even(1).error().message == "odd");
}

TEST_CASE("result: every kind has a name of its own") {
  const ErrorKind kinds[] = {ErrorKind::not_found, ErrorKind::exists,      ErrorKind::denied,
                             ErrorKind::invalid,   ErrorKind::too_large,   ErrorKind::conflict,
                             ErrorKind::expired,   ErrorKind::unavailable, ErrorKind::corrupt,
                             ErrorKind::internal};
  std::set<std::string> names;
  for (const ErrorKind kind : kinds) names.insert(storage::to_string(kind));
  CHECK(names.size() == std::size(kinds));
  CHECK(storage::to_string(ErrorKind::not_found) == std::string("not_found"));
  CHECK(storage::to_string(ErrorKind::unavailable) == std::string("unavailable"));
}
