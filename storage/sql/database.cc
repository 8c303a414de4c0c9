// Chooses the driver by the URL's scheme, and the small SQL text helpers that both drivers share.
#include "storage/sql/database.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/base/text.h"
#include "storage/sql/drivers.h"

namespace storage {

Result<std::unique_ptr<Database>> Database::open(std::string_view url, DatabaseOptions options) {
  options.max_connections = std::max(options.max_connections, 1);
  if (url.starts_with("sqlite:")) return sql::open_sqlite(url, std::move(options));
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    return sql::open_postgres(url, std::move(options));
  }
  return fail(
      ErrorKind::invalid,
      "the database URL must begin with sqlite: or postgresql:// (it may hold a password, so "
      "it is not repeated here)");
}

namespace sql {

std::string with_blob_type(std::string_view sql, std::string_view type) {
  static constexpr std::string_view kPlaceholder = "{blob}";
  std::string result;
  result.reserve(sql.size());
  for (;;) {
    const std::size_t at = sql.find(kPlaceholder);
    result += sql.substr(0, at);
    if (at == std::string_view::npos) return result;
    result += type;
    sql.remove_prefix(at + kPlaceholder.size());
  }
}

bool is_run_once(std::string_view sql) {
  static constexpr std::array<std::string_view, 7> kWords = {"CREATE ", "ALTER ",  "DROP ",  "SET ",
                                                             "LOCK ",   "PRAGMA ", "NOTIFY "};
  const std::string_view text = trim(sql);
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return starts_with_ignore_case(text, word); });
}

std::string describe(std::string_view sql) {
  static constexpr std::size_t kLongest = 200;
  std::string result(trim(sql).substr(0, kLongest));
  std::replace(result.begin(), result.end(), '\n', ' ');
  return result;
}

}  // namespace sql
}  // namespace storage
