#include "server/client/replay_messages.h"

#include <zlib.h>

#include <algorithm>

#include "server/client/replay.h"
#include "storage/base/text.h"
#include "wbxml/code_pages.h"
#include "wbxml/decoder.h"

namespace eas::client {

using wbxml::Element;
namespace as = wbxml::airsync;

namespace {

constexpr std::size_t kMaxInflated = 256u << 20;

template <typename Condition>
void remove_fields(Element& element, Condition condition) {
  auto& fields = element.children;
  fields.erase(std::remove_if(fields.begin(), fields.end(), condition), fields.end());
}

}  // namespace

std::optional<Element> decode_tree(std::string_view body) {
  if (body.empty() || body.front() > '\x03') return std::nullopt;
  wbxml::DecodeLimits limits;
  limits.max_elements = 2'000'000;
  auto tree = wbxml::decode(body, limits);
  if (!tree) return std::nullopt;
  return std::move(*tree);
}

std::string subject_of_mail(std::string_view mime) {
  std::size_t at = 0;
  while (at < mime.size()) {
    const std::size_t end = std::min(mime.find('\n', at), mime.size());
    const std::string_view line = storage::trim(mime.substr(at, end - at));
    if (line.empty()) return "";
    if (storage::starts_with_ignore_case(line, "Subject:")) {
      const std::string_view subject = storage::trim(line.substr(8));
      return subject.find("=?") == subject.npos ? std::string(subject) : "";
    }
    at = end + 1;
  }
  return "";
}

std::vector<std::string> addresses_of_mail(std::string_view mime) {
  std::vector<std::string> found;
  for (std::string_view line : storage::split(mime.substr(0, mime.find("\r\n\r\n")), '\n')) {
    if (!storage::starts_with_ignore_case(line, "From:") &&
        !storage::starts_with_ignore_case(line, "To:")) {
      continue;
    }
    line.remove_prefix(line.find(':') + 1);
    while (!line.empty()) {
      const std::size_t end = std::min(line.find_first_of(" \t\r<>,;\""), line.size());
      const std::string_view word = line.substr(0, end);
      if (word.find('@') != word.npos) found.emplace_back(word);
      line.remove_prefix(std::min(end + 1, line.size()));
    }
  }
  return found;
}

bool more_available(const Element* sync) {
  const Element* list = sync == nullptr ? nullptr : sync->child(as::kCollections);
  if (list == nullptr) return false;
  return std::any_of(list->children.begin(), list->children.end(),
                     [](const Element& collection) { return collection.has(as::kMoreAvailable); });
}

bool advance_keys(Element& request, const Element& answer) {
  Element* list = nullptr;
  for (Element& child : request.children) {
    if (child.tag == as::kCollections) list = &child;
  }
  const Element* answered = answer.child(as::kCollections);
  if (list == nullptr || answered == nullptr) return false;
  bool advanced = false;
  for (Element& collection : list->children) {
    remove_fields(collection, [](const Element& field) { return field.tag == as::kCommands; });
    auto& fields = collection.children;
    for (const Element& other : answered->children) {
      if (other.text_of(as::kCollectionId) != collection.text_of(as::kCollectionId)) continue;
      for (Element& field : fields) {
        const auto key = other.text_of(as::kSyncKey);
        if (field.tag == as::kSyncKey && key) field.text = *key, advanced = true;
      }
    }
  }
  return advanced;
}

Element keys_of(const std::optional<Element>& answer) {
  if (!answer) return Element(as::kSync);
  Element keys = *answer;
  for (Element& list : keys.children) {
    for (Element& collection : list.children) {
      remove_fields(collection, [](const Element& field) { return !field.children.empty(); });
    }
  }
  return keys;
}

bool wants_provisioning(const Answer& answer) {
  if (answer.status == 449) return true;
  if (!answer.tree || answer.tree->children.empty()) return false;
  for (const Element& child : answer.tree->children) {
    const wbxml::TagInfo* info = wbxml::find_tag(child.tag);
    if (info != nullptr && info->name == "Status") {
      return child.text == "142" || child.text == "143" || child.text == "144";
    }
  }
  return false;
}

bool is_woken_ping(const Element* answer) {
  return answer != nullptr && answer->tag == wbxml::ping::kPing &&
         number_of(*answer, wbxml::ping::kStatus) == 2;
}

std::string recorded_answer_body(const capture::ExchangeRecord& record) {
  const std::string& body = record.response_body;
  if (record.response_header("Content-Encoding").find("gzip") == std::string::npos) return body;
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 32) != Z_OK) return "";
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  std::string out;
  int status = Z_OK;
  while (status == Z_OK && out.size() < kMaxInflated) {
    char chunk[16384];
    stream.next_out = reinterpret_cast<Bytef*>(chunk);
    stream.avail_out = sizeof chunk;
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk, sizeof chunk - stream.avail_out);
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END ? out : "";
}

}  // namespace eas::client
