// The axioms, term by term: sb, rf, mo, sw, hb, eco and psc as the paper writes them.
#include "litmus/relations.hpp"

#include <algorithm>
#include <bit>

namespace shmq::test {

namespace {

bool is_release(std::memory_order order) {
    return order == memory_order_release || order == memory_order_acq_rel || order == memory_order_seq_cst;
}
bool is_acquire(std::memory_order order) {
    return order == memory_order_acquire || order == memory_order_acq_rel || order == memory_order_seq_cst;
}
bool is_seq_cst(const Event& event) { return event.order == memory_order_seq_cst; }
bool same_place(const Event& a, const Event& b) { return !a.is_fence && !b.is_fence && a.place == b.place; }

/// sb: the order of each thread's steps; initial values stand before everything.
Relation sequenced(const std::vector<Event>& events) {
    Relation sb;
    for (unsigned a = 0; a < events.size(); ++a)
        for (unsigned b = 0; b < events.size(); ++b)
            if (events[b].thread >= 0 && (events[a].thread < 0 || (events[a].thread == events[b].thread && a < b)))
                sb.add(a, b);
    return sb;
}

Relation read_from(const std::vector<Event>& events) {
    Relation rf;
    for (unsigned r = 0; r < events.size(); ++r)
        if (events[r].reads) rf.add(events[r].reads_from, r);
    return rf;
}

Relation modification_order(const Execution& execution) {
    Relation mo;
    for (const std::vector<unsigned>& writes : execution.writes)
        for (std::size_t a = 0; a < writes.size(); ++a)
            for (std::size_t b = a + 1; b < writes.size(); ++b) mo.add(writes[a], writes[b]);
    return mo;
}

/// rb: a read stands before every write that comes after the one it read.
Relation reads_before(const std::vector<Event>& events, const Relation& mo) {
    Relation rb;
    for (unsigned r = 0; r < events.size(); ++r)
        if (events[r].reads) rb.rows[r] = mo.rows[events[r].reads_from] & ~only(r);
    return rb;
}

/// sw: a release, or a fence before a write, to an acquire, or a fence behind a read, of that write or of the exchanges
/// that go on from it.
Relation synchronised(const std::vector<Event>& events, const Relation& sb, const Relation& rf) {
    Relation sw;
    const auto count = static_cast<unsigned>(events.size());
    for (unsigned w = 0; w < count; ++w) {
        if (!events[w].writes || events[w].thread < 0) continue;
        EventSet sources = is_release(events[w].order) ? only(w) : 0;
        for (unsigned f = 0; f < count; ++f)
            if (events[f].is_fence && is_release(events[f].order) && sb.has(f, w)) sources |= only(f);
        EventSet sequence = only(w), readers = 0;
        for (EventSet grown = 0; grown != sequence;) {
            grown = sequence;
            readers = rf.image(sequence);
            for (unsigned r = 0; r < count; ++r)
                if ((readers >> r & 1) != 0 && events[r].writes) sequence |= only(r);
        }
        EventSet targets = 0;
        for (unsigned r = 0; r < count; ++r) {
            if ((readers >> r & 1) == 0) continue;
            if (is_acquire(events[r].order)) targets |= only(r);
            for (unsigned f = 0; f < count; ++f)
                if (events[f].is_fence && is_acquire(events[f].order) && sb.has(r, f)) targets |= only(f);
        }
        for (unsigned a = 0; a < count; ++a)
            if ((sources >> a & 1) != 0) sw.rows[a] |= targets & ~only(a);
    }
    return sw;
}

/// psc: what the one order of all seq_cst accesses and fences must not contradict.
Relation partial_sc(const std::vector<Event>& events, const Relation& sb, const Relation& hb, const Relation& mo,
                    const Relation& rb, const Relation& eco) {
    const auto count = static_cast<unsigned>(events.size());
    Relation sb_elsewhere, hb_here;
    for (unsigned a = 0; a < count; ++a)
        for (unsigned b = 0; b < count; ++b) {
            if (sb.has(a, b) && !same_place(events[a], events[b])) sb_elsewhere.add(a, b);
            if (hb.has(a, b) && same_place(events[a], events[b])) hb_here.add(a, b);
        }
    const Relation scb = sb | then(then(sb_elsewhere, hb), sb_elsewhere) | hb_here | mo | rb;
    Relation before, after, fences;  // [Esc] or [Fsc];hb?  and  [Esc] or hb?;[Fsc]
    for (unsigned a = 0; a < count; ++a) {
        if (!is_seq_cst(events[a])) continue;
        before.add(a, a);
        after.add(a, a);
        if (!events[a].is_fence) continue;
        fences.add(a, a);
        before.rows[a] |= hb.rows[a];
        for (unsigned b = 0; b < count; ++b)
            if (hb.has(b, a)) after.add(b, a);
    }
    const Relation around = hb | then(then(hb, eco), hb);
    return then(then(before, scb), after) | then(then(fences, around), fences);
}

/// An exchange follows in the order of writes right behind what it read.
bool is_atomic(const Execution& execution) {
    for (const std::vector<unsigned>& writes : execution.writes)
        for (std::size_t i = 1; i < writes.size(); ++i) {
            const Event& event = execution.events[writes[i]];
            if (event.reads && event.reads_from != writes[i - 1]) return false;
        }
    return true;
}

}  // namespace

EventSet Relation::image(EventSet from) const {
    EventSet to = 0;
    for (; from != 0; from &= from - 1) to |= rows[static_cast<unsigned>(std::countr_zero(from))];
    return to;
}

bool Relation::is_acyclic() const {
    const Relation all = closure(*this);
    for (unsigned i = 0; i < most_events; ++i)
        if (all.has(i, i)) return false;
    return true;
}

Relation operator|(Relation a, const Relation& b) {
    a |= b;
    return a;
}

Relation then(const Relation& a, const Relation& b) {
    Relation both;
    for (unsigned i = 0; i < most_events; ++i) both.rows[i] = b.image(a.rows[i]);
    return both;
}

Relation closure(Relation relation) {
    for (unsigned middle = 0; middle < most_events; ++middle)
        for (EventSet& row : relation.rows)
            if ((row >> middle & 1) != 0) row |= relation.rows[middle];
    return relation;
}

bool is_consistent(const Execution& execution) {
    const std::vector<Event>& events = execution.events;
    if (!is_atomic(execution)) return false;
    const Relation sb = sequenced(events), rf = read_from(events), mo = modification_order(execution);
    const Relation rb = reads_before(events, mo);
    const Relation hb = closure(sb | synchronised(events, sb, rf));
    const Relation eco = closure(rf | mo | rb);
    for (unsigned a = 0; a < events.size(); ++a)
        for (unsigned b = 0; b < events.size(); ++b)
            if (hb.has(a, b) && (a == b || eco.has(b, a))) return false;
    return partial_sc(events, sb, hb, mo, rb, eco).is_acyclic();
}

}  // namespace shmq::test
