// `shmq-inspect load NAME FILE`: makes a stream from what `dump` wrote: its entries under their sequences, its groups
// with their cursors, and what was pending in them, which waits for its consumers, with as many deliveries as before.
//
// A group is given its entries by its own consumers, up to where it was; what was pending then is held and given back,
// the rest is acked. So everything is made by the ways of every day, and a stream that could not be made whole is
// removed. What a dump does not hold is not there: parked entries, names of producers, times (entries are stamped
// anew).
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tools/common/text.hpp"
#include "tools/inspect/change.hpp"
#include "tools/inspect/dump_file.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using tools::counted;

constexpr std::size_t most_at_once = 64;

/// Brings one group to where it was.
class GroupLoader {
public:
    GroupLoader(Stream& stream, const DumpedGroup& group, const std::map<Sequence, DumpedPending>& pending)
        : stream_(stream), group_(group), pending_(pending), expected_(group.start) {}

    /// Has it given all entries there are now.
    Result<void> take_all() {
        for (;;) {
            const auto pending = pending_.lower_bound(expected_);
            const std::uint64_t before = pending == pending_.end() ? most_at_once : pending->first - expected_;
            // Of a group that keeps an order others than the next may be given.
            const auto count =
                group_.options.order == Order::none ? std::clamp<std::uint64_t>(before, 1, most_at_once) : 1;
            const bool is_pending = pending != pending_.end() && before == 0;
            Result<Consumer*> consumer = consumer_named(is_pending ? pending->second.consumer.value_or("") : "");
            if (!consumer) return consumer.error();
            Result<Batch> batch = (*consumer)->read({.max_entries = count});
            if (!batch && batch.error().code() == Code::empty) return {};
            if (!batch) return batch.error();
            if (auto taken = take(**consumer, std::move(*batch)); !taken) return taken.error();
        }
    }
    /// Gives back what was pending.
    Result<void> give_back() {
        // Each in turn, and last what shall wait for nobody: until then only the entry that was just given back waits.
        for (Held& one : held_)
            for (std::uint32_t turn = 1; turn < one.pending->deliveries; ++turn) {
                if (auto done = one.batch.nack(one.sequence, Duration{0}); !done) return done.error();
                Result<Batch> again = one.consumer->read({.max_entries = 1});
                if (!again) return again.error();
                one.batch = std::move(*again);
            }
        for (Held& one : held_) {
            const bool was_given_back = !one.pending->consumer || one.pending->dead;
            if (!was_given_back || one.pending->deliveries == 0) continue;
            if (auto done = one.batch.nack(one.sequence, Duration{0}); !done) return done.error();
        }
        held_.clear();
        consumers_.clear();
        return {};
    }

private:
    struct Held {
        Consumer* consumer;
        Batch batch;
        Sequence sequence;
        const DumpedPending* pending;
    };

    /// The consumer of that name, or an anonymous one. A strict group is served by one alone.
    Result<Consumer*> consumer_named(const std::string& name) {
        const bool is_strict = group_.options.order == Order::strict;
        if (is_strict && !consumers_.empty()) return &consumers_.begin()->second;
        if (const auto found = consumers_.find(name); found != consumers_.end()) return &found->second;
        Result<Consumer> consumer = stream_.consumer(group_.name, name);
        if (!consumer) return consumer.error();
        return &consumers_.emplace(name, std::move(*consumer)).first->second;
    }
    /// Holds what was pending, and acks the rest.
    Result<void> take(Consumer& consumer, Batch batch) {
        expected_ = std::max(expected_, batch[batch.size() - 1].sequence() + 1);
        const auto pending = pending_.find(batch[0].sequence());
        if (batch.size() == 1 && pending != pending_.end()) {
            held_.push_back({&consumer, std::move(batch), pending->first, &pending->second});
            return {};
        }
        return batch.ack();
    }

    Stream& stream_;
    const DumpedGroup& group_;
    const std::map<Sequence, DumpedPending>& pending_;
    Sequence expected_;  // the lowest that it was not given yet
    std::map<std::string, Consumer> consumers_;
    std::vector<Held> held_;
};

/// Fills a new stream from a file.
class Loader {
public:
    Loader(Stream& stream, const DumpFile& file) : stream_(stream), file_(file) {
        for (const DumpedGroup& group : file.groups())
            ends_.push_back({std::clamp(group.next, first(), file.next()), &group});
        std::sort(ends_.begin(), ends_.end(), [](const End& a, const End& b) { return a.at < b.at; });
    }

    Result<void> fill() {
        Error error;
        file_.each_entry([&](const DumpedEntry& entry) {
            while (error.code() == Code::ok && next_ < entry.sequence) error = add({});
            if (error.code() == Code::ok) error = add(entry);
            return error.code() == Code::ok;
        });
        while (error.code() == Code::ok && next_ < file_.next()) error = add({});
        if (error.code() == Code::ok) error = bring_groups();
        if (error.code() != Code::ok) return error;
        return {};
    }

private:
    struct End {
        Sequence at;
        const DumpedGroup* group;
    };

    [[nodiscard]] Sequence first() const { return file_.options().first_sequence; }

    /// Adds an entry, after the groups that ended before it were brought there.
    Error add(const DumpedEntry& entry) {
        if (Error error = bring_groups(); error.code() != Code::ok) return error;
        const AddOptions options{.key = bytes_of(entry.key)};
        std::vector<Field> fields;
        if (entry.fields)
            for (const auto& [name, value] : *entry.fields) fields.emplace_back(name, std::string_view(value));
        const Result<Sequence> added = entry.fields ? stream_.add_fields(std::span<const Field>(fields), options)
                                                    : stream_.add(std::string_view(entry.data), options);
        if (!added) return added.error();
        next_ = *added + 1;
        return {};
    }
    /// Those whose next entry is the next to be added.
    Error bring_groups() {
        for (; brought_ < ends_.size() && ends_[brought_].at == next_; ++brought_) {
            const DumpedGroup& group = *ends_[brought_].group;
            const Sequence from = std::clamp(group.start, first(), next_);
            if (auto made = stream_.create_group(group.name, Position::at(from), group.options); !made)
                return made.error();
            DumpedGroup there = group;
            there.start = from;
            GroupLoader loader(stream_, there, file_.pending(group.name));
            if (auto taken = loader.take_all(); !taken) return taken.error();
            if (auto given = loader.give_back(); !given) return given.error();
        }
        return {};
    }

    Stream& stream_;
    const DumpFile& file_;
    std::vector<End> ends_;  // by where the groups were
    std::size_t brought_ = 0;
    Sequence next_ = first();
};

std::string what_of(const std::string& name, const DumpFile& file) {
    std::string text =
        fmt::format("make stream {} with {}", safe_text(name).text, counted(file.entries(), "entry", "entries"));
    if (file.entries() != 0) text += fmt::format(" ({} to {})", file.options().first_sequence, file.next() - 1);
    text += fmt::format(", {}, {} pending", counted(file.groups().size(), "group", "groups"),
                        tools::grouped(file.pending_count()));
    const std::uint64_t sequences = file.next() - file.options().first_sequence;
    if (sequences > file.entries())
        text +=
            fmt::format("; {} that the file has not become empty entries", tools::grouped(sequences - file.entries()));
    return text;
}

Result<std::string> load(const std::string& name, const DumpFile& file) {
    Result<Stream> stream = Stream::create(name, file.options());
    if (!stream) return stream.error();
    const Result<void> loaded = Loader(*stream, file).fill();
    stream->close();
    if (!loaded) static_cast<void>(Stream::remove(name));
    return without_words(loaded);
}

}  // namespace

int run_load(Answer& answer) {
    const Request& request = answer.request();
    try {
        const DumpFile file(request.file);
        return carry_out(answer, {{what_of(request.name, file), [&] { return load(request.name, file); }}});
    } catch (const BadDump& problem) {
        tools::complain(fmt::format("{}: {}", request.file, problem.what()));
        return tools::exit_usage;
    }
}

}  // namespace shmq::inspect
