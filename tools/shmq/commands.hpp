// The functions behind the rows of the command table, one per command. Each takes arguments that were found good, opens
// the stream, does its work, complains about what fails, and gives the exit code of tools/common/exit_code.hpp.
#pragma once

#include "tools/shmq/command.hpp"

namespace shmq::tools {

int run_create(const Arguments& arguments);        // create.cpp
int run_add(const Arguments& arguments);           // add.cpp
int run_read(const Arguments& arguments);          // read.cpp
int run_claim(const Arguments& arguments);         // read.cpp
int run_tail(const Arguments& arguments);          // tail.cpp
int run_group_create(const Arguments& arguments);  // group.cpp
int run_group_drop(const Arguments& arguments);    // group.cpp
int run_group_list(const Arguments& arguments);    // group.cpp
int run_producers(const Arguments& arguments);     // producers.cpp
int run_ack(const Arguments& arguments);           // operate.cpp
int run_nack(const Arguments& arguments);          // operate.cpp
int run_dead_list(const Arguments& arguments);     // pending.cpp
int run_dead_requeue(const Arguments& arguments);  // operate.cpp
int run_dead_drop(const Arguments& arguments);     // operate.cpp
int run_dead_move(const Arguments& arguments);     // operate.cpp
int run_recover(const Arguments& arguments);       // operate.cpp
int run_trim(const Arguments& arguments);          // operate.cpp
int run_remove(const Arguments& arguments);        // operate.cpp
int run_list(const Arguments& arguments);          // operate.cpp
int run_pending(const Arguments& arguments);       // pending.cpp
int run_demo_command(const Arguments& arguments);  // demo_command.cpp
int run_manual(const Arguments& arguments);        // about.cpp
int run_completion(const Arguments& arguments);    // about.cpp

}  // namespace shmq::tools
