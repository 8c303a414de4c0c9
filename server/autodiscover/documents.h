// The XML of Autodiscover: what a client asks, and the answers. [MS-ASCMD] 2.2.1.1. Pure; parsed
// with pugixml, which reads no external entities and no document types.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/autodiscover/setup.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace eas::autodiscover {

// The largest request that is read at all.
inline constexpr std::size_t kMaxRequest = std::size_t{16} << 10;

enum class Schema : std::uint8_t { mobilesync, outlook, unknown };

struct Question {
  std::string address;  // as given; "" when there is none
  Schema schema = Schema::mobilesync;
};

// Elements are found by their local names, whatever namespace a client puts them in. invalid: not
// well-formed, a document type, not one Request, no EMailAddress, no AcceptableResponseSchema.
storage::Result<Question> parse_question(std::string_view xml);

struct Person {
  std::string address;  // the primary one
  std::string display_name;
};

// Action/Settings with the URL of the server. [MS-ASCMD] 2.2.3.6, 2.2.3.164
std::string settings_answer(const Person& person, std::string_view base_url);
// Action/Redirect: ask again with this address. [MS-ASCMD] 2.2.3.147
std::string redirect_answer(const Person& person, std::string_view address);
// Action/Error: the question was understood, but there is nothing for this user. Status 2.
std::string action_error(const Person& person, std::string_view message);
// Response/Error with a code. [MS-ASCMD] 2.2.3.64
inline constexpr int kInvalidRequest = 600;
inline constexpr int kSchemaNotSupported = 601;
inline constexpr int kBadAddress = 602;
std::string framework_error(int code, std::string_view message, storage::UnixMillis now);

// For Outlook: IMAP and SMTP. nullopt: neither is configured. [MS-OXDSCLI] 2.2.4
std::optional<std::string> outlook_answer(const Person& person, const SetupOptions& options);

}  // namespace eas::autodiscover
