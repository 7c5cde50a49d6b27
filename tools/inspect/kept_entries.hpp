// The entries that are kept, one copied after the other, as a reader without a group sees them.
#pragma once

#include <stop_token>

#include "shmq/stream.hpp"

namespace shmq::inspect {

/// Calls `look` for each entry from `from` (or the oldest, if that was overwritten since) up to and without `end`,
/// until it answers false. With a `stop` that can be requested it waits for entries that are not there yet, until it is
/// requested. The error is what stopped it short, `ok` if nothing did.
template <class Look>
Error each_kept_entry(Stream& stream, Sequence from, Sequence end, Look look, std::stop_token stop = {}) {
    if (from >= end) return {};
    Result<Reader> reader = stream.reader(Position::at(from));
    if (!reader && reader.error().code() == Code::trimmed) reader = stream.reader(Position::oldest());
    if (!reader) return reader.error();
    while (reader->position() < end) {
        const Result<Entry> entry = reader->next(stop.stop_possible() ? forever : Duration{0}, stop);
        if (!entry) {
            const Code code = entry.error().code();
            const bool is_end = code == Code::empty || code == Code::removed || code == Code::stopped;
            return is_end ? Error{} : entry.error();
        }
        if (entry->sequence() >= end || !look(*entry)) break;
    }
    return {};
}

}  // namespace shmq::inspect
