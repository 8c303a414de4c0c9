// What the files of the dispatcher share; nobody else includes this.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/commands/dispatch.h"

namespace eas {

// What a captured device's request was, kept until its answer is known.
struct CapturedRequest {
  storage::UnixMillis time = 0;
  std::string user, device_id, method, path, query;
  std::vector<http::Header> headers;
  std::string body;
};

// By what a repetition is known. device 0: the request is not watched.
struct Dispatcher::StormKey {
  std::int64_t user = 0;
  std::int64_t device = 0;
  const CommandInfo* command = nullptr;
  std::uint64_t digest = 0;  // of the request
  std::chrono::steady_clock::time_point start;
  std::string_view address;  // of the user
};

// One request on its way through this file.
struct Dispatcher::Exchange {
  Request request;
  const CommandInfo* command = nullptr;
  std::string peer;
  http::HttpRequest* http = nullptr;  // lives as long as this
  // Of the user and the device; a command that parks takes the Request away.
  std::string address, device_id;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::uint64_t device_events = 0;  // when the device's record was read
  std::uint64_t digest = 0;
  std::shared_ptr<CapturedRequest> captured;  // of a captured device only

  void log_refusal(int http_status, std::string_view reason) const;
  http::HttpReply refuse(int http_status, std::string_view reason) const;
  StormKey storm_key() const {
    return {request.user.id, request.device.id, command, digest, start, address};
  }
  http::HttpReply refuse(const CommandError& error) const;
};

// What is kept of a parked request.
struct Dispatcher::Flight {
  const CommandInfo* command = nullptr;
  Version version = Version::v16_1;
  std::int64_t user = 0;
  std::int64_t device = 0;
  std::string address;    // of the user
  std::string device_id;  // as the phone names itself
  std::chrono::steady_clock::time_point start;
  std::uint64_t digest = 0;
  std::shared_ptr<http::Waker> waker;
  std::shared_ptr<ParkedEntry> entry;
  std::function<CommandResult(http::WakeReason)> resume;
  std::shared_ptr<CapturedRequest> captured;
};

}  // namespace eas
