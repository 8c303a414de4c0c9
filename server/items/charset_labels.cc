// Labels as the WHATWG encoding table reads them: what mail programs mean, not what the names say.
// iso-8859-1 is windows-1252, gb2312 is gb18030.
#include "server/items/charset_labels.h"

#include <algorithm>
#include <array>
#include <string>

#include "server/items/charset.h"
#include "storage/base/text.h"

namespace eas {
namespace {

using Kind = CharsetKind;

// Sorted by label; lower case.
constexpr std::array kCharsets = {
    Charset{"ansi_x3.4-1968", "windows-1252", Kind::utf8, 20127},
    Charset{"ascii", "windows-1252", Kind::utf8, 20127},
    Charset{"big5", "windows-950", Kind::multibyte, 950},
    Charset{"big5-hkscs", "big5-hkscs", Kind::multibyte, 950},
    Charset{"chinese", "gb18030", Kind::multibyte, 936},
    Charset{"cp1250", "windows-1250", Kind::single_byte, 1250},
    Charset{"cp1251", "windows-1251", Kind::single_byte, 1251},
    Charset{"cp1252", "windows-1252", Kind::western, 1252},
    Charset{"cp1253", "windows-1253", Kind::single_byte, 1253},
    Charset{"cp1254", "windows-1254", Kind::single_byte, 1254},
    Charset{"cp1255", "windows-1255", Kind::single_byte, 1255},
    Charset{"cp1256", "windows-1256", Kind::single_byte, 1256},
    Charset{"cp1257", "windows-1257", Kind::single_byte, 1257},
    Charset{"cp1258", "windows-1258", Kind::single_byte, 1258},
    Charset{"cp437", "ibm-437", Kind::single_byte, 437},
    Charset{"cp819", "windows-1252", Kind::western, 28591},
    Charset{"cp850", "ibm-850", Kind::single_byte, 850},
    Charset{"cp852", "ibm-852", Kind::single_byte, 852},
    Charset{"cp866", "ibm-866", Kind::single_byte, 866},
    Charset{"cp874", "windows-874", Kind::single_byte, 874},
    Charset{"cp932", "windows-31j", Kind::multibyte, 932},
    Charset{"cp936", "gb18030", Kind::multibyte, 936},
    Charset{"cp949", "windows-949", Kind::multibyte, 949},
    Charset{"cp950", "windows-950", Kind::multibyte, 950},
    Charset{"cseuckr", "windows-949", Kind::multibyte, 949},
    Charset{"csgb2312", "gb18030", Kind::multibyte, 936},
    Charset{"csiso2022jp", "iso-2022-jp", Kind::other, 50220},
    Charset{"cskoi8r", "koi8-r", Kind::single_byte, 20866},
    Charset{"csshiftjis", "windows-31j", Kind::multibyte, 932},
    Charset{"cyrillic", "iso-8859-5", Kind::single_byte, 28595},
    Charset{"euc-jp", "euc-jp", Kind::multibyte, 51932},
    Charset{"euc-kr", "windows-949", Kind::multibyte, 949},
    Charset{"gb18030", "gb18030", Kind::multibyte, 54936},
    Charset{"gb2312", "gb18030", Kind::multibyte, 936},
    Charset{"gb_2312", "gb18030", Kind::multibyte, 936},
    Charset{"gb_2312-80", "gb18030", Kind::multibyte, 936},
    Charset{"gbk", "gb18030", Kind::multibyte, 936},
    Charset{"hz-gb-2312", "hz-gb-2312", Kind::other, 52936},
    Charset{"ibm866", "ibm-866", Kind::single_byte, 866},
    Charset{"iso-2022-jp", "iso-2022-jp", Kind::other, 50220},
    Charset{"iso-2022-jp-2", "iso-2022-jp-2", Kind::other, 50220},
    Charset{"iso-2022-kr", "iso-2022-kr", Kind::other, 50225},
    Charset{"iso-8859-1", "windows-1252", Kind::western, 28591},
    Charset{"iso-8859-10", "iso-8859-10", Kind::single_byte, 28600},
    Charset{"iso-8859-11", "windows-874", Kind::single_byte, 874},
    Charset{"iso-8859-13", "iso-8859-13", Kind::single_byte, 28603},
    Charset{"iso-8859-14", "iso-8859-14", Kind::single_byte, 28604},
    Charset{"iso-8859-15", "iso-8859-15", Kind::western, 28605},
    Charset{"iso-8859-16", "iso-8859-16", Kind::single_byte, 28606},
    Charset{"iso-8859-2", "iso-8859-2", Kind::single_byte, 28592},
    Charset{"iso-8859-3", "iso-8859-3", Kind::single_byte, 28593},
    Charset{"iso-8859-4", "iso-8859-4", Kind::single_byte, 28594},
    Charset{"iso-8859-5", "iso-8859-5", Kind::single_byte, 28595},
    Charset{"iso-8859-6", "iso-8859-6", Kind::single_byte, 28596},
    Charset{"iso-8859-7", "iso-8859-7", Kind::single_byte, 28597},
    Charset{"iso-8859-8", "iso-8859-8", Kind::single_byte, 28598},
    Charset{"iso-8859-8-i", "iso-8859-8", Kind::single_byte, 38598},
    Charset{"iso-8859-9", "windows-1254", Kind::single_byte, 28599},
    Charset{"iso8859-1", "windows-1252", Kind::western, 28591},
    Charset{"iso8859-15", "iso-8859-15", Kind::western, 28605},
    Charset{"iso8859-2", "iso-8859-2", Kind::single_byte, 28592},
    Charset{"iso_8859-1", "windows-1252", Kind::western, 28591},
    Charset{"iso_8859-15", "iso-8859-15", Kind::western, 28605},
    Charset{"iso_8859-2", "iso-8859-2", Kind::single_byte, 28592},
    Charset{"koi8", "koi8-r", Kind::single_byte, 20866},
    Charset{"koi8-r", "koi8-r", Kind::single_byte, 20866},
    Charset{"koi8-ru", "koi8-u", Kind::single_byte, 21866},
    Charset{"koi8-u", "koi8-u", Kind::single_byte, 21866},
    Charset{"korean", "windows-949", Kind::multibyte, 949},
    Charset{"ks_c_5601", "windows-949", Kind::multibyte, 949},
    Charset{"ks_c_5601-1987", "windows-949", Kind::multibyte, 949},
    Charset{"ksc5601", "windows-949", Kind::multibyte, 949},
    Charset{"l1", "windows-1252", Kind::western, 28591},
    Charset{"latin1", "windows-1252", Kind::western, 28591},
    Charset{"latin2", "iso-8859-2", Kind::single_byte, 28592},
    Charset{"latin9", "iso-8859-15", Kind::western, 28605},
    Charset{"macintosh", "macintosh", Kind::single_byte, 10000},
    Charset{"ms932", "windows-31j", Kind::multibyte, 932},
    Charset{"ms_kanji", "windows-31j", Kind::multibyte, 932},
    Charset{"shift-jis", "windows-31j", Kind::multibyte, 932},
    Charset{"shift_jis", "windows-31j", Kind::multibyte, 932},
    Charset{"sjis", "windows-31j", Kind::multibyte, 932},
    Charset{"tis-620", "windows-874", Kind::single_byte, 874},
    Charset{"us-ascii", "windows-1252", Kind::utf8, 20127},
    Charset{"utf-16", "utf-16", Kind::other, 1200},
    Charset{"utf-16be", "utf-16be", Kind::other, 1201},
    Charset{"utf-16le", "utf-16le", Kind::other, 1200},
    Charset{"utf-32", "utf-32", Kind::other, 12000},
    Charset{"utf-7", "utf-7", Kind::other, 65000},
    Charset{"utf-8", "utf-8", Kind::utf8, 65001},
    Charset{"utf8", "utf-8", Kind::utf8, 65001},
    Charset{"windows-1250", "windows-1250", Kind::single_byte, 1250},
    Charset{"windows-1251", "windows-1251", Kind::single_byte, 1251},
    Charset{"windows-1252", "windows-1252", Kind::western, 1252},
    Charset{"windows-1253", "windows-1253", Kind::single_byte, 1253},
    Charset{"windows-1254", "windows-1254", Kind::single_byte, 1254},
    Charset{"windows-1255", "windows-1255", Kind::single_byte, 1255},
    Charset{"windows-1256", "windows-1256", Kind::single_byte, 1256},
    Charset{"windows-1257", "windows-1257", Kind::single_byte, 1257},
    Charset{"windows-1258", "windows-1258", Kind::single_byte, 1258},
    Charset{"windows-31j", "windows-31j", Kind::multibyte, 932},
    Charset{"windows-874", "windows-874", Kind::single_byte, 874},
    Charset{"windows-932", "windows-31j", Kind::multibyte, 932},
    Charset{"windows-936", "gb18030", Kind::multibyte, 936},
    Charset{"windows-949", "windows-949", Kind::multibyte, 949},
    Charset{"windows-950", "windows-950", Kind::multibyte, 950},
    Charset{"x-cp1251", "windows-1251", Kind::single_byte, 1251},
    Charset{"x-cp1252", "windows-1252", Kind::western, 1252},
    Charset{"x-gbk", "gb18030", Kind::multibyte, 936},
    Charset{"x-mac-roman", "macintosh", Kind::single_byte, 10000},
    Charset{"x-sjis", "windows-31j", Kind::multibyte, 932},
};

static_assert(std::is_sorted(kCharsets.begin(), kCharsets.end(),
                             [](const Charset& a, const Charset& b) { return a.label < b.label; }));

}  // namespace

const Charset* find_charset(std::string_view label) {
  while (!label.empty() &&
         (label.front() == '"' || label.front() == '\'' || label.front() == ' ')) {
    label.remove_prefix(1);
  }
  while (!label.empty() && (label.back() == '"' || label.back() == '\'' || label.back() == ' ' ||
                            label.back() == ';')) {
    label.remove_suffix(1);
  }
  if (label.empty() || label.size() > 40) return nullptr;
  std::string key = storage::to_lower(label);
  if (key.starts_with("cp-")) key.erase(2, 1);
  const auto* found = std::lower_bound(
      kCharsets.begin(), kCharsets.end(), std::string_view(key),
      [](const Charset& charset, std::string_view name) { return charset.label < name; });
  return found != kCharsets.end() && found->label == key ? found : nullptr;
}

int code_page_of(std::string_view label) {
  const Charset* charset = find_charset(label);
  return charset == nullptr ? 65001 : charset->code_page;
}

}  // namespace eas
