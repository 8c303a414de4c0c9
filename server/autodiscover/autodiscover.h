// Tells devices how they reach this server: Autodiscover in XML and JSON, and Apple profiles.
#pragma once

#include <functional>
#include <string>

#include "server/auth/authenticator.h"
#include "server/autodiscover/documents.h"
#include "server/autodiscover/setup.h"
#include "server/http/exchange.h"
#include "storage/base/clock.h"
#include "storage/directory/directory.h"

namespace eas::autodiscover {

// Thread-safe. What it is given must outlive it.
class Autodiscover {
 public:
  Autodiscover(SetupOptions options, Authenticator& authenticator, storage::Directory& directory,
               const storage::Clock& clock);

  // /autodiscover/autodiscover.xml, for whoever logs in (else 401). POST asks; a GET or an empty
  // POST asks for the login's own address in the mobilesync schema. A GET without login at another
  // host than the configured one is redirected there.
  http::HttpReply xml(const http::HttpRequest& request) const;

  // /autodiscover/autodiscover.json and below: for anybody, and the same for every address of a
  // local domain, so that nobody learns who exists.
  http::HttpReply json(const http::HttpRequest& request) const;

  // /mobileconfig: the page; /mobileconfig/ADDRESS.mobileconfig: the profile. Only one's own.
  http::HttpReply profile(const http::HttpRequest& request) const;

 private:
  storage::Result<storage::User> user_of(const http::HttpRequest& request) const;
  http::HttpReply answer(const storage::User& user, const Question& question,
                         std::string_view base) const;
  bool means(const storage::User& user, std::string_view address) const;
  std::string redirect_of(std::string_view address) const;
  bool is_local(std::string_view address) const;

  const SetupOptions options_;
  Authenticator& authenticator_;
  storage::Directory& directory_;
  const storage::Clock& clock_;
};

}  // namespace eas::autodiscover
