// What message `index` of a mailbox will be, decided from the seed alone, so that a reply can know
// its ancestors without keeping them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/demo/corpus.h"
#include "server/demo/random.h"

namespace demo {

struct MessagePlan {
  int index = 0;
  Shape shape = Shape::plain;
  std::size_t language = 0;
  std::size_t charset = 0;  // in the language's list
  std::size_t sender = 0;
  std::size_t subject = 0;
  int number = 0;              // behind the subject
  std::size_t size = 0;        // bytes to aim for
  std::vector<int> ancestors;  // the thread: root first, parent last; empty for a root
};

// Deterministic in all arguments. Threads are at most eight messages long.
MessagePlan plan_message(std::uint64_t seed, int index);

// How long before "now" the message came, in milliseconds.
std::int64_t message_age(std::uint64_t seed, int index, int count);

// The id without angle brackets.
std::string message_id(std::uint64_t seed, int index, const Recipient& to);

}  // namespace demo
