// What is asked of each peer: messages one way, and there and back. Each runs in processes of its own.
#pragma once

#include <unistd.h>

#include <memory>
#include <span>
#include <string>

#include "peers/shape.hpp"
#include "support/settings.hpp"
#include "support/statistics.hpp"

namespace bench {

/// Until a peer with a ring of 32 MiB has gone round it, the kernel maps its pages.
constexpr std::uint64_t messages_of_a_lap(std::size_t size) { return (std::uint64_t{40} << 20) / (size + 32); }

/// Messages a second from `producers` processes to one that reads, checks and (where the peer has acks) acks each. Not
/// counted is the first lap of a ring, or the first eighth if there are not so many.
template <class Peer>
double one_way_rate(const Shape& shape, std::uint64_t total) {
    const auto peer = std::make_unique<Peer>(shape);
    const std::uint64_t each = total / shape.producers;
    total = each * shape.producers;
    const std::uint64_t lap = messages_of_a_lap(shape.size);
    const std::uint64_t warm_up = total > 2 * lap ? lap : total / 8;
    Round round;
    for (unsigned who = 0; who < shape.producers; ++who)
        round.start(who % 2 == 0 ? settings().core_of_first : settings().core_of_second, [&, who](Board& board) {
            typename Peer::Sender sender(*peer, who);
            line_up(board, shape.producers + 1);
            for (std::uint64_t count = 0; count < each; ++count)
                while (!sender.send(number_of(who, count))) shape.idle();
            sender.flush();
            while (board.received.load(std::memory_order_acquire) == 0) ::usleep(1'000);
        });
    round.start(settings().core_of_second, [&](Board& board) {
        typename Peer::Receiver receiver(*peer);
        Checker checker(shape.size, shape.producers);
        line_up(board, shape.producers + 1);
        std::uint64_t got = 0, start = 0;
        // From one message on, in the midst of a call if need be: some peers give tens of thousands in one.
        const auto sink = [&](std::span<const std::byte> message) {
            checker(message);
            if (++got == warm_up) start = now_ns();
        };
        while (got < total)
            if (receiver.receive(sink) == 0) shape.idle();
        board.figures[0] = static_cast<double>(total - warm_up) * 1e9 / static_cast<double>(now_ns() - start);
        board.received.store(1, std::memory_order_release);
    });
    round.finish();
    return round.board().figures[0];
}

/// Nanoseconds of trips there and back over two of the peer, one message at a time.
template <class Peer>
Percentiles trip_times(const Shape& shape, std::uint64_t trips) {
    const auto there = std::make_unique<Peer>(shape);
    const auto back = std::make_unique<Peer>(shape);
    const std::uint64_t warm_up = trips / 8;
    const auto receive_one = [&](typename Peer::Receiver& receiver, Checker& checker) {
        while (receiver.receive(checker) == 0) pause_times(1);
    };
    const auto send_one = [&](typename Peer::Sender& sender, std::uint64_t count) {
        while (!sender.send(number_of(0, count))) shape.idle();
        sender.flush();
    };
    Round round;
    round.start(settings().core_of_first, [&](Board& board) {
        typename Peer::Receiver receiver(*back);
        typename Peer::Sender sender(*there, 0);
        Checker checker(shape.size);
        std::vector<std::uint32_t> times;
        times.reserve(trips);
        line_up(board, 2);
        for (std::uint64_t count = 0; count < trips + warm_up; ++count) {
            const std::uint64_t start = now_ns();
            send_one(sender, count);
            receive_one(receiver, checker);
            if (count >= warm_up) times.push_back(static_cast<std::uint32_t>(now_ns() - start));
        }
        write_on(board, percentiles_of(std::move(times)));
    });
    round.start(settings().core_of_second, [&](Board& board) {
        typename Peer::Receiver receiver(*there);
        typename Peer::Sender sender(*back, 0);
        Checker checker(shape.size);
        line_up(board, 2);
        for (std::uint64_t count = 0; count < trips + warm_up; ++count) {
            receive_one(receiver, checker);
            send_one(sender, count);
        }
    });
    round.finish();
    return percentiles_on(round.board());
}

}  // namespace bench
