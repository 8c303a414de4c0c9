// What replay asks of single messages. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/client/eas_client.h"
#include "wbxml/element.h"

namespace eas::client {

// The tree of a body; nullopt when it is empty or no WBXML.
std::optional<wbxml::Element> decode_tree(std::string_view body);

// The text of the Subject header of a mail when it is plain ASCII on one line; "" otherwise.
std::string subject_of_mail(std::string_view mime);

// The addresses in the From and To headers of a mail.
std::vector<std::string> addresses_of_mail(std::string_view mime);

// Whether a Sync answer (nullptr: none) says MoreAvailable for a collection.
bool more_available(const wbxml::Element* sync);

// The same Sync request for the next window: the keys of `answer`, and no commands. False when the
// answer has no key for any of its collections.
bool advance_keys(wbxml::Element& request, const wbxml::Element& answer);

// A Sync answer with nothing but its collections' ids and keys. nullopt gives an empty Sync.
wbxml::Element keys_of(const std::optional<wbxml::Element>& answer);

// HTTP 449, or status 142 to 144: the device must be provisioned first.
bool wants_provisioning(const Answer& answer);

// Whether it is the answer to a Ping that a change has woken (nullptr: not).
bool is_woken_ping(const wbxml::Element* answer);

}  // namespace eas::client
