// The properties of KQL and what their values may be. Pure, thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/search/search_index.h"

namespace eas::kql {

enum class Operator { equal, not_equal, less, less_equal, greater, greater_equal };

struct Property;

// Null: no such property. Names are compared without case.
const Property* find_property(std::string_view name);

// A value as it stands in the query.
struct Value {
  std::string_view text;
  bool quoted = false;
  bool open = false;  // a * follows
};

// The query for one value. invalid: the property cannot have that value or operator.
storage::Result<storage::SearchQuery> property_query(const Property& property, Operator op,
                                                     const Value& value, storage::UnixMillis now);
// The query for what lies between two values, both included.
storage::Result<storage::SearchQuery> range_query(const Property& property, std::string_view from,
                                                  std::string_view to, storage::UnixMillis now);

// The query for text in some fields (0: all).
storage::SearchQuery text_query(const Value& value, unsigned fields);

// A stretch of time, both ends included.
struct Span {
  storage::UnixMillis first = 0;
  storage::UnixMillis last = 0;
};
std::optional<Span> parse_date(std::string_view text, storage::UnixMillis now);

}  // namespace eas::kql
