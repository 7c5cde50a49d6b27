// Boost's queues of fixed capacity, in memory that processes forked later share: no groups, no acks, one size. The
// single-producer one is filled one at a time and emptied in place by consume_all, as its documentation recommends.
#pragma once

#include <array>
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <memory>

#include "peers/shape.hpp"

namespace bench {

template <std::size_t Size>
using Block = std::array<std::uint64_t, Size / 8>;

/// So many of a size: 32 MiB of them, at most what a boost::lockfree::queue of fixed capacity can number.
template <std::size_t Size>
constexpr std::size_t block_capacity = std::min<std::size_t>(65'534, (std::size_t{32} << 20) / Size);

/// A queue of type `Queue` in shared memory.
template <class Queue>
class InSharedMemory {
public:
    InSharedMemory() : bytes_(sizeof(Queue) + alignof(Queue)), queue_(new (place()) Queue) {}
    Queue& operator*() const { return *queue_; }

private:
    void* place() const {
        void* at = bytes_.data();
        std::size_t room = sizeof(Queue) + alignof(Queue);
        return std::align(alignof(Queue), sizeof(Queue), at, room);
    }
    SharedBytes bytes_;
    Queue* queue_;
};

template <std::size_t Size>
class SpscPeer {
public:
    static constexpr const char* name = "boost spsc_queue";
    static constexpr bool looks = true;
    static std::string missing() { return {}; }
    explicit SpscPeer(const Shape& shape) : shape_(shape) {}

    class Sender {
    public:
        Sender(SpscPeer& peer, unsigned) : queue_(*peer.queue_) {}
        bool send(std::uint64_t number) {
            block_.fill(number);
            return queue_.push(block_);
        }
        void flush() {}

    private:
        boost::lockfree::spsc_queue<Block<Size>, boost::lockfree::capacity<block_capacity<Size>>>& queue_;
        Block<Size> block_;
    };
    class Receiver {
    public:
        explicit Receiver(SpscPeer& peer) : queue_(*peer.queue_), one_(peer.shape_.batch == 1) {}
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            const auto look = [&](const Block<Size>& block) { sink(std::as_bytes(std::span(block))); };
            return one_ ? queue_.consume_one(look) : queue_.consume_all(look);
        }

    private:
        boost::lockfree::spsc_queue<Block<Size>, boost::lockfree::capacity<block_capacity<Size>>>& queue_;
        bool one_;
    };

private:
    Shape shape_;
    InSharedMemory<boost::lockfree::spsc_queue<Block<Size>, boost::lockfree::capacity<block_capacity<Size>>>> queue_;
};

template <std::size_t Size>
class QueuePeer {
public:
    static constexpr const char* name = "boost queue";
    static constexpr bool looks = true;
    static std::string missing() { return {}; }
    explicit QueuePeer(const Shape&) {}
    using Queue = boost::lockfree::queue<Block<Size>, boost::lockfree::capacity<block_capacity<Size>>>;

    class Sender {
    public:
        Sender(QueuePeer& peer, unsigned) : queue_(*peer.queue_), block_(std::make_unique<Block<Size>>()) {}
        bool send(std::uint64_t number) {
            block_->fill(number);
            return queue_.push(*block_);
        }
        void flush() {}

    private:
        Queue& queue_;
        std::unique_ptr<Block<Size>> block_;
    };
    class Receiver {
    public:
        explicit Receiver(QueuePeer& peer) : queue_(*peer.queue_), block_(std::make_unique<Block<Size>>()) {}
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            if (!queue_.pop(*block_)) return 0;
            sink(std::as_bytes(std::span(*block_)));
            return 1;
        }

    private:
        Queue& queue_;
        std::unique_ptr<Block<Size>> block_;
    };

private:
    InSharedMemory<Queue> queue_;
};

}  // namespace bench
