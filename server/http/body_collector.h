// Gathers a request body: small ones in memory, larger ones in an unlinked temporary file that is
// mapped at the end, so that a 50 MB message is never in memory as a whole. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/exchange.h"
#include "server/http/spool_budget.h"
#include "storage/base/result.h"
#include "storage/base/unique_fd.h"

namespace http {

class BodyCollector {
 public:
  // Bodies above `spool_above` bytes go to a file in `directory`; `declared` is their length where
  // the client told it. What is in the file counts against `budget` (null: none, else it must
  // outlive the Body) until the Body is gone.
  BodyCollector(std::size_t spool_above, std::string directory,
                std::optional<std::uint64_t> declared, SpoolBudget* budget = nullptr);

  // unavailable: the temporary file cannot be made or written, or the budget is used up.
  storage::Result<void> append(std::string_view piece);
  std::size_t size() const { return size_; }
  bool is_spooled() const { return static_cast<bool>(file_); }

  // The body. Once, after the last append(). unavailable: it cannot be mapped.
  storage::Result<Body> finish();

 private:
  storage::Result<void> start_spooling();
  storage::Result<void> write_to_file(std::string_view bytes);

  std::size_t spool_above_;
  std::string directory_;
  std::size_t size_ = 0;
  bool spool_from_start_;
  std::string memory_;
  storage::UniqueFd file_;
  std::shared_ptr<SpoolShare> share_;  // of the budget; null: there is none
};

}  // namespace http
