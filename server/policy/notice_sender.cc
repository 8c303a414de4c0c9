#include "server/policy/notice_sender.h"

#include <algorithm>
#include <utility>

#include "storage/base/log.h"

namespace eas::policy {
namespace {

using storage::ErrorKind;
using storage::MutexLock;
using storage::Result;

}  // namespace

NoticeSender::NoticeSender(storage::MailSender& inner) : NoticeSender(inner, Options()) {}

NoticeSender::NoticeSender(storage::MailSender& inner, Options options)
    : inner_(inner), options_(options), thread_([this] { run(); }) {}

NoticeSender::~NoticeSender() { stop(); }

void NoticeSender::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    waiting_.clear();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<void> NoticeSender::send(const storage::OutgoingMail& mail) {
  const MutexLock lock(mutex_);
  if (stopping_) return storage::fail(ErrorKind::unavailable, "stopped");
  if (waiting_.size() >= options_.most) {
    return storage::fail(ErrorKind::unavailable, "too many messages wait");
  }
  waiting_.push_back(
      {mail.sender, mail.recipients, std::string(mail.bytes), mail.identity, 0, Clock::now()});
  changed_.notify_one();
  return {};
}

bool NoticeSender::next(Waiting& message) {
  const MutexLock lock(mutex_);
  for (;;) {
    if (stopping_) return false;
    if (waiting_.empty()) {
      changed_.wait(mutex_);
      continue;
    }
    const auto first =
        std::min_element(waiting_.begin(), waiting_.end(),
                         [](const Waiting& a, const Waiting& b) { return a.due < b.due; });
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(first->due - Clock::now());
    if (left.count() <= 0) {
      message = std::move(*first);
      waiting_.erase(first);
      return true;
    }
    changed_.wait_for(mutex_, left);
  }
}

void NoticeSender::deliver(Waiting message) {
  storage::OutgoingMail mail;
  mail.sender = message.sender;
  mail.recipients = message.recipients;
  mail.bytes = message.bytes;
  mail.identity = message.identity;
  const auto sent = inner_.send(mail);
  if (sent) return;
  ++message.failures;
  const bool again = is_temporary(sent.error()) && message.failures < options_.attempts;
  storage::log_event(storage::LogLevel::warning, "the administrator was not told",
                     {{"reason", sent.error().message}, {"again", again ? "yes" : "no"}});
  if (!again) return;
  message.due = Clock::now() + options_.pause * (1 << (message.failures - 1));
  const MutexLock lock(mutex_);
  if (!stopping_) waiting_.push_back(std::move(message));
}

void NoticeSender::run() {
  Waiting message;
  while (next(message)) deliver(std::move(message));
}

}  // namespace eas::policy
