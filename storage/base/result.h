// Result<T>: a value or an Error. Expected failures are values; nothing of ours throws.
// Third-party exceptions are caught at the adapter that calls the library.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace storage {

// What kind of failure, in terms a caller can act on. Keep temporary (`unavailable`) apart from
// permanent: a phone retries the first and must never retry the others.
enum class ErrorKind {
  not_found,    // the thing named does not exist (any more)
  exists,       // it exists already
  denied,       // not allowed for this user
  invalid,      // the caller's input is malformed
  too_large,    // over a limit
  conflict,     // somebody else changed it meanwhile
  expired,      // the cursor is older than the change log reaches back: start again
  unavailable,  // temporary: try again later
  corrupt,      // stored data cannot be read
  internal,     // a bug or an unexpected answer of a library
};

// The name of a kind as it appears in logs, for instance "not_found".
const char* to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;  // for logs and administrators; never shown to phones
};

// Whether the same, tried again later, may go well. Everything else is for good.
inline bool is_temporary(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::conflict;
}

template <typename T>
using Result = tl::expected<T, Error>;

// `return fail(ErrorKind::invalid, "…");` from any function that returns a Result.
inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(message)});
}

// `return fail(std::move(result.error()));` passes an error up.
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace storage

// Evaluates `expr` (a Result); on failure returns its error from the enclosing function.
#define GODWIT_TRY(expr)                                            \
  do {                                                              \
    if (auto godwit_try_result = (expr); !godwit_try_result) {      \
      return ::storage::fail(std::move(godwit_try_result.error())); \
    }                                                               \
  } while (false)

#define GODWIT_CONCAT_INNER(a, b) a##b
#define GODWIT_CONCAT(a, b) GODWIT_CONCAT_INNER(a, b)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses.
// `GODWIT_ASSIGN(auto row, load());` declares `row` from a Result or returns its error.
#define GODWIT_ASSIGN(declaration, expr)                                                \
  auto GODWIT_CONCAT(godwit_result_, __LINE__) = (expr);                                \
  if (!GODWIT_CONCAT(godwit_result_, __LINE__)) {                                       \
    return ::storage::fail(std::move(GODWIT_CONCAT(godwit_result_, __LINE__).error())); \
  }                                                                                     \
  declaration = std::move(*GODWIT_CONCAT(godwit_result_, __LINE__))
// NOLINTEND(bugprone-macro-parentheses)
