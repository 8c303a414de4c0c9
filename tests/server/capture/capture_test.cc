#include "server/capture/capture.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "tests/support/temp_dir.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"
#include "wbxml/encoder.h"

namespace {

using eas::capture::CaptureWriter;
using eas::capture::Exchange;
using eas::capture::ExchangeRecord;
using eas::capture::Header;

const std::string kFolderSync("\x03\x01\x6A\x00\x00\x07\x56\x52\x03\x30\x00\x01\x01", 13);

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Exchange sample_exchange(const std::vector<Header>& request, const std::vector<Header>& response) {
  Exchange exchange;
  exchange.time = 1'000'000;
  exchange.seconds = 0.25;
  exchange.user = "demo@example.test";
  exchange.device_id = "PHONE1";
  exchange.method = "POST";
  exchange.path = "/Microsoft-Server-ActiveSync";
  exchange.query = "Cmd=FolderSync&User=demo";
  exchange.request_headers = &request;
  exchange.request_body = kFolderSync;
  exchange.status = 200;
  exchange.response_headers = &response;
  exchange.response_content_type = "application/vnd.ms-sync.wbxml";
  exchange.response_body = kFolderSync;
  return exchange;
}

const std::vector<Header> kRequestHeaders = {{"Authorization", "Basic c2VjcmV0OnNlY3JldA=="},
                                             {"cookie", "session=secret"},
                                             {"MS-ASProtocolVersion", "14.1"}};
const std::vector<Header> kResponseHeaders = {{"Set-Cookie", "x=secret"}, {"X-A", "1"}};

}  // namespace

TEST_CASE("capture: an exchange becomes one line that reads back, without credentials") {
  const test::TempDir dir;
  CaptureWriter writer(dir.file("capture"));
  REQUIRE(writer.write(sample_exchange(kRequestHeaders, kResponseHeaders)).has_value());
  Exchange second = sample_exchange(kRequestHeaders, kResponseHeaders);
  second.time += 1500;
  REQUIRE(writer.write(second).has_value());

  const std::string path = writer.file_of("demo@example.test", "PHONE1");
  const std::string text = read_all(path);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find("secret") == std::string::npos);
  CHECK(text.find("c2VjcmV0") == std::string::npos);

  const auto records = eas::capture::read_capture_file(path);
  REQUIRE(records.has_value());
  REQUIRE(records->size() == 2);
  const ExchangeRecord& record = records->front();
  CHECK(record.t == 0);
  CHECK(records->back().t == 1.5);
  CHECK(record.method == "POST");
  CHECK(record.target == "/Microsoft-Server-ActiveSync?Cmd=FolderSync&User=demo");
  CHECK(record.request_body == kFolderSync);
  CHECK(record.status == 200);
  CHECK(record.seconds == 0.25);
  CHECK(record.request_header("authorization") == "Basic <redacted>");
  CHECK(record.request_header("Cookie") == "<redacted>");
  CHECK(record.response_header("set-cookie") == "<redacted>");
  CHECK(record.response_header("Content-Type") == "application/vnd.ms-sync.wbxml");
}

TEST_CASE("capture: the decoded text stands beside the body") {
  const test::TempDir dir;
  CaptureWriter writer(dir.str());
  REQUIRE(writer.write(sample_exchange(kRequestHeaders, kResponseHeaders)).has_value());
  const auto line = nlohmann::json::parse(read_all(writer.file_of("demo@example.test", "PHONE1")));
  CHECK(line["request_xml"] ==
        "<FolderHierarchy:FolderSync>\n  <FolderHierarchy:SyncKey>0</>\n</>\n");
  CHECK(line["response_xml"] == line["request_xml"]);
  for (const char* field :
       {"t", "time", "client", "method", "target", "request_headers", "request_body", "request_xml",
        "status", "response_headers", "response_body", "response_xml", "seconds"}) {
    CAPTURE(field);
    CHECK(line.contains(field));
  }
}

TEST_CASE("capture: a line names the time, which the log names too") {
  CHECK(eas::capture::utc_text(0) == "1970-01-01T00:00:00.000Z");
  CHECK(eas::capture::utc_text(1'709'210'096'007) == "2024-02-29T12:34:56.007Z");
  const test::TempDir dir;
  for (int process = 0; process < 2; ++process) {  // "t" begins at 0 again, the time does not
    CaptureWriter writer(dir.str());
    Exchange exchange = sample_exchange(kRequestHeaders, kResponseHeaders);
    exchange.time = 1'709'210'096'007 + process * 1000;
    REQUIRE(writer.write(exchange).has_value());
  }
  const auto records = eas::capture::read_capture_file(
      CaptureWriter(dir.str()).file_of("demo@example.test", "PHONE1"));
  REQUIRE(records.has_value());
  REQUIRE(records->size() == 2);
  CHECK(records->front().t == records->back().t);
  CHECK(records->front().time == "2024-02-29T12:34:56.007Z");
  CHECK(records->back().time == "2024-02-29T12:34:57.007Z");
}

TEST_CASE("capture: passwords inside of bodies are not written, all else is to the byte") {
  namespace settings = wbxml::settings;
  namespace items = wbxml::item_operations;
  namespace search = wbxml::search;
  using wbxml::Element;
  const Element bodies[] = {
      Element(settings::kSettings,
              {Element(settings::kDevicePassword,
                       {Element(settings::kSet, {Element(settings::kPassword, "s3cret")})})}),
      Element(items::kItemOperations,
              {Element(items::kFetch,
                       {Element(items::kOptions, {Element(items::kUserName, "anna"),
                                                  Element(items::kPassword, "s3cret")})})}),
      Element(search::kSearch,
              {Element(search::kStore,
                       {Element(search::kOptions, {Element(search::kPassword, "s3cret")})})}),
  };
  for (const Element& body : bodies) {
    ExchangeRecord record;
    record.request_body = wbxml::encode(body);
    record.response_body = kFolderSync;
    const std::string line = eas::capture::to_json_line(record);
    const auto parsed = eas::capture::parse_json_line(line);
    REQUIRE(parsed.has_value());
    CAPTURE(line);
    CHECK(line.find("s3cret") == std::string::npos);
    CHECK(parsed->request_body.find("s3cret") == std::string::npos);
    CHECK(parsed->request_body.find("<redacted>") != std::string::npos);
    CHECK(wbxml::decode(parsed->request_body)->tag == body.tag);
    CHECK(parsed->response_body == kFolderSync);
  }
  // A document that another encoder would write otherwise.
  ExchangeRecord record;
  record.request_body =
      std::string("\x03\x01\x6A\x00\x00\x07\x00\x07\x56\x52\x03\x30\x00\x01\x01", 15);
  const auto parsed = eas::capture::parse_json_line(eas::capture::to_json_line(record));
  REQUIRE(parsed.has_value());
  CHECK(parsed->request_body == record.request_body);
}

TEST_CASE("capture: bodies that are not WBXML") {
  using eas::capture::readable_body;
  CHECK(readable_body("Subject: a\r\n\r\nb", "message/rfc822") == "Subject: a\r\n\r\nb");
  CHECK(readable_body("\x89PNG", "image/png").empty());
  CHECK(readable_body("", "text/plain").empty());
  CHECK(readable_body(std::string(9000, 'x'), "message/rfc822").size() == 2000);
  CHECK(readable_body("\x03\x01", "").find("not decodable") == 0);
}

TEST_CASE("capture: nothing that a client sends can name a file") {
  std::set<std::string> names;
  const std::string hostile[] = {"",
                                 ".",
                                 "..",
                                 "../../etc/passwd",
                                 "/etc/passwd",
                                 "a/b",
                                 "a\\b",
                                 std::string("a\0b", 3),
                                 "a\nb",
                                 "-rf",
                                 std::string(5000, 'A'),
                                 std::string(5000, 'A') + "B",
                                 "\xC3\xA4",
                                 "CON",
                                 "a b"};
  for (const std::string& device : hostile) {
    CAPTURE(device);
    const std::string name = eas::capture::capture_file_name("u@example.test", device);
    CHECK(name.size() < 100);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789-_.") == std::string::npos);
    CHECK(name.substr(0, 7) == "device-");
    CHECK(name.substr(name.size() - 6) == ".jsonl");
    CHECK(name.find("..") == std::string::npos);
    names.insert(name);
  }
  CHECK(names.size() == std::size(hostile));
  CHECK(eas::capture::capture_file_name("a", "D") != eas::capture::capture_file_name("b", "D"));
}

TEST_CASE("capture: files and directory are for the owner alone") {
  const test::TempDir dir;
  CaptureWriter writer(dir.file("a/capture"));
  REQUIRE(writer.write(sample_exchange(kRequestHeaders, kResponseHeaders)).has_value());
  struct stat status {};
  REQUIRE(::stat(writer.directory().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  REQUIRE(::stat(writer.file_of("demo@example.test", "PHONE1").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("capture: a symbolic link in the place of the file is not followed") {
  const test::TempDir dir;
  CaptureWriter writer(dir.str());
  const std::string target = dir.file("target");
  std::filesystem::create_symlink(target, writer.file_of("demo@example.test", "PHONE1"));
  CHECK_FALSE(writer.write(sample_exchange(kRequestHeaders, kResponseHeaders)).has_value());
  CHECK_FALSE(std::filesystem::exists(target));
}

TEST_CASE("capture: a full file ends the capture of its device, with the reason") {
  const test::TempDir dir;
  eas::capture::CaptureLimits limits;
  limits.max_file_bytes = 2000;
  CaptureWriter writer(dir.str(), limits);
  int written = 0;
  storage::Result<void> result;
  while ((result = writer.write(sample_exchange(kRequestHeaders, kResponseHeaders)))) ++written;
  CHECK(written >= 1);
  CHECK(result.error().kind == storage::ErrorKind::too_large);
  const std::string path = writer.file_of("demo@example.test", "PHONE1");
  CHECK(read_all(path).size() <= 2000);
  CHECK(eas::capture::read_capture_file(path)->size() == static_cast<std::size_t>(written));
}

TEST_CASE("capture: a body over the limit is left out and the line says so") {
  const test::TempDir dir;
  eas::capture::CaptureLimits limits;
  limits.max_body_bytes = 5;
  CaptureWriter writer(dir.str(), limits);
  REQUIRE(writer.write(sample_exchange(kRequestHeaders, kResponseHeaders)).has_value());
  const auto records =
      eas::capture::read_capture_file(writer.file_of("demo@example.test", "PHONE1"));
  REQUIRE(records.has_value());
  CHECK(records->front().request_body.empty());
  CHECK(records->front().error ==
        "request body of 13 bytes left out; response body of 13 bytes left out");
}

TEST_CASE("capture: lines of many threads do not mix") {
  const test::TempDir dir;
  CaptureWriter writer(dir.str());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&writer, t] {
      const std::string device = t % 2 == 0 ? "A" : "B";
      for (int i = 0; i < 50; ++i) {
        Exchange exchange = sample_exchange(kRequestHeaders, kResponseHeaders);
        exchange.device_id = device;
        if (!writer.write(exchange)) return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const char* device : {"A", "B"}) {
    const auto records =
        eas::capture::read_capture_file(writer.file_of("demo@example.test", device));
    REQUIRE(records.has_value());
    CHECK(records->size() == 100);
  }
}

TEST_CASE("capture file: what cannot be read is refused with its line") {
  const test::TempDir dir;
  const std::string path = dir.file("x.jsonl");
  const auto error_of = [&path](const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    const auto records = eas::capture::read_capture_file(path);
    return records ? std::string("read") : records.error().message;
  };
  CHECK(error_of("{}\n\n{}\n") == "read");
  CHECK(error_of("{}\n[1]\n") == path + " line 2: not a JSON object");
  CHECK(error_of("{\"method\": 7}") == path + " line 1: field method is malformed");
  CHECK(error_of("{\"request_body\": \"!!\"}") ==
        path + " line 1: field request_body is malformed");
  CHECK(error_of("{\"request_headers\": []}") ==
        path + " line 1: field request_headers is malformed");
  const auto missing = eas::capture::read_capture_file(dir.file("nothing"));
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == storage::ErrorKind::not_found);
}

TEST_CASE("capture file: no answer is null, and null is no answer") {
  ExchangeRecord record;
  record.method = "POST";
  record.error = "timed out";
  const std::string line = eas::capture::to_json_line(record);
  CHECK(nlohmann::json::parse(line)["status"].is_null());
  const auto parsed = eas::capture::parse_json_line(line);
  REQUIRE(parsed.has_value());
  CHECK(parsed->status == 0);
  CHECK(parsed->error == "timed out");
}

TEST_CASE("capture file: bytes that are no UTF-8 in a header do not break the line") {
  ExchangeRecord record;
  record.request_headers = {{"X", "\xFF\xFE"}, {"X", "again"}};
  const auto parsed = eas::capture::parse_json_line(eas::capture::to_json_line(record));
  REQUIRE(parsed.has_value());
  CHECK(parsed->request_headers.size() == 1);
}
