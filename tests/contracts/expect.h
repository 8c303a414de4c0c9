// ok(result) → its value; fails the test case with the error's text when there is none.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "storage/base/result.h"

namespace test {

template <typename T>
T ok(storage::Result<T> result) {
  if (!result) {
    FAIL(std::string(storage::to_string(result.error().kind)), ": ", result.error().message);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The kind of the error, as text, or "success".
template <typename T>
std::string kind_of(const storage::Result<T>& result) {
  return result ? "success" : storage::to_string(result.error().kind);
}

}  // namespace test
