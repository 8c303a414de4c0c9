// Profiles and the search; groups are in sql_groups.cc.
#include "storage/directory/sql/sql_address_list.h"

#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <utility>

#include "storage/base/text.h"
#include "storage/directory/address.h"
#include "storage/directory/folding.h"
#include "storage/directory/sql/directory_tables.h"
#include "storage/directory/sql/entry_rows.h"

namespace storage {
namespace {

using namespace directory_tables;

bool is_picture(std::string_view bytes) {
  return bytes.starts_with("\xff\xd8\xff") || bytes.starts_with("\x89PNG\r\n\x1a\n");
}

bool is_certificate(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  const bool whole = certificate != nullptr &&
                     at == reinterpret_cast<const unsigned char*>(der.data()) + der.size();
  X509_free(certificate);
  return whole;
}

std::array<const std::string*, 9> texts_of(const Profile& profile) {
  return {&profile.alias, &profile.first_name, &profile.last_name,
          &profile.title, &profile.company,    &profile.office,
          &profile.phone, &profile.home_phone, &profile.mobile_phone};
}

Result<void> check_text(std::string_view text) {
  if (text.size() > ProfileLimits::kText) {
    return fail(ErrorKind::too_large, "a text of an address list entry is over 256 bytes");
  }
  return {};
}

// Everything but whose the addresses are. Returns those in their canonical form.
Result<std::vector<std::string>> check(const Profile& profile) {
  for (const std::string* text : texts_of(profile)) GODWIT_TRY(check_text(*text));
  if (profile.picture.size() > ProfileLimits::kPicture) {
    return fail(ErrorKind::too_large, "the picture is over 100 KiB");
  }
  if (!profile.picture.empty() && !is_picture(profile.picture)) {
    return fail(ErrorKind::invalid, "the picture is neither JPEG nor PNG");
  }
  if (profile.certificates.size() > ProfileLimits::kCertificates) {
    return fail(ErrorKind::too_large, "more than 16 certificates");
  }
  for (const std::string& der : profile.certificates) {
    if (der.size() > ProfileLimits::kCertificate) {
      return fail(ErrorKind::too_large, "a certificate is over 32 KiB");
    }
    if (!is_certificate(der)) return fail(ErrorKind::invalid, "this is no X.509 certificate");
  }
  if (profile.other_addresses.size() > ProfileLimits::kOtherAddresses) {
    return fail(ErrorKind::too_large, "more than 64 other addresses");
  }
  std::vector<std::string> addresses;
  for (const std::string& address : profile.other_addresses) {
    GODWIT_ASSIGN(std::string canonical, checked_address(address));
    if (std::find(addresses.begin(), addresses.end(), canonical) == addresses.end()) {
      addresses.push_back(std::move(canonical));
    }
  }
  return addresses;
}

Result<void> require_user(Connection& connection, std::int64_t user_id) {
  GODWIT_ASSIGN(const Rows rows,
                connection.query("SELECT 1 FROM directory_user WHERE id = $1", {user_id}));
  if (rows.empty()) return fail(ErrorKind::not_found, "no such user");
  return {};
}

Result<void> write_addresses(Connection& connection, std::int64_t user_id,
                             const std::vector<std::string>& addresses) {
  GODWIT_TRY(connection.execute("DELETE FROM directory_address WHERE user_id = $1", {user_id}));
  std::int64_t position = 0;
  for (const std::string& address : addresses) {
    GODWIT_ASSIGN(const bool taken, address_taken(connection, address));
    if (taken) return fail(ErrorKind::exists, address + " is taken already");
    GODWIT_TRY(connection.execute(
        "INSERT INTO directory_address (address, user_id, position) VALUES ($1, $2, $3)",
        {address, user_id, position++}));
  }
  return {};
}

Result<void> write_profile(Connection& connection, std::int64_t user_id, const Profile& profile) {
  GODWIT_TRY(connection.execute("DELETE FROM directory_profile WHERE user_id = $1", {user_id}));
  std::vector<SqlValue> values = {user_id};
  for (const std::string* text : texts_of(profile)) values.emplace_back(to_xml_safe_utf8(*text));
  values.emplace_back(Blob{profile.picture});
  GODWIT_TRY(connection.execute(
      "INSERT INTO directory_profile (user_id, alias, first_name, last_name, title, company, "
      "office, phone, home_phone, mobile_phone, picture) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
      "$9, $10, $11)",
      values));
  GODWIT_TRY(connection.execute("DELETE FROM directory_certificate WHERE user_id = $1", {user_id}));
  std::int64_t position = 0;
  for (const std::string& der : profile.certificates) {
    GODWIT_TRY(connection.execute(
        "INSERT INTO directory_certificate (user_id, position, der) VALUES ($1, $2, $3)",
        {user_id, position++, Blob{der}}));
  }
  return {};
}

// The first bytes behind every text that starts with `prefix`: 0xFF is no byte of UTF-8.
std::string after(const std::string& prefix) { return prefix + '\xff'; }

// " FROM directory_entry e WHERE …" for `words`, whose ranges are $1, $2, $3, $4, …
std::string matching(std::size_t words) {
  std::string sql = " FROM directory_entry e";
  for (std::size_t i = 0; i < words; ++i) {
    sql += (i == 0 ? " WHERE" : " AND");
    sql += " e.id IN (SELECT id FROM directory_word WHERE word >= $" + std::to_string(2 * i + 1) +
           " AND word < $" + std::to_string(2 * i + 2) + ")";
  }
  return sql;
}

Result<DirectoryPage> find(Connection& connection, const std::vector<std::string>& words,
                           int offset, int limit, bool with_pictures) {
  std::vector<SqlValue> values;
  for (const std::string& word : words) {
    values.emplace_back(Blob{word});
    values.emplace_back(Blob{after(word)});
  }
  DirectoryPage page;
  const std::string where = matching(words.size());
  GODWIT_ASSIGN(const Rows total, connection.query("SELECT count(*)" + where, values));
  page.total = static_cast<int>(total.integer(0, 0));
  if (limit <= 0 || offset >= page.total) return page;
  values.emplace_back(std::int64_t{limit});
  values.emplace_back(std::int64_t{std::max(offset, 0)});
  GODWIT_ASSIGN(const Rows rows,
                connection.query("SELECT e.id" + where + " ORDER BY e.sort_key, e.id LIMIT $" +
                                     std::to_string(values.size() - 1) + " OFFSET $" +
                                     std::to_string(values.size()),
                                 values));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    GODWIT_ASSIGN(DirectoryEntry entry,
                  read_entry(connection, rows.integer(row, 0), true, with_pictures));
    page.entries.push_back(std::move(entry));
  }
  return page;
}

}  // namespace

Result<void> SqlAddressList::migrate_tables(Database& database) {
  return bring_up_to_date(database);
}

Result<Profile> SqlAddressList::profile(std::int64_t user_id) {
  Profile profile;
  const auto read = database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(require_user(connection, user_id));
    GODWIT_ASSIGN(profile, read_profile(connection, user_id, true));
    return {};
  });
  if (!read) return fail(read.error());
  return profile;
}

Result<void> SqlAddressList::set_profile(std::int64_t user_id, const Profile& profile) {
  GODWIT_ASSIGN(const std::vector<std::string> addresses, check(profile));
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_TRY(require_user(connection, user_id));
    GODWIT_TRY(write_addresses(connection, user_id, addresses));
    GODWIT_TRY(write_profile(connection, user_id, profile));
    return index_user(connection, user_id);
  });
}

Result<void> SqlAddressList::set_display_name(std::int64_t user_id, std::string_view name) {
  GODWIT_TRY(check_text(name));
  return database_.write([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const std::int64_t changed,
                  connection.execute("UPDATE directory_user SET display_name = $2 WHERE id = $1",
                                     {user_id, to_xml_safe_utf8(name)}));
    if (changed == 0) return fail(ErrorKind::not_found, "no such user");
    return index_user(connection, user_id);
  });
}

Result<DirectoryPage> SqlAddressList::search(std::string_view text, int offset, int limit,
                                             bool with_pictures) {
  std::vector<std::string> words = search_words(text);
  if (words.empty()) return DirectoryPage{};
  if (words.size() > kMostSearchWords) words.resize(kMostSearchWords);
  DirectoryPage page;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(page, find(connection, words, offset, limit, with_pictures));
    return {};
  }));
  return page;
}

Result<DirectoryPage> SqlAddressList::resolve(std::string_view to, int limit, bool with_pictures) {
  const auto address = canonical_address(trim(to));
  if (!address) return search(to, 0, limit, with_pictures);
  DirectoryPage page;
  GODWIT_TRY(database_.read([&](Connection& connection) -> Result<void> {
    GODWIT_ASSIGN(const std::int64_t id, find_id(connection, *address));
    if (id == 0) return {};
    page.total = 1;
    if (limit <= 0) return {};
    GODWIT_ASSIGN(DirectoryEntry entry, read_entry(connection, id, true, with_pictures));
    page.entries.push_back(std::move(entry));
    return {};
  }));
  return page;
}

}  // namespace storage
