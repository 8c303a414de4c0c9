// Rows of text in columns that line up, for lists on the terminal.
#pragma once

#include <string>
#include <vector>

#include "storage/base/clock.h"

namespace eas::admin {

// Prints the rows on standard output, the first one being the headings; two blanks between columns.
void print_table(const std::vector<std::vector<std::string>>& rows);

// "a, b, c"
std::string joined(const std::vector<std::string>& texts);

// "2026-11-22 10:00" (UTC), "never" for 0.
std::string when_text(storage::UnixMillis when);

}  // namespace eas::admin
