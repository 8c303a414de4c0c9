// One client's connection: a state machine that its event loop drives.
//
//   handshake → reading → working → writing → reading …
//                            │  ▲                └──► lingering → closed
//                            ▼  │ resume
//                           parked
//
// One request is in flight at a time; what the client sends meanwhile (pipelining) stays in the
// socket or in rest_. While a request is parked nothing but this object, the ParkedRequest and
// OpenSSL's state exists. Lives in its loop's slab and is reused; touched only by the loop's
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/http/job.h"
#include "server/http/mailbox.h"
#include "server/http/parking.h"
#include "server/http/peer_address.h"
#include "server/http/timer_wheel.h"
#include "server/http/transport.h"

namespace http {

class EventLoop;

class Connection : public TimerNode {
 public:
  Connection();
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // A slot's life: bind() once, then open() and a release by the loop in turns.
  void bind(EventLoop& loop, std::uint32_t slot);
  void open(Transport transport, const PeerAddress& peer);
  bool is_open() const { return phase_ != Phase::closed; }
  ConnectionRef ref() const { return {slot_, generation_}; }

  // What happens to it. Each may end in its release.
  void on_socket(std::uint32_t epoll_events);
  void on_deadline();
  void on_wake();
  void on_completion(Completion completion);
  void on_shutdown();  // answers or closes, as soon as it can
  void advance();      // goes on with what it was doing
  void close();

 private:
  enum class Phase : std::uint8_t {
    closed,
    handshake,
    reading,  // waits for a request, or is in the midst of one (incoming_)
    working,  // a worker has it
    parked,
    writing,
    lingering,  // reads what still comes, so that the last reply is not lost to a reset
  };
  struct Incoming;
  struct Outgoing;

  // Each returns whether there may be more to do at once.
  bool step_handshake();
  bool step_read(std::size_t& budget);
  bool step_write(std::size_t& budget);
  bool step_linger(std::size_t& budget);

  void feed(std::string_view input);
  bool accept_head(bool body_has_come);
  bool append_body(std::string_view piece);
  void dispatch();
  void refuse(int status, const char* reason);
  void start_reply(WireReply reply, bool linger);
  void finish_reply();
  void start_linger();

  void file(Parked parked, const ReplyTraits& traits);
  void resume(WakeReason reason);

  void on_read_deadline();
  void on_write_deadline();
  void set_deadline(TimePoint due);
  TimePoint body_deadline() const;
  void log_refusal(int status, std::string_view reason) const;

  EventLoop* loop_ = nullptr;
  Transport transport_;
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;
  Phase phase_ = Phase::closed;
  bool readable_ = false;  // the socket may have bytes (edge-triggered epoll)
  bool hung_up_ = false;   // the client has ended its side
  bool counted_parked_ = false;
  bool shutdown_delivered_ = false;  // a parked request was resumed with `shutdown`
  PeerAddress peer_;
  std::unique_ptr<Incoming> incoming_;     // while a request is being read
  std::unique_ptr<Outgoing> outgoing_;     // while a reply is being written
  std::unique_ptr<ParkedRequest> parked_;  // while parked
  std::string rest_;                       // bytes read behind the request in flight
};

}  // namespace http
