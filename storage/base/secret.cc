#include "storage/base/secret.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "storage/base/crypto.h"
#include "storage/base/text.h"
#include "storage/base/unique_fd.h"

namespace storage {
namespace {

constexpr int kNonceSize = 12;
constexpr int kTagSize = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Error disk_error(const std::string& path) {
  return {ErrorKind::unavailable, path + ": " + std::strerror(errno)};
}

// Written aside and linked into place, so that nobody ever sees half of it.
Result<void> make_secret(const std::string& path) {
  const std::string aside = path + "." + to_hex(random_bytes(6));
  {
    const UniqueFd file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) return fail(disk_error(aside));
    const std::string secret = random_bytes(kSecretSize);
    const ssize_t written = ::write(file.get(), secret.data(), secret.size());
    if (written != static_cast<ssize_t>(secret.size()) || ::fsync(file.get()) != 0) {
      Error error = disk_error(aside);
      ::unlink(aside.c_str());
      return fail(std::move(error));
    }
  }
  const bool linked = ::link(aside.c_str(), path.c_str()) == 0 || errno == EEXIST;
  Error error = disk_error(path);
  ::unlink(aside.c_str());
  if (!linked) return fail(std::move(error));
  return {};
}

}  // namespace

Result<std::string> load_secret(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return fail(ErrorKind::not_found, path + ": there is none");
    return fail(disk_error(path));
  }
  std::string secret(kSecretSize + 1, '\0');
  const ssize_t count = ::read(file.get(), secret.data(), secret.size());
  if (count < 0) return fail(disk_error(path));
  if (static_cast<std::size_t>(count) != kSecretSize) {
    return fail(ErrorKind::corrupt, path + ": not a secret of this server");
  }
  secret.resize(kSecretSize);
  return secret;
}

Result<std::string> load_or_make_secret(const std::string& path) {
  auto secret = load_secret(path);
  if (secret || secret.error().kind != ErrorKind::not_found) return secret;
  GODWIT_TRY(make_secret(path));
  return load_secret(path);
}

std::string seal(std::string_view secret, std::string_view context, std::string_view text) {
  std::string sealed = random_bytes(kNonceSize);
  std::string cipher(text.size() + 1, '\0');
  std::string tag(kTagSize, '\0');
  const CipherContext state(EVP_CIPHER_CTX_new());
  int length = 0;
  EVP_EncryptInit_ex(state.get(), EVP_aes_256_gcm(), nullptr, bytes_of(secret), bytes_of(sealed));
  EVP_EncryptUpdate(state.get(), nullptr, &length, bytes_of(context),
                    static_cast<int>(context.size()));
  EVP_EncryptUpdate(state.get(), bytes_of(cipher), &length, bytes_of(text),
                    static_cast<int>(text.size()));
  cipher.resize(static_cast<std::size_t>(length));
  EVP_EncryptFinal_ex(state.get(), bytes_of(tag), &length);
  EVP_CIPHER_CTX_ctrl(state.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, tag.data());
  return sealed + cipher + tag;
}

std::optional<std::string> unseal(std::string_view secret, std::string_view context,
                                  std::string_view sealed) {
  if (secret.size() != kSecretSize || sealed.size() < kNonceSize + kTagSize) return std::nullopt;
  const std::string_view nonce = sealed.substr(0, kNonceSize);
  const std::string_view cipher = sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
  std::string tag(sealed.substr(sealed.size() - kTagSize));
  std::string text(cipher.size() + 1, '\0');
  const CipherContext state(EVP_CIPHER_CTX_new());
  int length = 0;
  EVP_DecryptInit_ex(state.get(), EVP_aes_256_gcm(), nullptr, bytes_of(secret), bytes_of(nonce));
  EVP_DecryptUpdate(state.get(), nullptr, &length, bytes_of(context),
                    static_cast<int>(context.size()));
  EVP_DecryptUpdate(state.get(), bytes_of(text), &length, bytes_of(cipher),
                    static_cast<int>(cipher.size()));
  text.resize(static_cast<std::size_t>(length));
  EVP_CIPHER_CTX_ctrl(state.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data());
  std::string rest(kTagSize, '\0');
  if (EVP_DecryptFinal_ex(state.get(), bytes_of(rest), &length) != 1) return std::nullopt;
  return text;
}

}  // namespace storage
