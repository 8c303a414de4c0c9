// What a ResolveRecipients request asks for, checked. [MS-ASCMD] 2.2.1.15, 2.2.3.125.4
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "server/protocol_version.h"
#include "storage/base/result.h"
#include "wbxml/element.h"

namespace eas {

enum class CertificateRetrieval { none = 1, full = 2, mini = 3 };

struct ResolveOptions {
  CertificateRetrieval certificates = CertificateRetrieval::none;
  int max_certificates = 9999;       // of the whole answer
  int max_ambiguous = 9999;          // suggestions of one To; 0: none
  bool availability = false;         // from 14.0 on
  bool picture = false;              // from 14.1 on
  int max_picture_size = 102'400;    // bytes
  int max_pictures = 1'000'000'000;  // of one To
};

struct ResolveRequest {
  std::vector<std::string> to;  // as they came, at least one
  ResolveOptions options;
};

// What this version does not know is passed over. invalid (status 5): no To, more than `most`, one
// of more than 256 characters, a value out of its range; an Availability without StartTime or whose
// span is under 30 minutes or over 42 days.
storage::Result<ResolveRequest> read_resolve_request(const wbxml::Element& body, Version version,
                                                     std::size_t most);

}  // namespace eas
