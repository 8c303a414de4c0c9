// The report of a replay, for people or as JSON.
#include <nlohmann/json.hpp>

#include "server/client/replay.h"

namespace eas::client {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::unsupported:
      return "unsupported";
    case Severity::problem:
      return "problem";
  }
  return "";
}

Json to_json(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"severity", name_of(finding.severity)}, {"text", finding.text}});
  }
  return list;
}

void print_json(const ReplayReport& report, std::ostream& out) {
  Json json;
  json["good"] = report.good();
  json["verdict"] = report.verdict();
  json["problems"] = report.problems;
  json["unsupported"] = report.unsupported;
  json["not_carried_over"] = report.not_carried_over;
  json["session"] = to_json(report.session);
  json["exchanges"] = Json::array();
  for (const ExchangeReport& exchange : report.exchanges) {
    json["exchanges"].push_back({{"number", exchange.number},
                                 {"command", exchange.command},
                                 {"recorded_status", exchange.recorded_status},
                                 {"status", exchange.live_status},
                                 {"carried_over", exchange.carried_over},
                                 {"findings", to_json(exchange.findings)}});
  }
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << std::endl;
}

void print_text(const ReplayReport& report, bool verbose, std::ostream& out) {
  for (const ExchangeReport& exchange : report.exchanges) {
    if (exchange.findings.empty() && !verbose) continue;
    out << exchange.number << " " << exchange.command << ": HTTP " << exchange.live_status
        << ", recorded " << exchange.recorded_status << "\n";
    for (const Finding& finding : exchange.findings) {
      out << "    " << name_of(finding.severity) << ": " << finding.text << "\n";
    }
  }
  for (const Finding& finding : report.session) {
    out << name_of(finding.severity) << ": " << finding.text << "\n";
  }
  out << report.verdict() << std::endl;
}

}  // namespace

std::string ReplayReport::verdict() const {
  std::string text = good() ? "good" : "bad: " + std::to_string(problems) + " problems";
  text += "; " + std::to_string(exchanges.size()) + " exchanges";
  if (not_carried_over > 0) {
    text += ", " + std::to_string(not_carried_over) + " with ids that have no counterpart here";
  }
  for (std::size_t i = 0; i < unsupported.size(); ++i) {
    text += (i == 0 ? "; not here: " : ", ") + unsupported[i];
  }
  return text;
}

int run_replay(const std::string& file, const ReplayOptions& options, std::ostream& out) {
  const auto records = capture::read_capture_file(file);
  if (!records) {
    out << records.error().message << std::endl;
    return 2;
  }
  const ReplayReport report = replay(*records, options);
  if (options.json) {
    print_json(report, out);
  } else {
    print_text(report, options.verbose, out);
  }
  return report.good() ? 0 : 1;
}

}  // namespace eas::client
