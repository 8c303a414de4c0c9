// What a check found, and what to do about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace eas::doctor {

enum class Outcome : std::uint8_t { ok, warning, problem };

struct Finding {
  Outcome outcome = Outcome::ok;
  std::string check;   // "certificate"
  std::string text;    // what is so, one sentence
  std::string advice;  // what to do; "" when nothing is
};
using Findings = std::vector<Finding>;

// "ok", "warning" or "problem".
std::string_view to_string(Outcome outcome);

// One line per finding: "problem  certificate  it expired … | do this".
std::string as_text(const Findings& findings);
// {"ok":false,"checks":[{"check":…,"outcome":…,"text":…,"advice":…},…]}
std::string as_json(const Findings& findings);

bool has_problem(const Findings& findings);

}  // namespace eas::doctor
