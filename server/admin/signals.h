// The signals of a server, taken one by one by the main thread.
#pragma once

namespace eas::admin {

// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all threads it starts from now on, and
// ignores SIGPIPE. Call before the first thread is started.
void take_signals();

enum class Signal { stop, reload };
// Waits for the next one.
Signal next_signal();

// As many open files as the machine allows this process: one per phone.
void raise_file_limit();

// Answers of some hundred kilobytes come and go: the heap keeps their pages instead of asking the
// system for fresh ones each time, which costs a fault per page. (The connection layer gives idle
// memory back.)
void keep_heap_pages();

}  // namespace eas::admin
