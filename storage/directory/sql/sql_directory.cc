// Passwords. An unknown name and a wrong password must not be told apart by the time they take: in
// both cases the same number of hashes is computed, one per form (charset) of the password. The
// stored hash is read on every login, one point read, so what another process changed counts at
// once; only the computation is remembered.
#include "storage/directory/sql/sql_directory.h"

#include <algorithm>
#include <utility>

#include "storage/base/text.h"
#include "storage/directory/address.h"
#include "storage/directory/sql/directory_tables.h"

namespace storage {
using directory_tables::address_taken;
using directory_tables::checked_address;

namespace {

constexpr std::size_t kMostNameBytes = 256;
constexpr std::size_t kUsersPerTransaction = 1000;

constexpr const char* kInsertUser =
    "INSERT INTO directory_user (id, address, display_name, password_hash) VALUES ($1, $2, $3, $4)";

bool can_be_password(std::string_view password) {
  return !password.empty() && password.size() <= PasswordHasher::kMostPasswordBytes &&
         password.find('\0') == std::string_view::npos;
}

}  // namespace

Result<void> SqlDirectory::migrate_tables(Database& database) {
  return directory_tables::bring_up_to_date(database);
}

SqlDirectory::SqlDirectory(Database& database, Settings settings)
    : database_(database),
      default_domain_(std::move(settings.default_domain)),
      clock_(*settings.clock),
      hasher_(settings.hash_cost, settings.concurrent_hashes, settings.hash_counter) {}

Result<std::optional<SqlDirectory::Account>> SqlDirectory::find_account(std::string_view login) {
  std::optional<Account> account;
  const std::vector<std::string> addresses = login_addresses(login, default_domain_);
  const auto read = database_.read([&](Connection& connection) -> Result<void> {
    for (const std::string& address : addresses) {
      // One query, whoever it is: the time tells nothing.
      GODWIT_ASSIGN(
          Rows rows,
          connection.query("SELECT id, address, display_name, eas_enabled, password_hash FROM "
                           "directory_user WHERE address = $1 UNION ALL SELECT u.id, u.address, "
                           "u.display_name, u.eas_enabled, u.password_hash FROM directory_address "
                           "a JOIN directory_user u ON u.id = a.user_id WHERE a.address = $1",
                           {address}));
      if (rows.empty()) continue;
      account = Account{User{rows.integer(0, 0), rows.take_text(0, 1), rows.take_text(0, 2),
                             rows.integer(0, 3) != 0},
                        rows.take_text(0, 4)};
      break;
    }
    return {};
  });
  if (!read) return fail(read.error());
  return account;
}

Result<User> SqlDirectory::find(std::string_view login) {
  GODWIT_ASSIGN(auto account, find_account(login));
  if (!account) return fail(ErrorKind::not_found, "no such user");
  return std::move(account->user);
}

Result<User> SqlDirectory::authenticate(std::string_view login, std::string_view password) {
  const auto refuse = [] { return fail(ErrorKind::denied, "wrong name or password"); };
  if (!can_be_password(password)) return refuse();  // whoever it is: nobody has such a one
  GODWIT_ASSIGN(auto account, find_account(login));
  if (account && verified_.knows(account->password_hash, password, clock_.now_ms())) {
    return std::move(account->user);
  }
  GODWIT_ASSIGN(const PasswordHasher::Slot slot, hasher_.slot());
  // While this one waited for its turn, another request of the same phone may have been verified.
  if (account && verified_.knows(account->password_hash, password, clock_.now_ms())) {
    return std::move(account->user);
  }
  for (const std::string& form : charset_forms(password)) {
    if (!slot.verify(form, account ? std::string_view(account->password_hash) : "")) continue;
    verified_.remember(account->password_hash, password, clock_.now_ms());
    return std::move(account->user);
  }
  return refuse();
}

Result<std::string> SqlDirectory::hash_of(std::string_view password) {
  const std::string text =
      is_valid_utf8(password) ? std::string(password) : latin1_to_utf8(password);
  if (!can_be_password(text)) {
    return fail(ErrorKind::invalid, "a password is 1 to 511 bytes without NUL");
  }
  return hasher_.hash(text);
}

Result<User> SqlDirectory::add(std::string_view address, std::string_view password,
                               std::string_view display_name) {
  User user;
  GODWIT_ASSIGN(user.address, checked_address(address));
  user.display_name = std::string(utf8_prefix(to_xml_safe_utf8(display_name), kMostNameBytes));
  GODWIT_ASSIGN(const std::string hash, hash_of(password));
  const auto written = database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const bool there, address_taken(connection, user.address));
    if (there) return fail(ErrorKind::exists, user.address + " exists already");
    GODWIT_ASSIGN(user.id, next_id(connection, "user"));
    GODWIT_TRY(connection.execute(kInsertUser, {user.id, user.address, user.display_name, hash}));
    return directory_tables::index_new_user(connection, user.id, user.address, user.display_name);
  });
  if (!written) return fail(written.error());
  return user;
}

Result<void> SqlDirectory::set_password(std::string_view address, std::string_view password) {
  GODWIT_ASSIGN(const std::string canonical, checked_address(address));
  GODWIT_ASSIGN(const std::string hash, hash_of(password));
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(
        const std::int64_t changed,
        connection.execute("UPDATE directory_user SET password_hash = $2 WHERE address = $1",
                           {canonical, hash}));
    if (changed == 0) return fail(ErrorKind::not_found, "no user " + canonical);
    return {};
  });
}

Result<void> SqlDirectory::set_eas_enabled(std::string_view address, bool enabled) {
  GODWIT_ASSIGN(const std::string canonical, checked_address(address));
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(
        const std::int64_t changed,
        connection.execute("UPDATE directory_user SET eas_enabled = $2 WHERE address = $1",
                           {canonical, enabled ? 1 : 0}));
    if (changed == 0) return fail(ErrorKind::not_found, "no user " + canonical);
    return {};
  });
}

Result<void> SqlDirectory::remove(std::string_view address) {
  GODWIT_ASSIGN(const std::string canonical, checked_address(address));
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const Rows removed,
                  connection.query("DELETE FROM directory_user WHERE address = $1 RETURNING id",
                                   {canonical}));
    if (removed.empty()) return fail(ErrorKind::not_found, "no user " + canonical);
    return directory_tables::forget(connection, removed.integer(0, 0));
  });
}

Result<std::vector<User>> SqlDirectory::list() {
  std::vector<User> users;
  const auto read = database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(Rows rows, connection.query("SELECT id, address, display_name, eas_enabled "
                                              "FROM directory_user ORDER BY id"));
    users.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
      users.push_back({rows.integer(row, 0), rows.take_text(row, 1), rows.take_text(row, 2),
                       rows.integer(row, 3) != 0});
    }
    return {};
  });
  if (!read) return fail(read.error());
  return users;
}

Result<void> SqlDirectory::add_many(const std::vector<std::string>& addresses,
                                    std::string_view password) {
  std::vector<std::string> canonical;
  canonical.reserve(addresses.size());
  for (const std::string& address : addresses) {
    GODWIT_ASSIGN(std::string each, checked_address(address));
    canonical.push_back(std::move(each));
  }
  GODWIT_ASSIGN(const std::string hash, hash_of(password));
  for (std::size_t begin = 0; begin < canonical.size(); begin += kUsersPerTransaction) {
    const std::size_t end = std::min(begin + kUsersPerTransaction, canonical.size());
    auto written = database_.write([&](Connection& connection) -> Result<void> {
      for (std::size_t i = begin; i < end; ++i) {
        GODWIT_ASSIGN(const bool there, address_taken(connection, canonical[i]));
        if (there) continue;
        GODWIT_ASSIGN(const std::int64_t id, next_id(connection, "user"));
        GODWIT_TRY(connection.execute(kInsertUser, {id, canonical[i], "", hash}));
        GODWIT_TRY(directory_tables::index_new_user(connection, id, canonical[i], ""));
      }
      return {};
    });
    if (!written) return written;
  }
  return {};
}

}  // namespace storage
