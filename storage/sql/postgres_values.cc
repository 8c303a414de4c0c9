// Binary both ways: bytes need no escaping, and integers no printing and parsing.
#include "storage/sql/postgres_values.h"

#include <limits>
#include <string>

namespace storage::sql {
namespace {

// Type numbers are part of PostgreSQL's catalogue and never change (pg_type.dat).
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kName = 19;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kOid = 26;
constexpr Oid kUnknown = 705;
constexpr Oid kVarchar = 1043;
constexpr Oid kNumeric = 1700;
constexpr Oid kVoid = 2278;

std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = !bytes.empty() && (bytes[0] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (const char c : bytes) value = (value << 8) | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(value);
}

// numeric: count of base-10000 digits, weight of the first one, sign, scale, the digits.
std::optional<std::int64_t> whole_numeric(std::string_view bytes) {
  if (bytes.size() < 8 || bytes.size() % 2 != 0) return std::nullopt;
  const auto word = [&](std::size_t at) { return big_endian(bytes.substr(at * 2, 2)); };
  const std::int64_t digits = word(0);
  const std::int64_t weight = word(1);
  const std::int64_t sign = word(2) & 0xffff;
  if (digits < 0 || bytes.size() != 8 + static_cast<std::size_t>(digits) * 2) return std::nullopt;
  if (sign != 0 && sign != 0x4000) return std::nullopt;  // NaN, infinity
  if (digits == 0) return 0;
  if (digits > weight + 1 || weight > 4) return std::nullopt;  // a fraction, or far too large
  __int128 value = 0;
  for (std::int64_t i = 0; i <= weight; ++i) {
    value = value * 10'000 + (i < digits ? word(static_cast<std::size_t>(4 + i)) : 0);
  }
  if (sign != 0) value = -value;
  if (value > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  if (value < std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace

PostgresParameters::PostgresParameters(std::span<const SqlValue> parameters) {
  const std::size_t count = parameters.size();
  numbers_.resize(count);
  types_.resize(count);
  values_.resize(count);
  lengths_.resize(count);
  formats_.resize(count, 1);
  for (std::size_t i = 0; i < count; ++i) {
    const auto set = [&](Oid type, const char* data, std::size_t size) {
      types_[i] = type;
      values_[i] = data;
      lengths_[i] = static_cast<int>(size);
    };
    if (const auto* number = std::get_if<std::int64_t>(&parameters[i])) {
      auto value = static_cast<std::uint64_t>(*number);
      for (std::size_t byte = 8; byte-- > 0; value >>= 8) {
        numbers_[i][byte] = static_cast<char>(value & 0xff);
      }
      set(kInt8, numbers_[i].data(), 8);
    } else if (const auto* text = std::get_if<std::string>(&parameters[i])) {
      set(kText, text->data(), text->size());
    } else if (const auto* blob = std::get_if<Blob>(&parameters[i])) {
      set(kBytea, blob->bytes.data(), blob->bytes.size());
    } else {
      set(0, nullptr, 0);  // NULL: the server infers the type
    }
  }
}

std::string parameter_types(std::span<const SqlValue> parameters) {
  std::string types;
  for (const SqlValue& value : parameters) types += "nitb"[value.index()];
  return types;
}

std::optional<SqlValue> from_wire(Oid type, std::string_view bytes) {
  switch (type) {
    case kBool:
    case kInt2:
    case kInt4:
    case kInt8:
      return big_endian(bytes);
    case kOid:
      return big_endian(bytes) & 0xffffffff;
    case kNumeric:
      if (const auto number = whole_numeric(bytes)) return *number;
      return std::nullopt;
    case kBytea:
      return Blob{std::string(bytes)};
    case kVoid:
      return nullptr;
    case kText:
    case kVarchar:
    case kName:
    case kUnknown:
      return std::string(bytes);
    default:
      return std::nullopt;
  }
}

}  // namespace storage::sql
