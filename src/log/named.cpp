// Rows of names, intents, and the search for the entry of an intent. Who may conclude what is said in named.hpp.
#include "log/named.hpp"

#include <array>

#include "base/error_detail.hpp"
#include "log/copy.hpp"
#include "log/owner.hpp"
#include "log/publish.hpp"

namespace shmq {

namespace {

using NameWords = std::array<std::uint64_t, 8>;

NameWords words_of(std::string_view name) noexcept {
    char padded[64];
    set_row_name(padded, name);
    NameWords words;
    std::memcpy(words.data(), padded, sizeof padded);
    return words;
}

/// Never 0. FNV-1a; rows whose names meet in it are told apart by the names.
std::uint64_t key_of(std::string_view name) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
    return hash != 0 ? hash : 1;
}

/// The entry of the row's add `number` in [from, until), 0 if it is not there, or was below the trim point before the
/// look was over: then whoever lifted that has recorded it.
Sequence find_add(const Segment& segment, std::uint32_t row, std::uint64_t number, Sequence from,
                  Sequence until) noexcept {
    const Geometry& g = segment.geometry();
    for (Sequence s = std::max(from, find_begin(segment)); s < until; ++s) {
        // acquire: the bytes of the entry (PUBLISH).
        const SlotWord slot = unpack_slot(g, segment.slot(s).load(memory_order_acquire));
        if (slot.tag != g.slot_tag(s)) continue;
        const bool is_it = read_unpinned([&] {
            EntryAt at;
            if (!find_entry(segment, slot.place, at)) return false;
            const EntryOrigin origin = read_entry_origin(segment.payload() + at.offset);
            return origin.number == number && origin.producer == row + 1;
        });
        if (!is_it) continue;
        fence(memory_order_acquire);  // the bytes before the trim point, as in copy_entry (COPY)
        if (find_begin(segment) <= s) return s;
    }
    return 0;
}

}  // namespace

Result<std::uint32_t> row_of_name(const Segment& segment, std::string_view name) noexcept {
    const std::uint64_t key = key_of(name);
    const NameWords wanted = words_of(name);
    // Rows get their keys in order and keep them, and everybody looks from the first on: of two who bring a new name at
    // once, the later one meets the key of the other.
    for (std::uint32_t row = 0; row < segment.geometry().producer_names; ++row) {
        NamedRow& words = segment.named(row);
        std::uint64_t seen = words.key.load(memory_order_acquire);
        if (seen == 0 && words.key.compare_exchange(seen, key, memory_order_acq_rel, memory_order_acquire)) seen = key;
        if (seen != key) continue;
        if (words.named.load(memory_order_acquire) == 0) {
            // Whoever gave the row its key may have died since: anybody of that name writes it, and the same bytes.
            for (std::size_t i = 0; i < wanted.size(); ++i) words.name[i].store(wanted[i], memory_order_relaxed);
            words.named.store(1, memory_order_release);
        } else if (name_of_row(segment, row).view() != name) {
            continue;
        }
        raise_to(segment.control().names, std::uint64_t{row} + 1, memory_order_release);  // before any intent (NUMBER)
        return row;
    }
    return text_error(Code::too_many_names, segment.geometry().producer_names,
                      "the stream keeps the numbers of %u producer names and has them; use one of them, or create the "
                      "stream with more producer names",
                      segment.geometry().producer_names);
}

RowName name_of_row(const Segment& segment, std::uint32_t row) noexcept {
    const NamedRow& words = segment.named(row);
    if (words.named.load(memory_order_acquire) == 0) return {};
    char name[64];
    for (std::size_t i = 0; i < std::size(words.name); ++i) {
        const std::uint64_t word = words.name[i].load(memory_order_relaxed);  // whole since `named`
        std::memcpy(name + 8 * i, &word, sizeof word);
    }
    return row_name(name);
}

bool take_name(const Segment& segment, AttachmentId me, std::uint32_t row, OwnerWord& owner) noexcept {
    return take_ownership(segment.named(row).word, me, owner);
}

void give_back_name(const Segment& segment, AttachmentId me, std::uint32_t row) noexcept {
    give_back_ownership(segment.named(row).word, me);
}

LastAdd look_at_last_add(const Segment& segment, std::uint32_t row) noexcept {
    const NamedRow& words = segment.named(row);
    LastAdd last;
    // Again only if an add began or ended meanwhile; a busy owner's numbers are at most that old in the end. The owner
    // stores the last sequence, then the last number, then the intent: read between the two, and the number twice, they
    // belong together.
    for (int turn = 0; turn < 64; ++turn) {
        const std::uint64_t word = words.intent.load(memory_order_acquire);
        const IntentWord intent = unpack_intent(word);
        const std::uint64_t number = words.number.load(memory_order_acquire);
        last = {words.last_number.load(memory_order_acquire), words.last_sequence.load(memory_order_acquire)};
        Sequence found = intent.sequence;
        if (intent.open) found = find_add(segment, row, number, intent.sequence, find_end(segment));
        fence(memory_order_acquire);
        if (words.intent.load(memory_order_acquire) != word) continue;
        if (found != 0) return {number, found};
        if (words.last_number.load(memory_order_acquire) == last.number) return last;
    }
    return last;
}

void record_adds_below(const Segment& segment, Sequence until) noexcept {
    for (std::uint32_t row = 0, rows = rows_with_names(segment); row < rows; ++row) {
        NamedRow& words = segment.named(row);
        // acquire: the number. An entry below `until` was seen published, so its intent is seen too (NUMBER).
        std::uint64_t word = words.intent.load(memory_order_acquire);
        const IntentWord intent = unpack_intent(word);
        if (!intent.open || intent.sequence >= until) continue;
        const std::uint64_t number = words.number.load(memory_order_relaxed);  // as above
        const Sequence found = find_add(segment, row, number, intent.sequence, until);
        // A late exchange does no harm: every later intent of the row begins above `found`, so it has another word.
        if (found != 0)
            words.intent.compare_exchange(word, pack_intent({false, found}), memory_order_seq_cst,
                                          memory_order_relaxed);
    }
}

NamedAdds::NamedAdds(const Segment& segment, std::uint32_t row) noexcept
    : segment_(segment), row_(row), lowest_(find_end(segment)) {
    NamedRow& row_words = words();
    std::uint64_t word = row_words.intent.load(memory_order_acquire);
    number_ = row_words.number.load(memory_order_relaxed);  // only owners change it, and we are the one
    if (const IntentWord intent = unpack_intent(word); intent.open) {
        const Sequence found = find_add(segment, row, number_, intent.sequence, lowest_);
        const std::uint64_t outcome = found != 0 ? pack_intent({false, found}) : 0;
        // The exchange decides. It fails only if a mover recorded what we found, or what the trim point passed under
        // our eyes: the raise of that came after the record, and the fence after what it let happen (COPY).
        fence(memory_order_acquire);
        if (row_words.intent.compare_exchange(word, outcome, memory_order_seq_cst, memory_order_acquire))
            word = outcome;
    }
    // relaxed: as above.
    last_ = word != 0 ? LastAdd{number_, unpack_intent(word).sequence}
                      : LastAdd{row_words.last_number.load(memory_order_relaxed),
                                row_words.last_sequence.load(memory_order_relaxed)};
}

void NamedAdds::begin(std::uint64_t number, Sequence first_possible) noexcept {
    NamedRow& row = words();
    // release throughout: a death between two of these leaves either what was before or the open intent, and who only
    // looks sees them in this order (NUMBER). While the intent names a sequence, nobody reads the last add's words, and
    // while it is 0, nobody reads the number.
    if (last_.number == number_ && number_ != 0) {
        row.last_sequence.store(last_.sequence, memory_order_release);
        row.last_number.store(last_.number, memory_order_release);
        row.intent.store(0, memory_order_release);
    }
    number_ = number;
    row.number.store(number, memory_order_release);
    row.intent.store(pack_intent({true, std::max(lowest_, first_possible)}), memory_order_release);
}

void NamedAdds::done(Sequence sequence) noexcept {
    last_ = {number_, sequence};
    words().intent.store(pack_intent({false, sequence}), memory_order_release);  // as a mover may have done already
}

void NamedAdds::failed() noexcept { words().intent.store(0, memory_order_release); }

}  // namespace shmq
