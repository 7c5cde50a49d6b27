// Fuzz target: bytes of a segment change, before it is opened and between the calls of a process that uses it, as a
// hostile or a broken process would change them. Nothing may crash, be read outside the mapping (the page behind it
// can't be touched), or go on longer than the capacity allows (libFuzzer's -timeout).
//
// The input is a program of steps, each a byte and its operands: change a word, or make a call.
#include "fuzz/sample.hpp"
#include "fuzz/user.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace shmq::fuzz;
    static Sample sample;
    constexpr int most_steps = 64;
    sample.restore();
    Input input(data, size);
    User user(sample.stream.path(), sample.letters.path());
    for (int step = 0; step < most_steps && !input.empty(); ++step) {
        switch (input.up_to(7)) {
            case 0: sample.letters.change(input); break;
            case 1:
            case 2: sample.stream.change(input); break;
            default: user.call(input);
        }
    }
    return 0;
}
