// shmq itself, and the bare ring that does its hot path with nothing around it.
#pragma once

#include <functional>

#include "peers/shape.hpp"
#include "support/bare_ring.hpp"
#include "support/scratch_stream.hpp"

namespace bench {

/// One producer each, one group, one consumer that acks every message. Large messages are filled where they stay.
class ShmqPeer {
public:
    static constexpr const char* name = "shmq";
    static constexpr bool looks = true;
    static constexpr std::size_t loans_from = 4096;  // bytes
    static std::string missing() { return {}; }
    explicit ShmqPeer(const Shape& shape) : shape_(shape), stream_(options_for(shape)) {}

    class Sender {
    public:
        Sender(ShmqPeer& peer, unsigned)
            : stream_(peer.stream_.open()), producer_(value_of(stream_.producer())), payload_(peer.shape_.size) {}
        bool send(std::uint64_t number) {
            if (payload_.size() >= loans_from) return lend(number);
            fill(number, payload_);
            return fits(producer_.add(payload_));
        }
        void flush() {}

    private:
        static bool fits(const shmq::Result<shmq::Sequence>& added) {
            if (!added && added.error() != shmq::Code::full) throw_error(added.error());
            return added.has_value();
        }
        bool lend(std::uint64_t number) {
            auto loan = producer_.loan(payload_.size());
            if (!loan) {
                if (loan.error() != shmq::Code::full) throw_error(loan.error());
                return false;
            }
            fill(number, loan->bytes());
            return fits(loan->commit());
        }
        shmq::Stream stream_;
        shmq::Producer producer_;
        std::vector<std::byte> payload_;
    };
    class Receiver {
    public:
        explicit Receiver(ShmqPeer& peer)
            : stream_(peer.stream_.open()), consumer_(value_of(stream_.consumer(ScratchStream::group))) {
            read_.max_entries = peer.shape_.batch;
            answers_ = peer.shape_.answers;
            if (answers_ && !peer.shape_.polls)
                read_.wait = std::chrono::seconds(1);  // one way it polls, as bare queues
        }
        ~Receiver() {
            if (!answered_.empty()) static_cast<void>(answered_.ack());
        }
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            if (!answered_.empty()) {
                check(answered_.ack());
                answered_.close();
            }
            auto batch = consumer_.read(read_);
            if (!batch) {
                if (batch.error() != shmq::Code::empty) throw_error(batch.error());
                return 0;
            }
            for (const shmq::Entry& entry : *batch) sink(entry.payload());
            const std::size_t count = batch->size();
            if (answers_)
                answered_ = std::move(*batch);
            else
                check(batch->ack());
            return count;
        }

    private:
        shmq::Stream stream_;
        shmq::Consumer consumer_;
        shmq::Batch answered_;  // before its consumer goes
        shmq::ReadOptions read_;
        bool answers_ = false;
    };

private:
    static shmq::StreamOptions options_for(const Shape& shape) {
        shmq::StreamOptions options;
        if (shape.size >= loans_from) {
            options.slots = 1024;
            options.payload = 64u << 20;
            options.chunks = 32;
            options.max_entry = shape.size;
            options.producers = 8;
            options.key_stripes = 0;
            options.parking = 0;
        }
        return options;
    }
    Shape shape_;
    ScratchStream stream_;
};

class BarePeer {
public:
    static constexpr const char* name = "bare ring";
    static constexpr bool looks = true;
    static std::string missing() { return {}; }
    explicit BarePeer(const Shape& shape) : shape_(shape) {}

    class Sender {
    public:
        Sender(BarePeer& peer, unsigned) : producer_(*peer.ring_), payload_(peer.shape_.size) {}
        bool send(std::uint64_t number) {
            fill(number, payload_);
            return producer_.add(payload_);
        }
        void flush() {}

    private:
        BareProducer producer_;
        std::vector<std::byte> payload_;
    };
    class Receiver {
    public:
        explicit Receiver(BarePeer& peer) : consumer_(*peer.ring_), batch_(peer.shape_.batch) {}
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            return consumer_.read_and_ack(batch_, std::ref(sink));
        }

    private:
        BareConsumer consumer_;
        std::size_t batch_;
    };

private:
    Shape shape_;
    SharedBareRing ring_;
};

}  // namespace bench
