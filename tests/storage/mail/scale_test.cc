// Large folders: the first indexing, a look without news, a scan for one change.
// GODWIT_SCALE sets the number of messages (20,000 by default).
#include <chrono>
#include <cstdlib>

#include "tests/storage/mail/mail_fixture.h"

using namespace test;
using Steady = std::chrono::steady_clock;

namespace {
double ms_since(Steady::time_point begin) {
  return std::chrono::duration<double, std::milli>(Steady::now() - begin).count();
}
}  // namespace

TEST_CASE(
    "scale: a large folder is indexed once, and afterwards costs what changes (field.md pain 11)") {
  const char* asked = std::getenv("GODWIT_SCALE");
  const int messages = asked != nullptr ? std::atoi(asked) : 20'000;
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  const auto inbox = world.inbox();
  for (int i = 0; i < messages; ++i) {
    const std::string name = std::to_string(1'600'000'000 + i) + ".M" + std::to_string(i) +
                             "P1Q1.host.example.test,S=1000:2,S";
    const int fd = ::open((world.path("cur") / name).c_str(), O_WRONLY | O_CREAT, 0600);
    REQUIRE(fd >= 0);
    ::close(fd);
  }
  auto begin = Steady::now();
  CHECK(must(world.box->head(inbox)) == messages);
  const double first = ms_since(begin);

  deliver(world.path(""), "another");
  begin = Steady::now();
  CHECK(must(world.box->head(inbox)) == messages + 1);  // a scan for one delivery
  const double again = ms_since(begin);
  for (const char* sub : {"new", "cur"}) set_mtime(world.path(sub), kDate);
  must(world.box->head(inbox));
  constexpr int kLooks = 2000;
  begin = Steady::now();
  for (int i = 0; i < kLooks; ++i) must(world.box->head(inbox));
  const double look = ms_since(begin) / kLooks * 1000;

  const storage::CollectionId folders[] = {inbox};
  must(world.box->watch(folders));
  must(world.box->head(inbox));
  begin = Steady::now();
  for (int i = 0; i < kLooks; ++i) must(world.box->head(inbox));
  const double watched = ms_since(begin) / kLooks * 1000;
  begin = Steady::now();
  deliver(world.path(""), "one");
  CHECK(must(world.box->head(inbox)) == messages + 2);
  const double delivery = ms_since(begin);
  begin = Steady::now();
  must(world.box->set_flags(inbox, 1, {.flagged = true}));
  CHECK(must(world.box->head(inbox)) == messages + 3);
  const double flags = ms_since(begin);
  world.box->unwatch(folders);
  MESSAGE(messages << " messages: first indexing " << first << " ms, scan for one delivery "
                   << again << " ms, look without news " << look << " us (watched " << watched
                   << " us), delivery while watched " << delivery << " ms, flag change " << flags
                   << " ms");
  CHECK(look < 2000);
  CHECK(watched < 2000);
  CHECK(delivery < again + 200);
}

TEST_CASE("scale: moves into a large folder, and stores with an identity, list it once at most") {
  constexpr int kMessages = 20'000;
  constexpr int kMoves = 200;
  TempDir dir;
  World world("sqlite:" + dir.file("i.db"), dir.file("mail"));
  const auto inbox = world.inbox();
  const auto trash = world.trash();
  for (int i = 0; i < kMessages; ++i) {
    const std::string name = std::to_string(1'600'000'000 + i) + ".M" + std::to_string(i) + ":2,S";
    std::ofstream(world.path(".Trash/cur") / name) << 'x';
  }
  for (int i = 0; i < kMoves; ++i) deliver(world.path(""), "m" + std::to_string(i));
  const auto ids = world.ids(inbox);
  must(world.box->head(trash));
  must(world.box->append(trash, kMessage, {}, kDate, "the first one"));
  const auto head = must(world.box->head(trash));
  // What another program puts there is found by a listing: so it tells whether there was one.
  deliver(world.path(".Trash"), "unseen");
  const auto begin = Steady::now();
  for (const auto id : ids) must(world.box->move(inbox, id, trash));
  const double moves = ms_since(begin);
  for (int i = 0; i < kMoves; ++i) {
    must(world.box->append(trash, kMessage, {}, kDate, "mail " + std::to_string(i)));
  }
  const double both = ms_since(begin);
  MESSAGE(kMoves << " moves into " << kMessages << " messages: " << moves << " ms, stores "
                 << both - moves << " ms");
  CHECK(must(world.box->changes(trash, head, 1000)).changes.size() == 2 * kMoves);
  CHECK(must(world.box->head(trash)) == head + 2 * kMoves + 1);
}
