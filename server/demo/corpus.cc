// Assembles messages. Sentences are converted to every charset of their language once, so making
// 100,000 messages is mostly copying. The bytes are made by hand, not by the MIME library that the
// server uses: a fault common to writer and reader would hide.
#include "server/demo/corpus.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <vector>

#include "server/demo/attachments.h"
#include "server/demo/languages.h"
#include "server/demo/message_plan.h"
#include "server/demo/mime_text.h"
#include "server/demo/random.h"

namespace demo {
namespace {

constexpr std::size_t kMinSize = 2'048;
constexpr std::size_t kMaxSize = 100'000;

// The sentences of one language in one charset.
struct Phrases {
  std::string charset;
  bool seven_bit = false;  // us-ascii, iso-2022-jp
  std::vector<std::string> greetings, sentences, closings, names;
};

std::vector<std::string> convert_all(std::span<const std::string_view> texts,
                                     std::string_view charset) {
  std::vector<std::string> out;
  for (const std::string_view text : texts) out.push_back(convert(text, charset));
  return out;
}

Phrases make_phrases(const Language& language, std::string_view charset) {
  Phrases phrases;
  phrases.charset = std::string(charset);
  phrases.seven_bit = charset == "us-ascii" || charset == "iso-2022-jp";
  phrases.greetings = convert_all(language.greetings, charset);
  phrases.sentences = convert_all(language.sentences, charset);
  phrases.closings = convert_all(language.closings, charset);
  for (const Person& person : language.people)
    phrases.names.push_back(convert(person.name, charset));
  return phrases;
}

// An attachment ready to be put into a message.
struct EncodedAttachment {
  const Attachment* file = nullptr;
  std::string base64;
};

std::string date_header(storage::UnixMillis when, int zone_hours) {
  const std::time_t seconds = static_cast<std::time_t>(when / 1000 + zone_hours * 3600);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S", &parts);
  std::array<char, 16> zone{};
  std::snprintf(zone.data(), zone.size(), " %c%02d00", zone_hours < 0 ? '-' : '+',
                std::abs(zone_hours));
  return std::string(text.data()) + zone.data();
}

std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 40);
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

// One part: its headers, a blank line, its body.
std::string part(std::string_view content_type, Transfer transfer, std::string_view body,
                 std::string_view more_headers = {}) {
  std::string out = "Content-Type: " + std::string(content_type) +
                    "\nContent-Transfer-Encoding: " + std::string(name_of(transfer)) + "\n";
  out += more_headers;
  out += '\n';
  out += body;
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

std::string multipart(std::string_view subtype, std::string_view boundary,
                      const std::vector<std::string>& parts, std::string_view parameters = {}) {
  std::string out = "Content-Type: multipart/" + std::string(subtype) + ";" +
                    std::string(parameters) + "\n boundary=\"" + std::string(boundary) + "\"\n\n";
  if (subtype == "mixed") out += "This is a multi-part message in MIME format.\n";
  for (const std::string& each : parts) {
    out += "--" + std::string(boundary) + "\n" + each;
    if (!out.ends_with('\n')) out += '\n';
  }
  return out + "--" + std::string(boundary) + "--\n";
}

}  // namespace

class Corpus::Impl {
 public:
  explicit Impl(std::uint64_t seed) : seed_(seed), files_(make_attachments(seed)) {
    for (const Language& language : languages()) {
      std::vector<Phrases>& by_charset = phrases_.emplace_back();
      for (const std::string_view charset : language.charsets) {
        by_charset.push_back(make_phrases(language, charset));
      }
    }
    for (const Attachment& file : files_) encoded_.push_back({&file, base64_lines(file.bytes)});
  }

  DemoMessage message(const Recipient& to, int index, int count, storage::UnixMillis now) const;
  std::string headers(const MessagePlan& plan, const Recipient& to, storage::UnixMillis sent,
                      Random& random) const;

 private:
  struct Draft {
    const MessagePlan& plan;
    const Phrases& phrases;
    const Recipient& to;
    Random& random;
  };

  std::string paragraph(const Phrases& phrases, Random& random, std::string_view line_end) const;
  std::string quote_of_parent(const Draft& draft, std::string_view prefix) const;
  std::string plain_text(const Draft& draft, std::size_t size) const;
  std::string html_text(const Draft& draft, std::size_t size, std::string_view picture) const;
  std::string newsletter(const Draft& draft, std::size_t size) const;
  Transfer pick_transfer(const Draft& draft) const;
  std::string text_part(const Draft& draft, std::string_view subtype, std::string_view body) const;
  std::string file_part(const EncodedAttachment& file, std::string_view more) const;
  const EncodedAttachment& pick_file(Random& random, std::size_t room, bool picture) const;
  std::string body(const Draft& draft) const;
  std::string related(const Draft& draft, std::string_view boundary) const;
  std::string attached(const Draft& draft, std::string_view boundary) const;
  std::string forwarded(const Draft& draft, std::string_view boundary) const;
  std::string alternative(const Draft& draft, std::string_view boundary, std::size_t size,
                          std::string_view picture) const;

  std::uint64_t seed_;
  std::vector<Attachment> files_;
  std::vector<EncodedAttachment> encoded_;
  std::vector<std::vector<Phrases>> phrases_;  // by language, by charset
};

std::string Corpus::Impl::paragraph(const Phrases& phrases, Random& random,
                                    std::string_view line_end) const {
  std::string out;
  const std::size_t count = random.between(2, 5);
  for (std::size_t i = 0; i < count; ++i) {
    out += random.pick(phrases.sentences);
    out += line_end;
  }
  return out;
}

// The first lines of the message replied to, in this message's charset.
std::string Corpus::Impl::quote_of_parent(const Draft& draft, std::string_view prefix) const {
  const MessagePlan parent = plan_message(seed_, draft.plan.ancestors.back());
  Random random(seed_, static_cast<std::uint64_t>(parent.index) + 1'000'000'007);
  const Phrases& phrases = draft.phrases;
  std::string out = phrases.names[parent.sender] + " wrote:\n";
  const std::size_t lines = random.between(2, 6);
  for (std::size_t i = 0; i < lines; ++i) {
    out += prefix;
    out += random.pick(phrases.sentences) + "\n";
  }
  return out;
}

std::string Corpus::Impl::plain_text(const Draft& draft, std::size_t size) const {
  Random& random = draft.random;
  std::string out = random.pick(draft.phrases.greetings) + "\n\n";
  do {
    out += paragraph(draft.phrases, random, "\n") + "\n";
  } while (out.size() < size);
  if (!draft.plan.ancestors.empty()) out += quote_of_parent(draft, "> ") + "\n";
  out += random.pick(draft.phrases.closings) + "\n" + draft.phrases.names[draft.plan.sender] + "\n";
  if (random.percent(30))
    out += "-- \nphone +1 555 01" + std::to_string(random.between(10, 99)) + "\n";
  return out;
}

std::string Corpus::Impl::html_text(const Draft& draft, std::size_t size,
                                    std::string_view picture) const {
  Random& random = draft.random;
  const Phrases& phrases = draft.phrases;
  std::string out =
      "<!DOCTYPE html>\n<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; "
      "charset=" +
      phrases.charset +
      "\">\n<style>p{font-family:Calibri,sans-serif} .q{color:#555}</style></head>\n<body>\n";
  out += "<p>" + random.pick(phrases.greetings) + "</p>\n";
  do {
    out += "<p>" + paragraph(phrases, random, "<br>\n") + "</p>\n";
    if (random.percent(25)) {
      out += "<ul><li><b>" + random.pick(phrases.sentences) + "</b></li>\n<li>" +
             random.pick(phrases.sentences) + "</li></ul>\n";
    }
    if (random.percent(15)) {
      out +=
          "<p><a href=\"https://intranet.example/page?id=" + std::to_string(random.below(10000)) +
          "&amp;view=full\">" + random.pick(phrases.sentences) +
          "</a> &ndash; &copy;&nbsp;2026</p>\n";
    }
  } while (out.size() < size);
  if (!picture.empty()) {
    out += "<p><img src=\"cid:" + std::string(picture) + "\" alt=\"picture\" width=\"96\"></p>\n";
  }
  if (!draft.plan.ancestors.empty()) {
    out += "<blockquote class=\"q\"><pre>\n" + quote_of_parent(draft, "") + "</pre></blockquote>\n";
  }
  return out + "<p>" + random.pick(phrases.closings) + "<br>\n" + phrases.names[draft.plan.sender] +
         "</p>\n</body></html>\n";
}

std::string Corpus::Impl::newsletter(const Draft& draft, std::size_t size) const {
  Random& random = draft.random;
  const Phrases& phrases = draft.phrases;
  std::string out =
      "<html><head><meta charset=\"" + phrases.charset +
      "\"><title>News</title></head>\n"
      "<body bgcolor=\"#eeeeee\"><table width=\"600\" align=\"center\" cellpadding=\"12\">\n";
  do {
    out += "<tr><td style=\"background:#fff;border-bottom:1px solid #ccc;font:14px Arial\">\n<h2>" +
           random.pick(phrases.sentences) + "</h2>\n<p>" + paragraph(phrases, random, "\n") +
           "</p>\n<img src=\"https://news.example/img/" + std::to_string(random.below(100000)) +
           ".gif\" width=\"1\" height=\"1\" alt=\"\">\n<a href=\"https://news.example/a/" +
           std::to_string(random.below(100000)) + "\">&raquo; more</a></td></tr>\n";
  } while (out.size() < size);
  return out + "</table><script>track();</script></body></html>\n";
}

Transfer Corpus::Impl::pick_transfer(const Draft& draft) const {
  if (draft.phrases.seven_bit && draft.random.percent(70)) return Transfer::seven_bit;
  constexpr std::array<Transfer, 6> kEightBit = {
      Transfer::quoted_printable, Transfer::quoted_printable, Transfer::quoted_printable,
      Transfer::base64,           Transfer::base64,           Transfer::eight_bit};
  return draft.random.pick(kEightBit);
}

std::string Corpus::Impl::text_part(const Draft& draft, std::string_view subtype,
                                    std::string_view body_text) const {
  const Transfer transfer = pick_transfer(draft);
  std::string type = "text/" + std::string(subtype) + "; charset=";
  const bool quoted = draft.random.percent(50);
  type += quoted ? "\"" + draft.phrases.charset + "\"" : draft.phrases.charset;
  return part(type, transfer, encode_body(body_text, transfer));
}

std::string Corpus::Impl::file_part(const EncodedAttachment& file, std::string_view more) const {
  return part(file.file->content_type + ";\n " + parameter("name", file.file->name),
              Transfer::base64, file.base64, more);
}

// A file of at most `room` encoded bytes (or the smallest there is).
const EncodedAttachment& Corpus::Impl::pick_file(Random& random, std::size_t room,
                                                 bool picture) const {
  std::vector<const EncodedAttachment*> fitting;
  for (const EncodedAttachment& each : encoded_) {
    if (picture && each.file->content_type != "image/png") continue;
    if (fitting.empty() || each.base64.size() <= room) fitting.push_back(&each);
  }
  return *random.pick(fitting);
}

std::string Corpus::Impl::alternative(const Draft& draft, std::string_view boundary,
                                      std::size_t size, std::string_view picture) const {
  const std::string plain = text_part(draft, "plain", plain_text(draft, size / 3));
  const std::string html = text_part(draft, "html", html_text(draft, size / 2, picture));
  return multipart("alternative", boundary, {plain, html});
}

std::string Corpus::Impl::related(const Draft& draft, std::string_view boundary) const {
  const std::string cid = "image" + std::to_string(draft.random.below(1000)) + "." +
                          std::string(boundary) + "@mail.example";
  const std::string inner = std::string(boundary) + "_alt";
  const std::size_t half = draft.plan.size / 2;
  const std::string text = alternative(draft, inner, half, cid);
  const EncodedAttachment& picture = pick_file(draft.random, half, true);
  const std::string disposition = "Content-ID: <" + cid + ">\nContent-Disposition: inline;\n " +
                                  parameter("filename", picture.file->name) + "\n";
  return multipart("related", boundary, {text, file_part(picture, disposition)},
                   " type=\"multipart/alternative\";");
}

std::string Corpus::Impl::attached(const Draft& draft, std::string_view boundary) const {
  Random& random = draft.random;
  std::vector<std::string> parts;
  const std::size_t text_size = std::max<std::size_t>(draft.plan.size / 4, 900);
  if (random.percent(50)) {
    parts.push_back(alternative(draft, std::string(boundary) + "_alt", text_size, {}));
  } else {
    parts.push_back(text_part(draft, "plain", plain_text(draft, text_size)));
  }
  std::size_t room = draft.plan.size;
  const std::size_t files = random.between(1, 3);
  for (std::size_t i = 0; i < files; ++i) {
    const EncodedAttachment& file = pick_file(random, room, false);
    room -= std::min(room, file.base64.size());
    parts.push_back(file_part(file, "Content-Disposition: attachment;\n " +
                                        parameter("filename", file.file->name) + "\n"));
  }
  return multipart("mixed", boundary, parts);
}

std::string Corpus::Impl::forwarded(const Draft& draft, std::string_view boundary) const {
  const std::string text = text_part(draft, "plain", plain_text(draft, draft.plan.size / 3));
  MessagePlan inner_plan = draft.plan;
  inner_plan.ancestors.clear();
  inner_plan.sender = draft.random.below(languages()[draft.plan.language].people.size());
  inner_plan.index = draft.plan.index + 1'000'000'000;  // an id of its own
  const Draft inner{inner_plan, draft.phrases, draft.to, draft.random};
  std::string original = headers(inner_plan, draft.to, 1'700'000'000'000, draft.random);
  original += text_part(inner, "plain", plain_text(inner, draft.plan.size / 3));
  return multipart("mixed", boundary,
                   {text,
                    "Content-Type: message/rfc822\nContent-Disposition: attachment;\n "
                    "filename=\"original.eml\"\n\n" +
                        original});
}

std::string Corpus::Impl::body(const Draft& draft) const {
  const std::string boundary = "=_part_" + std::to_string(draft.random.next());
  const std::size_t size = draft.plan.size;
  switch (draft.plan.shape) {
    case Shape::plain:
      return text_part(draft, "plain", plain_text(draft, size));
    case Shape::html:
      return text_part(draft, "html", html_text(draft, size, {}));
    case Shape::alternative:
      return alternative(draft, boundary, size, {});
    case Shape::related:
      return related(draft, boundary);
    case Shape::attached:
      return attached(draft, boundary);
    case Shape::forwarded:
      return forwarded(draft, boundary);
    case Shape::newsletter:
      return text_part(draft, "html", newsletter(draft, std::max<std::size_t>(size, 12'000)));
    case Shape::unlabelled:
      break;
  }
  return "\n" + plain_text(draft, size);
}

std::string Corpus::Impl::headers(const MessagePlan& plan, const Recipient& to,
                                  storage::UnixMillis sent, Random& random) const {
  const Language& language = languages()[plan.language];
  const std::string_view charset = language.charsets[plan.charset];
  const std::string_view encoding = charset == "us-ascii" ? "utf-8" : charset;
  const bool q = random.percent(30);
  const Person& from = language.people[plan.sender];
  const bool raw = plan.shape == Shape::unlabelled;

  std::string out = "Return-Path: <" + std::string(from.address) + ">\nReceived: from mx" +
                    std::to_string(random.below(9)) + ".mail.example (mx.mail.example [192.0.2." +
                    std::to_string(random.between(1, 250)) +
                    "])\n\tby mail.example.test with ESMTPS id " +
                    std::to_string(random.below(1'000'000)) + "\n\tfor <" + to.address + ">; " +
                    date_header(sent, 0) + "\n";
  out += "Message-ID: <" + message_id(seed_, plan.index, to) + ">\n";
  if (!plan.ancestors.empty()) {
    out += "In-Reply-To: <" + message_id(seed_, plan.ancestors.back(), to) + ">\nReferences:";
    for (const int ancestor : plan.ancestors) out += " <" + message_id(seed_, ancestor, to) + ">\n";
  }
  out += "Date: " + date_header(sent, static_cast<int>(random.below(12)) - 5) + "\n";
  out += "From: " +
         (raw ? "\"" + std::string(from.name) + "\" <" + std::string(from.address) + ">"
              : mailbox_text(from.name, from.address, encoding, q)) +
         "\n";
  out += "To: " + mailbox_text(to.name, to.address, "utf-8", q) + "\n";
  if (random.percent(25)) {
    const Person& copy = language.people[random.below(language.people.size())];
    out += "Cc: " + mailbox_text(copy.name, copy.address, encoding, q) + ",\n team@corp.example\n";
  }
  if (random.percent(8))
    out += "Reply-To: replies+" + std::to_string(plan.number) + "@lists.example\n";
  const std::string_view subject = language.subjects[plan.subject];
  out += "Subject: " + std::string(plan.ancestors.empty() ? "" : "Re: ") +
         (raw ? std::string(subject) : header_text(subject, encoding, q)) + " " +
         std::to_string(plan.number) + "\n";
  if (random.percent(6)) out += "Importance: high\nX-Priority: 1\n";
  if (random.percent(4)) out += "Importance: low\nX-Priority: 5\n";
  if (plan.shape == Shape::newsletter) {
    out +=
        "List-Id: <news.wader.example>\nList-Unsubscribe: <https://news.example/u>\nPrecedence: "
        "bulk\n";
  }
  return out + "MIME-Version: 1.0\n";
}

DemoMessage Corpus::Impl::message(const Recipient& to, int index, int count,
                                  storage::UnixMillis now) const {
  const MessagePlan plan = plan_message(seed_, index);
  Random random(seed_, static_cast<std::uint64_t>(index) + 3'000'000'019);
  const Phrases& phrases = phrases_[plan.language][plan.charset];
  DemoMessage message;
  message.shape = plan.shape;
  message.date = now - message_age(seed_, index, count);
  message.seen = index + 12 < count && random.percent(80);  // the newest dozen is unread
  message.flagged = random.percent(5);
  message.answered = message.seen && random.percent(10);
  const std::string head = headers(plan, to, message.date - 4'000, random);
  MessagePlan sized = plan;
  for (int attempt = 0; attempt < 8; ++attempt) {
    Random content(seed_, static_cast<std::uint64_t>(index) + 5'000'000'029);
    message.bytes = head + body(Draft{sized, phrases, to, content});
    if (message.bytes.size() > kMaxSize) {
      sized.size = sized.size / 2;
    } else if (message.bytes.size() < kMinSize) {
      sized.size += kMinSize;
    } else {
      break;
    }
  }
  if (random.percent(15)) message.bytes = with_crlf(message.bytes);
  return message;
}

Corpus::Corpus(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {}
Corpus::~Corpus() = default;

DemoMessage Corpus::message(const Recipient& to, int index, int count,
                            storage::UnixMillis now) const {
  return impl_->message(to, index, count, now);
}

}  // namespace demo
