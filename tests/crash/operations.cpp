// Each operation of the public contract that changes the segment.
#include "crash/operations.hpp"

#include <algorithm>

namespace shmq::test {

namespace {

void nothing(Actor&) {}

void take_three(Actor& a) {
    a.consumer = must(a.stream.consumer("work", a.named("victim")));
    if (auto batch = a.consumer.read(reading(3))) a.batch = std::move(*batch);
}

/// The first entry at another consumer of the actor's.
void others_take_one(Actor& a) {
    a.consumer = must(a.stream.consumer("work", a.named("victim")));
    a.other = must(a.stream.consumer("work", a.named("other")));
    if (auto batch = a.other.read(reading(1))) a.other_batch = std::move(*batch);
}
/// The same, and the entries of its key that follow were passed over, since they wait for it.
void take_one_and_pass(Actor& a) {
    a.consumer = must(a.stream.consumer("work", a.named("victim")));
    a.other = must(a.stream.consumer("work", a.named("other")));
    if (auto batch = a.consumer.read(reading(1))) a.batch = std::move(*batch);
    if (auto batch = a.other.read(reading(8))) a.other_batch = std::move(*batch);
}
/// The turn of a strict group is another's, who leaves.
void others_leave(Actor& a) {
    others_take_one(a);
    a.other_batch.close();
    a.other.close();
}
void join_only(Actor& a) { a.consumer = must(a.stream.consumer("work", a.named("victim"))); }

/// Three entries of another consumer of the actor's, which it keeps.
void others_take_three(Actor& a) {
    a.consumer = must(a.stream.consumer("work", a.named("victim")));
    a.other = must(a.stream.consumer("work", a.named("other")));
    if (auto batch = a.other.read(reading(3))) a.other_batch = std::move(*batch);
}

void make_retry(Actor& a) {
    others_take_three(a);
    if (!a.other_batch.empty()) must(a.other_batch.nack());
    a.other_batch.close();
}

/// The group made anew where it stands, with a limit of one failed delivery.
void limit_group(Actor& a) {
    GroupOptions options;
    options.delivery_limit = 1;
    options.order = must(a.stream.group("work")).options.order;
    const Sequence floor = must(a.stream.group("work")).floor;
    must(a.stream.drop_group("work"));
    must(a.stream.create_group("work", Position::at(floor), options));
}

void take_three_of_limited(Actor& a) {
    limit_group(a);
    take_three(a);
}

void make_dead(Actor& a) {
    take_three_of_limited(a);
    a.dead = sequences_of(a.batch.entries());
    if (!a.batch.empty()) must(a.batch.nack());
    a.batch.close();
}
/// The same, and tells which may be acked from now on.
void make_dead_to_drop(Actor& a) {
    make_dead(a);
    for (const Sequence sequence : a.dead) a.tell(sequence);
}

/// Three entries that are delayed and due by now.
void make_due(Actor& a) {
    others_take_three(a);
    if (!a.other_batch.empty()) must(a.other_batch.nack(1ms));
    a.other_batch.close();
    const auto is_early = [](const PendingEntry& entry) { return entry.due_in.value_or(0ms) > 0ms; };
    for (;;) {  // a wait: ends as time goes by
        const auto entries = must(a.stream.pending_entries("work"));
        if (std::none_of(entries.begin(), entries.end(), is_early)) return;
    }
}

void warm_producer(Actor& a) {
    a.producer = must(a.stream.producer());
    static_cast<void>(a.producer.add(a.next_payload(100)));
}

/// Up to three entries of a slow consumer, and a ring that is full behind them, all the rest of it acked: the next add
/// parks them.
void get_stuck(Actor& a, Consumer& slow, Batch& stuck) {
    slow = must(a.stream.consumer("work", a.named("slow")));
    Consumer fast = must(a.stream.consumer("work", a.named("fast")));
    const auto ack_rest = [&] {
        while (auto batch = fast.read(reading(8))) {
            for (const Sequence sequence : sequences_of(batch->entries())) a.tell(sequence);
            must(batch->ack());
        }
    };
    static_cast<void>(a.stream.add(a.next_payload(60)));
    if (auto batch = slow.read(reading(3))) stuck = std::move(*batch);
    ack_rest();
    for (;;) {
        const StreamInfo info = must(a.stream.info());
        if (info.next - info.first == info.options.slots) return;
        must(a.stream.add(a.next_payload(60)));
        ack_rest();
    }
}
void be_stuck(Actor& a) { get_stuck(a, a.consumer, a.batch); }

/// The same, and they are parked.
void park(Actor& a, Consumer& slow, Batch& stuck) {
    get_stuck(a, slow, stuck);
    Consumer fast = must(a.stream.consumer("work", a.named("fast")));
    while (must(a.stream.info()).parked < stuck.size()) {
        must(a.stream.add(a.next_payload(60)));
        Batch batch = must(fast.read());
        for (const Sequence sequence : sequences_of(batch.entries())) a.tell(sequence);
        must(batch.ack());
    }
}
void be_parked(Actor& a) { park(a, a.consumer, a.batch); }
/// Parked for another consumer of the actor's.
void others_are_parked(Actor& a) {
    park(a, a.other, a.other_batch);
    a.consumer = must(a.stream.consumer("work", a.named("victim")));
}
void parked_retry(Actor& a) {
    others_are_parked(a);
    must(a.other_batch.nack());
    a.other_batch.close();
}

/// A process that held two entries, a loan and a name, and is dead by now.
void leave_a_corpse(Actor& a) {
    Child corpse([&](Link& link) {
        Stream stream = must(Stream::open(a.path));
        Consumer consumer = must(stream.consumer("work", "corpse"));
        auto batch = consumer.read(reading(2));
        auto loan = stream.loan(200);
        link.send();
        static_cast<void>(link.receive());
        return 0;
    });
    require(corpse.receive());
    corpse.kill();
}

/// All there is, acked: what a trim may take.
void finish_all(Actor& a) {
    a.consumer = must(a.stream.consumer("work", a.named("victim")));
    while (auto batch = a.consumer.read(reading(8))) {
        for (const Sequence sequence : sequences_of(batch->entries())) a.tell(sequence);
        must(batch->ack());
    }
}

void name_producer(Actor& a) {
    a.producer = must(a.stream.producer(a.named("feed")));
    static_cast<void>(a.producer.add(a.next_payload(100)));
}

void add_small(Actor& a) { static_cast<void>(a.stream.add(a.next_payload(60))); }
void add_until_parked(Actor& a) {
    for (int i = 0; i < 4; ++i) static_cast<void>(a.stream.add(a.next_payload(60)));
}
void add_large(Actor& a) { static_cast<void>(a.stream.add(a.next_payload(2500))); }
void add_over_chunks(Actor& a) {
    for (int i = 0; i < 3; ++i) static_cast<void>(a.producer.add(a.next_payload(500)));
}
void use_loans(Actor& a) {
    auto first = a.producer.loan(200);
    auto second = a.producer.loan(300);
    auto third = a.producer.loan(40);
    const auto commit = [&](Result<Loan>& loan) {
        if (!loan) return;
        const std::string payload = a.next_payload(loan->bytes().size());
        std::memcpy(loan->bytes().data(), payload.data(), payload.size());
        static_cast<void>(loan->commit());
    };
    commit(second);
    commit(first);
}
void add_numbered(Actor& a) {
    for (int i = 0; i < 2; ++i) static_cast<void>(a.producer.add(a.next_payload(100)));
}
void discard_loan(Actor& a) { static_cast<void>(a.producer.loan(200)); }
void join_as_producer(Actor& a) {
    if (auto producer = a.stream.producer(a.named("late"))) a.producer = std::move(*producer);
}
void close_producer(Actor& a) { a.producer.close(); }

void read(Actor& a) {
    if (auto batch = a.consumer.read(reading(3))) a.batch = std::move(*batch);
}
void read_behind(Actor& a) {
    if (auto batch = a.consumer.read(reading(3))) a.behind = std::move(*batch);
}
void claim(Actor& a) {
    ClaimOptions options;
    if (auto batch = a.consumer.claim(options)) a.batch = std::move(*batch);
}
/// The first of what another holds, more of which is behind it.
void claim_one(Actor& a) {
    ClaimOptions options;
    options.max_entries = 1;
    if (auto batch = a.consumer.claim(options)) a.batch = std::move(*batch);
}
void ack_each(Actor& a) {
    for (const Entry& entry : a.batch) {
        require(number_of(entry.payload()));  // its view is good until this very ack
        if (a.batch.ack(entry.sequence())) a.tell(entry.sequence());
    }
    a.batch.close();
}
void ack_all(Actor& a) {
    const std::vector<Sequence> held = sequences_of(a.batch.entries());
    const bool all = a.batch.ack().has_value();
    for (const Sequence sequence : held)
        if (all) a.tell(sequence);
    a.batch.close();
}
void nack(Actor& a) {
    static_cast<void>(a.batch.nack());
    a.batch.close();
}
void nack_with_delay(Actor& a) {
    static_cast<void>(a.batch.nack(5ms));
    a.batch.close();
}
void requeue_dead(Actor& a) { static_cast<void>(a.stream.requeue_dead("work")); }
void drop_dead(Actor& a) {
    for (const Sequence sequence : a.dead)
        if (a.stream.drop_dead("work", sequence)) a.tell(sequence);
}
void extend(Actor& a) {
    for (const Entry& entry : a.batch) static_cast<void>(a.batch.extend(entry.sequence()));
    a.batch.close();
}
void close_batch(Actor& a) { a.batch.close(); }
void close_consumer(Actor& a) { a.consumer.close(); }
void join(Actor& a) {
    if (auto consumer = a.stream.consumer("work", a.named("late"))) a.consumer = std::move(*consumer);
}
void operator_ack(Actor& a) {
    for (const Entry& entry : a.batch)
        if (a.stream.ack("work", entry.sequence())) a.tell(entry.sequence());
}
void operator_nack(Actor& a) {
    for (const Entry& entry : a.batch) static_cast<void>(a.stream.nack("work", entry.sequence()));
}
void create_group(Actor& a) { static_cast<void>(a.stream.create_group("fresh")); }
void drop_group(Actor& a) { static_cast<void>(a.stream.drop_group("work")); }
void move_forwards(Actor& a) { static_cast<void>(a.stream.move_group("work", Position::newest())); }
void move_backwards(Actor& a) { static_cast<void>(a.stream.move_group("work", Position::oldest())); }
void trim(Actor& a) { static_cast<void>(a.stream.trim_keep(1)); }
void recover(Actor& a) { static_cast<void>(a.stream.recover()); }
void open_stream(Actor& a) {
    if (auto stream = Stream::open(a.path)) a.stream = std::move(*stream);
}
void close_stream(Actor& a) { a.stream.close(); }

constexpr Operation table[] = {
    {"add_small", Effect::none, false, false, nothing, add_small},
    {"add_large", Effect::none, false, false, nothing, add_large},
    {"add_over_chunks", Effect::none, false, false, warm_producer, add_over_chunks},
    {"use_loans", Effect::none, false, false, warm_producer, use_loans},
    {"discard_loan", Effect::none, false, false, warm_producer, discard_loan},
    {"close_producer", Effect::none, false, false, warm_producer, close_producer},
    {"join_as_producer", Effect::none, false, false, nothing, join_as_producer},
    {"add_numbered", Effect::none, false, false, name_producer, add_numbered},
    {"close_named", Effect::none, false, false, name_producer, close_producer},
    {"read_new", Effect::none, false, false, take_three, read},
    {"read_retry", Effect::none, false, false, make_retry, read},
    {"claim", Effect::none, false, false, others_take_three, claim},
    {"ack_each", Effect::none, true, false, take_three, ack_each},
    {"ack_all", Effect::none, true, false, take_three, ack_all},
    {"nack", Effect::none, false, false, take_three, nack},
    {"nack_with_delay", Effect::none, false, false, take_three, nack_with_delay},
    {"read_due", Effect::none, false, false, make_due, read},
    {"extend", Effect::none, false, false, take_three, extend},
    {"nack_at_limit", Effect::none, false, false, take_three_of_limited, nack},
    {"requeue_dead", Effect::none, false, false, make_dead, requeue_dead},
    {"drop_dead", Effect::none, true, false, make_dead_to_drop, drop_dead},
    {"close_batch", Effect::none, false, false, take_three, close_batch},
    {"close_consumer", Effect::none, false, false, take_three, close_consumer},
    {"join", Effect::none, false, false, nothing, join},
    {"operator_ack", Effect::none, true, false, take_three, operator_ack},
    {"operator_nack", Effect::none, false, false, take_three, operator_nack},
    {"add_that_parks", Effect::none, false, false, be_stuck, add_until_parked},
    {"ack_parked", Effect::none, true, false, be_parked, ack_each},
    {"nack_parked", Effect::none, false, false, be_parked, nack},
    {"close_parked", Effect::none, false, false, be_parked, close_batch},
    {"extend_parked", Effect::none, false, false, be_parked, extend},
    {"claim_parked", Effect::none, false, false, others_are_parked, claim},
    {"read_parked", Effect::none, false, false, parked_retry, read},
    {"operator_ack_parked", Effect::none, true, false, be_parked, operator_ack},
    {"operator_nack_parked", Effect::none, false, false, be_parked, operator_nack},
    {"drop_group_parked", Effect::drops, false, false, be_parked, drop_group},
    {"move_group_parked", Effect::moves, false, false, be_parked, move_forwards},
    {"move_backwards_parked", Effect::moves, false, false, be_parked, move_backwards},
    {"create_group", Effect::none, false, false, nothing, create_group},
    {"drop_group", Effect::drops, false, false, take_three, drop_group},
    {"move_forwards", Effect::moves, false, false, take_three, move_forwards},
    {"move_backwards", Effect::moves, false, false, take_three, move_backwards},
    {"trim", Effect::none, false, false, nothing, trim},
    {"trim_finished", Effect::none, true, false, finish_all, trim},
    {"recover", Effect::none, false, false, leave_a_corpse, recover},
    {"open_stream", Effect::none, false, true, nothing, open_stream},
    {"close_stream", Effect::none, false, false, nothing, close_stream},

    {"by_key_read_new", Effect::none, false, false, others_take_one, read, Order::by_key},
    {"by_key_read_behind", Effect::none, false, false, take_one_and_pass, read_behind, Order::by_key},
    {"by_key_read_new_behind", Effect::none, false, false, take_three, read_behind, Order::by_key},
    {"by_key_read_retry", Effect::none, false, false, make_retry, read, Order::by_key},
    {"by_key_claim", Effect::none, false, false, others_take_three, claim, Order::by_key},
    {"by_key_claim_one", Effect::none, false, false, others_take_three, claim_one, Order::by_key},
    {"by_key_claim_from_survivor", Effect::none, false, false, join_only, claim_one, Order::by_key, true},
    {"by_key_ack_each", Effect::none, true, false, take_one_and_pass, ack_each, Order::by_key},
    {"by_key_ack_all", Effect::none, true, false, take_three, ack_all, Order::by_key},
    {"by_key_nack", Effect::none, false, false, take_three, nack, Order::by_key},
    {"by_key_nack_at_limit", Effect::none, false, false, take_three_of_limited, nack, Order::by_key},
    {"by_key_close_batch", Effect::none, false, false, take_one_and_pass, close_batch, Order::by_key},
    {"by_key_close_consumer", Effect::none, false, false, take_three, close_consumer, Order::by_key},
    {"by_key_operator_ack", Effect::none, true, false, take_three, operator_ack, Order::by_key},
    {"by_key_operator_nack", Effect::none, false, false, take_three, operator_nack, Order::by_key},
    {"strict_read", Effect::none, false, false, take_three, read_behind, Order::strict},
    {"strict_read_by_turn", Effect::none, false, false, others_leave, read, Order::strict},
    {"strict_claim_from_survivor", Effect::none, false, false, join_only, claim_one, Order::strict, true},
    {"strict_ack_all", Effect::none, true, false, take_three, ack_all, Order::strict},
    {"strict_nack", Effect::none, false, false, take_three, nack, Order::strict},
    {"strict_close_consumer", Effect::none, false, false, take_three, close_consumer, Order::strict},
};

}  // namespace

std::span<const Operation> operations() { return table; }

}  // namespace shmq::test
