// GetHierarchy, up to 12.1: the mail folders, without a key. [MS-ASCMD] 2.2.1.8
//
// Its answer has no element of the command's name, and no Status: a failure is HTTP 500.
#include "server/commands/commands.h"
#include "server/commands/hierarchy.h"
#include "server/commands/status.h"
#include "server/sync/server_id.h"
#include "wbxml/code_pages.h"
#include "wbxml/encoder.h"

namespace eas {
namespace {

namespace tag = wbxml::folder_hierarchy;

constexpr int kUserFolder = 1;
constexpr int kLastSpecial = 6;  // Outbox: what comes after has no value here. 2.2.3.186.4

}  // namespace

CommandResult run_get_hierarchy(Request& request, const Services& /*services*/) {
  const auto page = request.mailbox->folders();
  if (!page) return CommandError{status::kServerError, 500, page.error().message};
  wbxml::Encoder out;
  out.start(tag::kFolders);
  for (const storage::MailFolder& each : page->folders) {
    const Folder folder = to_folder(each);
    out.start(tag::kFolder);
    out.text(tag::kDisplayName, folder.name);
    out.text(tag::kServerId, to_collection_id(folder.id));
    out.number(tag::kType, folder.type <= kLastSpecial ? folder.type : kUserFolder);
    out.text(tag::kParentId, folder.parent == 0 ? "0" : to_collection_id(folder.parent));
    out.end();
  }
  out.end();
  Reply reply;
  reply.body = out.take();
  return reply;
}

}  // namespace eas
