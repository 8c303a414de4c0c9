// A socket's path may have 107 bytes only, a data directory more; so both ends name it through a
// file descriptor of the directory (/proc/self/fd/N/control.sock), which is always short.
#include "server/admin/control_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "storage/base/log.h"
#include "storage/base/unique_fd.h"
#include "storage/notify/pending_events.h"

namespace eas::admin {
namespace {

using storage::ErrorKind;
using storage::fail;
using storage::HubEvent;
using storage::LogLevel;
using storage::Result;
using storage::UniqueFd;

constexpr const char* kName = "control.sock";
constexpr const char* kChannel = "godwit_change";  // PostgresBridgeOptions::channel
constexpr std::size_t kMostMessage = 4096;

tl::unexpected<storage::Error> failed(const std::string& what) {
  return fail(ErrorKind::unavailable, what + ": " + std::strerror(errno));
}

struct Place {
  UniqueFd directory;
  sockaddr_un address{};
};

Result<Place> place_in(const std::string& data_dir) {
  Place place;
  place.directory = UniqueFd(::open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (place.directory.get() < 0) return failed(data_dir);
  place.address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(place.directory.get()) + "/" + kName;
  path.copy(place.address.sun_path, sizeof place.address.sun_path - 1);
  return place;
}

const sockaddr* as_address(const Place& place) {
  return reinterpret_cast<const sockaddr*>(&place.address);
}

Result<UniqueFd> make_socket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return failed("control socket");
  return socket;
}

void send_datagram(const std::string& data_dir, const std::string& message) {
  const auto place = place_in(data_dir);
  const auto socket = make_socket();
  if (!place || !socket) return;
  const auto sent = ::sendto(socket->get(), message.data(), message.size(), 0, as_address(*place),
                             sizeof place->address);
  // ENOENT, ECONNREFUSED: no server runs, or it was killed.
  if (sent < 0 && errno != ENOENT && errno != ECONNREFUSED) {
    storage::log_event(LogLevel::warning, "the running server was not told",
                       {{"reason", std::strerror(errno)}});
  }
}

void send_notify(storage::Database& database, const std::string& message) {
  const auto sent = database.write([&](storage::Connection& connection) -> Result<void> {
    GODWIT_TRY(connection.query("SELECT pg_notify($1, $2)", {std::string(kChannel), message}));
    return {};
  });
  if (!sent) {
    storage::log_event(LogLevel::warning, "the running servers were not told",
                       {{"reason", sent.error().message}});
  }
}

}  // namespace

void announce(Stores& stores, std::int64_t user, std::int64_t device) {
  const std::string message =
      storage::to_message({{user, device, 0, storage::hub_event::kDevice}}, false);
  if (stores.database->is_sqlite()) {
    send_datagram(stores.config.data_dir, message);
  } else {
    send_notify(*stores.database, message);
  }
}

class ControlSocket::Worker {
 public:
  Worker(Place place, UniqueFd socket, UniqueFd stop, storage::ChangeHub& hub)
      : place_(std::move(place)), socket_(std::move(socket)), stop_(std::move(stop)), hub_(hub) {
    thread_ = std::thread([this] { run(); });
  }
  ~Worker() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(stop_.get(), &one, sizeof one));
    thread_.join();
    ::unlinkat(place_.directory.get(), kName, 0);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

 private:
  void run() {
    std::array<pollfd, 2> fds = {pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    for (;;) {
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
      if (fds[1].revents != 0) return;
      if (fds[0].revents != 0) take();
    }
  }
  void take() {
    std::array<char, kMostMessage> buffer{};
    const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) return;
    const auto message =
        storage::parse_message(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
    if (!message) {
      storage::log_event(LogLevel::warning, "a strange message at the control socket is ignored");
      return;
    }
    for (const HubEvent& event : message->events) hub_.publish(event);
  }

  const Place place_;
  const UniqueFd socket_;
  const UniqueFd stop_;
  storage::ChangeHub& hub_;
  std::thread thread_;
};

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(const std::string& data_dir,
                                                           storage::ChangeHub& hub) {
  GODWIT_ASSIGN(Place place, place_in(data_dir));
  GODWIT_ASSIGN(UniqueFd socket, make_socket());
  {
    GODWIT_ASSIGN(const UniqueFd probe, make_socket());
    if (::connect(probe.get(), as_address(place), sizeof place.address) == 0) {
      return fail(ErrorKind::exists, "another server runs in " + data_dir);
    }
  }
  ::unlinkat(place.directory.get(), kName, 0);  // left by one that was killed
  // On Linux the file gets the mode of the socket.
  if (::fchmod(socket.get(), S_IRUSR | S_IWUSR) != 0 ||
      ::bind(socket.get(), as_address(place), sizeof place.address) != 0) {
    return failed(data_dir + "/" + kName);
  }
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (stop.get() < 0) return failed("eventfd");
  return std::unique_ptr<ControlSocket>(new ControlSocket(
      std::make_unique<Worker>(std::move(place), std::move(socket), std::move(stop), hub)));
}

ControlSocket::ControlSocket(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
ControlSocket::~ControlSocket() = default;

}  // namespace eas::admin
