#include "tests/support/schema_check.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/paths.h"
#include "tests/support/temp_dir.h"

namespace test {
namespace {

std::string schema_file() {
  const char* named = std::getenv("GODWIT_SCHEMAS");
  const std::filesystem::path folder =
      named != nullptr ? std::filesystem::path(named) : test::shared_dir() / "spec/schemas";
  return (folder / "xmllint" / "eas-all.xsd").string();
}

// Runs a shell command and returns its output; the status is in `status`.
std::string run_shell(const std::string& command, int& status) {
  std::string out;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) {
    status = -1;
    return out;
  }
  char buffer[4096];
  std::size_t count = 0;
  while ((count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0) out.append(buffer, count);
  status = ::pclose(pipe);
  return out;
}

}  // namespace

bool SchemaCheck::available() {
  std::error_code ignored;
  return std::filesystem::exists(schema_file(), ignored) &&
         std::system("command -v xmllint >/dev/null 2>&1") == 0;
}

void SchemaCheck::add(std::string note, std::string xml) {
  documents_.emplace_back(std::move(note), std::move(xml));
}

std::string SchemaCheck::problems() {
  const auto documents = std::exchange(documents_, {});
  if (documents.empty() || !available()) return {};
  const TempDir dir;
  std::string list;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string name = "doc" + std::to_string(i) + ".xml";
    std::ofstream(dir.file(name), std::ios::binary) << documents[i].second;
    list += " " + name;
  }
  int status = 0;
  const std::string output =
      run_shell("cd '" + dir.str() + "' && xmllint --huge --noout --schema '" + schema_file() +
                    "'" + list + " 2>&1",
                status);
  if (status == 0) return {};
  // Names the documents that failed, with their text: "doc3.xml fails to validate".
  std::string report;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string name = "doc" + std::to_string(i) + ".xml";
    if (output.find(name + " validates") != std::string::npos) continue;
    report += "== " + documents[i].first + "\n";
    std::size_t at = 0;
    while ((at = output.find(name + ":", at)) != std::string::npos) {
      const std::size_t end = output.find('\n', at);
      const std::string line = output.substr(at, end - at);
      if (line.find("warning") == std::string::npos) report += line + "\n";
      at = end == std::string::npos ? output.size() : end;
    }
    report += documents[i].second.substr(0, 6000) + "\n";
  }
  return report.empty() ? output : report;
}

}  // namespace test
