// Writing and reading rows of the audit ring.
#include "log/audit.hpp"

#include <algorithm>
#include <cstring>

#include "log/recorded.hpp"
#include "os/clock.hpp"

namespace shmq {

namespace {

constexpr std::size_t command_words = 2;
constexpr std::size_t group_words = 8;

/// What a row holds but for its word, as words.
struct Contents {
    std::uint64_t time_ns, first, second, pid;
    std::uint64_t command[command_words];
    std::uint64_t group[group_words];

    [[nodiscard]] std::uint64_t check() const noexcept {
        std::uint64_t hash = check_of({time_ns, first, second, pid});
        for (const std::uint64_t word : command) hash = check_of({hash, word});
        for (const std::uint64_t word : group) hash = check_of({hash, word});
        return hash;
    }
};

/// Into words that are zero.
template <std::size_t count>
void set_words(std::uint64_t (&words)[count], std::string_view text) noexcept {
    if (!text.empty()) std::memcpy(words, text.data(), std::min(text.size(), sizeof words));  // else perhaps null
}
template <std::size_t count>
void store_words(Word (&words)[count], const std::uint64_t (&values)[count]) noexcept {
    const std::uint64_t* value = values;
    for (Word& word : words) word.store(*value++, memory_order_relaxed);  // RECORD orders them
}
template <std::size_t count>
void load_words(const Word (&words)[count], std::uint64_t (&values)[count]) noexcept {
    std::uint64_t* value = values;
    for (const Word& word : words) *value++ = word.load(memory_order_relaxed);  // RECORD orders them
}
template <std::size_t count>
std::string text_of_words(const std::uint64_t (&words)[count]) {
    char bytes[sizeof words];
    std::memcpy(bytes, words, sizeof words);
    return std::string(bytes, ::strnlen(bytes, sizeof bytes));
}

std::optional<AuditEntry> read(const AuditRow& row) {
    Contents found{};
    const auto word = read_recorded(row.word, [&] {  // relaxed: RECORD orders them
        found.time_ns = row.time_ns.load(memory_order_relaxed);
        found.first = row.first.load(memory_order_relaxed);
        found.second = row.second.load(memory_order_relaxed);
        found.pid = row.pid.load(memory_order_relaxed);
        load_words(row.command, found.command);
        load_words(row.group, found.group);
        return found.check();
    });
    if (!word) return std::nullopt;
    return AuditEntry{word->number,
                      found.time_ns,
                      word->what,
                      found.first,
                      found.second,
                      static_cast<std::int64_t>(found.pid),
                      text_of_words(found.command),
                      text_of_words(found.group)};
}

}  // namespace

Auditor auditor_of(const Segment& segment, std::uint32_t attachment) noexcept {
    const AttachmentRow& row = segment.attachment(attachment);
    // relaxed: for people; of another's row it may be anybody's by now.
    return {row.pid.load(memory_order_relaxed), {row.command, ::strnlen(row.command, sizeof row.command)}};
}

void audit(const Segment& segment, const Auditor& who, Did what, std::string_view group, std::uint64_t first,
           std::uint64_t second) noexcept {
    if (!segment.geometry().recorders) return;
    Contents contents{os::realtime_ns(), first, second, static_cast<std::uint64_t>(who.pid), {}, {}};
    set_words(contents.command, who.command);
    set_words(contents.group, group);
    // relaxed: who takes the same row a lap later may write at the same time; the check tells.
    const std::uint64_t number = segment.control().audits.fetch_add(1, memory_order_relaxed);
    AuditRow& row = segment.audit(static_cast<std::uint32_t>(number % audit_rows));
    const RecordedWord word{static_cast<std::uint32_t>(number), contents.check(), std::nullopt, what};
    write_recorded(row.word, word, [&] {  // relaxed: RECORD orders them
        row.time_ns.store(contents.time_ns, memory_order_relaxed);
        row.first.store(first, memory_order_relaxed);
        row.second.store(second, memory_order_relaxed);
        row.pid.store(contents.pid, memory_order_relaxed);
        store_words(row.command, contents.command);
        store_words(row.group, contents.group);
    });
}

std::vector<AuditEntry> audits_of(const Segment& segment) {
    std::vector<AuditEntry> entries;
    if (!segment.geometry().recorders) return entries;
    for (std::uint32_t row = 0; row < audit_rows; ++row) {
        auto found = read(segment.audit(row));
        if (found) entries.push_back(std::move(*found));
    }
    // relaxed: the order of the list hangs on it, and nothing else.
    sort_by_age(entries, segment.control().audits.load(memory_order_relaxed));
    return entries;
}

}  // namespace shmq
