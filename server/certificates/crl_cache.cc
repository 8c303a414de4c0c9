// The address of a list comes from a certificate, so it may be anything. What keeps that harmless:
// only certificates whose chain is trusted are asked for (see validator.cc), only http and https
// without redirections, and bounds on time, size and number.
#include "server/certificates/crl_cache.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "storage/base/text.h"

namespace eas {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Result;
using storage::UnixMillis;

constexpr std::size_t kMostLists = 64;
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr UnixMillis kKeep = 3'600'000;
constexpr UnixMillis kKeepFailure = 60'000;

struct CurlCleanup {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};

struct Sink {
  std::string bytes;
  std::size_t most = 0;
  bool overflown = false;
};

std::size_t take(char* data, std::size_t size, std::size_t count, void* user) {
  auto* sink = static_cast<Sink*>(user);
  if (sink->bytes.size() + size * count > sink->most) {
    sink->overflown = true;
    return 0;
  }
  sink->bytes.append(data, size * count);
  return size * count;
}

Result<std::string> fetch(const std::string& url, std::chrono::milliseconds timeout,
                          std::size_t most) {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  const std::unique_ptr<CURL, CurlCleanup> curl(ready ? curl_easy_init() : nullptr);
  if (!curl) return fail(ErrorKind::internal, "libcurl cannot be used");
  Sink sink;
  sink.most = most;
  CURL* handle = curl.get();
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(most));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "Godwit");
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &take);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
  const CURLcode code = curl_easy_perform(handle);
  if (sink.overflown || code == CURLE_FILESIZE_EXCEEDED) {
    return fail(ErrorKind::too_large, "the revocation list at " + url + " is too large");
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (code != CURLE_OK || status != 200) {
    return fail(ErrorKind::unavailable,
                "no revocation list from " + url + ": " +
                    (code != CURLE_OK ? curl_easy_strerror(code)
                                      : ("HTTP status " + std::to_string(status)).c_str()));
  }
  return std::move(sink.bytes);
}

bool is_http(std::string_view url) {
  return storage::starts_with_ignore_case(url, "http://") ||
         storage::starts_with_ignore_case(url, "https://");
}

}  // namespace

Result<std::string> CrlCache::get(const std::string& url, UnixMillis now,
                                  std::chrono::milliseconds left) {
  if (!options_.fetch) return fail(ErrorKind::denied, "fetching revocation lists is off");
  if (!is_http(url)) return fail(ErrorKind::denied, "no HTTP address of a revocation list");
  {
    const storage::MutexLock lock(mutex_);
    const auto found = kept_.find(url);
    // A clock set back must not make a list eternal.
    if (found != kept_.end() && now < found->second.until && now >= found->second.since) {
      return found->second.result;
    }
  }
  if (left.count() <= 0) return fail(ErrorKind::unavailable, "no time left to fetch " + url);
  auto result = fetch(url, std::min(left, options_.timeout), options_.max_bytes);
  keep(url, result, now);
  return result;
}

void CrlCache::keep(const std::string& url, const Result<std::string>& result, UnixMillis now) {
  const auto size_of = [](const Kept& kept) { return kept.result ? kept.result->size() : 0; };
  const storage::MutexLock lock(mutex_);
  if (const auto old = kept_.find(url); old != kept_.end()) {
    bytes_ -= size_of(old->second);
    kept_.erase(old);
  }
  Kept fresh{result, now + (result ? kKeep : kKeepFailure), now};
  bytes_ += size_of(fresh);
  kept_.emplace(url, std::move(fresh));
  while (kept_.size() > kMostLists || (bytes_ > kMostBytes && kept_.size() > 1)) {
    const auto oldest = std::min_element(
        kept_.begin(), kept_.end(),
        [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
    bytes_ -= size_of(oldest->second);
    kept_.erase(oldest);
  }
}

}  // namespace eas
