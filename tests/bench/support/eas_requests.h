// The few ActiveSync requests that the benchmarks send, as whole HTTP requests, and what they read
// from the answers. Version 16.1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bench {

struct Account {
  std::string user;  // "user1@example.test"
  std::string password;
  std::string device;  // DeviceId
};

std::string options_request(const Account& account);
std::string folder_sync_request(const Account& account, std::string_view key);

struct SyncWish {
  std::string_view collection;
  std::string_view key;
  int window = 100;
  int body_type = 0;   // 0: no BodyPreference
  int truncation = 0;  // bytes
};
std::string sync_request(const Account& account, const SyncWish& wish);
std::string ping_request(const Account& account, std::string_view collection, int heartbeat);

// The id of the Inbox (folder type 2); nullopt when the answer is not a good FolderSync.
std::optional<std::string> inbox_of(std::string_view folder_sync_answer);

struct SyncAnswer {
  std::string status;  // "1" also for an empty answer: no news
  std::string key;     // "" for an empty answer: the old key stays
  bool more = false;
  int items = 0;  // Add, Change, Delete and SoftDelete commands
};
// nullopt: not a Sync answer.
std::optional<SyncAnswer> read_sync(std::string_view answer);
// The Status; "" when the answer is not one of Ping.
std::string ping_status(std::string_view answer);

}  // namespace bench
