#include "server/demo/message_plan.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "server/demo/languages.h"
#include "storage/base/text.h"

namespace demo {
namespace {

constexpr int kMaxThread = 8;

constexpr std::uint64_t stream_of(int index, std::uint64_t purpose) {
  return static_cast<std::uint64_t>(index) * 8 + purpose;
}

// The message that `index` would like to reply to, or -1.
int wished_parent(std::uint64_t seed, int index) {
  Random random(seed, stream_of(index, 1));
  if (index == 0 || !random.percent(35)) return -1;
  return index - static_cast<int>(random.between(1, static_cast<std::size_t>(std::min(index, 6))));
}

// The thread of `index`, root first, without itself. A thread that would be longer than kMaxThread
// breaks there: message kMaxThread + 1 is a root again, for its successors too.
std::vector<int> ancestors_of(std::uint64_t seed, int index) {
  std::vector<int> chain;
  for (int at = wished_parent(seed, index); at >= 0; at = wished_parent(seed, at)) {
    chain.push_back(at);
  }
  std::ranges::reverse(chain);
  const std::size_t broken = chain.size() - chain.size() % kMaxThread;
  chain.erase(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(broken));
  return chain;
}

Shape pick_shape(Random& random) {
  // In percent, in the order of the enumeration.
  constexpr std::array<std::size_t, kShapes> kWeights = {28, 12, 28, 8, 14, 3, 5, 2};
  std::size_t at = random.below(100);
  for (std::size_t i = 0; i < kWeights.size(); ++i) {
    if (at < kWeights[i]) return static_cast<Shape>(i);
    at -= kWeights[i];
  }
  return Shape::plain;
}

std::size_t pick_size(Random& random) {
  const std::size_t at = random.below(100);
  if (at < 72) return random.between(2'200, 5'500);
  if (at < 92) return random.between(5'500, 16'000);
  if (at < 98) return random.between(16'000, 50'000);
  return random.between(50'000, 95'000);
}

}  // namespace

MessagePlan plan_message(std::uint64_t seed, int index) {
  MessagePlan plan;
  plan.index = index;
  plan.ancestors = ancestors_of(seed, index);

  // The root of the thread decides on language and subject.
  const int root = plan.ancestors.empty() ? index : plan.ancestors.front();
  Random common(seed, stream_of(root, 2));
  plan.language = common.percent(45) ? 0 : common.below(languages().size());
  const Language& language = languages()[plan.language];
  plan.subject = common.below(language.subjects.size());
  plan.number = static_cast<int>(common.between(10, 99999));

  Random random(seed, stream_of(index, 3));
  plan.shape = pick_shape(random);
  plan.charset = random.below(language.charsets.size());
  plan.sender = random.below(language.people.size());
  plan.size = pick_size(random);
  return plan;
}

std::int64_t message_age(std::uint64_t seed, int index, int count) {
  constexpr double kDay = 24.0 * 3600 * 1000;
  Random random(seed, stream_of(index, 0));
  // Dense near now: the share of mail that is younger than t days is sqrt(t / 60). The oldest
  // three percent reach back a year.
  const double place = (count - index - random.fraction()) / count;
  double age = 60 * kDay * place * place;
  if (place > 0.97) age += (place - 0.97) / 0.03 * 300 * kDay;
  return static_cast<std::int64_t>(age) + 30'000;
}

std::string message_id(std::uint64_t seed, int index, const Recipient& to) {
  Random random(seed, stream_of(index, 5));
  std::string mailbox = to.address;
  std::ranges::replace(mailbox, '@', '.');
  return std::to_string(random.next() % 1'000'000'000) + "." + std::to_string(index) + "." +
         mailbox + "@mail.example";
}

}  // namespace demo
