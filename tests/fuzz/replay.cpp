// The inputs in corpus/, replayed without libFuzzer: this main calls a target's entry point once for each file of the
// folders named. Each file is named before it is tried, so that the last name is the one at which it ended.
//
//     NAME_replay FOLDER...    exit 0, or the signal of what was found; 1 if there was no input
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr unsigned longest_s = 60;  // of one input, which takes milliseconds; then it is taken for endless

std::vector<std::uint8_t> bytes_in(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::filesystem::path> files_in(const char* folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& found : std::filesystem::directory_iterator(folder))
        if (found.is_regular_file()) files.push_back(found.path());
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

int main(int count, char** words) {
    std::size_t inputs = 0;
    // What a target prints of its own is of no interest; the names go to standard error.
    if (std::freopen("/dev/null", "w", stdout) == nullptr) return 1;
    for (int i = 1; i < count; ++i) {
        for (const auto& file : files_in(words[i])) {
            std::fprintf(stderr, "%s\n", file.c_str());
            const std::vector<std::uint8_t> bytes = bytes_in(file);
            ::alarm(longest_s);
            LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
            ::alarm(0);
            ++inputs;
        }
    }
    std::fprintf(stderr, "%zu inputs, nothing found\n", inputs);
    return inputs == 0 ? 1 : 0;
}
