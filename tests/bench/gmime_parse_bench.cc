// The yardstick for the first sync: GMime alone, parsing every file of a Maildir folder into a
// MIME tree, one after the other, and nothing else.
//
//   gmime_parse_bench DIR [ROUNDS]       prints one JSON object: messages, bytes, seconds per
//   round,
//                                        CPU seconds of all rounds
#include <gmime/gmime.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

bool parse_file(const std::string& path) {
  GMimeStream* stream = g_mime_stream_fs_open(path.c_str(), 0, 0, nullptr);
  if (stream == nullptr) return false;
  GMimeParser* parser = g_mime_parser_new_with_stream(stream);
  GMimeMessage* message = g_mime_parser_construct_message(parser, nullptr);
  const bool parsed = message != nullptr;
  if (parsed) g_object_unref(message);
  g_object_unref(parser);
  g_object_unref(stream);
  return parsed;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: gmime_parse_bench DIR [ROUNDS]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  std::vector<std::string> files;
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (const char* part : {"new", "cur"}) {
    const auto folder = std::filesystem::path(argv[1]) / part;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      files.push_back(entry.path().string());
      bytes += entry.file_size();
    }
  }
  g_mime_init();
  std::printf("{\"messages\": %zu, \"bytes\": %ju, \"seconds\": [", files.size(), bytes);
  const std::clock_t cpu = std::clock();
  for (int round = 0; round < rounds; ++round) {
    const auto from = Clock::now();
    for (const std::string& file : files) {
      if (!parse_file(file)) {
        std::fprintf(stderr, "cannot parse %s\n", file.c_str());
        return 1;
      }
    }
    std::printf("%s%.4f", round == 0 ? "" : ", ",
                std::chrono::duration<double>(Clock::now() - from).count());
  }
  std::printf("], \"cpu_seconds\": %.4f}\n",
              static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC);
  g_mime_shutdown();
  return 0;
}
