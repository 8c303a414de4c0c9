#include "server/admin/profile_options.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "server/certificates/certificate_file.h"
#include "storage/directory/address.h"

namespace eas::admin {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::Profile;
using storage::Result;

constexpr std::uintmax_t kMostFileBytes = 1u << 20;

struct TextRow {
  const char* name;
  const char* text;
  std::string Profile::*member;
};
constexpr std::array kTexts = {
    TextRow{"--alias", "Short name, found in the address list", &Profile::alias},
    TextRow{"--first-name", "First name", &Profile::first_name},
    TextRow{"--last-name", "Last name", &Profile::last_name},
    TextRow{"--title", "Job title", &Profile::title},
    TextRow{"--company", "Company", &Profile::company},
    TextRow{"--office", "Office", &Profile::office},
    TextRow{"--phone", "Office phone", &Profile::phone},
    TextRow{"--home-phone", "Home phone", &Profile::home_phone},
    TextRow{"--mobile-phone", "Mobile phone", &Profile::mobile_phone},
};

Result<std::string> read_file(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return fail(ErrorKind::invalid, path + ": " + error.message());
  if (size > kMostFileBytes) return fail(ErrorKind::too_large, path + ": larger than 1 MiB");
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (!file) return fail(ErrorKind::invalid, path + ": cannot be read");
  return bytes;
}

}  // namespace

void ProfileOptions::add_to(CLI::App& command) {
  for (const TextRow& row : kTexts) {
    auto value = std::make_shared<std::string>();
    CLI::Option* option =
        command.add_option(row.name, *value, std::string(row.text) + "; empty: none");
    texts_.push_back({row.member, option, std::move(value)});
  }
  command.add_option("--picture", picture_, "JPEG or PNG file of at most 100 KiB");
  command.add_flag("--no-picture", no_picture_, "Remove the picture");
  command.add_option("--add-address", add_addresses_,
                     "One more address that means this user: mail and logins");
  command.add_option("--remove-address", remove_addresses_, "One of these less");
  command.add_option("--add-certificate", add_certificates_,
                     "PEM or DER file with an S/MIME certificate of this user");
  command.add_flag("--no-certificates", no_certificates_,
                   "Remove all certificates, before those that are added");
}

bool ProfileOptions::any() const {
  return !picture_.empty() || no_picture_ || !add_addresses_.empty() ||
         !remove_addresses_.empty() || !add_certificates_.empty() || no_certificates_ ||
         std::any_of(texts_.begin(), texts_.end(),
                     [](const Text& text) { return text.option->count() > 0; });
}

Result<Profile> ProfileOptions::apply(Profile profile) const {
  for (const Text& text : texts_) {
    if (text.option->count() > 0) profile.*text.member = *text.value;
  }
  if (no_picture_) profile.picture.clear();
  if (!picture_.empty()) {
    GODWIT_ASSIGN(profile.picture, read_file(picture_));
    if (profile.picture.empty()) return fail(ErrorKind::invalid, picture_ + ": is empty");
  }
  for (const std::string& address : remove_addresses_) {
    auto& others = profile.other_addresses;
    const auto found =
        std::find(others.begin(), others.end(), storage::canonical_address(address).value_or(""));
    if (found == others.end()) {
      return fail(ErrorKind::invalid, address + " is no other address of this user");
    }
    others.erase(found);
  }
  profile.other_addresses.insert(profile.other_addresses.end(), add_addresses_.begin(),
                                 add_addresses_.end());
  if (no_certificates_) profile.certificates.clear();
  for (const std::string& path : add_certificates_) {
    GODWIT_ASSIGN(const std::string bytes, read_file(path));
    auto der = read_certificate(bytes);
    if (!der) return fail(der.error().kind, path + ": " + der.error().message);
    auto& all = profile.certificates;
    if (std::find(all.begin(), all.end(), *der) == all.end()) all.push_back(std::move(*der));
  }
  return profile;
}

}  // namespace eas::admin
