// Values in PostgreSQL's binary wire format. Pure functions, thread-safe.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "storage/sql/database.h"

namespace storage::sql {

// The parameters of one statement as libpq takes them. Refers to the values it was made from.
class PostgresParameters {
 public:
  explicit PostgresParameters(std::span<const SqlValue> parameters);
  PostgresParameters(const PostgresParameters&) = delete;
  PostgresParameters& operator=(const PostgresParameters&) = delete;

  int count() const { return static_cast<int>(values_.size()); }
  const Oid* types() const { return types_.data(); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  std::vector<std::array<char, 8>> numbers_;
  std::vector<Oid> types_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

// One letter per parameter for its type: which statement was prepared depends on them.
std::string parameter_types(std::span<const SqlValue> parameters);

// A column that came in the binary format. Integers, booleans and whole numerics (what sum() gives)
// become integers, bytea a Blob, everything else text. nullopt: a type without a meaning here.
std::optional<SqlValue> from_wire(Oid type, std::string_view bytes);

}  // namespace storage::sql
