// Where a password comes from: standard input or the terminal. Never from the command line, where
// every user of the machine could read it.
#pragma once

#include <string>

#include "storage/base/result.h"

namespace eas::admin {

// With `from_stdin` the first line of standard input, without its end. Otherwise asks on the
// terminal without showing what is typed, twice when `confirm` is set.
// invalid: empty, too long, no terminal, or the two differ.
storage::Result<std::string> read_password(bool from_stdin, const std::string& prompt,
                                           bool confirm);

}  // namespace eas::admin
