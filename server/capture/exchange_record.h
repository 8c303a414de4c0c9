// One recorded HTTP exchange and its line of JSON: the format of capture files, written by
// CaptureWriter and read by replay. Pure; thread-safe.
//
//   {"t": seconds since the first line of the process that wrote it, "time": when, in UTC,
//    "client", "method", "target", "request_headers": {…}, "request_body": base64, "request_xml",
//    "status": number or null, "response_headers": {…}, "response_body": base64 as on the wire,
//    "response_xml", "seconds", "error" (no answer came)}
//
// The *_xml fields are for reading only; the bodies are the truth, but for passwords in them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace eas::capture {

using Header = std::pair<std::string, std::string>;

struct ExchangeRecord {
  double t = 0;
  std::string time;  // when the request came, "2026-11-18T09:30:00.250Z"; "": not known
  std::string client;
  std::string method;
  std::string target;  // path and query as on the request line
  std::vector<Header> request_headers;
  std::string request_body;
  int status = 0;  // 0: no answer came
  std::vector<Header> response_headers;
  std::string response_body;
  double seconds = 0;
  std::string error;

  // The first header of that name, compared without case; "" when absent.
  std::string_view request_header(std::string_view name) const;
  std::string_view response_header(std::string_view name) const;
};

// One line, without the line feed. Headers that carry credentials (Authorization, Cookie,
// Set-Cookie, Proxy-Authorization) are written as "<redacted>", and so are passwords in WBXML
// bodies: the recovery password of Settings, those for documents of ItemOperations and Search. The
// texts for reading are made from the bodies.
std::string to_json_line(const ExchangeRecord& record);

// invalid: not JSON, or a field has the wrong type. Missing fields are empty.
storage::Result<ExchangeRecord> parse_json_line(std::string_view line);

// The records of a capture file, in its order. not_found or invalid (with the number of the line).
storage::Result<std::vector<ExchangeRecord>> read_capture_file(const std::string& path);

// "2026-11-18T09:30:00.250Z".
std::string utc_text(storage::UnixMillis time);

// A body as people read it: decoded WBXML, the text of a mail, or "" for anything else; long values
// are cut.
std::string readable_body(std::string_view body, std::string_view content_type);

}  // namespace eas::capture
