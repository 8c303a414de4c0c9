// Where the tests find files of the source tree and the program under test.
#pragma once

#include <filesystem>

namespace test {

// The root of the source tree.
std::filesystem::path source_dir();

// The folder of specifications and recordings beside the source tree; tests that need it are
// skipped where it is absent.
inline std::filesystem::path shared_dir() { return source_dir() / ".." / "shared"; }

// The program `godwit` of this build.
std::filesystem::path built_binary();

}  // namespace test
