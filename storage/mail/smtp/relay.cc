// libcurl speaks the protocol; which recipient a refusal was for is read from its trace of commands
// and replies, as its result only tells the last code.
#include "storage/mail/smtp/relay.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "storage/base/log.h"
#include "storage/base/text.h"

namespace storage::smtp {

namespace {

struct EasyCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyCleanup>;
using List = std::unique_ptr<curl_slist, ListFree>;

// What was said on the wire, as far as refusals need it.
struct Dialogue {
  std::string command;    // the last command line sent
  std::string recipient;  // of the last RCPT TO
  int code = 0;           // of the last reply
  std::string reply;
  bool data_sent = false;  // the message's bytes began
  bool over = false;       // QUIT: what follows says nothing about the mail
};

struct Upload {
  std::string_view rest;
};

std::size_t read_upload(char* buffer, std::size_t size, std::size_t count, void* context) {
  auto& upload = *static_cast<Upload*>(context);
  const std::size_t part = std::min(size * count, upload.rest.size());
  std::memcpy(buffer, upload.rest.data(), part);
  upload.rest.remove_prefix(part);
  return part;
}

void note_command(Dialogue& dialogue, std::string_view line) {
  dialogue.command = trim(line);
  if (starts_with_ignore_case(line, "RCPT TO:")) {
    const std::size_t open = line.find('<');
    const std::size_t close = line.find('>', open);
    if (open != std::string_view::npos && close != std::string_view::npos) {
      dialogue.recipient = line.substr(open + 1, close - open - 1);
    }
  }
}

int note_traffic(CURL*, curl_infotype type, char* data, std::size_t size, void* context) {
  auto& dialogue = *static_cast<Dialogue*>(context);
  const std::string_view text(data, size);
  if (type == CURLINFO_HEADER_OUT && starts_with_ignore_case(text, "QUIT")) dialogue.over = true;
  if (dialogue.over) return 0;
  if (type == CURLINFO_HEADER_OUT) {
    note_command(dialogue, text);
  } else if (type == CURLINFO_HEADER_IN) {
    if (const auto code = parse_uint(text.substr(0, 3)); code && *code < 1000) {
      dialogue.code = static_cast<int>(*code);
      dialogue.reply = trim(text);
    }
  } else if (type == CURLINFO_DATA_OUT) {
    dialogue.data_sent = true;
  }
  return 0;
}

void set_transport(CURL* easy, const RelayOptions& options) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  std::string url = options.url;
  if (!options.helo.empty()) url += (url.ends_with('/') ? "" : "/") + options.helo;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  if (!options.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, options.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, options.password.c_str());
  }
  const long use_ssl = options.starttls == StartTls::required       ? CURLUSESSL_ALL
                       : options.starttls == StartTls::when_offered ? CURLUSESSL_TRY
                                                                    : CURLUSESSL_NONE;
  curl_easy_setopt(easy, CURLOPT_USE_SSL, use_ssl);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options.verify_tls ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options.verify_tls ? 2L : 0L);
  if (!options.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
}

enum class Outcome { accepted, refused_recipient, refused_message, later };

// What a failed transaction means. Only replies to MAIL, RCPT and the message itself can be final:
// a relay that refuses our login or greets with 554 is a fault of the set-up, which the admin
// mends.
Outcome outcome_of(CURLcode code, const Dialogue& dialogue) {
  if (code == CURLE_OK) return Outcome::accepted;
  if (dialogue.code < 500 || dialogue.code > 599) return Outcome::later;
  if (starts_with_ignore_case(dialogue.command, "RCPT")) return Outcome::refused_recipient;
  if (dialogue.data_sent || starts_with_ignore_case(dialogue.command, "MAIL") ||
      starts_with_ignore_case(dialogue.command, "DATA")) {
    return Outcome::refused_message;
  }
  return Outcome::later;
}

struct Attempt {
  Outcome outcome = Outcome::later;
  Dialogue dialogue;
  std::string error;
};

Attempt attempt(const RelayOptions& options, std::string_view sender,
                const std::vector<std::string>& recipients, std::string_view bytes) {
  Attempt result;
  const Easy easy(curl_easy_init());
  if (easy == nullptr) {
    result.error = "libcurl cannot be started";
    return result;
  }
  List list;
  for (const std::string& recipient : recipients) {
    curl_slist* longer = curl_slist_append(list.get(), ("<" + recipient + ">").c_str());
    if (longer == nullptr) return result;
    (void)list.release();
    list.reset(longer);
  }
  Upload upload{bytes};
  std::array<char, CURL_ERROR_SIZE> message{};
  const std::string from = "<" + std::string(sender) + ">";
  set_transport(easy.get(), options);
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_RCPT, list.get());
  curl_easy_setopt(easy.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_READFUNCTION, read_upload);
  curl_easy_setopt(easy.get(), CURLOPT_READDATA, &upload);
  curl_easy_setopt(easy.get(), CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(bytes.size()));
  curl_easy_setopt(easy.get(), CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_DEBUGFUNCTION, note_traffic);
  curl_easy_setopt(easy.get(), CURLOPT_DEBUGDATA, &result.dialogue);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, message.data());
  const CURLcode code = curl_easy_perform(easy.get());
  result.outcome = outcome_of(code, result.dialogue);
  result.error = message[0] != '\0' ? message.data() : curl_easy_strerror(code);
  return result;
}

}  // namespace

Result<std::vector<Refusal>> relay(const RelayOptions& options, std::string_view sender,
                                   std::vector<std::string> recipients, std::string_view bytes) {
  std::vector<Refusal> refused;
  // Every round but the last takes one recipient out.
  while (!recipients.empty()) {
    const Attempt result = attempt(options, sender, recipients, bytes);
    const Dialogue& said = result.dialogue;
    switch (result.outcome) {
      case Outcome::accepted:
        return refused;
      case Outcome::refused_recipient: {
        const auto found = std::find(recipients.begin(), recipients.end(), said.recipient);
        if (found == recipients.end()) return fail(ErrorKind::unavailable, result.error);
        refused.push_back({*found, said.code, said.reply});
        recipients.erase(found);
        break;
      }
      case Outcome::refused_message:
        for (std::string& recipient : recipients) {
          refused.push_back({std::move(recipient), said.code, said.reply});
        }
        return refused;
      case Outcome::later:
        log_event(LogLevel::warning, "the mail relay took nothing",
                  {{"relay", options.url}, {"code", said.code}, {"reason", result.error}});
        return fail(ErrorKind::unavailable, "mail relay: " + result.error);
    }
  }
  return refused;
}

}  // namespace storage::smtp
