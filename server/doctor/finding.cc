#include "server/doctor/finding.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace eas::doctor {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::warning:
      return "warning";
    case Outcome::problem:
      return "problem";
  }
  return "problem";
}

std::string as_text(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    std::string head(to_string(finding.outcome));
    head.resize(9, ' ');
    head += finding.check;
    head.resize(std::max<std::size_t>(head.size() + 1, 24), ' ');
    out += head + finding.text;
    if (!finding.advice.empty()) out += " -> " + finding.advice;
    out += '\n';
  }
  return out;
}

std::string as_json(const Findings& findings) {
  using Json = nlohmann::ordered_json;
  Json checks = Json::array();
  for (const Finding& finding : findings) {
    checks.push_back({{"check", finding.check},
                      {"outcome", to_string(finding.outcome)},
                      {"text", finding.text},
                      {"advice", finding.advice}});
  }
  const Json all = {{"ok", !has_problem(findings)}, {"checks", std::move(checks)}};
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

bool has_problem(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.outcome == Outcome::problem; });
}

}  // namespace eas::doctor
