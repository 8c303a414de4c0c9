#include "server/capture/exchange_record.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/dump.h"
#include "wbxml/encoder.h"

namespace eas::capture {
namespace {

using storage::ErrorKind;
using storage::fail;
// Keeps the order in which fields and headers were put in.
using Json = nlohmann::ordered_json;

constexpr std::size_t kReadableText = 2000;
constexpr const char* kRedacted = "<redacted>";

bool holds_credentials(std::string_view header) {
  for (const std::string_view name :
       {"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}) {
    if (storage::equals_ignore_case(header, name)) return true;
  }
  return false;
}

// The kind of credentials may stay ("Basic <redacted>"): it says much and gives nothing away.
std::string redacted(std::string_view name, std::string_view value) {
  const std::size_t space = value.find(' ');
  const bool scheme = storage::equals_ignore_case(name, "Authorization") && space < 12;
  return (scheme ? std::string(value.substr(0, space + 1)) : std::string()) + kRedacted;
}

// Whether there was one.
bool redact_passwords(wbxml::Element& element) {
  bool found = false;
  for (const wbxml::Tag tag :
       {wbxml::settings::kPassword, wbxml::item_operations::kPassword, wbxml::search::kPassword}) {
    if (!(element.tag == tag) || element.text.empty()) continue;
    element.text = kRedacted;
    element.opaque = false;
    found = true;
  }
  for (wbxml::Element& child : element.children) found = redact_passwords(child) || found;
  return found;
}

// The body without its passwords; nullopt: it has none, and stays as it is to the byte.
std::optional<std::string> without_passwords(std::string_view body) {
  if (body.empty() || body.front() != '\x03') return std::nullopt;
  auto tree = wbxml::decode(body);
  if (!tree || !redact_passwords(*tree)) return std::nullopt;
  return wbxml::encode(*tree);
}

Json headers_to_json(const std::vector<Header>& headers) {
  Json object = Json::object();
  for (const auto& [name, value] : headers) {
    const std::string text = holds_credentials(name) ? redacted(name, value) : value;
    if (object.contains(name)) {
      object[name] = object[name].get<std::string>() + ", " + text;
    } else {
      object[name] = text;
    }
  }
  return object;
}

std::string_view find_header(const std::vector<Header>& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (storage::equals_ignore_case(key, name)) return value;
  }
  return "";
}

// Reads fields of one line and remembers the first that is wrong.
class FieldReader {
 public:
  explicit FieldReader(const Json& object) : object_(object) {}
  const std::string& problem() const { return problem_; }

  std::string text(const char* name) {
    const Json* value = find(name);
    if (value == nullptr) return "";
    if (!value->is_string()) return wrong(name);
    return value->get<std::string>();
  }
  std::string base64(const char* name) {
    std::optional<std::string> bytes = storage::base64_decode(text(name));
    return bytes ? std::move(*bytes) : wrong(name);
  }
  double number(const char* name) {
    const Json* value = find(name);
    if (value == nullptr) return 0;
    if (!value->is_number()) wrong(name);
    return value->is_number() ? value->get<double>() : 0;
  }
  std::vector<Header> headers(const char* name) {
    std::vector<Header> result;
    const Json* value = find(name);
    if (value == nullptr) return result;
    if (!value->is_object()) {
      wrong(name);
      return result;
    }
    for (const auto& [key, header] : value->items()) {
      if (header.is_string()) result.emplace_back(key, header.get<std::string>());
    }
    return result;
  }

 private:
  const Json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  std::string wrong(const char* name) {
    if (problem_.empty()) problem_ = std::string("field ") + name + " is malformed";
    return "";
  }

  const Json& object_;
  std::string problem_;
};

}  // namespace

std::string_view ExchangeRecord::request_header(std::string_view name) const {
  return find_header(request_headers, name);
}

std::string_view ExchangeRecord::response_header(std::string_view name) const {
  return find_header(response_headers, name);
}

std::string readable_body(std::string_view body, std::string_view content_type) {
  if (body.empty()) return "";
  if (body.front() == '\x03') {
    wbxml::DumpOptions options;
    options.max_text = kReadableText;
    const auto tree = wbxml::decode(body);
    if (tree) return wbxml::dump(*tree, options);
    return "not decodable: " + tree.error().message + " at offset " +
           std::to_string(tree.error().offset);
  }
  if (!storage::starts_with_ignore_case(content_type, "message/") &&
      !storage::starts_with_ignore_case(content_type, "text/")) {
    return "";
  }
  return storage::to_xml_safe_utf8(storage::utf8_prefix(body, kReadableText));
}

std::string utc_text(storage::UnixMillis time) {
  const std::chrono::sys_time<std::chrono::milliseconds> moment{std::chrono::milliseconds(time)};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(moment - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text.data();
}

std::string to_json_line(const ExchangeRecord& record) {
  const auto clean_request = without_passwords(record.request_body);
  const auto clean_response = without_passwords(record.response_body);
  const std::string& request_body = clean_request ? *clean_request : record.request_body;
  const std::string& response_body = clean_response ? *clean_response : record.response_body;
  Json line;
  line["t"] = record.t;
  if (!record.time.empty()) line["time"] = record.time;
  line["client"] = record.client;
  line["method"] = record.method;
  line["target"] = record.target;
  line["request_headers"] = headers_to_json(record.request_headers);
  line["request_body"] = storage::base64_encode(request_body);
  line["request_xml"] = readable_body(request_body, record.request_header("Content-Type"));
  line["status"] = record.status == 0 ? Json(nullptr) : Json(record.status);
  line["response_headers"] = headers_to_json(record.response_headers);
  line["response_body"] = storage::base64_encode(response_body);
  line["response_xml"] = readable_body(response_body, record.response_header("Content-Type"));
  line["seconds"] = record.seconds;
  if (!record.error.empty()) line["error"] = record.error;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

storage::Result<ExchangeRecord> parse_json_line(std::string_view line) {
  const Json object = Json::parse(line, nullptr, false);
  if (!object.is_object()) return fail(ErrorKind::invalid, "not a JSON object");
  FieldReader reader(object);
  ExchangeRecord record;
  record.t = reader.number("t");
  record.time = reader.text("time");
  record.client = reader.text("client");
  record.method = reader.text("method");
  record.target = reader.text("target");
  record.request_headers = reader.headers("request_headers");
  record.request_body = reader.base64("request_body");
  record.status = static_cast<int>(std::clamp(reader.number("status"), 0.0, 999.0));
  record.response_headers = reader.headers("response_headers");
  record.response_body = reader.base64("response_body");
  record.seconds = reader.number("seconds");
  record.error = reader.text("error");
  if (!reader.problem().empty()) return fail(ErrorKind::invalid, reader.problem());
  return record;
}

storage::Result<std::vector<ExchangeRecord>> read_capture_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorKind::not_found, "cannot open " + path);
  std::vector<ExchangeRecord> records;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (storage::trim(line).empty()) continue;
    auto record = parse_json_line(line);
    if (!record) {
      return fail(ErrorKind::invalid,
                  path + " line " + std::to_string(number) + ": " + record.error().message);
    }
    records.push_back(std::move(*record));
  }
  return records;
}

}  // namespace eas::capture
