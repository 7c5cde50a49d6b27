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

std::string text_of(inspect::Word word, const std::string& path, Input& input) {
    switch (word) {
        case inspect::Word::name: return path;
        case inspect::Word::group: return group_names[input.up_to(group_names.size() - 1)];
        case inspect::Word::from:
        case inspect::Word::to: return std::to_string(1 + input.up_to(30));
        case inspect::Word::word: return input.coin() ? "full" : "nonsense";
    }
    return {};
}

/// Without a name some look at a whole folder, whose other streams are none of ours; and nothing waits.
std::vector<std::string> words_of(const inspect::Command& command, const std::string& path, Input& input) {
    std::vector<std::string> words{std::string(command.name)};
    for (const inspect::Word word : command.required) words.push_back(text_of(word, path, input));
    for (const inspect::Word word : command.optional) {
        if (word != inspect::Word::name && input.coin()) break;
        words.push_back(text_of(word, path, input));
    }
    for (const inspect::Flag* flag : command.flags) {
        const bool is_pause = flag->spelling == "--over";
        if (flag->spelling == "--output" || (!is_pause && input.coin())) continue;
        words.emplace_back(flag->spelling);
        if (!flag->value.empty()) words.push_back(is_pause ? "1ns" : std::to_string(1 + input.up_to(30)));
    }
    if (input.coin()) words.emplace_back("--json");
    return words;
}

void run(const std::vector<std::string>& words) {
    using namespace tools;
    const int code = inspect::run_command_line(words);
    for (const int known : {exit_done, exit_nothing, exit_damaged, inspect::check_unknown, exit_usage, exit_not_found})
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
