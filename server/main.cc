// The program: everything else is reached from the table of subcommands.
#include "server/admin/command_line.h"

int main(int argc, char** argv) { return eas::admin::run_command_line(argc, argv); }
