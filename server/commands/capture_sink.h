// Where the exchanges of a captured device go. Whoever records them gives the dispatcher a
// function.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "server/http/exchange.h"
#include "storage/base/clock.h"

namespace eas {

// One request and its answer; all views are valid during the call only. Headers that hold
// credentials (Authorization, Cookie) are left out already.
struct CapturedExchange {
  storage::UnixMillis time = 0;  // when the request came
  std::string_view user;         // address
  std::string_view device_id;    // as the phone names itself
  std::string_view method, path, query;
  const std::vector<http::Header>* request_headers = nullptr;
  std::string_view request_body;
  int status = 0;
  const std::vector<http::Header>* reply_headers = nullptr;
  std::string_view reply_content_type;
  std::string_view reply_body;
};

// Called on worker threads, several at a time; must not throw.
using CaptureSink = std::function<void(const CapturedExchange&)>;

}  // namespace eas
