// What the kernel knows of another process: memory, threads, CPU time, bytes written. Linux.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace bench {

// Proportional set size in kB; 0 when the process is gone.
std::int64_t pss_kb(pid_t process);
// Of it: private anonymous memory (heap and stacks, not mapped files).
std::int64_t anonymous_kb(pid_t process);
int thread_count(pid_t process);
double cpu_seconds(pid_t process);
// Bytes that the process caused to be written to files (sockets and pipes do not count).
std::int64_t file_bytes_written(pid_t process);

}  // namespace bench
