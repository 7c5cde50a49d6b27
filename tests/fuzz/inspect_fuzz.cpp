// Fuzz target: every command of shmq-inspect on a damaged segment, in this process. It has to end with an exit code of
// its table, and to leave the bytes as they are.
//
// The input: which command and how, how many changes, the changes. Screens go to standard output: -close_fd_mask=3.
#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "fuzz/sample.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/inspect/command.hpp"

namespace shmq::fuzz {
namespace {

/// Something for a word or the value of a flag.
std::string text_of(const inspect::Parameter& parameter, const std::string& path, Input& input) {
    if (parameter.spelling == "NAME") return path;
    if (parameter.spelling == "G") return group_names[input.up_to(group_names.size() - 1)];
    if (parameter.spelling == "WORD") return input.coin() ? "full" : "nonsense";
    if (parameter.spelling == "SHELL") return "fish";
    if (parameter.spelling == "--over") return "1ns";  // nothing waits
    if (parameter.spelling == "--html") return path + ".html";
    return std::to_string(1 + input.up_to(30)) + (parameter.value == "D" ? "ms" : "");
}

/// Without a name some look at a whole folder, whose other streams are none of ours. Nothing is changed, nothing goes
/// on for ever, and no other file is written.
std::vector<std::string> words_of(const inspect::Command& command, const std::string& path, Input& input) {
    std::vector<std::string> words{std::string(command.name)};
    const auto add = [&](const inspect::Parameter& parameter) {
        if (parameter.spelling.starts_with("--")) words.emplace_back(parameter.spelling);
        if (!parameter.value.empty()) words.push_back(text_of(parameter, path, input));
    };
    for (const inspect::Parameter* word : command.required) add(*word);
    for (const inspect::Parameter* word : command.optional) {
        if (word->spelling != "NAME" && input.coin()) break;
        add(*word);
    }
    for (const inspect::Parameter* flag : command.flags) {
        constexpr std::string_view never[] = {"--output", "--follow", "--listen", "--write", "--dry-run"};
        const bool is_never = std::find(std::begin(never), std::end(never), flag->spelling) != std::end(never);
        if (is_never || (flag->spelling != "--over" && input.coin())) continue;
        add(*flag);
    }
    if (command.changes) words.emplace_back("--dry-run");
    if (input.coin()) words.emplace_back("--json");
    return words;
}

void run(const std::vector<std::string>& words) {
    using namespace tools;
    const int code = inspect::run_command_line(words);
    for (const int known :
         {exit_done, exit_nothing, exit_damaged, inspect::check_unknown, exit_usage, exit_not_found, exit_full})
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
    // Of a folder, whose other streams are none of ours, and of a file.
    if (command.name == "list" || command.name == "reap" || command.name == "load") return 0;
    const std::vector<std::string> words = words_of(command, sample.stream.path(), input);
    for (int change = 0; change < 16 && !input.empty(); ++change) sample.stream.change(input);
    const std::vector<std::byte> before(sample.stream.bytes(), sample.stream.bytes() + sample.stream.size());
    run(words);
    if (std::memcmp(before.data(), sample.stream.bytes(), before.size()) != 0) std::abort();
    return 0;
}
