// Settings and why:
// - RELEASE_BUFFERS: an idle connection holds no record buffers (30 kB less each).
// - no session cache, one ticket: nothing is kept here for clients that are gone; with the usual EC
//   key resumption saves next to no time, and a second ticket only costs.
// - read_ahead: one read() per record instead of two.
// - no renegotiation: TLS 1.2 clients could use it to burn our time.
#include "server/http/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <utility>

namespace http {
namespace {

using storage::ErrorKind;

std::string openssl_error() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  if (code == 0) return "no further reason";
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

// A key with a passphrase is refused instead of asking for it on a terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

// "http/1.1" for clients that negotiate; others go on without.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* in, unsigned int in_length, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kHttp11, sizeof kHttp11 - 1, in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

void apply_settings(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  static constexpr unsigned char kSessionContext[] = "godwit";
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
}

// Tickets of before a reload stay good.
void copy_ticket_keys(SSL_CTX* from, SSL_CTX* to) {
  const long size = SSL_CTX_get_tlsext_ticket_keys(from, nullptr, 0);
  if (size <= 0) return;
  std::string keys(static_cast<std::size_t>(size), '\0');
  if (SSL_CTX_get_tlsext_ticket_keys(from, keys.data(), size) == 1) {
    SSL_CTX_set_tlsext_ticket_keys(to, keys.data(), size);
  }
  OPENSSL_cleanse(keys.data(), keys.size());
}

}  // namespace

void SslDeleter::operator()(SSL* ssl) const { SSL_free(ssl); }

TlsContext::TlsContext(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}

storage::Result<void> TlsContext::load() {
  ERR_clear_error();
  const std::shared_ptr<SSL_CTX> made(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!made) return storage::fail(ErrorKind::internal, "no SSL_CTX: " + openssl_error());
  apply_settings(made.get());
  SSL_CTX_set_default_passwd_cb(made.get(), no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(made.get(), certificate_file_.c_str()) != 1) {
    return storage::fail(ErrorKind::invalid,
                         "certificate " + certificate_file_ + ": " + openssl_error());
  }
  if (SSL_CTX_use_PrivateKey_file(made.get(), key_file_.c_str(), SSL_FILETYPE_PEM) != 1) {
    return storage::fail(ErrorKind::invalid, "key " + key_file_ + ": " + openssl_error());
  }
  if (SSL_CTX_check_private_key(made.get()) != 1) {
    return storage::fail(ErrorKind::invalid, "key " + key_file_ + " is not that of " +
                                                 certificate_file_ + ": " + openssl_error());
  }
  const storage::MutexLock lock(mutex_);
  if (context_) copy_ticket_keys(context_.get(), made.get());
  context_ = made;
  return {};
}

SslPtr TlsContext::make_session(int fd) {
  std::shared_ptr<SSL_CTX> context;
  {
    const storage::MutexLock lock(mutex_);
    context = context_;
  }
  if (!context) return nullptr;
  ERR_clear_error();
  SslPtr ssl(SSL_new(context.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace http
