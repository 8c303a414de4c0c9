// Fills a Maildir with the corpus, as a delivery agent would have over the weeks: files with
// flags in their names and modification times spread over the past.
#pragma once

#include <functional>
#include <string>

#include "server/demo/corpus.h"
#include "storage/base/result.h"

namespace demo {

struct FillOptions {
  int messages = 0;
  storage::UnixMillis now = 0;        // the newest message came shortly before
  std::function<void(int)> progress;  // messages written so far, now and then; may be empty
};

// Makes the Maildir `path` with its messages. It appears complete or not at all: it is filled
// beside its place and renamed. Returns false, and does nothing, when `path` exists. unavailable:
// the disk refuses.
storage::Result<bool> fill_maildir(const Corpus& corpus, const Recipient& to,
                                   const std::string& path, const FillOptions& options);

}  // namespace demo
