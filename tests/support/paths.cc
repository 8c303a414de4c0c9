// The only file of the tests that knows where it was built, so that all others compile to the same
// bytes in every checkout.
#include "tests/support/paths.h"

namespace test {

std::filesystem::path source_dir() { return GODWIT_SOURCE_DIR; }

std::filesystem::path built_binary() { return GODWIT_BINARY; }

}  // namespace test
