// The names of HTML 4 and those of HTML 5 that mail programs write; numbers as HTML 5 reads them.
#include "server/items/html/entities.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace eas::html {
namespace {

struct Entity {
  std::string_view name;
  std::uint16_t code;
};

// Sorted by name (bytes).
// clang-format off
constexpr Entity kEntities[] = {
    Entity{"AElig", 198}, Entity{"AMP", 38}, Entity{"Aacute", 193}, Entity{"Abreve", 258},
    Entity{"Acirc", 194}, Entity{"Agrave", 192}, Entity{"Alpha", 913}, Entity{"Aogon", 260},
    Entity{"Aring", 197}, Entity{"Atilde", 195}, Entity{"Auml", 196}, Entity{"Beta", 914},
    Entity{"COPY", 169}, Entity{"Cacute", 262}, Entity{"Ccaron", 268}, Entity{"Ccedil", 199},
    Entity{"Chi", 935}, Entity{"Dagger", 8225}, Entity{"Dcaron", 270}, Entity{"Delta", 916},
    Entity{"Dstrok", 272}, Entity{"ETH", 208}, Entity{"Eacute", 201}, Entity{"Ecaron", 282},
    Entity{"Ecirc", 202}, Entity{"Egrave", 200}, Entity{"Eogon", 280}, Entity{"Epsilon", 917},
    Entity{"Eta", 919}, Entity{"Euml", 203}, Entity{"GT", 62}, Entity{"Gamma", 915},
    Entity{"Gbreve", 286}, Entity{"Iacute", 205}, Entity{"Icirc", 206}, Entity{"Idot", 304},
    Entity{"Igrave", 204}, Entity{"Iota", 921}, Entity{"Iuml", 207}, Entity{"Kappa", 922},
    Entity{"LT", 60}, Entity{"Lambda", 923}, Entity{"Lstrok", 321}, Entity{"Mu", 924},
    Entity{"Nacute", 323}, Entity{"Ncaron", 327}, Entity{"NewLine", 10}, Entity{"Ntilde", 209},
    Entity{"Nu", 925}, Entity{"OElig", 338}, Entity{"Oacute", 211}, Entity{"Ocirc", 212},
    Entity{"Odblac", 336}, Entity{"Ograve", 210}, Entity{"Omega", 937}, Entity{"Omicron", 927},
    Entity{"Oslash", 216}, Entity{"Otilde", 213}, Entity{"Ouml", 214}, Entity{"Phi", 934},
    Entity{"Pi", 928}, Entity{"Prime", 8243}, Entity{"Psi", 936}, Entity{"QUOT", 34},
    Entity{"REG", 174}, Entity{"Rcaron", 344}, Entity{"Rho", 929}, Entity{"Sacute", 346},
    Entity{"Scaron", 352}, Entity{"Scedil", 350}, Entity{"Sigma", 931}, Entity{"THORN", 222},
    Entity{"TRADE", 8482}, Entity{"Tab", 9}, Entity{"Tau", 932}, Entity{"Tcaron", 356},
    Entity{"Theta", 920}, Entity{"Uacute", 218}, Entity{"Ucirc", 219}, Entity{"Udblac", 368},
    Entity{"Ugrave", 217}, Entity{"Upsilon", 933}, Entity{"Uring", 366}, Entity{"Uuml", 220},
    Entity{"Xi", 926}, Entity{"Yacute", 221}, Entity{"Yuml", 376}, Entity{"Zacute", 377},
    Entity{"Zcaron", 381}, Entity{"Zdot", 379}, Entity{"Zeta", 918}, Entity{"aacute", 225},
    Entity{"abreve", 259}, Entity{"acirc", 226}, Entity{"acute", 180}, Entity{"aelig", 230},
    Entity{"agrave", 224}, Entity{"alefsym", 8501}, Entity{"alpha", 945}, Entity{"amp", 38},
    Entity{"and", 8743}, Entity{"ang", 8736}, Entity{"aogon", 261}, Entity{"apos", 39},
    Entity{"aring", 229}, Entity{"ast", 42}, Entity{"asymp", 8776}, Entity{"atilde", 227},
    Entity{"auml", 228}, Entity{"bdquo", 8222}, Entity{"beta", 946}, Entity{"block", 9608},
    Entity{"boxh", 9472}, Entity{"boxv", 9474}, Entity{"brvbar", 166}, Entity{"bsol", 92},
    Entity{"bull", 8226}, Entity{"bullet", 8226}, Entity{"cacute", 263}, Entity{"cap", 8745},
    Entity{"ccaron", 269}, Entity{"ccedil", 231}, Entity{"cedil", 184}, Entity{"cent", 162},
    Entity{"check", 10003}, Entity{"chi", 967}, Entity{"circ", 710}, Entity{"clubs", 9827},
    Entity{"colon", 58}, Entity{"comma", 44}, Entity{"commat", 64}, Entity{"cong", 8773},
    Entity{"copy", 169}, Entity{"copysr", 8471}, Entity{"crarr", 8629}, Entity{"cross", 10007},
    Entity{"cup", 8746}, Entity{"curren", 164}, Entity{"dArr", 8659}, Entity{"dagger", 8224},
    Entity{"darr", 8595}, Entity{"dash", 8208}, Entity{"dcaron", 271}, Entity{"deg", 176},
    Entity{"delta", 948}, Entity{"diams", 9830}, Entity{"divide", 247}, Entity{"dollar", 36},
    Entity{"dstrok", 273}, Entity{"eacute", 233}, Entity{"ecaron", 283}, Entity{"ecirc", 234},
    Entity{"egrave", 232}, Entity{"ell", 8467}, Entity{"empty", 8709}, Entity{"emsp", 8195},
    Entity{"ensp", 8194}, Entity{"eogon", 281}, Entity{"epsilon", 949}, Entity{"equals", 61},
    Entity{"equiv", 8801}, Entity{"eta", 951}, Entity{"eth", 240}, Entity{"euml", 235},
    Entity{"euro", 8364}, Entity{"excl", 33}, Entity{"exist", 8707}, Entity{"female", 9792},
    Entity{"flat", 9837}, Entity{"fnof", 402}, Entity{"forall", 8704}, Entity{"frac12", 189},
    Entity{"frac13", 8531}, Entity{"frac14", 188}, Entity{"frac15", 8533}, Entity{"frac18", 8539},
    Entity{"frac23", 8532}, Entity{"frac34", 190}, Entity{"frac38", 8540}, Entity{"frac58", 8541},
    Entity{"frac78", 8542}, Entity{"frasl", 8260}, Entity{"gamma", 947}, Entity{"gbreve", 287},
    Entity{"ge", 8805}, Entity{"grave", 96}, Entity{"gt", 62}, Entity{"hArr", 8660},
    Entity{"half", 189}, Entity{"harr", 8596}, Entity{"hearts", 9829}, Entity{"hellip", 8230},
    Entity{"horbar", 8213}, Entity{"hyphen", 8208}, Entity{"iacute", 237}, Entity{"icirc", 238},
    Entity{"iexcl", 161}, Entity{"igrave", 236}, Entity{"image", 8465}, Entity{"imath", 305},
    Entity{"incare", 8453}, Entity{"infin", 8734}, Entity{"inodot", 305}, Entity{"int", 8747},
    Entity{"iota", 953}, Entity{"iquest", 191}, Entity{"isin", 8712}, Entity{"iuml", 239},
    Entity{"kappa", 954}, Entity{"lArr", 8656}, Entity{"lambda", 955}, Entity{"lang", 10216},
    Entity{"laquo", 171}, Entity{"larr", 8592}, Entity{"lbrace", 123}, Entity{"lbrack", 91},
    Entity{"lceil", 8968}, Entity{"lcub", 123}, Entity{"ldquo", 8220}, Entity{"ldquor", 8222},
    Entity{"le", 8804}, Entity{"lfloor", 8970}, Entity{"lowast", 8727}, Entity{"lowbar", 95},
    Entity{"loz", 9674}, Entity{"lpar", 40}, Entity{"lrm", 8206}, Entity{"lsaquo", 8249},
    Entity{"lsqb", 91}, Entity{"lsquo", 8216}, Entity{"lsquor", 8218}, Entity{"lstrok", 322},
    Entity{"lt", 60}, Entity{"macr", 175}, Entity{"male", 9794}, Entity{"mdash", 8212},
    Entity{"micro", 181}, Entity{"middot", 183}, Entity{"minus", 8722}, Entity{"mldr", 8230},
    Entity{"mu", 956}, Entity{"nabla", 8711}, Entity{"nacute", 324}, Entity{"natural", 9838},
    Entity{"nbsp", 160}, Entity{"ncaron", 328}, Entity{"ndash", 8211}, Entity{"ne", 8800},
    Entity{"ni", 8715}, Entity{"not", 172}, Entity{"notin", 8713}, Entity{"nsub", 8836},
    Entity{"ntilde", 241}, Entity{"nu", 957}, Entity{"num", 35}, Entity{"oacute", 243},
    Entity{"ocirc", 244}, Entity{"odblac", 337}, Entity{"oelig", 339}, Entity{"ograve", 242},
    Entity{"oline", 8254}, Entity{"omega", 969}, Entity{"omicron", 959}, Entity{"oplus", 8853},
    Entity{"or", 8744}, Entity{"ordf", 170}, Entity{"ordm", 186}, Entity{"oslash", 248},
    Entity{"otilde", 245}, Entity{"otimes", 8855}, Entity{"ouml", 246}, Entity{"para", 182},
    Entity{"part", 8706}, Entity{"percnt", 37}, Entity{"period", 46}, Entity{"permil", 8240},
    Entity{"perp", 8869}, Entity{"phi", 966}, Entity{"phone", 9742}, Entity{"pi", 960},
    Entity{"piv", 982}, Entity{"plus", 43}, Entity{"plusmn", 177}, Entity{"pound", 163},
    Entity{"prime", 8242}, Entity{"prod", 8719}, Entity{"prop", 8733}, Entity{"psi", 968},
    Entity{"quest", 63}, Entity{"quot", 34}, Entity{"rArr", 8658}, Entity{"radic", 8730},
    Entity{"rang", 10217}, Entity{"raquo", 187}, Entity{"rarr", 8594}, Entity{"rbrace", 125},
    Entity{"rbrack", 93}, Entity{"rcaron", 345}, Entity{"rceil", 8969}, Entity{"rcub", 125},
    Entity{"rdquo", 8221}, Entity{"rdquor", 8221}, Entity{"real", 8476}, Entity{"reg", 174},
    Entity{"rfloor", 8971}, Entity{"rho", 961}, Entity{"rlm", 8207}, Entity{"rpar", 41},
    Entity{"rsaquo", 8250}, Entity{"rsqb", 93}, Entity{"rsquo", 8217}, Entity{"rsquor", 8217},
    Entity{"sacute", 347}, Entity{"sbquo", 8218}, Entity{"scaron", 353}, Entity{"scedil", 351},
    Entity{"sdot", 8901}, Entity{"sect", 167}, Entity{"semi", 59}, Entity{"sharp", 9839},
    Entity{"shy", 173}, Entity{"sigma", 963}, Entity{"sigmaf", 962}, Entity{"sim", 8764},
    Entity{"sol", 47}, Entity{"spades", 9824}, Entity{"squ", 9633}, Entity{"star", 9734},
    Entity{"starf", 9733}, Entity{"sub", 8834}, Entity{"sube", 8838}, Entity{"sum", 8721},
    Entity{"sung", 9834}, Entity{"sup", 8835}, Entity{"sup1", 185}, Entity{"sup2", 178},
    Entity{"sup3", 179}, Entity{"supe", 8839}, Entity{"szlig", 223}, Entity{"tau", 964},
    Entity{"tcaron", 357}, Entity{"there4", 8756}, Entity{"theta", 952}, Entity{"thetasym", 977},
    Entity{"thinsp", 8201}, Entity{"thorn", 254}, Entity{"tilde", 732}, Entity{"times", 215},
    Entity{"trade", 8482}, Entity{"uArr", 8657}, Entity{"uacute", 250}, Entity{"uarr", 8593},
    Entity{"ucirc", 251}, Entity{"udblac", 369}, Entity{"ugrave", 249}, Entity{"uml", 168},
    Entity{"upsih", 978}, Entity{"upsilon", 965}, Entity{"uring", 367}, Entity{"uuml", 252},
    Entity{"verbar", 124}, Entity{"vert", 124}, Entity{"weierp", 8472}, Entity{"xi", 958},
    Entity{"yacute", 253}, Entity{"yen", 165}, Entity{"yuml", 255}, Entity{"zacute", 378},
    Entity{"zcaron", 382}, Entity{"zdot", 380}, Entity{"zeta", 950}, Entity{"zwj", 8205},
    Entity{"zwnj", 8204},
};
// clang-format on

static_assert(std::is_sorted(std::begin(kEntities), std::end(kEntities),
                             [](const Entity& a, const Entity& b) { return a.name < b.name; }));

constexpr std::array<std::uint16_t, 32> kWindows1252High = {
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12);
    } else {
      out += static_cast<char>(0xF0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    }
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
  }
  out += static_cast<char>(0x80 | (code & 0x3F));
}

// Control characters vanish, what is no character becomes U+FFFD.
void append_number(std::string& out, std::uint32_t code) {
  if (code >= 0x80 && code < 0xA0) code = kWindows1252High[code - 0x80];
  if (code == '\n' || code == '\r' || code == '\t') code = ' ';
  if (code < 0x20) return;
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) || (code & 0xFFFE) == 0xFFFE) {
    code = 0xFFFD;
  }
  append_utf8(out, code);
}

int digit_of(char c, unsigned base) {
  if (c >= '0' && c <= '9') return c - '0';
  if (base == 16 && c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (base == 16 && c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::size_t append_numeric(std::string& out, std::string_view text) {
  std::size_t at = 2;
  unsigned base = 10;
  if (at < text.size() && (text[at] == 'x' || text[at] == 'X')) {
    base = 16;
    ++at;
  }
  const std::size_t first = at;
  std::uint32_t code = 0;
  for (; at < text.size(); ++at) {
    const int digit = digit_of(text[at], base);
    if (digit < 0) break;
    if (code <= 0x10FFFF) code = code * base + static_cast<std::uint32_t>(digit);
  }
  if (at == first) return 0;
  append_number(out, code);
  return at < text.size() && text[at] == ';' ? at + 1 : at;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::size_t append_entity(std::string& out, std::string_view text) {
  if (text.size() < 3) return 0;
  if (text[1] == '#') return append_numeric(out, text);
  std::size_t end = 1;
  while (end < text.size() && end <= 10 && is_name_character(text[end])) ++end;
  const std::string_view name = text.substr(1, end - 1);
  const auto* found = std::lower_bound(
      std::begin(kEntities), std::end(kEntities), name,
      [](const Entity& entity, std::string_view wanted) { return entity.name < wanted; });
  if (found == std::end(kEntities) || found->name != name) return 0;
  // Without its semicolon a name counts only where old mail programs wrote it so: "&nbsp ", "&amp
  // ".
  const bool closed = end < text.size() && text[end] == ';';
  if (!closed && found->code > 0xFF) return 0;
  append_number(out, found->code);
  return closed ? end + 1 : end;
}

}  // namespace eas::html
