// See looks.hpp.
#include "tools/inspect/looks.hpp"

#include <chrono>
#include <thread>
#include <utility>

namespace shmq::inspect {

Result<TwoLooks> look_twice(std::string_view name, Duration over) {
    using Clock = std::chrono::steady_clock;
    Result<Stream> stream = open_to_look(name);
    if (!stream) return stream.error();
    Result<StreamFacts> earlier = gather(*stream);
    if (!earlier) return earlier.error();
    const Clock::time_point first = Clock::now();
    std::this_thread::sleep_for(over);
    Result<StreamFacts> later = gather(*stream);
    if (!later) return later.error();
    Rates rates = rates_between(*earlier, *later, Clock::now() - first);
    return TwoLooks{std::move(*later), std::move(rates)};
}

}  // namespace shmq::inspect
