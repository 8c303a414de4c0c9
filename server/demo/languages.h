// The words of the demo mail: people, subjects and sentences in several languages, with the
// charsets that mail in that language really comes in. UTF-8; plain data.
#pragma once

#include <span>
#include <string_view>

namespace demo {

struct Person {
  std::string_view name;
  std::string_view address;
};

struct Language {
  std::string_view code;                       // "de"
  std::span<const std::string_view> charsets;  // as written in Content-Type
  std::span<const Person> people;
  std::span<const std::string_view> subjects;   // a number follows
  std::span<const std::string_view> greetings;  // first line
  std::span<const std::string_view> sentences;  // free of < > &
  std::span<const std::string_view> closings;
};

// English first; it is the most frequent one.
std::span<const Language> languages();

}  // namespace demo
