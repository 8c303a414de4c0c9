#include "server/autoreply/reply_message.h"

#include "server/items/html/html_to_text.h"

namespace eas::autoreply {
namespace {

constexpr std::string_view kBoundary = "=_godwit_automatic_reply_=";

}  // namespace

std::string make_reply(const MessageHeader& original, const OofMessage& text,
                       const ReplyParts& parts) {
  std::string out = reply_header(original, "Automatic reply: ", parts);
  if (!text.html) {
    append_text(out, "text/plain", text.text);
    return out;
  }
  const std::string boundary(kBoundary);
  out += "Content-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n";
  out += "--" + boundary + "\r\n";
  append_text(out, "text/plain", html::html_to_text(text.text).text);
  out += "--" + boundary + "\r\n";
  append_text(out, "text/html", text.text);
  out += "--" + boundary + "--\r\n";
  return out;
}

}  // namespace eas::autoreply
