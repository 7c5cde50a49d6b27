// The entries that are kept, one copied after the other, as a reader without a group sees them.
#pragma once

#include "shmq/stream.hpp"

namespace shmq::inspect {

/// Calls `look` for each entry from `from` (or the oldest, if that was overwritten since) up to and without `end`,
/// until it answers false. The error is what stopped it short, `ok` if nothing did.
template <class Look>
Error each_kept_entry(Stream& stream, Sequence from, Sequence end, Look look) {
    if (from >= end) return {};
    Result<Reader> reader = stream.reader(Position::at(from));
    if (!reader && reader.error().code() == Code::trimmed) reader = stream.reader(Position::oldest());
    if (!reader) return reader.error();
    while (reader->position() < end) {
        const Result<Entry> entry = reader->next();
        if (!entry) {
            const Code code = entry.error().code();
            return code == Code::empty || code == Code::removed ? Error{} : entry.error();
        }
        if (entry->sequence() >= end || !look(*entry)) break;
    }
    return {};
}

}  // namespace shmq::inspect
