#include "server/admin/user_text.h"

#include <array>
#include <cstdio>

#include "server/admin/table.h"
#include "server/certificates/certificate_file.h"

namespace eas::admin {
namespace {

using Json = nlohmann::ordered_json;
using storage::Profile;

struct TextRow {
  const char* key;
  const char* label;
  std::string Profile::*member;
};
constexpr std::array kTexts = {
    TextRow{"alias", "Alias", &Profile::alias},
    TextRow{"first_name", "First name", &Profile::first_name},
    TextRow{"last_name", "Last name", &Profile::last_name},
    TextRow{"title", "Title", &Profile::title},
    TextRow{"company", "Company", &Profile::company},
    TextRow{"office", "Office", &Profile::office},
    TextRow{"phone", "Phone", &Profile::phone},
    TextRow{"home_phone", "Home phone", &Profile::home_phone},
    TextRow{"mobile_phone", "Mobile phone", &Profile::mobile_phone},
};

const char* picture_type(const std::string& picture) {
  return picture.front() == '\x89' ? "image/png" : "image/jpeg";
}

Json certificate_json(const std::string& der) {
  const auto text = describe_certificate(der);
  if (!text) return nullptr;
  return {{"subject", text->subject},
          {"issuer", text->issuer},
          {"not_before", when_text(text->begins * 1000)},
          {"not_after", when_text(text->ends * 1000)},
          {"sha256", text->fingerprint}};
}

void print_line(const char* label, const std::string& value) {
  if (!value.empty()) std::printf("%-16s %s\n", label, value.c_str());
}

const char* kind_text(const storage::DirectoryEntry& entry) {
  return entry.kind == storage::DirectoryEntry::Kind::group ? "group" : "user";
}

}  // namespace

Json to_json(const storage::User& user) {
  return {{"address", user.address},
          {"display_name", user.display_name},
          {"activesync", user.eas_enabled}};
}

Json to_json(const UserView& view) {
  Json json = to_json(view.user);
  for (const TextRow& row : kTexts) json[row.key] = view.profile.*row.member;
  json["other_addresses"] = view.profile.other_addresses;
  const std::string& picture = view.profile.picture;
  json["picture"] = nullptr;
  if (!picture.empty()) {
    json["picture"] = {{"type", picture_type(picture)}, {"bytes", picture.size()}};
  }
  json["certificates"] = Json::array();
  for (const std::string& der : view.profile.certificates) {
    json["certificates"].push_back(certificate_json(der));
  }
  json["groups"] = view.groups;
  return json;
}

void print_user(const UserView& view) {
  print_line("Address", view.user.address);
  print_line("Name", view.user.display_name);
  print_line("ActiveSync", view.user.eas_enabled ? "on" : "off");
  for (const TextRow& row : kTexts) print_line(row.label, view.profile.*row.member);
  print_line("Other addresses", joined(view.profile.other_addresses));
  const std::string& picture = view.profile.picture;
  if (!picture.empty()) {
    print_line("Picture", std::string(picture_type(picture)) + ", " +
                              std::to_string(picture.size()) + " bytes");
  }
  for (const std::string& der : view.profile.certificates) {
    const auto text = describe_certificate(der);
    if (!text) continue;
    print_line("Certificate", text->subject + " by " + text->issuer + ", until " +
                                  when_text(text->ends * 1000) + " UTC");
  }
  print_line("Groups", joined(view.groups));
}

Json to_json(const GroupView& view) {
  Json json = {{"address", view.group.address},
               {"name", view.group.name},
               {"users", view.users},
               {"members", Json::array()}};
  for (const storage::DirectoryEntry& member : view.members) {
    json["members"].push_back({{"address", member.address}, {"kind", kind_text(member)}});
  }
  return json;
}

void print_group(const GroupView& view) {
  print_line("Address", view.group.address);
  print_line("Name", view.group.name);
  print_line("Users", std::to_string(view.users));
  for (const storage::DirectoryEntry& member : view.members) {
    print_line(kind_text(member), member.address);
  }
}

void print_json(const Json& value) {
  std::printf("%s\n", value.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

}  // namespace eas::admin
