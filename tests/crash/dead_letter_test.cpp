// Who moves a dead entry to another stream is killed or stopped at every point, in either segment, and whoever comes
// next goes on: in the end there is one letter, or the operator's word came first and there is none.
#include "crash/access_points.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

/// A stream whose group "work" has two dead entries, the stream they move to, and a reader of everything there.
enum class Where : std::uint8_t { in_ring, parked };

class Scene {
public:
    explicit Scene(const Folder& folder, Where where = Where::in_ring)
        : path_(folder / "s"), letters_path_(folder / "letters") {
        letters_ = must(Stream::create(letters_path_, small_options()));
        must(letters_.create_group("all"));
        stream_ = must(Stream::create(path_, small_options()));
        GroupOptions options;
        options.delivery_limit = 1;
        options.dead_letter = letters_path_;
        must(stream_.create_group("work", Position::oldest(), options));
        for (std::uint64_t i = 1; i <= 3; ++i) must(stream_.add(payload_of(i)));
        Consumer consumer = must(stream_.consumer("work"));
        Batch batch = must(consumer.read());
        must(batch.ack(3));
        if (where == Where::parked) lap_source();
        must(batch.nack(1));
        must(batch.nack(2));
        EXPECT_EQ(must(stream_.group("work")).parked, where == Where::parked ? 2u : 0u);
    }
    /// Others go on in the source until its ring has gone round twice: what is not finished is parked, if it was not.
    void lap_source() {
        Consumer consumer = must(stream_.consumer("work"));
        for (std::uint64_t i = 0; i < 2 * small_options().slots + 3; ++i) {
            must(stream_.add(payload_of(100 + i)));
            while (auto batch = consumer.read()) {
                for (const Entry& entry : *batch) EXPECT_GT(entry.sequence(), 3u) << "delivered again";
                EXPECT_TRUE(batch->ack());
            }
        }
    }
    [[nodiscard]] Stream& stream() { return stream_; }
    [[nodiscard]] int move(Point point, std::uint64_t at) const {
        Stream own = must(Stream::open(path_));
        arm(point, std::string(), at);  // any address: the target is mapped under way
        const auto moved = own.move_dead("work");
        disarm();
        return moved || moved.error() == Code::busy || moved.error() == Code::no_group ? 0 : 1;
    }
    /// Reads all letters, whose sequences are counted.
    void read_letters() {
        Consumer consumer = must(letters_.consumer("all"));
        while (auto batch = consumer.read()) {
            for (const Entry& entry : *batch)
                if (const auto sequence = entry.field("sequence")) ++count_[text_of(*sequence) == "1" ? 0 : 1];
            must(batch->ack());
        }
    }
    /// The ring of the target goes round: what was read is trimmed.
    void lap_target() {
        for (std::uint64_t i = 0; i < 2 * small_options().slots + 3; ++i) {
            must(letters_.add(payload_of(i)));
            read_letters();
        }
    }
    [[nodiscard]] int letters_of(Sequence sequence) {
        read_letters();
        return count_[sequence - 1];
    }
    /// How often a consumer that acks everything is given `sequence`.
    [[nodiscard]] int deliveries_of(Sequence sequence) {
        int count = 0;
        Consumer consumer = must(stream_.consumer("work"));
        while (auto batch = consumer.read()) {
            for (const Entry& entry : *batch) count += entry.sequence() == sequence ? 1 : 0;
            must(batch->ack());
        }
        return count;
    }
    /// The next mover goes on; both entries are letters once.
    void check_moved() {
        must(stream_.recover());
        must(stream_.move_dead("work"));
        EXPECT_EQ(letters_of(1), 1);
        EXPECT_EQ(letters_of(2), 1);
        EXPECT_EQ(must(stream_.pending("work")).count, 0u);
        check_room();
    }
    /// Nothing is held in either stream.
    void check_room() {
        EXPECT_EQ(deliveries_of(3), 0);
        for (Stream* stream : {&stream_, &letters_}) {
            Consumer consumer = must(stream->consumer(stream == &stream_ ? "work" : "all"));
            for (std::uint64_t i = 0; i < 2 * small_options().slots; ++i) {
                must(stream->add(payload_of(i)));
                while (auto batch = consumer.read()) must(batch->ack());
            }
        }
    }

private:
    std::string path_;
    std::string letters_path_;
    Stream stream_;
    Stream letters_;
    int count_[2] = {0, 0};
};

/// Runs `check` after a death before each store of a move.
template <class Check>
void kill_at_every_store(Check check, Where where = Where::in_ring) {
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE("killed at point " + std::to_string(at));
        const Folder folder;
        Scene scene(folder, where);
        const int status = in_child([&] { return scene.move(Point::death, at); });
        check(scene);
        if (::testing::Test::HasFailure()) return;
        if (status == 0) {
            EXPECT_GT(at, 30u) << "the points of both segments are among them";
            std::printf("a move killed at %llu points\n", static_cast<unsigned long long>(at - 1));
            return;
        }
        ASSERT_EQ(status, -SIGKILL);
    }
}

TEST(MovedDead, killed_at_every_store_is_one_letter_after_the_next_mover) {
    kill_at_every_store([](Scene& scene) { scene.check_moved(); });
}

TEST(MovedDead, killed_at_every_store_is_one_letter_also_of_what_is_parked) {
    kill_at_every_store([](Scene& scene) { scene.check_moved(); }, Where::parked);
    kill_at_every_store(
        [](Scene& scene) {
            must(scene.stream().recover());
            scene.check_moved();
            EXPECT_EQ(must(scene.stream().info()).parked, 0u);
        },
        Where::parked);
}

TEST(MovedDead, killed_at_every_store_and_parked_then_is_one_letter) {
    kill_at_every_store([](Scene& scene) {
        scene.lap_source();
        scene.check_moved();
        EXPECT_EQ(must(scene.stream().info()).parked, 0u);
    });
}

TEST(MovedDead, killed_at_every_store_is_one_letter_also_when_the_target_went_round_before) {
    kill_at_every_store([](Scene& scene) {
        scene.lap_target();
        scene.check_moved();
    });
}

TEST(MovedDead, killed_at_every_store_is_one_letter_also_when_the_next_movers_are_killed_too) {
    kill_at_every_store([](Scene& scene) {
        for (std::uint64_t at = 1;; at += 7) {
            const int status = in_child([&] { return scene.move(Point::death, at); });
            scene.read_letters();
            if (status == 0) break;
            ASSERT_LT(at, 1'000u);
        }
        scene.check_moved();
    });
}

TEST(MovedDead, killed_at_every_store_is_one_letter_after_recover) {
    kill_at_every_store([](Scene& scene) {
        must(scene.stream().recover());
        EXPECT_EQ(scene.letters_of(1), 1);
        EXPECT_EQ(code_of(scene.stream().requeue_dead("work", 1)), Code::not_pending);
        scene.check_moved();
    });
}

void requeue_after_kills(Where where) {
    const auto check = [](Scene& scene) {
        const auto requeued = scene.stream().requeue_dead("work", 1);
        EXPECT_EQ(scene.letters_of(1), requeued ? 0 : 1);
        if (!requeued) {
            EXPECT_EQ(code_of(requeued), Code::not_pending);
        }
        must(scene.stream().recover());
        EXPECT_EQ(scene.deliveries_of(1), requeued ? 1 : 0);
        EXPECT_EQ(scene.letters_of(1), requeued ? 0 : 1);
        EXPECT_EQ(scene.letters_of(2), 1);
        scene.check_room();
    };
    kill_at_every_store(check, where);
}

TEST(MovedDead, killed_at_every_store_and_requeued_then_is_delivered_or_a_letter_but_not_both) {
    requeue_after_kills(Where::in_ring);
    requeue_after_kills(Where::parked);
}

/// Stops the mover before each of its accesses; `meanwhile` says what others do, `after` what must hold when it went
/// on.
template <class Meanwhile, class After>
void stop_everywhere(Meanwhile meanwhile, After after, Where where = Where::in_ring) {
    std::uint64_t tried = 0;
    for (std::uint64_t at = 1;; ++at, ++tried) {
        SCOPED_TRACE("stopped at point " + std::to_string(at));
        const Folder folder;
        Scene scene(folder, where);
        Child mover([&](Link&) { return scene.move(Point::stop, at); });
        if (!mover.wait_until_stopped()) {
            EXPECT_EQ(mover.wait(), 0);
            EXPECT_GT(tried, 100u);
            std::printf("a move stopped at %llu points\n", static_cast<unsigned long long>(tried));
            return;
        }
        meanwhile(scene);
        mover.resume();
        EXPECT_EQ(mover.wait(), 0);
        after(scene);
        if (::testing::Test::HasFailure()) return;
    }
}

TEST(MovedDead, stopped_anywhere_is_requeued_or_a_letter_but_not_both) {
    Result<void> requeued;
    stop_everywhere(
        [&](Scene& scene) {
            requeued = scene.stream().requeue_dead("work", 1);
            EXPECT_EQ(scene.deliveries_of(1), requeued ? 1 : 0);
            if (!requeued) {
                const Code code = requeued.error().code();
                EXPECT_TRUE(code == Code::busy || code == Code::not_pending) << requeued.error().message();
            }
        },
        [&](Scene& scene) {
            must(scene.stream().recover());
            EXPECT_EQ(scene.letters_of(1), requeued ? 0 : 1);
            EXPECT_EQ(scene.letters_of(2), 1);
            scene.check_room();
        });
}

TEST(MovedDead, stopped_at_every_access_while_others_move_read_and_lap_both_rings_is_one_letter) {
    stop_everywhere(
        [](Scene& scene) {
            const auto moved = scene.stream().move_dead("work");
            if (!moved) {
                EXPECT_EQ(code_of(moved), Code::busy) << moved.error().message();
            }
            scene.lap_target();
            scene.lap_source();
            EXPECT_LE(scene.letters_of(1), 1);
            EXPECT_LE(scene.letters_of(2), 1);
        },
        [](Scene& scene) {
            scene.check_moved();
            scene.lap_source();
            EXPECT_EQ(scene.letters_of(1) + scene.letters_of(2), 2);
        });
}

TEST(MovedDead, stopped_anywhere_while_its_entries_are_parked_is_one_letter) {
    stop_everywhere([](Scene& scene) { scene.lap_source(); }, [](Scene& scene) { scene.check_moved(); });
    stop_everywhere([](Scene& scene) { scene.lap_source(); }, [](Scene& scene) { scene.check_moved(); }, Where::parked);
}

TEST(MovedDead, stopped_anywhere_and_acked_by_an_operator_holds_nothing) {
    stop_everywhere(
        [](Scene& scene) {
            static_cast<void>(scene.stream().ack("work", 1));
            static_cast<void>(scene.stream().ack("work", 2));
            for (std::uint64_t i = 0; i < small_options().slots; ++i) {
                must(scene.stream().add(payload_of(i)));
                EXPECT_EQ(scene.deliveries_of(1), 0);
            }
        },
        [](Scene& scene) {
            EXPECT_LE(scene.letters_of(1), 1);
            EXPECT_LE(scene.letters_of(2), 1);
            scene.check_room();
        });
}

TEST(MovedDead, stopped_anywhere_while_its_group_is_moved_comes_to_an_end) {
    stop_everywhere([](Scene& scene) { must(scene.stream().move_group("work", Position::newest())); },
                    [](Scene& scene) {
                        EXPECT_LE(scene.letters_of(1), 1);
                        EXPECT_LE(scene.letters_of(2), 1);
                        scene.check_room();
                    });
}

}  // namespace
}  // namespace shmq::test
