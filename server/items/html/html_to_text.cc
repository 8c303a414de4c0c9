// One pass over the bytes with a few counters: how many line breaks are owed, whether a space is
// owed, how deep quotes and lists are. What is owed is written when the next text comes, so that
// nested blocks do not pile up empty lines. Every search either moves forward or remembers that
// there is nothing more to find, so hostile markup costs linear time.
#include "server/items/html/html_to_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "server/items/html/entities.h"
#include "storage/base/text.h"

namespace eas::html {
namespace {

constexpr std::size_t npos = std::string_view::npos;
constexpr std::size_t kMaxLists = 16;
constexpr int kMaxQuotes = 8;
constexpr int kMaxBreaks = 3;
constexpr std::size_t kMaxRun = 1024;  // bytes of text between looks at the limit

constexpr std::uint64_t tag_key(std::string_view name) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < name.size() && i < 8; ++i) {
    key = key << 8 |
          static_cast<unsigned char>(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
  }
  return key;
}

enum TextClass : std::uint8_t { kText, kSpace, kMarkup };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  classes[' '] = classes['\t'] = classes['\n'] = classes['\r'] = classes['\f'] = kSpace;
  classes['<'] = classes['&'] = kMarkup;
  return classes;
}

constexpr auto kClasses = make_classes();

std::uint8_t class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_name_end(char c) { return class_of(c) == kSpace || c == '>' || c == '/'; }

// The value of an attribute in the inside of a tag; empty when it has none.
std::string_view attribute(std::string_view inside, std::string_view wanted) {
  std::size_t at = 0;
  const auto skip_spaces = [&] {
    while (at < inside.size() && (class_of(inside[at]) == kSpace || inside[at] == '/')) ++at;
  };
  for (skip_spaces(); at < inside.size(); skip_spaces()) {
    const std::size_t name_from = at;
    while (at < inside.size() && inside[at] != '=' && class_of(inside[at]) != kSpace) ++at;
    const std::string_view name = inside.substr(name_from, at - name_from);
    while (at < inside.size() && class_of(inside[at]) == kSpace) ++at;
    if (at >= inside.size() || inside[at] != '=') continue;
    ++at;
    while (at < inside.size() && class_of(inside[at]) == kSpace) ++at;
    if (at >= inside.size()) break;
    std::string_view value;
    if (inside[at] == '"' || inside[at] == '\'') {
      const std::size_t close = inside.find(inside[at], at + 1);
      value = inside.substr(at + 1, close == npos ? npos : close - at - 1);
      at = close == npos ? inside.size() : close + 1;
    } else {
      const std::size_t from = at;
      while (at < inside.size() && class_of(inside[at]) != kSpace) ++at;
      value = inside.substr(from, at - from);
    }
    if (storage::equals_ignore_case(name, wanted)) return value;
  }
  return {};
}

std::string decode_entities(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t run = std::min(text.find('&'), text.size());
    out.append(text.substr(0, run));
    text.remove_prefix(run);
    if (text.empty()) break;
    const std::size_t used = append_entity(out, text);
    if (used == 0) out += '&';
    text.remove_prefix(used == 0 ? 1 : used);
  }
  return out;
}

class Converter {
 public:
  Converter(std::string_view in, const TextOptions& options) : in_(in), options_(options) {
    out_.reserve(std::min(in.size() / 2, options.max_size) + 64);
  }

  Text run() {
    while (at_ < in_.size() && out_.size() <= options_.max_size) step();
    if (at_ >= in_.size()) close_link();
    while (!out_.empty() && class_of(out_.back()) == kSpace) out_.pop_back();
    return {std::move(out_), at_};
  }

 private:
  void step() {
    const char c = in_[at_];
    if (class_of(c) == kText) return text_run();
    if (class_of(c) == kSpace) return white_space();
    if (c == '&') return entity();
    markup();
  }

  void text_run() {
    std::size_t end = at_ + 1;
    const std::size_t stop = std::min(in_.size(), at_ + kMaxRun);
    // Words and single spaces between them are copied together: most of a text is that.
    while (end < stop && (class_of(in_[end]) == kText || (in_[end] == ' ' && end + 1 < in_.size() &&
                                                          class_of(in_[end + 1]) == kText))) {
      ++end;
    }
    flush();
    out_.append(in_, at_, end - at_);
    at_ = end;
  }

  void white_space() {
    const char c = in_[at_++];
    if (pre_depth_ == 0) {
      if (space_ == 0) space_ = ' ';
      return;
    }
    if (c == '\n') {
      line_break();
    } else if (c != '\r') {
      flush();
      out_ += c;
    }
  }

  void entity() {
    flush();
    const std::size_t used = append_entity(out_, in_.substr(at_));
    if (used == 0) out_ += '&';
    at_ += used == 0 ? 1 : used;
    if (out_.ends_with("\xC2\xA0")) {  // a no-break space is a space that is not collapsed
      out_.resize(out_.size() - 2);
      out_ += ' ';
    }
  }

  void markup() {
    const std::string_view rest = in_.substr(at_);
    if (rest.starts_with("<!--")) return comment();
    if (rest.size() > 1 && (rest[1] == '!' || rest[1] == '?')) {
      skip_to_close(at_ + 2);
      return;
    }
    const bool end_tag = rest.size() > 2 && rest[1] == '/' && is_letter(rest[2]);
    if (!end_tag && !(rest.size() > 1 && is_letter(rest[1]))) {
      flush();
      out_ += '<';
      ++at_;
      return;
    }
    tag(end_tag);
  }

  void comment() {
    const std::size_t close = no_more_comment_ends_ ? npos : in_.find("-->", at_ + 4);
    if (close != npos) {
      at_ = close + 3;
      return;
    }
    no_more_comment_ends_ = true;
    skip_to_close(at_ + 4);
  }

  void skip_to_close(std::size_t from) {
    const std::size_t close = from < in_.size() ? in_.find('>', from) : npos;
    at_ = close == npos ? in_.size() : close + 1;
  }

  // The position of the '>' that ends the tag whose attributes start at `from`.
  std::size_t tag_end(std::size_t from) const {
    for (std::size_t at = from; at < in_.size(); ++at) {
      const char c = in_[at];
      if (c == '>') return at;
      if (c != '"' && c != '\'') continue;
      const std::size_t close = in_.find(c, at + 1);
      if (close == npos) return std::min(in_.find('>', at), in_.size());
      at = close;
    }
    return in_.size();
  }

  void tag(bool end_tag) {
    const std::size_t name_from = at_ + (end_tag ? 2 : 1);
    std::size_t name_to = name_from;
    while (name_to < in_.size() && !is_name_end(in_[name_to])) ++name_to;
    const std::string_view name = in_.substr(name_from, name_to - name_from);
    const std::size_t close = tag_end(name_to);
    const std::string_view inside = in_.substr(name_to, close - name_to);
    at_ = std::min(close + 1, in_.size());
    const std::uint64_t key = tag_key(name);
    if (end_tag) {
      end(key);
    } else if (!start_inline(key, inside)) {
      start_block(key, name);
    }
  }

  bool start_inline(std::uint64_t key, std::string_view inside) {
    switch (key) {
      case tag_key("a"):
        close_link();
        link_ = attribute(inside, "href");
        link_start_ = out_.size();
        return true;
      case tag_key("img"):
        if (options_.images) image(attribute(inside, "alt"));
        return true;
      case tag_key("br"):
        line_break();
        return true;
      case tag_key("span"):
      case tag_key("b"):
      case tag_key("i"):
      case tag_key("font"):
      case tag_key("strong"):
      case tag_key("em"):
        return true;
      default:
        return false;
    }
  }

  void start_block(std::uint64_t key, std::string_view name) {
    switch (key) {
      case tag_key("script"):
      case tag_key("style"):
      case tag_key("title"):
      case tag_key("template"):
        return skip_element(name);
      case tag_key("td"):
      case tag_key("th"):
        if (!out_.empty() && !line_start_ && breaks_ == 0) space_ = '\t';
        return;
      case tag_key("li"):
        block(1);
        return list_item();
      case tag_key("ul"):
      case tag_key("ol"):
        block(lists_.empty() ? 2 : 1);
        if (lists_.size() < kMaxLists) lists_.push_back(key == tag_key("ol") ? 1 : 0);
        return;
      case tag_key("blockquo"):
        block(2);
        ++quote_depth_;
        return;
      case tag_key("pre"):
        block(2);
        ++pre_depth_;
        if (at_ < in_.size() && in_[at_] == '\n') ++at_;
        return;
      case tag_key("hr"):
        block(1);
        flush();
        out_ += "________________________________";
        return block(1);
      default:
        block(breaks_around(key));
    }
  }

  void end(std::uint64_t key) {
    switch (key) {
      case tag_key("a"):
        return close_link();
      case tag_key("ul"):
      case tag_key("ol"):
        if (!lists_.empty()) lists_.pop_back();
        marker_.clear();
        return block(lists_.empty() ? 2 : 1);
      case tag_key("li"):
        marker_.clear();
        return block(1);
      case tag_key("blockquo"):
        block(2);
        if (quote_depth_ > 0) --quote_depth_;
        return;
      case tag_key("pre"):
        if (pre_depth_ > 0) --pre_depth_;
        return block(2);
      default:
        block(breaks_around(key));
    }
  }

  static int breaks_around(std::uint64_t key) {
    switch (key) {
      case tag_key("p"):
      case tag_key("h1"):
      case tag_key("h2"):
      case tag_key("h3"):
      case tag_key("h4"):
      case tag_key("h5"):
      case tag_key("h6"):
      case tag_key("dl"):
        return 2;
      case tag_key("div"):
      case tag_key("tr"):
      case tag_key("table"):
      case tag_key("dt"):
      case tag_key("dd"):
      case tag_key("center"):
      case tag_key("section"):
      case tag_key("article"):
      case tag_key("header"):
      case tag_key("footer"):
      case tag_key("address"):
      case tag_key("figure"):
      case tag_key("figcaption"):
      case tag_key("fieldset"):
      case tag_key("form"):
      case tag_key("main"):
      case tag_key("nav"):
      case tag_key("aside"):
      case tag_key("option"):
        return 1;
      default:
        return 0;
    }
  }

  // Leaves out everything up to the end tag of `name`, or to the end.
  void skip_element(std::string_view name) {
    for (std::size_t at = in_.find("</", at_); at != npos; at = in_.find("</", at + 2)) {
      if (!storage::starts_with_ignore_case(in_.substr(at + 2), name)) continue;
      skip_to_close(at + 2 + name.size());
      return;
    }
    at_ = in_.size();
  }

  void block(int breaks) {
    if (breaks == 0) return;
    breaks_ = std::max(breaks_, breaks);
    space_ = 0;
  }

  void line_break() {
    if (breaks_ < kMaxBreaks) ++breaks_;
    space_ = 0;
  }

  void list_item() {
    if (lists_.empty()) {
      marker_ = "* ";
      return;
    }
    marker_.assign(2 * (lists_.size() - 1), ' ');
    int& counter = lists_.back();
    marker_ += counter == 0 ? "* " : std::to_string(counter++) + ". ";
  }

  void image(std::string_view alt) {
    const std::string text = decode_entities(storage::trim(alt));
    if (text.empty()) return;
    flush();
    for (const char c : text) out_ += class_of(c) == kSpace ? ' ' : c;
  }

  // Writes the address after the text of a link unless the text is the address.
  void close_link() {
    const std::string_view raw = storage::trim(std::exchange(link_, {}));
    if (raw.empty() || !options_.links || link_start_ >= out_.size()) return;
    const bool mail = storage::starts_with_ignore_case(raw, "mailto:");
    if (!mail && !storage::starts_with_ignore_case(raw, "http") &&
        !storage::starts_with_ignore_case(raw, "ftp")) {
      return;
    }
    std::string address = decode_entities(raw);
    if (mail) address.erase(0, 7);
    for (const char c : address) {
      if (class_of(c) == kSpace) return;
    }
    const std::string_view text = storage::trim(std::string_view(out_).substr(link_start_));
    if (text.empty() || without_scheme(address) == without_scheme(text)) return;
    out_ += " <";
    out_ += address;
    out_ += '>';
  }

  static std::string_view without_scheme(std::string_view address) {
    for (const std::string_view scheme : {"https://", "http://"}) {
      if (storage::starts_with_ignore_case(address, scheme)) address.remove_prefix(scheme.size());
    }
    if (address.ends_with('/')) address.remove_suffix(1);
    return address;
  }

  // Writes what is owed before the next text: line breaks, quote marks, list marker, space.
  void flush() {
    if (breaks_ > 0) {
      if (!out_.empty()) {
        while (!out_.empty() && (out_.back() == ' ' || out_.back() == '\t')) out_.pop_back();
        for (int i = 0; i < breaks_; ++i) out_ += "\r\n";
      }
      breaks_ = 0;
      line_start_ = true;
    }
    if (line_start_) {
      for (int i = 0; i < std::min(quote_depth_, kMaxQuotes); ++i) out_ += "> ";
      out_ += marker_;
      marker_.clear();
      line_start_ = false;
    } else if (space_ != 0 && !out_.empty()) {
      out_ += space_;
    }
    space_ = 0;
  }

  std::string_view in_;
  const TextOptions& options_;
  std::size_t at_ = 0;
  std::string out_;
  int breaks_ = 0;
  char space_ = 0;
  bool line_start_ = true;
  int pre_depth_ = 0;
  int quote_depth_ = 0;
  std::vector<int> lists_;  // 0: bullets; else the next number
  std::string marker_;
  std::string_view link_;
  std::size_t link_start_ = 0;
  bool no_more_comment_ends_ = false;
};

}  // namespace

Text html_to_text(std::string_view html, const TextOptions& options) {
  return Converter(html, options).run();
}

}  // namespace eas::html
