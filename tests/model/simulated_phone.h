// A phone as a program: it keeps what the server tells it, makes changes of its own, loses answers
// and asks again. It speaks WBXML elements, so that requests and answers go through the codec.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/protocol_version.h"
#include "wbxml/element.h"

namespace test {

struct PhoneItem {
  std::string subject;
  bool read = false;
  bool operator==(const PhoneItem&) const = default;
};

struct PhoneFolder {
  std::string key = "0";
  std::map<std::string, PhoneItem> items;  // by ServerId
  std::vector<wbxml::Element> unsent;      // Commands that wait for the next Sync
  bool more = false;
  bool synced = false;  // beyond the first key
  // A late copy of an earlier Sync reached the server, which may take it for a repeated request and
  // go on from there: then, and only then, it may forget the key that the phone has.
  bool may_start_again = false;
};

// Sends one command with a body; nullopt when no answer came (lost, or the server died).
// An answer without a body is an empty Element.
using Exchange =
    std::function<std::optional<wbxml::Element>(const std::string& command, const wbxml::Element&)>;

class SimulatedPhone {
 public:
  SimulatedPhone(eas::Version version, int filter) : version_(version), filter_(filter) {}

  eas::Version version() const { return version_; }
  int filter() const { return filter_; }
  void set_filter(int filter) { filter_ = filter; }
  PhoneFolder& folder(const std::string& collection) { return folders_[collection]; }
  // Complaints about answers that make no sense ("added twice").
  const std::vector<std::string>& complaints() const { return complaints_; }

  // Repeats the unanswered request, if there is one. Every other action does this first: a phone
  // has one request under way.
  bool finish_pending(const Exchange& exchange);
  // A copy of an earlier request arrives late; nobody reads its answer. `which` chooses one.
  void repeat_earlier(unsigned which, const Exchange& exchange);

  void sync(const std::string& collection, int window, const Exchange& exchange);
  // Key 0 on the way: the phone forgets the folder and loads it anew.
  void start_again(const std::string& collection, const Exchange& exchange);
  // Changes made on the phone go out with the next Sync.
  void toggle_read(const std::string& collection, const std::string& server_id);
  void remove(const std::string& collection, const std::string& server_id);
  void move(const std::string& from, const std::string& server_id, const std::string& to,
            const Exchange& exchange);
  // False when an earlier request is still unanswered: then nothing was sent.
  bool send_mail(const std::string& client_id, const std::string& mime, const Exchange& exchange);
  // Items that MoveItems called gone.
  const std::set<std::string>& called_gone() const { return called_gone_; }

 private:
  struct Pending {
    std::string command;
    std::string collection;  // of a Sync
    wbxml::Element body;
    std::function<void(const wbxml::Element&)> apply;
  };

  void start(Pending pending, const Exchange& exchange);
  void apply_sync(const std::string& collection, std::size_t sent, const wbxml::Element& answer);
  void apply_operation(PhoneFolder& folder, const wbxml::Element& operation);
  void complain(std::string text) { complaints_.push_back(std::move(text)); }

  eas::Version version_;
  int filter_;
  std::map<std::string, PhoneFolder> folders_;
  std::map<std::string, bool> moved_here_;  // ServerIds taken from MoveItems answers
  std::set<std::string> called_gone_;
  std::optional<Pending> pending_;
  std::vector<Pending> earlier_;  // the last ones sent, oldest first
  std::vector<std::string> complaints_;
};

}  // namespace test
