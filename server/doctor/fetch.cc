#include "server/doctor/fetch.h"

#include <curl/curl.h>

#include <array>
#include <memory>

#include "storage/base/text.h"

namespace eas::doctor {
namespace {

constexpr std::size_t kMaxBody = std::size_t{64} << 10;

struct Cleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, Cleanup>;

void initialise() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* target) {
  auto& body = static_cast<Fetched*>(target)->body;
  const std::size_t length = size * count;
  if (body.size() < kMaxBody) body.append(data, std::min(length, kMaxBody - body.size()));
  return length;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* target) {
  const std::string_view line(data, size * count);
  if (storage::starts_with_ignore_case(line, "server:")) {
    static_cast<Fetched*>(target)->server = std::string(storage::trim(line.substr(7)));
  }
  return size * count;
}

Fetched::Failure failure_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return Fetched::Failure::none;
    case CURLE_COULDNT_RESOLVE_HOST:
      return Fetched::Failure::name;
    case CURLE_COULDNT_CONNECT:
      return Fetched::Failure::connection;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_USE_SSL_FAILED:
      return Fetched::Failure::certificate;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      return Fetched::Failure::cut;
    case CURLE_OPERATION_TIMEDOUT:
      return Fetched::Failure::time_out;
    default:
      return Fetched::Failure::other;
  }
}

Fetched perform(CURL* handle) {
  Fetched result;
  std::array<char, CURL_ERROR_SIZE> reason{};
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &result);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &result);
  const auto start = std::chrono::steady_clock::now();
  const CURLcode code = curl_easy_perform(handle);
  result.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  result.failure = failure_of(code);
  if (code != CURLE_OK) {
    result.reason = reason[0] != '\0' ? reason.data() : curl_easy_strerror(code);
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  result.status = static_cast<int>(status);
  return result;
}

}  // namespace

Fetched fetch(const FetchOptions& options) {
  initialise();
  const Handle handle(curl_easy_init());
  curl_easy_setopt(handle.get(), CURLOPT_URL, options.url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  curl_easy_setopt(handle.get(), CURLOPT_SSL_VERIFYPEER, options.verify ? 1L : 0L);
  curl_easy_setopt(handle.get(), CURLOPT_SSL_VERIFYHOST, options.verify ? 2L : 0L);
  if (!options.ca_file.empty()) {
    curl_easy_setopt(handle.get(), CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_CAPATH, nullptr);  // the system's directory
  }
  return perform(handle.get());
}

Fetched greet(const SmtpOptions& options) {
  initialise();
  const Handle handle(curl_easy_init());
  curl_easy_setopt(handle.get(), CURLOPT_URL, options.url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, 20'000L);
  curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  curl_easy_setopt(handle.get(), CURLOPT_CUSTOMREQUEST, "NOOP");
  const long tls = options.require_tls ? CURLUSESSL_ALL
                   : options.try_tls   ? CURLUSESSL_TRY
                                       : CURLUSESSL_NONE;
  curl_easy_setopt(handle.get(), CURLOPT_USE_SSL, tls);
  if (!options.user.empty()) {
    curl_easy_setopt(handle.get(), CURLOPT_USERNAME, options.user.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_PASSWORD, options.password.c_str());
  }
  if (!options.ca_file.empty()) {
    curl_easy_setopt(handle.get(), CURLOPT_CAINFO, options.ca_file.c_str());
  }
  return perform(handle.get());
}

}  // namespace eas::doctor
