// `godwit SUBCOMMAND …`: finds the subcommand, parses its options, runs it.
#pragma once

namespace eas::admin {

// Returns the process's exit status: 0 done, 1 failed (the reason is on standard error), more than
// 100 for a command line that cannot be understood.
int run_command_line(int argc, char** argv);

}  // namespace eas::admin
