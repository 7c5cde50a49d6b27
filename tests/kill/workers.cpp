// What each worker does until it is killed.
#include "kill/workers.hpp"

#include <random>

#include "support/stream_test.hpp"

namespace shmq::test {

namespace {

/// The next numbers of a producer, and what it is made of.
class Feeder {
public:
    Feeder(Stream& stream, Ledger& ledger, std::uint32_t slot, std::uint32_t life)
        : ledger_(ledger), slot_(slot), random_(life), key_("producer " + std::to_string(slot)) {
        const bool named = slot == 3;
        life_ = named ? named_life : life;
        producer_ = must(named ? stream.producer("feed") : stream.producer());
        number_ = producer_.last_number() + 1;
    }

    /// One add, or a batch of them; false if there was no room.
    bool feed() {
        AddOptions options;
        options.key = bytes_of(key_);
        options.wait = 20ms;
        switch (slot_) {
            case 1: return add_batch(options);
            case 2: return add_by_loan(options);
            default: return count(producer_.add(next_payload(), options));
        }
    }

private:
    /// Mostly small, sometimes larger than a chunk.
    std::string payload(std::uint64_t number) {
        const std::size_t size = random_() % 64 == 0 ? 6000 : 16 + random_() % 500;
        return payload_of(pack({life_, number}), size);
    }
    std::string next_payload() {
        ledger_.begin_add(life_, number_);
        return payload(number_);
    }
    template <class T>
    bool count(const Result<T>& added, std::uint64_t entries = 1) {
        if (!added) {
            if (added.error().code() != Code::full) ledger_.violate("add: " + added.error().message());
            return false;
        }
        number_ += entries;
        ledger_.end_add(life_, number_ - 1);
        return true;
    }
    bool add_batch(const AddOptions& options) {
        std::string texts[5];
        Bytes payloads[5];
        ledger_.begin_add(life_, number_ + 4);
        for (std::size_t i = 0; i < 5; ++i) payloads[i] = bytes_of(texts[i] = payload(number_ + i));
        const auto added = producer_.add(payloads, options);
        return count(added, added ? added->count : 0);
    }
    bool add_by_loan(const AddOptions& options) {
        const std::string text = next_payload();
        auto loan = producer_.loan(text.size(), options);
        if (!loan) return count(loan);
        std::memcpy(loan->bytes().data(), text.data(), text.size());
        return count(loan->commit());
    }

    Ledger& ledger_;
    std::uint32_t slot_;
    std::uint32_t life_;
    std::mt19937_64 random_;
    std::string key_;
    Producer producer_;
    std::uint64_t number_;
};

/// What a consumer does with a batch.
class Eater {
public:
    Eater(Ledger& ledger, std::uint32_t group, std::uint32_t life)
        : ledger_(ledger), group_(group), life_(life), random_(life) {}

    void eat(Batch& batch) {
        for (const Entry& entry : batch) {
            const auto content = number_of(entry.payload());
            if (content)
                ledger_.delivered(life_, group_, entry.sequence(), *content);
            else
                ledger_.violate("entry " + std::to_string(entry.sequence()) + " has wrong bytes");
        }
        switch (random_() % 4) {
            case 0: return ack_all(batch);
            case 1: return give_back_all(batch);
            default: return ack_each(batch);
        }
    }
    [[nodiscard]] std::size_t next_size() { return 1 + random_() % 32; }

private:
    void expect(const Result<void>& done, const char* what) {
        if (!done) ledger_.violate(std::string(what) + " of who lives: " + done.error().message());
    }
    void ack_all(Batch& batch) {
        const std::vector<Sequence> sequences = sequences_of(batch.entries());
        for (const Sequence sequence : sequences) ledger_.will_ack(life_, group_, sequence);
        expect(batch.ack(), "an ack");
        for (const Sequence sequence : sequences) ledger_.acked(group_, sequence);
    }
    void ack_each(Batch& batch) {
        for (const Sequence sequence : sequences_of(batch.entries())) {
            ledger_.will_ack(life_, group_, sequence);
            expect(batch.ack(sequence), "an ack");
            ledger_.acked(group_, sequence);
        }
    }
    void give_back_all(Batch& batch) {
        const std::vector<Sequence> sequences = sequences_of(batch.entries());
        for (const Sequence sequence : sequences) ledger_.will_nack(group_, sequence);
        if (random_() % 8 != 0) return batch.close();
        expect(batch.nack(), "a nack");
    }

    Ledger& ledger_;
    std::uint32_t group_;
    std::uint32_t life_;
    std::mt19937_64 random_;
};

/// Everything is acked, whoever did it.
bool is_done(const GroupInfo& group) { return group.lag == 0 && group.pending == 0 && group.retry == 0; }

}  // namespace

StreamOptions kill_options() {
    StreamOptions options = medium_options(512);
    options.chunks = 48;
    options.max_entry = 8000;
    options.attachments = 24;
    options.key_stripes = 16;
    options.producer_names = 4;
    return options;
}

int produce(const std::string& path, Ledger& ledger, std::uint32_t slot, std::uint32_t life) {
    Stream stream = must(Stream::open(path));
    Feeder feeder(stream, ledger, slot, life);
    while (ledger.phase() == Phase::running) feeder.feed();
    return 0;
}

int consume(const std::string& path, Ledger& ledger, std::uint32_t slot, std::uint32_t life) {
    const std::uint32_t group = slot % groups_in_loop;
    Stream stream = must(Stream::open(path));
    Consumer consumer = must(stream.consumer(group_names[group], "consumer-" + std::to_string(slot)));
    Eater eater(ledger, group, life);
    for (;;) {
        auto batch = consumer.read(reading(eater.next_size(), 10ms));
        if (batch) {
            eater.eat(*batch);
        } else if (batch.error().code() != Code::empty) {
            ledger.violate("read: " + batch.error().message());
            return 1;
        } else if (ledger.phase() == Phase::ending && is_done(must(stream.group(group_names[group])))) {
            return 0;
        }
    }
}

}  // namespace shmq::test
