#include "storage/mail/maildir/folder_name.h"

#include "storage/base/text.h"
#include "storage/mail/maildir/utf7.h"

namespace storage::maildir {

namespace {

// File names end at 255 bytes; some room is left for names of removed directories.
constexpr std::size_t kMaxDirectory = 220;

struct RoleName {
  std::string_view name;
  FolderRole role;
};
// The first of a role is the one that we make.
constexpr RoleName kRoleNames[] = {
    {"Drafts", FolderRole::drafts},       {"Trash", FolderRole::trash},
    {"Deleted Items", FolderRole::trash}, {"Deleted Messages", FolderRole::trash},
    {"Sent", FolderRole::sent},           {"Sent Items", FolderRole::sent},
    {"Sent Messages", FolderRole::sent},  {"Outbox", FolderRole::outbox},
    {"Junk", FolderRole::junk},           {"Spam", FolderRole::junk},
    {"Junk E-mail", FolderRole::junk},    {"Archive", FolderRole::archive},
    {"Archives", FolderRole::archive},
};

bool is_literal(char) { return true; }

}  // namespace

bool is_folder_directory(std::string_view dir) {
  if (dir.size() < 2 || dir.front() != '.' || dir.back() == '.') return false;
  return dir.find("..") == std::string_view::npos;
}

std::string_view parent_directory(std::string_view dir) { return dir.substr(0, dir.rfind('.')); }

std::string display_name(std::string_view dir) {
  if (dir.empty()) return "Inbox";
  const std::string_view part = dir.substr(dir.rfind('.') + 1);
  if (auto decoded = utf7_decode(part)) return to_xml_safe_utf8(*decoded);
  return to_xml_safe_utf8(part);
}

std::optional<std::string> child_directory(std::string_view parent, std::string_view name) {
  if (name.empty() || !is_valid_utf8(name)) return std::nullopt;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '.' || c == '/') return std::nullopt;
  }
  if (trim(name).size() != name.size()) return std::nullopt;
  std::string dir(parent);
  dir += '.';
  dir += utf7_encode(name, is_literal);
  if (dir.size() > kMaxDirectory) return std::nullopt;
  return dir;
}

bool is_below(std::string_view dir, std::string_view ancestor) {
  return !ancestor.empty() && dir.size() > ancestor.size() && dir.starts_with(ancestor) &&
         dir[ancestor.size()] == '.';
}

FolderRole role_by_name(std::string_view name) {
  for (const RoleName& known : kRoleNames) {
    if (equals_ignore_case(known.name, name)) return known.role;
  }
  return FolderRole::none;
}

std::string_view default_name(FolderRole role) {
  for (const RoleName& known : kRoleNames) {
    if (known.role == role) return known.name;
  }
  return "Inbox";
}

}  // namespace storage::maildir
