// tests/golden/email: each NN-name.eml with NN-name.<version>[.<options>].ref beside it, the
// rendered tree as text. Options: plain, html, mime (preferences, in order), each followed by its
// tN (TruncationSize), pN (Preview), aon (AllOrNone); msN (MIMESupport); joined by '-'.
//
// GODWIT_UPDATE_GOLDEN=1 writes the files anew, and the usual set for a message that has none.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <vector>

#include "storage/base/text.h"
#include "tests/server/items/support.h"
#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;

fs::path golden_dir() { return test::source_dir() / "tests" / "golden" / "email"; }

// The file names as "12.1.plain-t300" → version and options.
struct Request {
  eas::Version version = eas::Version::v16_1;
  eas::BodyOptions options;
};

void apply_option(const std::string& word, eas::BodyOptions& options) {
  static const std::map<std::string, eas::BodyType> kTypes = {{"plain", eas::BodyType::plain},
                                                              {"html", eas::BodyType::html},
                                                              {"mime", eas::BodyType::mime}};
  if (const auto type = kTypes.find(word); type != kTypes.end()) {
    options.preferences.push_back({type->second, std::nullopt, false, 0});
  } else if (word.starts_with("ms")) {
    options.mime_support = std::stoi(word.substr(2));
  } else if (word == "aon") {
    options.preferences.back().all_or_none = true;
  } else if (word[0] == 't') {
    options.preferences.back().truncation_size =
        static_cast<std::uint32_t>(std::stoul(word.substr(1)));
  } else if (word[0] == 'p') {
    options.preferences.back().preview = static_cast<std::uint32_t>(std::stoul(word.substr(1)));
  } else {
    FAIL("unknown option in a golden's name: " << word);
  }
}

Request parse_request(const std::string& name) {
  Request request;
  const auto version =
      eas::parse_version(name.substr(0, 4).back() == '.' ? name.substr(0, 3) : name.substr(0, 4));
  REQUIRE(version);
  request.version = *version;
  const std::size_t dot = name.find('.', name.find('.') + 1);
  if (dot == std::string::npos) return request;
  for (const auto word : storage::split(std::string_view(name).substr(dot + 1), '-')) {
    apply_option(std::string(word), request.options);
  }
  return request;
}

std::vector<fs::path> messages() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(golden_dir())) {
    if (entry.path().extension() == ".eml") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> requests_of(const fs::path& message) {
  const std::string prefix = message.stem().string() + ".";
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(golden_dir())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".ref")) {
      names.push_back(name.substr(prefix.size(), name.size() - prefix.size() - 4));
    }
  }
  return names;
}

std::string rendered(const std::string& bytes, const Request& request) {
  const wbxml::Element tree = test::render(bytes, request.version, request.options);
  return wbxml::dump(tree, {100'000, 64}) + "\n";
}

}  // namespace

TEST_CASE("email golden: every message renders as its .ref files say") {
  const bool update = std::getenv("GODWIT_UPDATE_GOLDEN") != nullptr;
  const auto all = messages();
  CHECK(all.size() >= 20);
  for (const fs::path& message : all) {
    const std::string bytes = test::read_file(message.string());
    std::vector<std::string> names = requests_of(message);
    if (names.empty() && update) names = {"2.5", "12.1.plain", "16.1.html-p80"};
    CHECK_MESSAGE(!names.empty(), "no .ref for " << message);
    for (const std::string& name : names) {
      const fs::path path = golden_dir() / (message.stem().string() + "." + name + ".ref");
      const std::string actual = rendered(bytes, parse_request(name));
      if (update) {
        std::ofstream(path, std::ios::binary) << actual;
      }
      INFO(path.filename().string());
      CHECK(actual == test::read_file(path.string()));
    }
  }
}

namespace {

void check_versions(const wbxml::Element& element, std::uint16_t bit, const std::string& where) {
  const wbxml::TagInfo* info = wbxml::find_tag(element.tag);
  REQUIRE_MESSAGE(info != nullptr, where << ": unknown tag " << wbxml::to_string(element.tag));
  CHECK_MESSAGE((info->versions & bit) != 0,
                where << ": " << wbxml::to_string(element.tag) << " is not of this version");
  for (const wbxml::Element& child : element.children) check_versions(child, bit, where);
}

}  // namespace

TEST_CASE("email: what a version does not have is never sent to it, for the whole corpus") {
  storage::MessageInfo info = test::message_info();
  info.flags.seen = info.flags.flagged = info.flags.answered = true;
  info.flags.keywords = {"Red category", "$MDNSent"};
  info.flags.annotation =
      R"({"flag":{"status":2,"type":"Follow up","subject":"s","start":"2026-03-01T00:00:00.000Z",)"
      R"("due":"2026-03-02T00:00:00.000Z","utcStart":"2026-03-01T00:00:00.000Z",)"
      R"("utcDue":"2026-03-02T00:00:00.000Z","reminder":"2026-03-02T08:00:00.000Z",)"
      R"("ordinal":"2026-03-01T00:00:00.000Z","subOrdinal":"5555555"},)"
      R"("verb":{"last":2,"time":"2026-03-01T10:20:30.400Z"}})";
  for (const fs::path& message : messages()) {
    const std::string bytes = test::read_file(message.string());
    for (int v = 0; v <= static_cast<int>(eas::Version::v16_1); ++v) {
      const auto version = static_cast<eas::Version>(v);
      const auto bit = static_cast<std::uint16_t>(1u << v);
      eas::email::Context context = test::context(version);
      context.draft = true;
      const std::string where =
          message.filename().string() + " " + std::string(eas::to_string(version));
      for (const int mime_support : {0, 2}) {
        eas::BodyOptions options = test::body(eas::BodyType::html, 100, 50);
        options.preferences.push_back({eas::BodyType::mime, std::nullopt, false, 0});
        options.mime_support = mime_support;
        check_versions(test::render(bytes, info, context, options), bit, where);
      }
      wbxml::Encoder out = test::application_data();
      eas::email::render_placeholder(bytes, info, context, "why", out);
      check_versions(test::decode(out), bit, where + " placeholder");
      out = test::application_data();
      eas::email::render_flag_change(info, ~0u, version, out);
      check_versions(test::decode(out), bit, where + " flag change");
    }
  }
}

TEST_CASE("email: type 4 is the stored bytes untouched, for the whole corpus (field.md pain 15)") {
  eas::BodyOptions options = test::body(eas::BodyType::mime);
  options.mime_support = 2;
  for (const fs::path& message : messages()) {
    INFO(message.filename().string());
    const std::string bytes = test::read_file(message.string());
    const wbxml::Element tree = test::render(bytes, eas::Version::v14_1, options);
    CHECK(test::data(tree) == bytes);
    CHECK(test::body_text(tree, wbxml::airsync_base::kType) == "4");
    CHECK(test::body_text(tree, wbxml::airsync_base::kTruncated) == "0");
    CHECK(test::body_text(tree, wbxml::airsync_base::kEstimatedDataSize) ==
          std::to_string(bytes.size()));
    eas::BodyOptions old;
    old.mime_support = 2;
    const wbxml::Element tree_2_5 = test::render(bytes, eas::Version::v2_5, old);
    CHECK(test::text(tree_2_5, wbxml::email::kMIMEData) == bytes);
  }
}
