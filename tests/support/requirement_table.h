// The tables of statements in tests/requirements/: tab-separated, '#' begins a comment line.
// scripts/requirements counts the ids in their first two columns as covered, since a test walks
// every line of them.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/paths.h"

namespace test {

// The lines of tests/requirements/<name>, each as its columns.
inline std::vector<std::vector<std::string>> requirement_table(const std::string& name) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream file(source_dir() / "tests/requirements" / name);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string>& columns = rows.emplace_back();
    std::size_t at = 0;
    for (std::size_t tab = 0; tab != std::string::npos; at = tab + 1) {
      tab = line.find('\t', at);
      columns.push_back(line.substr(at, tab - at));
    }
  }
  return rows;
}

// "a b c" as words; "-" is none.
inline std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at && text.substr(at, end - at) != "-") words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

}  // namespace test
