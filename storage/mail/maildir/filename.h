// Names of message files: BASE[:2,FLAGS]. The base is the message's identity for as long as it lies
// in the folder; the suffix holds the flags. Pure functions but unique_base().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/mail/mail_store.h"

namespace storage::maildir {

// Flag bits as the index keeps them.
namespace flag {
inline constexpr unsigned kSeen = 1u << 0;
inline constexpr unsigned kFlagged = 1u << 1;
inline constexpr unsigned kAnswered = 1u << 2;
inline constexpr unsigned kForwarded = 1u << 3;
inline constexpr unsigned kDraft = 1u << 4;
}  // namespace flag

struct FileName {
  std::string_view base;
  std::string_view suffix;  // from the first ':' on; empty when there is none
};
FileName split_file_name(std::string_view name);

// Whether a directory entry can be a message at all: no dot file, nothing with a line break.
bool is_message_name(std::string_view name);

// The flags that the letters of a suffix say. Unknown letters say nothing.
unsigned flags_in(std::string_view suffix);
// The keyword letters (a to z) of a suffix, as a bit set: bit 0 is 'a'.
std::uint32_t keyword_letters_in(std::string_view suffix);
// The suffix with other flags and keyword letters. Letters that we do not know and anything after
// the letters stay. Letters are in ASCII order, as the Maildir convention wants.
std::string with_flags(std::string_view suffix, unsigned flags, std::uint32_t keyword_letters);

unsigned pack(const MessageFlags& flags);
void unpack(unsigned bits, MessageFlags& flags);

// A base that nobody else uses: time, process, counter, random number, host, size.
std::string unique_base(UnixMillis now, std::size_t size);
// The base that belongs to an identity: always the same one.
std::string identity_base(std::string_view identity);

// A message whose content is replaced gets a new file, since nobody expects a Maildir file to
// change. The new base says which message it is the next state of:
// "STEM.godwit-rN,S=SIZE", where STEM is the first base up to its ','.
std::string replacement_base(std::string_view base, std::size_t size);

struct Lineage {
  std::string_view stem;
  std::uint64_t generation = 0;  // 0: never replaced, `stem` is the base up to its ','
};
Lineage lineage_of(std::string_view base);

}  // namespace storage::maildir
