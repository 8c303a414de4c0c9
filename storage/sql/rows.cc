// Rows: the result of a query as plain values, independent of the driver.
#include <cassert>
#include <utility>

#include "storage/base/text.h"
#include "storage/sql/database.h"

namespace storage {

void Rows::append(SqlValue value) { values_.push_back(std::move(value)); }

bool Rows::is_null(std::size_t row, std::size_t column) const {
  assert(row < size() && column < columns_);
  return std::holds_alternative<std::nullptr_t>(values_[row * columns_ + column]);
}

std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
  assert(row < size() && column < columns_);
  const SqlValue& value = values_[row * columns_ + column];
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  if (const auto* text = std::get_if<std::string>(&value)) return parse_int(*text).value_or(0);
  return 0;
}

const std::string& Rows::text(std::size_t row, std::size_t column) const {
  assert(row < size() && column < columns_);
  static const std::string kEmpty;
  const SqlValue& value = values_[row * columns_ + column];
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* blob = std::get_if<Blob>(&value)) return blob->bytes;
  return kEmpty;
}

std::string Rows::take_text(std::size_t row, std::size_t column) {
  assert(row < size() && column < columns_);
  SqlValue& value = values_[row * columns_ + column];
  if (auto* text = std::get_if<std::string>(&value)) return std::move(*text);
  if (auto* blob = std::get_if<Blob>(&value)) return std::move(blob->bytes);
  return {};
}

}  // namespace storage
