// Fuzz target: every command of shmq-inspect on a damaged segment, in this process. It has to end with an exit code of
// its table, and to leave the bytes as they are.
//
// The input: which command and how, how many changes, the changes. Screens go to standard output: -close_fd_mask=3.
#include <sys/mman.h>

#include "fuzz/sample.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/inspect/command.hpp"

namespace shmq::fuzz {
namespace {

std::vector<std::string> words_of(const inspect::Command& command, const std::string& path, Input& input) {
    std::vector<std::string> words{std::string(command.name)};
    for (const inspect::Word word : command.required)
        words.push_back(word == inspect::Word::name ? path : group_names[input.up_to(group_names.size() - 1)]);
    for (const inspect::Word word : command.optional) {
        if (input.coin()) break;
        switch (word) {
            case inspect::Word::name: words.push_back(path); break;
            case inspect::Word::group: words.emplace_back(group_names[input.up_to(group_names.size() - 1)]); break;
            case inspect::Word::from:
            case inspect::Word::to: words.push_back(std::to_string(1 + input.up_to(30))); break;
        }
    }
    if (input.coin()) words.emplace_back("--json");
    return words;
}

void run(const std::vector<std::string>& words) {
    using namespace tools;
    const int code = inspect::run_command_line(words);
    for (const int known : {exit_done, exit_nothing, exit_damaged, exit_usage, exit_not_found})
        if (code == known) return;
    std::fprintf(stderr, "%s ended with %d\n", words.front().c_str(), code);
    std::abort();
}

}  // namespace
}  // namespace shmq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace shmq;
    using namespace shmq::fuzz;
    static Sample sample;
    sample.restore();
    Input input(data, size);
    const auto commands = inspect::commands();
    const inspect::Command& command = commands[input.up_to(commands.size() - 1)];
    if (command.name == "list") return 0;  // of a folder, whose other streams are none of ours
    const std::vector<std::string> words = words_of(command, sample.stream.path(), input);
    for (int change = 0; change < 16 && !input.empty(); ++change) sample.stream.change(input);
    const std::vector<std::byte> before(sample.stream.bytes(), sample.stream.bytes() + sample.stream.size());
    run(words);
    if (std::memcmp(before.data(), sample.stream.bytes(), before.size()) != 0) std::abort();
    return 0;
}
