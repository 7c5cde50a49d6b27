// Looks at what anybody can see; the protocol's own bookkeeping is not asked.
#include "crash/key_order.hpp"

#include <array>

namespace shmq::test {

namespace {

AddOptions keyed(const std::string& key) {
    AddOptions options;
    options.key = bytes_of(key);
    return options;
}

/// Whether an entry of one key waits for one of the other.
bool share_a_stripe(const std::string& one, const std::string& other) {
    const Folder folder;
    Stream stream = must(Stream::create(folder / "s", small_options()));
    GroupOptions group;
    group.order = Order::by_key;
    must(stream.create_group("g", Position::oldest(), group));
    must(stream.add(one, keyed(one)));
    must(stream.add(other, keyed(other)));
    Consumer first = must(stream.consumer("g", "first"));
    Consumer second = must(stream.consumer("g", "second"));
    const Batch held = must(first.read(reading(1)));
    return code_of(second.read()) == Code::empty;
}

using Keys = std::array<std::string, 3>;

/// The first two share a stripe, the third has another.
Keys find_keys() {
    Keys keys{"a", "", ""};
    for (char c = 'b'; keys[1].empty() || keys[2].empty(); ++c) keys[share_a_stripe("a", {c}) ? 1 : 2] = c;
    return keys;
}
const Keys& keys() {
    static const Keys found = find_keys();
    return found;
}

/// The lines of what is kept.
std::map<Sequence, int> lines_of(const Stream& stream, Order order) {
    std::map<Sequence, int> lines;
    const StreamInfo info = must(stream.info());
    if (info.first == info.next) return lines;
    for (const Entry& entry : must(stream.range(info.first, info.next)))
        lines.emplace(entry.sequence(),
                      line_of(order, {reinterpret_cast<const char*>(entry.key().data()), entry.key().size()}));
    return lines;
}

bool is_in_flight(const PendingEntry& entry) { return entry.consumer && !entry.retry && !entry.delayed && !entry.dead; }

std::string text_of(const PendingEntry& entry) {
    return std::to_string(entry.sequence) +
           (is_in_flight(entry) ? " at " + *entry.consumer : std::string(" at nobody"));
}

}  // namespace

std::string key_of(std::uint64_t number) { return number % 4 == 3 ? std::string() : keys()[number % 4]; }

int line_of(Order order, std::string_view key) {
    if (order == Order::strict) return 1;
    if (order == Order::none || key.empty()) return 0;
    return key == keys()[2] ? 2 : 1;
}

std::string wrong_in_flight(const Stream& stream, Order order, bool after_death) {
    if (order == Order::none) return {};
    const auto entries = stream.pending_entries("work");
    if (!entries) return {};  // no group
    const std::map<Sequence, int> lines = lines_of(stream, order);
    std::map<int, PendingEntry> first;
    for (const PendingEntry& entry : *entries) {  // in sequence order
        const auto line = lines.find(entry.sequence);
        if (line == lines.end() || line->second == 0) continue;
        if (after_death && !is_in_flight(entry)) continue;
        const PendingEntry& before = first.try_emplace(line->second, entry).first->second;
        if (is_in_flight(entry) && (!is_in_flight(before) || *before.consumer != *entry.consumer))
            return text_of(entry) + ", but " + text_of(before);
    }
    return {};
}

std::string wrong_to_give(const Stream& stream, Order order, const Entry& entry, std::string_view consumer) {
    if (order == Order::none) return {};
    const std::map<Sequence, int> lines = lines_of(stream, order);
    const auto line = lines.find(entry.sequence());
    if (line == lines.end() || line->second == 0) return {};
    for (const PendingEntry& other : must(stream.pending_entries("work"))) {
        if (other.sequence >= entry.sequence()) break;
        const auto found = lines.find(other.sequence);
        if (found == lines.end() || found->second != line->second) continue;
        if (!is_in_flight(other) || *other.consumer != consumer)
            return std::to_string(entry.sequence()) + ", but " + text_of(other);
    }
    return {};
}

}  // namespace shmq::test
