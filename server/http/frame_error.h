// Why a request was refused while it was being read: the HTTP status to answer and a short reason
// for the log and the reply. Values only.
#pragma once

namespace http {

struct FrameError {
  int status = 400;
  const char* reason = "bad request";  // a literal
};

}  // namespace http
