// `shmq demo`: several processes, one stream, real records, a crash in the middle, and a proof at the end.
//
// The process that calls run_demo becomes the *keeper*: it reads the input, makes the stream and a folder for outputs,
// starts the *director* and starts it again should somebody kill it. The director (demo_director) starts the workers
// (demo_workers), kills two of them on purpose, starts again whoever else dies, and in the end calls the proof
// (demo_proof) and tidies up. Everything a successor needs to know is in the stream and in the folder (demo_folder), so
// any one of these processes may be killed at any time; if it is the keeper, the director goes on without it.
#pragma once

#include <cstdint>
#include <string>

namespace shmq::tools {

struct DemoOptions {
    std::string input;          ///< a text file, one line an entry; empty: the package database, one package an entry
    std::string tool_path;      ///< the running shmq, beside which shmq-inspect lies
    std::uint64_t records = 0;  ///< the input is repeated until there are at least so many; 0: two million
};

/// Runs the demo, output on standard output, complaints on standard error. Uses fork; the caller has no other thread
/// and no open stream. Returns the exit status: 0 the proof holds, 1 it does not, 64 a number too large, 66 no such
/// input, 73 no room for the stream or the outputs, 128 + the signal that ended it.
int run_demo(const DemoOptions& options);

}  // namespace shmq::tools
