// Dovecot's conventions: lines "N keyword", N from 0; changed by writing dovecot-keywords.lock
// (O_EXCL, it is the lock and the new content at once) and renaming it over the file. Letters are
// never given a new meaning while others may use them, so entries are only ever added.
#include "storage/mail/maildir/keywords.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <thread>

#include "storage/base/text.h"
#include "storage/mail/maildir/utf7.h"

namespace storage::maildir {

namespace {

constexpr char kFile[] = "dovecot-keywords";
constexpr char kLock[] = "dovecot-keywords.lock";
constexpr std::int64_t kMaxFile = 64 * 1024;
constexpr std::string_view kForwarded = "$Forwarded";
// How old a lock must be to count as left behind by a program that died.
constexpr std::time_t kStaleSeconds = 60;

bool is_literal(char c) {
  return std::string_view("_$(){%*\"\\] ").find(c) == std::string_view::npos;
}

Result<std::string> read_file(int folder_fd) {
  const UniqueFd fd(::openat(folder_fd, kFile, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    if (errno == ENOENT) return std::string();
    return fail(system_error("open", kFile, errno));
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(system_error("stat", kFile, errno));
  if (!S_ISREG(info.st_mode)) return std::string();
  std::string text(static_cast<std::size_t>(std::min<std::int64_t>(info.st_size, kMaxFile)), '\0');
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) return fail(system_error("read", kFile, errno));
  text.resize(static_cast<std::size_t>(got));
  return text;
}

// Takes the lock file, waiting for others up to five seconds; a stale one is removed.
Result<UniqueFd> take_lock(int folder_fd) {
  for (int attempt = 0; attempt < 500; ++attempt) {
    UniqueFd fd(
        ::openat(folder_fd, kLock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd) return fd;
    if (errno != EEXIST) return fail(system_error("lock", kLock, errno));
    struct stat info {};
    if (::fstatat(folder_fd, kLock, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        info.st_mtim.tv_sec + kStaleSeconds < ::time(nullptr)) {
      ::unlinkat(folder_fd, kLock, 0);
      continue;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return fail(ErrorKind::unavailable, "another program holds dovecot-keywords.lock");
}

}  // namespace

std::string keyword_from_category(std::string_view category) {
  // A space becomes '_' after the coding, where '_' cannot come from anything else.
  std::string out = utf7_encode(category, [](char c) { return c == ' ' || is_literal(c); });
  std::replace(out.begin(), out.end(), ' ', '_');
  if (!is_system_keyword(out)) return out;
  // "Junk" as a category: coded, so that it is not taken for the keyword of a spam filter.
  return utf7_encode(out.substr(0, 1), [](char) { return false; }) + out.substr(1);
}

std::string category_from_keyword(std::string_view keyword) {
  std::string spaced(keyword);
  std::replace(spaced.begin(), spaced.end(), '_', ' ');
  if (auto decoded = utf7_decode(spaced)) return to_xml_safe_utf8(*decoded);
  return to_xml_safe_utf8(keyword);
}

bool is_system_keyword(std::string_view keyword) {
  if (keyword.starts_with('$')) return true;
  for (const std::string_view known : {"Junk", "NonJunk", "NotJunk", "Forwarded", "unknown-0"}) {
    if (equals_ignore_case(keyword, known)) return true;
  }
  return false;
}

Result<KeywordMap> KeywordMap::load(int folder_fd) {
  GODWIT_ASSIGN(const std::string text, read_file(folder_fd));
  KeywordMap map;
  map.parse(text);
  return map;
}

void KeywordMap::parse(std::string_view text) {
  keywords_ = {};
  categories_ = {};
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space + 1 >= line.size()) continue;
    const auto index = parse_uint(line.substr(0, space));
    if (!index || *index >= keywords_.size()) continue;
    const std::string_view keyword = line.substr(space + 1);
    keywords_[*index] = keyword;
    if (!is_system_keyword(keyword)) categories_[*index] = category_from_keyword(keyword);
  }
}

int KeywordMap::letter_of_category(std::string_view category) const {
  for (std::size_t i = 0; i < categories_.size(); ++i) {
    if (!categories_[i].empty() && categories_[i] == category) return static_cast<int>(i);
  }
  return -1;
}

int KeywordMap::letter_of_keyword(std::string_view keyword) const {
  for (std::size_t i = 0; i < keywords_.size(); ++i) {
    if (!keywords_[i].empty() && equals_ignore_case(keywords_[i], keyword)) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

std::uint32_t KeywordMap::category_letters() const {
  std::uint32_t letters = 0;
  for (std::size_t i = 0; i < categories_.size(); ++i) {
    if (!categories_[i].empty()) letters |= 1u << i;
  }
  return letters;
}

std::uint32_t KeywordMap::forwarded_letter() const {
  const int letter = letter_of_keyword(kForwarded);
  return letter < 0 ? 0u : 1u << letter;
}

Result<void> KeywordMap::add(int folder_fd, const std::vector<std::string>& keywords) {
  const auto all_known = [&] {
    return std::all_of(keywords.begin(), keywords.end(),
                       [&](const std::string& keyword) { return letter_of_keyword(keyword) >= 0; });
  };
  if (all_known()) return {};
  GODWIT_ASSIGN(const UniqueFd lock, take_lock(folder_fd));
  const auto drop_lock = [&] { ::unlinkat(folder_fd, kLock, 0); };
  auto text = read_file(folder_fd);
  if (!text) {
    drop_lock();
    return fail(std::move(text.error()));
  }
  parse(*text);
  bool changed = false;
  for (const std::string& keyword : keywords) {
    if (keyword.empty() || letter_of_keyword(keyword) >= 0) continue;
    const auto slot = std::find(keywords_.begin(), keywords_.end(), "");
    if (slot == keywords_.end()) break;
    *slot = keyword;
    if (!is_system_keyword(keyword)) {
      categories_[static_cast<std::size_t>(slot - keywords_.begin())] =
          category_from_keyword(keyword);
    }
    changed = true;
  }
  if (!changed) {
    drop_lock();
    return {};
  }
  std::string out;
  for (std::size_t i = 0; i < keywords_.size(); ++i) {
    if (!keywords_[i].empty()) out += std::to_string(i) + " " + keywords_[i] + "\n";
  }
  if (::write(lock.get(), out.data(), out.size()) != static_cast<ssize_t>(out.size()) ||
      ::renameat(folder_fd, kLock, folder_fd, kFile) != 0) {
    const int error = errno;
    drop_lock();
    return fail(system_error("write", kFile, error));
  }
  return {};
}

Stamp keywords_stamp(int folder_fd) {
  Stamp stamp = stamp_of(folder_fd, kFile);
  return stamp;
}

std::vector<std::string> merge_categories(const KeywordMap& map, std::uint32_t letters,
                                          const std::vector<std::string>& stored) {
  std::vector<std::string> merged;
  std::uint32_t rest = letters;
  for (const std::string& category : stored) {
    const int letter = map.letter_of_category(category);
    if (letter >= 0 && (letters >> letter & 1u) == 0) continue;
    if (letter >= 0) rest &= ~(1u << letter);
    merged.push_back(category);
  }
  for (unsigned letter = 0; letter < 26; ++letter) {
    if ((rest >> letter & 1u) != 0 && !map.category(letter).empty()) {
      merged.push_back(map.category(letter));
    }
  }
  return merged;
}

}  // namespace storage::maildir
