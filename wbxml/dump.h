// A tree as text. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <string>

#include "wbxml/element.h"

namespace wbxml {

struct DumpOptions {
  std::size_t max_text = 200;   // bytes of a text shown; longer ones are cut, with a note
  std::size_t max_opaque = 16;  // bytes of opaque data shown in hexadecimal
};

// For people and logs, not for parsers: one element a line, indented, "Page:Tag".
//
//   <AirSync:Sync>
//     <AirSync:Status>1</>
//     <AirSyncBase:Data>Dear all, … (1834 bytes)</>
//     <ComposeMail:Mime opaque 2310 bytes: 46726f6d3a20…/>
//   </>
//
// Control characters and bytes that are not UTF-8 are shown as \xNN; a text is always one line.
std::string dump(const Element& root, const DumpOptions& options = {});

struct XmlOptions {
  // Marks opaque values with an attribute, opaque="text" or opaque="base64", so that from_xml()
  // gives the same tree again. Without it the XML can be validated against the schemas.
  bool mark_opaque = false;
};

// The document as XML 1.0 in UTF-8, complete. Every code page is a namespace and its prefix
// ("AirSync", without a colon at the end). Opaque values that are not well-formed text are written
// in base64. An unknown tag is named "tag-0xNN", an unknown page "PageN". Bytes and characters that
// XML forbids become U+FFFD.
std::string to_xml(const Element& root, const XmlOptions& options = {});

}  // namespace wbxml
