// A web server on a loopback port that gives files from memory, for what the server fetches.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "storage/base/unique_fd.h"

namespace test {

// Thread-safe. Answers one connection after the other; 404 for what it does not have.
class TinyHttp {
 public:
  TinyHttp();
  ~TinyHttp();
  TinyHttp(const TinyHttp&) = delete;
  TinyHttp& operator=(const TinyHttp&) = delete;

  // "http://127.0.0.1:40123/PATH"
  std::string url(const std::string& path) const;
  void put(const std::string& path, std::string bytes);
  // From now on a connection is taken and never answered.
  void hang() { hanging_ = true; }
  int requests() const { return requests_; }

 private:
  void run();
  void serve(int connection);

  storage::UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> hanging_ = false;
  std::atomic<int> requests_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::string> files_;
  std::thread thread_;
};

}  // namespace test
