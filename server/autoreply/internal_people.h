// Who counts as internal: the users here, and everybody in a local domain.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/directory/directory.h"

namespace eas::autoreply {

// `address`: a bare one. Fails when the directory does.
storage::Result<bool> is_internal(storage::Directory& directory,
                                  const std::vector<std::string>& local_domains,
                                  std::string_view address);

}  // namespace eas::autoreply
