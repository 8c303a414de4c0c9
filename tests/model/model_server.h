// The server's commands over real stores in one directory, without HTTP: it can be killed at any
// step that writes, and started again. And the hand of another program on the same Maildirs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "server/commands/command.h"
#include "server/config/limits.h"
#include "server/sync/collection_locks.h"
#include "storage/sql/database.h"
#include "tests/support/temp_dir.h"

namespace test {

// Thrown from a step hook: the process dies here.
struct Killed {};

class ManualClock final : public storage::Clock {
 public:
  storage::UnixMillis now_ms() const override { return now; }
  storage::UnixMillis now = 0;
};

struct LiveItem {
  std::string server_id;
  std::string subject;
  bool read = false;
  storage::UnixMillis date = 0;
};

class ModelServer {
 public:
  static constexpr const char* kAddress = "phone@example.test";

  // On a database of its own: "" is SQLite in the server's directory.
  explicit ModelServer(std::string database_url = "");
  ~ModelServer();

  // Runs a command as the device would over HTTP. nullopt: the process was killed in it (and has
  // been started again).
  std::optional<wbxml::Element> run(const std::string& device, eas::Version version,
                                    const std::string& command, const wbxml::Element& body);
  // The process dies at the n-th writing step from now (1: the next one).
  void kill_after(int steps) { steps_left_ = steps; }
  void do_not_kill() { steps_left_ = 0; }
  void restart();

  // Collection ids by folder role or name: "inbox", "trash", "Work".
  std::string collection(const std::string& name);
  // What the server has in the folder, read through the store.
  std::vector<LiveItem> live(const std::string& name);

  // --- another program ---------------------------------------------------------------------------
  void deliver(const std::string& subject, int age_hours);
  void flag_some_file(std::mt19937& random);
  std::string remove_some_file(std::mt19937& random);  // the subject of what was removed, or ""
  // Under a new name, as a program that copies does. Leaves mail alone that a phone sent.
  void move_some_file(std::mt19937& random);
  // Subjects of all message files, each as often as it is there.
  std::map<std::string, int> files_by_subject() const;

  ManualClock clock;

 private:
  struct Stores;
  void open();
  std::vector<std::string> message_files() const;

  TempDir dir_;
  std::string database_url_;
  int steps_left_ = 0;
  int delivered_ = 0;
  std::unique_ptr<Stores> stores_;
  std::map<std::string, std::string> collections_;
};

}  // namespace test
