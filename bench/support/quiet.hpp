// Whether the two processors are ours alone while something is measured.
//
// On a virtual machine, and where other work runs beside, the other hardware thread of a core may be somebody else's:
// for a tenth of a second to minutes a processor then runs at little more than half its speed, and who is bound by
// instructions, as a reader of single entries is, runs at half its rate. No load average of the machine shows that. A
// loop of additions does.
#pragma once

#include <functional>

namespace bench {

/// Waits, 0.2 s at most, until both processors are fast, runs `measure`, and looks again. If one was below nine
/// tenths of the highest speed seen in this process, before or after, runs it again, `most_runs` times in all. False if
/// that was so with the last run too. With one run nothing is waited for.
bool measure_undisturbed(int most_runs, const std::function<void()>& measure);

}  // namespace bench
