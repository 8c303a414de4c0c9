// The database that several nodes share. Connections are opened on demand and replaced when the
// server went away: a transaction whose BEGIN finds its pooled connection dead has done nothing
// yet, so it is begun once more on a new connection and its caller never notices the restart.
#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "storage/base/crypto.h"
#include "storage/sql/connection_pool.h"
#include "storage/sql/drivers.h"
#include "storage/sql/postgres_connection.h"

namespace storage::sql {
namespace {

constexpr int kRetries = 5;

// Losers of a conflict wait a random while that doubles, so that they do not meet again.
void back_off(int tries) {
  const auto longest = std::uint32_t{4} << tries;
  std::this_thread::sleep_for(std::chrono::milliseconds(1 + random_u32() % longest));
}

class PostgresDatabase final : public Database {
 public:
  PostgresDatabase(std::string_view url, DatabaseOptions options)
      : url_(url), options_(std::move(options)), pool_(options_.max_connections) {}

  // Connects once, so that a bad URL is told at once.
  Result<void> start() {
    GODWIT_ASSIGN(const Pool::Lease lease, begin(PostgresConnection::Mode::read));
    return lease->commit();
  }

  Result<void> read(const std::function<Result<void>(Connection&)>& body) override {
    GODWIT_ASSIGN(const Pool::Lease lease, begin(PostgresConnection::Mode::read));
    return finish_transaction(*lease, body);
  }

  Result<void> write(const std::function<Result<void>(Connection&)>& body) override {
    for (int tries = 1;; ++tries) {
      bool may_retry = false;
      {
        GODWIT_ASSIGN(const Pool::Lease lease, begin(PostgresConnection::Mode::write));
        auto result = finish_transaction(*lease, body);
        if (result) return result;
        may_retry = lease->may_retry();
        if (!may_retry || tries > kRetries) return result;
      }
      back_off(tries);
    }
  }

  bool is_sqlite() const override { return false; }
  const std::string& url() const override { return url_; }

 private:
  using Pool = ConnectionPool<PostgresConnection>;

  Result<Pool::Lease> begin(PostgresConnection::Mode mode) {
    GODWIT_ASSIGN(Pool::Lease lease, pool_.acquire());
    if (lease) {
      const auto begun = lease->begin(mode);
      if (begun) return lease;
      if (lease->usable()) return fail(begun.error());
      pool_.drop_idle();  // they most likely died with it
    }
    GODWIT_ASSIGN(auto opened, PostgresConnection::open(url_, options_));
    lease.set(std::move(opened));
    GODWIT_TRY(lease->begin(mode));
    return lease;
  }

  const std::string url_;
  const DatabaseOptions options_;
  Pool pool_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_postgres(std::string_view url, DatabaseOptions options) {
  auto database = std::make_unique<PostgresDatabase>(url, std::move(options));
  GODWIT_TRY(database->start());
  return database;
}

}  // namespace storage::sql
