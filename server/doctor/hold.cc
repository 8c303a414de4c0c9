#include "server/doctor/hold.h"

#include "storage/base/crypto.h"
#include "storage/base/text.h"

namespace eas::doctor {
namespace {

constexpr storage::UnixMillis kGoodFor = 3'600'000;

std::string token_of(std::string_view secret, std::string_view what) {
  return storage::to_hex(storage::hmac_sha256(secret, "doctor " + std::string(what)));
}

http::HttpReply text(int status, std::string body) {
  http::HttpReply reply;
  reply.status = status;
  reply.content_type = "text/plain";
  reply.body = std::move(body);
  return reply;
}

}  // namespace

std::string hold_query(std::string_view secret, std::chrono::seconds hold,
                       storage::UnixMillis now) {
  const std::string what =
      "seconds=" + std::to_string(hold.count()) + "&until=" + std::to_string(now + kGoodFor);
  return what + "&token=" + token_of(secret, what);
}

http::Outcome hold(http::HttpRequest& request, std::string_view secret, storage::UnixMillis now) {
  const auto parts = storage::split(request.query, '&');
  if (secret.empty() || parts.size() != 3 || !parts[0].starts_with("seconds=") ||
      !parts[1].starts_with("until=") || !parts[2].starts_with("token=")) {
    return text(404, "not found\n");
  }
  const std::string what = std::string(parts[0]) + "&" + std::string(parts[1]);
  const auto seconds = storage::parse_int(parts[0].substr(8));
  const auto until = storage::parse_int(parts[1].substr(6));
  if (!storage::equals_constant_time(parts[2].substr(6), token_of(secret, what)) || !seconds ||
      !until || *until < now || *seconds < 0 || *seconds > kLongestHold.count()) {
    return text(404, "not found\n");
  }
  http::Parked parked;
  parked.waker = request.make_waker();
  parked.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(*seconds);
  parked.resume = [held = *seconds](http::WakeReason reason) -> http::Outcome {
    if (reason == http::WakeReason::shutdown) return text(503, "stopping\n");
    return text(200, "held " + std::to_string(held) + "\n");
  };
  return parked;
}

}  // namespace eas::doctor
