// `godwit wbxml decode|encode`: standard input (or a file) to standard output.
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "server/admin/subcommand.h"
#include "storage/base/text.h"
#include "wbxml/decoder.h"
#include "wbxml/dump.h"
#include "wbxml/encoder.h"
#include "wbxml/xml_reader.h"

namespace eas::admin {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Result;

struct WbxmlOptions {
  std::string file;  // "" or "-": standard input
  bool xml = false;
  bool base64 = false;
  bool full = false;
};

Result<std::string> read_input(const std::string& path) {
  if (path.empty() || path == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), {});
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::not_found, path + ": cannot be read");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int decode(const WbxmlOptions& options) {
  auto input = read_input(options.file);
  if (!input) return complain(input.error());
  if (options.base64) {
    auto bytes = storage::base64_decode(*input);
    if (!bytes) return complain("the input is not base64");
    *input = std::move(*bytes);
  }
  const auto root = wbxml::decode(*input);
  if (!root) {
    return complain("offset " + std::to_string(root.error().offset) + ": " + root.error().message);
  }
  wbxml::DumpOptions dump;
  if (options.full) dump.max_text = dump.max_opaque = std::string::npos;
  std::cout << (options.xml ? wbxml::to_xml(*root, {.mark_opaque = true})
                            : wbxml::dump(*root, dump));
  return std::cout.flush() ? 0 : 1;
}

int encode(const WbxmlOptions& options) {
  const auto input = read_input(options.file);
  if (!input) return complain(input.error());
  const auto root = wbxml::from_xml(*input);
  if (!root) return complain(root.error());
  const std::string bytes = wbxml::encode(*root);
  std::cout << (options.base64 ? storage::base64_encode(bytes) + "\n" : bytes);
  return std::cout.flush() ? 0 : 1;
}

}  // namespace

void define_wbxml(CLI::App& command, Action& action) {
  command.require_subcommand(1);
  auto options = std::make_shared<WbxmlOptions>();
  CLI::App* reading = command.add_subcommand("decode", "WBXML to a readable dump, or to XML");
  reading->add_option("file", options->file, "The input; standard input without it");
  reading->add_flag("--xml", options->xml, "XML that `encode` reads again");
  reading->add_flag("--base64", options->base64, "The input is base64 text");
  reading->add_flag("--full", options->full, "Do not cut long values");
  reading->callback([&action, options] { action = [options] { return decode(*options); }; });
  CLI::App* writing = command.add_subcommand("encode", "XML to WBXML");
  writing->add_option("file", options->file, "The input; standard input without it");
  writing->add_flag("--base64", options->base64, "Write base64 text");
  writing->callback([&action, options] { action = [options] { return encode(*options); }; });
}

}  // namespace eas::admin
