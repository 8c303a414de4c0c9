#include "server/items/html/entities.h"
#include "server/items/html/html_to_text.h"
#include "server/items/html/text_to_html.h"
#include "storage/base/text.h"
#include "tests/server/items/support.h"

using eas::html::html_to_text;
using eas::html::TextOptions;

namespace {

std::string to_text(std::string_view html, bool links = true) {
  TextOptions options;
  options.links = options.images = links;
  return html_to_text(html, options).text;
}

}  // namespace

TEST_CASE("html to text: table of markup") {
  const std::pair<const char*, const char*> cases[] = {
      {"plain", "plain"},
      {"a  \n\t b", "a b"},
      {"<p>one</p><p>two</p>", "one\r\n\r\ntwo"},
      {"<div>one</div><div>two</div>", "one\r\ntwo"},
      {"<div><div><div>one</div></div></div><div>two</div>", "one\r\ntwo"},
      {"a<br>b<br/>c<BR />d", "a\r\nb\r\nc\r\nd"},
      {"a<br><br>b", "a\r\n\r\nb"},
      {"<div>a</div><div><br></div><div>b</div>", "a\r\n\r\nb"},
      {"a<br><div>b</div>", "a\r\nb"},
      {"<h1>T</h1>text", "T\r\n\r\ntext"},
      {"<ul><li>a<li>b</ul>c", "* a\r\n* b\r\n\r\nc"},
      {"<ol><li>a</li><li>b<ul><li>x</li></ul></li></ol>", "1. a\r\n2. b\r\n  * x"},
      {"<table><tr><td>a<td>b</tr><tr><td>c</td><td>d</td></tr></table>", "a\tb\r\nc\td"},
      {"<blockquote>q<br>r</blockquote>a", "> q\r\n> r\r\n\r\na"},
      {"<pre>a\n  b\n\nc</pre>", "a\r\n  b\r\n\r\nc"},
      {"<a href='https://e.test/'>site</a>", "site <https://e.test/>"},
      {"<a href='https://e.test/'>e.test</a>", "e.test"},
      {"<a href=\"mailto:a@e.test\">a@e.test</a>", "a@e.test"},
      {"<a href=\"mailto:a@e.test\">Anna</a>", "Anna <a@e.test>"},
      {"<a href='javascript:x()'>go</a>", "go"},
      {"<a href='https://e.test/?a=1&amp;b=2'>x</a>", "x <https://e.test/?a=1&b=2>"},
      {"<img alt='A picture' src=x>", "A picture"},
      {"<script>if (a < b) x('</p>')</script>ok", "ok"},
      {"<style>p { }</style>ok<STYLE>x</STYLE>", "ok"},
      {"<head><title>T</title></head><body>ok</body>", "ok"},
      {"a<!-- <p>x</p> -->b", "ab"},
      {"a<!-- unclosed <b>x</b>", "ax"},
      {"<!DOCTYPE html><?xml x?>ok", "ok"},
      {"a < b && c > d", "a < b && c > d"},
      {"1<2", "1<2"},
      {"&amp;&lt;&gt;&quot;&nbsp;&euro;&#8364;&#x20AC;&#128;", "&<>\" €€€€"},
      {"&unknown; &amp &#; &#xZZ;", "&unknown; & &#; &#xZZ;"},
      {"&auml;&Ouml;&szlig;&hellip;&mdash;", "äÖß…—"},
      {"<p title=\"a > b\">x</p>", "x"},
      {"<b", ""},
      {"x<", "x<"},
      {"</p></div></ul></blockquote>x", "x"},
      {"a<hr>b", "a\r\n________________________________\r\nb"},
      {"<o:p>word</o:p>", "word"},
      {"x<p>&nbsp;</p>y", "x\r\n\r\n\r\n\r\ny"},
  };
  for (const auto& one : cases) {
    const auto& html = one.first;
    const auto& text = one.second;
    INFO(html);
    CHECK(to_text(html) == text);
  }
}

TEST_CASE("html to text: without links and images for previews (quirks.md: iOS)") {
  CHECK(to_text("<a href='https://e.test/long'>site</a><img alt=x>", false) == "site");
}

TEST_CASE("html to text: a limit stops the work") {
  std::string html = "<p>";
  for (int i = 0; i < 100'000; ++i) html += "word ";
  TextOptions options;
  options.max_size = 100;
  const auto result = html_to_text("<p>" + std::string("word ") + "</p>" + html, options);
  CHECK(result.text.size() > 90);
  CHECK(result.used < html.size());
  options.max_size = 10;
  std::string paragraphs;
  for (int i = 0; i < 10'000; ++i) paragraphs += "<p>word</p>";
  const auto cut = html_to_text(paragraphs, options);
  CHECK(cut.used < 100);
}

TEST_CASE("html to text: hostile markup costs linear time and no depth") {
  const auto repeated = [](const char* piece, int count) {
    std::string html;
    for (int i = 0; i < count; ++i) html += piece;
    return html;
  };
  for (const char* piece :
       {"<div>", "<ul><li>", "<blockquote>", "<!--", "<a href=\"", "<a '", "<", "</", "<style>",
        "<script></scrip", "&#", "&", "<pre>", "<table><td>", "<![if", "<a href=x>", "<title><"}) {
    INFO(piece);
    const std::string html = repeated(piece, 200'000);
    CHECK(html_to_text(html).text.size() <= 8 * html.size());
  }
}

TEST_CASE("html to text: any bytes give well-formed UTF-8 when the input is") {
  std::uint32_t state = 99;
  const std::string pieces[] = {"<",        ">",     "&",    "#",    "x", ";",    "<p",
                                "ä",        "&amp;", "\"",   "'",    "=", "<!--", "-->",
                                "<a href=", "</a>",  "\r\n", "<li>", "😀", "<pre>"};
  for (int i = 0; i < 3000; ++i) {
    std::string html;
    for (int k = 0; k < 30; ++k) {
      state = state * 1664525 + 1013904223;
      html += pieces[(state >> 16) % std::size(pieces)];
    }
    CHECK(storage::is_valid_utf8(to_text(html)));
  }
}

TEST_CASE("text to html: escaped, with line breaks, spaces kept, addresses clickable") {
  using eas::html::text_to_html_fragment;
  const std::pair<const char*, const char*> cases[] = {
      {"a & b < c > \"d\"", "a &amp; b &lt; c &gt; &quot;d&quot;"},
      {"a\nb\r\nc\rd", "a<br>\r\nb<br>\r\nc<br>\r\nd"},
      {"a  b", "a&nbsp; b"},
      {" a", "&nbsp;a"},
      {"a\n b", "a<br>\r\n&nbsp;b"},
      {"see https://e.test/?a=1&b=2.",
       "see <a href=\"https://e.test/?a=1&amp;b=2\">https://e.test/?a=1&amp;b=2</a>."},
      {"(www.e.test)", "(<a href=\"http://www.e.test\">www.e.test</a>)"},
      {"<https://e.test/x>", "&lt;<a href=\"https://e.test/x\">https://e.test/x</a>&gt;"},
      {"mail a.b@e.test, please", "mail <a href=\"mailto:a.b@e.test\">a.b@e.test</a>, please"},
      {"how we hold http", "how we hold http"},
      {"@ a@ @b a@b", "@ a@ @b a@b"},
      {"javascript:alert(1)", "javascript:alert(1)"},
      {"https://e.test/\"onclick=\"x",
       "<a href=\"https://e.test/\">https://e.test/</a>&quot;onclick"
       "=&quot;x"},
      {"", ""},
  };
  for (const auto& one : cases) {
    const auto& text = one.first;
    const auto& html = one.second;
    INFO(text);
    CHECK(text_to_html_fragment(text) == html);
  }
}

TEST_CASE("text to html and back keeps the words") {
  const std::string text = "Hello <world> & all,\r\n\r\n  indented\r\nlast line";
  CHECK(to_text(eas::html::text_to_html(text)) == text);
}
