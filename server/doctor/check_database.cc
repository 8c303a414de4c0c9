#include <filesystem>

#include "server/doctor/checks.h"
#include "storage/sql/database.h"

namespace eas::doctor {
namespace {

constexpr const char* kCheck = "database";
constexpr std::string_view kSqlite = "sqlite:";

Finding problem(std::string text, std::string advice) {
  return {Outcome::problem, kCheck, std::move(text), std::move(advice)};
}

}  // namespace

Findings check_database(const Config& config) {
  if (config.database.starts_with(kSqlite)) {
    const std::string path = config.database.substr(kSqlite.size());
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
      return {{Outcome::warning, kCheck, path + " does not exist yet",
               "start the server once, or correct storage.database"}};
    }
  }
  const auto database = storage::Database::open(config.database);
  if (!database) {
    return {problem("it cannot be reached: " + database.error().message,
                    "start it, or correct storage.database")};
  }
  Findings findings;
  std::int64_t prepared = 0;
  const auto read =
      (*database)->read([&](storage::Connection& connection) -> storage::Result<void> {
        GODWIT_ASSIGN(const storage::Rows rows,
                      connection.query("SELECT COUNT(*) FROM schema_migration"));
        prepared = rows.integer(0, 0);
        return {};
      });
  if (!read && read.error().kind == storage::ErrorKind::unavailable) {
    return {problem("it does not answer: " + read.error().message,
                    "start it, or correct storage.database")};
  }
  if (!read || prepared == 0) {
    findings.push_back(
        {Outcome::warning, kCheck, "no server has prepared it yet", "start the server once"});
  } else {
    findings.push_back(
        {Outcome::ok, kCheck, "reachable, prepared in " + std::to_string(prepared) + " steps", ""});
  }
  // Rolled back, so nothing stays.
  bool wrote = false;
  const auto written =
      (*database)->write([&](storage::Connection& connection) -> storage::Result<void> {
        GODWIT_TRY(connection.execute("CREATE TABLE godwit_doctor_probe (n BIGINT)"));
        wrote = true;
        return storage::fail(storage::ErrorKind::conflict, "rolled back");
      });
  if (!wrote) {
    findings.push_back(problem("it cannot be written: " + written.error().message,
                               "give the server's user write access, and check the disk"));
  } else {
    findings.push_back({Outcome::ok, kCheck, "writable", ""});
  }
  return findings;
}

}  // namespace eas::doctor
