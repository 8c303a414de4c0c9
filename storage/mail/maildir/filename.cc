#include "storage/mail/maildir/filename.h"

#include <unistd.h>

#include <array>
#include <atomic>

#include "storage/base/crypto.h"
#include "storage/base/text.h"

namespace storage::maildir {

namespace {

constexpr std::string_view kInfo = ":2,";
constexpr std::string_view kReplaced = ".godwit-r";

struct Letter {
  char letter;
  unsigned bit;
};
constexpr Letter kLetters[] = {{'D', flag::kDraft},
                               {'F', flag::kFlagged},
                               {'P', flag::kForwarded},
                               {'R', flag::kAnswered},
                               {'S', flag::kSeen}};

// The letters of a suffix: after ":2," up to a comma, behind which extensions may follow.
std::string_view letters_of(std::string_view suffix) {
  if (!suffix.starts_with(kInfo)) return {};
  const std::string_view rest = suffix.substr(kInfo.size());
  return rest.substr(0, rest.find(','));
}

std::string host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
  std::string name = buffer.data();
  for (char& c : name) {
    if (c == '/' || c == ':' || c == ',' || c == ' ') c = '_';
  }
  return name.empty() ? "localhost" : name.substr(0, 64);
}

}  // namespace

FileName split_file_name(std::string_view name) {
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return {name, {}};
  return {name.substr(0, colon), name.substr(colon)};
}

bool is_message_name(std::string_view name) {
  if (name.empty() || name.front() == '.' || name.front() == ':') return false;
  return name.find_first_of(std::string_view("/\n\0", 3)) == std::string_view::npos;
}

unsigned flags_in(std::string_view suffix) {
  unsigned flags = 0;
  for (const char c : letters_of(suffix)) {
    for (const Letter& known : kLetters) {
      if (known.letter == c) flags |= known.bit;
    }
  }
  return flags;
}

std::uint32_t keyword_letters_in(std::string_view suffix) {
  std::uint32_t letters = 0;
  for (const char c : letters_of(suffix)) {
    if (c >= 'a' && c <= 'z') letters |= 1u << (c - 'a');
  }
  return letters;
}

std::string with_flags(std::string_view suffix, unsigned flags, std::uint32_t keyword_letters) {
  std::array<bool, 128> present{};
  const std::string_view old = letters_of(suffix);
  for (const char c : old) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && !(c >= 'a' && c <= 'z')) present[byte] = true;
  }
  for (const Letter& known : kLetters) {
    present[static_cast<unsigned char>(known.letter)] = (flags & known.bit) != 0;
  }
  for (std::size_t i = 0; i < 26; ++i) {
    if ((keyword_letters >> i & 1u) != 0) present['a' + i] = true;
  }
  std::string out(kInfo);
  for (std::size_t c = 0; c < present.size(); ++c) {
    if (present[c]) out += static_cast<char>(c);
  }
  if (suffix.starts_with(kInfo)) out += suffix.substr(kInfo.size() + old.size());
  return out;
}

unsigned pack(const MessageFlags& flags) {
  return (flags.seen ? flag::kSeen : 0u) | (flags.flagged ? flag::kFlagged : 0u) |
         (flags.answered ? flag::kAnswered : 0u) | (flags.forwarded ? flag::kForwarded : 0u) |
         (flags.draft ? flag::kDraft : 0u);
}

void unpack(unsigned bits, MessageFlags& flags) {
  flags.seen = (bits & flag::kSeen) != 0;
  flags.flagged = (bits & flag::kFlagged) != 0;
  flags.answered = (bits & flag::kAnswered) != 0;
  flags.forwarded = (bits & flag::kForwarded) != 0;
  flags.draft = (bits & flag::kDraft) != 0;
}

std::string unique_base(UnixMillis now, std::size_t size) {
  static std::atomic<std::uint64_t> counter{0};
  static const std::string host = host_name();
  std::string base = std::to_string(now / 1000);
  base += ".M" + std::to_string(now % 1000 * 1000);
  base += "P" + std::to_string(::getpid());
  base += "Q" + std::to_string(counter.fetch_add(1));
  base += "R" + to_hex(random_bytes(6));
  base += "." + host + ",S=" + std::to_string(size);
  return base;
}

std::string identity_base(std::string_view identity) {
  return "0.I" + to_hex(sha256(identity)).substr(0, 48) + ".godwit";
}

std::string replacement_base(std::string_view base, std::size_t size) {
  constexpr std::size_t kMaxStem = 180;
  const Lineage old = lineage_of(base);
  std::string stem(old.stem);
  if (stem.size() > kMaxStem) stem = identity_base(stem);
  return stem + std::string(kReplaced) + std::to_string(old.generation + 1) +
         ",S=" + std::to_string(size);
}

Lineage lineage_of(std::string_view base) {
  const std::string_view name = base.substr(0, base.find(','));
  const std::size_t mark = name.rfind(kReplaced);
  if (mark == std::string_view::npos) return {name, 0};
  const auto generation = parse_uint(name.substr(mark + kReplaced.size()));
  if (!generation || *generation == 0 || *generation > 1'000'000'000) return {name, 0};
  return {name.substr(0, mark), *generation};
}

}  // namespace storage::maildir
