// Tables for the names that the Maildir conventions give to things.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <fstream>

#include "storage/base/text.h"
#include "storage/mail/maildir/filename.h"
#include "storage/mail/maildir/folder_name.h"
#include "storage/mail/maildir/keywords.h"
#include "storage/mail/maildir/utf7.h"
#include "tests/support/temp_dir.h"

namespace maildir = storage::maildir;
namespace flag = storage::maildir::flag;
using storage::FolderRole;

TEST_CASE("file name: base, suffix, flags and keyword letters") {
  struct Row {
    const char* name;
    const char* base;
    const char* suffix;
    unsigned flags;
    std::uint32_t letters;
  };
  const Row rows[] = {
      {"1700.M1P2.host", "1700.M1P2.host", "", 0, 0},
      {"1700.host:2,", "1700.host", ":2,", 0, 0},
      {"1700.host,S=10:2,FSac", "1700.host,S=10", ":2,FSac", flag::kFlagged | flag::kSeen, 5},
      {"x:2,DPRT", "x", ":2,DPRT", flag::kDraft | flag::kForwarded | flag::kAnswered, 0},
      {"x:2,S,more=S", "x", ":2,S,more=S", flag::kSeen, 0},
      {"x:1,S", "x", ":1,S", 0, 0},
      {"x:2,SSS!", "x", ":2,SSS!", flag::kSeen, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto split = maildir::split_file_name(row.name);
    CHECK(split.base == row.base);
    CHECK(split.suffix == row.suffix);
    CHECK(maildir::flags_in(split.suffix) == row.flags);
    CHECK(maildir::keyword_letters_in(split.suffix) == row.letters);
  }
  CHECK_FALSE(maildir::is_message_name(".hidden"));
  CHECK_FALSE(maildir::is_message_name(":2,S"));
  CHECK_FALSE(maildir::is_message_name("a\nb"));
  CHECK(maildir::is_message_name("a b\xff"));
}

TEST_CASE("file name: new flags keep unknown letters and extensions, in order") {
  CHECK(maildir::with_flags("", flag::kSeen, 0) == ":2,S");
  CHECK(maildir::with_flags(":2,S", flag::kSeen | flag::kFlagged, 0b101) == ":2,FSac");
  CHECK(maildir::with_flags(":2,STab", 0, 0) == ":2,T");
  CHECK(maildir::with_flags(":2,XS,ext=1", flag::kDraft, 0) == ":2,DX,ext=1");
  CHECK(maildir::with_flags(":1,foo", flag::kSeen, 0) == ":2,S");
}

TEST_CASE("file name: bases are unique, and one per identity") {
  std::vector<std::string> bases;
  for (int i = 0; i < 1000; ++i) bases.push_back(maildir::unique_base(1'700'000'000'123, 42));
  for (const auto& base : bases) {
    CHECK(base.starts_with("1700000000.M123000P"));
    CHECK(base.ends_with(",S=42"));
    CHECK(maildir::split_file_name(base).suffix.empty());
  }
  std::sort(bases.begin(), bases.end());
  CHECK(std::adjacent_find(bases.begin(), bases.end()) == bases.end());
  CHECK(maildir::identity_base("a") == maildir::identity_base("a"));
  CHECK(maildir::identity_base("a") != maildir::identity_base("b"));
  CHECK(maildir::is_message_name(maildir::identity_base("/../x\n")));
}

TEST_CASE("modified UTF-7: known pairs both ways") {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"Plain folder", "Plain folder"},
      {"R&D", "R&-D"},
      {"Entwürfe", "Entw&APw-rfe"},
      {"台北", "&U,BTFw-"},
      {"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
      {"Черновики", "&BCcENQRABD0EPgQyBDgEOgQ4-"},
      {"😀", "&2D3eAA-"},
      {"a😀b", "a&2D3eAA-b"},
      {"ü-", "&APw--"},
  };
  for (const auto& [text, coded] : rows) {
    const auto& shown = text;  // clang 14 captures no structured binding
    CAPTURE(shown);
    CHECK(maildir::utf7_encode(text, [](char) { return true; }) == coded);
    const auto decoded = maildir::utf7_decode(coded);
    REQUIRE(decoded);
    CHECK(*decoded == text);
  }
}

TEST_CASE("modified UTF-7: malformed text is refused") {
  for (const char* bad :
       {"&", "&abc", "&U,BTF-", "&2D0-", "&3gA-", "a\x80", "a\nb", "&*-", "&AAA-", "&2D0AYQ-"}) {
    CAPTURE(bad);
    CHECK_FALSE(maildir::utf7_decode(bad));
  }
}

TEST_CASE("folder names: directories and display names") {
  CHECK(maildir::child_directory("", "Work") == ".Work");
  CHECK(maildir::child_directory(".Work", "Entwürfe & mehr") == ".Work.Entw&APw-rfe &- mehr");
  for (const char* bad : {"", "a.b", "a/b", "a\tb", "\xc3", " a", "a "}) {
    CHECK_FALSE(maildir::child_directory("", bad));
  }
  CHECK(maildir::display_name("") == "Inbox");
  CHECK(maildir::display_name(".Work.Entw&APw-rfe") == "Entwürfe");
  CHECK(maildir::display_name(".Entwürfe") == "Entwürfe");  // raw UTF-8 of other programs
  CHECK(maildir::display_name(".a&b") == "a&b");            // no modified UTF-7: as it is
  CHECK(storage::is_valid_utf8(maildir::display_name(".\xff\xfe")));
  CHECK(maildir::parent_directory(".A.B.C") == ".A.B");
  CHECK(maildir::parent_directory(".A").empty());
  CHECK(maildir::is_below(".A.B", ".A"));
  CHECK_FALSE(maildir::is_below(".AB", ".A"));
  CHECK_FALSE(maildir::is_below(".A", ".A"));
  CHECK_FALSE(maildir::is_below(".A", ""));
  for (const char* bad : {"..", ".a..b", "..DOVECOT-TRASHED", ".", ".a.", "cur", "a.b"}) {
    CHECK_FALSE(maildir::is_folder_directory(bad));
  }
  CHECK(maildir::is_folder_directory(".a.b"));
}

TEST_CASE("folder names: roles by convention") {
  CHECK(maildir::role_by_name("Deleted Items") == FolderRole::trash);
  CHECK(maildir::role_by_name("sent messages") == FolderRole::sent);
  CHECK(maildir::role_by_name("Spam") == FolderRole::junk);
  CHECK(maildir::role_by_name("Work") == FolderRole::none);
  CHECK(maildir::default_name(FolderRole::outbox) == "Outbox");
}

TEST_CASE("keywords: categories and IMAP keywords, both ways and readable") {
  const std::pair<const char*, const char*> rows[] = {
      {"Work", "Work"},     {"Red Category", "Red_Category"},      {"Grün 1", "Gr&APw-n_1"},
      {"a_b", "a&AF8-b"},   {"R&D (new)", "R&-D_&ACg-new&ACk-"},   {"$100", "&ACQ-100"},
      {"Junk", "&AEo-unk"}, {"100%*\"\\]", "100&ACUAKgAiAFwAXQ-"},
  };
  for (const auto& [category, keyword] : rows) {
    const auto& shown = category;  // clang 14 captures no structured binding
    CAPTURE(shown);
    CHECK(maildir::keyword_from_category(category) == keyword);
    CHECK(maildir::category_from_keyword(keyword) == category);
    CHECK_FALSE(maildir::is_system_keyword(keyword));
  }
  for (const char* name : {"$Forwarded", "$label1", "NonJunk"})
    CHECK(maildir::is_system_keyword(name));
}

TEST_CASE("keywords: the file is read leniently and added to under its lock") {
  test::TempDir dir;
  const storage::UniqueFd fd(::open(dir.str().c_str(), O_RDONLY | O_DIRECTORY));
  auto map = maildir::KeywordMap::load(fd.get());
  REQUIRE(map);
  CHECK_FALSE(map->is_known(0));
  std::ofstream(dir.file("dovecot-keywords")) << "1 Work\nnonsense\n99 Far\n0 $Forwarded\n3 \n";
  map = maildir::KeywordMap::load(fd.get());
  REQUIRE(map);
  CHECK(map->category(1) == "Work");
  CHECK(map->category(0).empty());
  CHECK(map->is_known(0));
  CHECK(map->forwarded_letter() == 1);
  CHECK(map->letter_of_category("Work") == 1);
  CHECK(map->category_letters() == 2);
  // Another program adds a keyword between our reading and our adding.
  std::ofstream(dir.file("dovecot-keywords"), std::ios::app) << "2 Theirs\n";
  REQUIRE(map->add(fd.get(), {"Work", "Mine"}));
  CHECK(map->letter_of_category("Theirs") == 2);
  CHECK(map->letter_of_category("Mine") == 3);
  std::ifstream in(dir.file("dovecot-keywords"));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  CHECK(text == "0 $Forwarded\n1 Work\n2 Theirs\n3 Mine\n");
  CHECK_FALSE(std::filesystem::exists(dir.file("dovecot-keywords.lock")));
  CHECK(maildir::merge_categories(*map, 0b1110, {"Mine", "Extra", "Gone?"}) ==
        std::vector<std::string>{"Mine", "Extra", "Gone?", "Work", "Theirs"});
  CHECK(maildir::merge_categories(*map, 0, {"Mine", "Extra"}) == std::vector<std::string>{"Extra"});
}
