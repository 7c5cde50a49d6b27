// libFuzzer target: bytes of a segment change, before it is opened and between the calls of a process that uses it, as
// a hostile or a broken process would change them. Nothing may crash, be read outside the mapping (the page behind it
// can't be touched), or go on longer than the capacity allows (libFuzzer's -timeout).
//
// The input is a program of steps, each a byte and its operands: change a word, or make a call. Every input begins with
// the same segment, which has some of everything: see `Sample`.
#include <fcntl.h>
#include <fuzzer/FuzzedDataProvider.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "layout/segment.hpp"
#include "shmq/shmq.hpp"
#include "support/small_stream.hpp"

namespace shmq {
namespace {

using test::must;

StreamOptions sample_options() {
    StreamOptions options = test::small_options();
    options.groups = 6;
    options.producer_names = 4;
    options.parking = 4;
    return options;
}

constexpr std::array group_names{"plain", "keyed", "strict", "lossy", "limited"};

AddOptions keyed(std::string_view key) {
    AddOptions options;
    options.key = bytes_of(key);
    return options;
}

/// A stream with entries of several kinds, groups of each kind, and in them entries that are delivered, wait for retry,
/// are delayed, dead and parked; its bytes are put back before each input.
class Sample {
public:
    Sample() : path_("/dev/shm/shmq-fuzz." + std::to_string(::getpid())) {
        static_cast<void>(Stream::remove(path_));
        fill();
        const int file = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
        size_ = static_cast<std::size_t>(::lseek(file, 0, SEEK_END));
        void* const mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (file < 0 || mapped == MAP_FAILED) std::exit(2);
        ::close(file);
        bytes_ = static_cast<std::byte*>(mapped);
        sound_.assign(bytes_, bytes_ + size_);
        geometry_ = must(check_header(bytes_, size_));
    }
    Sample(const Sample&) = delete;
    Sample& operator=(const Sample&) = delete;
    ~Sample() { static_cast<void>(::unlink(path_.c_str())); }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const Geometry& geometry() const { return geometry_; }
    void restore() { std::memcpy(bytes_, sound_.data(), size_); }
    /// Changes one word, aligned or not.
    void change(std::size_t at, std::uint64_t value) {
        std::memcpy(bytes_ + std::min(at, size_ - sizeof value), &value, sizeof value);
    }
    [[nodiscard]] std::uint64_t word(std::size_t at) const {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes_ + std::min(at, size_ - sizeof value), sizeof value);
        return value;
    }

private:
    void fill() {
        Stream stream = must(Stream::create(path_, sample_options()));
        must(stream.create_group("plain"));
        GroupOptions options;
        options.order = Order::by_key;
        must(stream.create_group("keyed", Position::oldest(), options));
        options.order = Order::strict;
        must(stream.create_group("strict", Position::oldest(), options));
        options = {};
        options.retention = Retention::lossy;
        must(stream.create_group("lossy", Position::oldest(), options));
        options = {};
        options.delivery_limit = 1;
        must(stream.create_group("limited", Position::oldest(), options));
        Producer named = must(stream.producer("feed"));
        for (int i = 0; i < 8; ++i) {
            must(named.add("entry " + std::to_string(i), keyed(i % 2 == 0 ? "even" : "odd")));
            must(stream.add(std::string(static_cast<std::size_t>(i) * 150, 'x')));
            if (i == 3) stick();
        }
        Consumer failing = must(stream.consumer("limited"));
        Batch batch = must(failing.read(ReadOptions{.max_entries = 2}));
        must(batch.nack());
        Consumer delayer = must(stream.consumer("plain", "delayer"));
        batch = must(delayer.read(ReadOptions{.max_entries = 2}));
        must(batch.nack(batch[0].sequence(), std::chrono::hours(1)));
    }
    /// A consumer that dies with entries in its hands, and others that finish what comes after them.
    void stick() {
        Stream stream = must(Stream::open(path_));
        for (const char* group : group_names) {
            Consumer consumer = must(stream.consumer(group, "one"));
            Batch batch = must(consumer.read(ReadOptions{.max_entries = 3}));
            must(batch.ack(batch[0].sequence()));
        }
    }

    std::string path_;
    std::size_t size_ = 0;
    std::byte* bytes_ = nullptr;
    std::vector<std::byte> sound_;
    Geometry geometry_;
};

/// A process at work. Every answer is a value or an error that can say what it is.
class User {
public:
    explicit User(const std::string& path) : path_(path) {}

    void call(FuzzedDataProvider& input) {
        if (!stream_) {
            auto opened = Stream::open(path_);
            fine(opened);
            if (opened) stream_.emplace(std::move(*opened));
            return;
        }
        const char* const group = group_names[input.ConsumeIntegralInRange<std::size_t>(0, group_names.size() - 1)];
        const std::uint64_t number = input.ConsumeIntegralInRange<std::uint64_t>(0, 40);
        switch (input.ConsumeIntegralInRange<int>(0, 24)) {
            case 0: fine(stream_->info()); break;
            case 1: fine(stream_->groups()); break;
            case 2: fine(stream_->attachments()); break;
            case 3: fine(stream_->pending(group)); break;
            case 4: fine(stream_->pending_entries(group)); break;
            case 5: fine(stream_->consumers(group)); break;
            case 6: fine(stream_->latency(group)); break;
            case 7: show(stream_->range(0, ~Sequence{0})); break;
            case 8: show(stream_->reverse_range(~Sequence{0}, 0)); break;
            case 9: fine(stream_->add(std::string(number * 70, 'y'), keyed(number % 2 == 0 ? "even" : "new"))); break;
            case 10: fine(stream_->recover()); break;
            case 11: read_without_group(); break;
            case 12: read(group, number); break;
            case 13:
                if (batch_) fine(batch_->ack());
                break;
            case 14:
                if (batch_) fine(batch_->nack());
                break;
            case 15: batch_.reset(); break;
            case 16:
                if (consumer_) take(consumer_->claim(ClaimOptions{}));
                break;
            case 17: fine(stream_->ack(group, number)); break;
            case 18: fine(stream_->nack(group, number)); break;
            case 19: fine(stream_->requeue_dead(group)); break;
            case 20: fine(stream_->move_group(group, Position::oldest())); break;
            case 21: fine(stream_->drop_group(group)); break;
            case 22: fine(stream_->create_group("new")); break;
            case 23: fine(stream_->trim_keep(number)); break;
            case 24: add_named(number); break;
        }
    }

private:
    template <class T>
    static void fine(const Result<T>& result) {
        if (!result && result.error().message().empty()) std::abort();
    }
    static void look_at(Bytes bytes) {
        unsigned sum = 0;
        for (const std::byte b : bytes) sum += static_cast<unsigned>(b);
        sink = sum;
    }
    static void look_at(const Entry& entry) {
        look_at(entry.payload());
        look_at(entry.key());
        if (const auto fields = entry.fields())
            for (const Field& field : *fields) look_at(field.value);
    }
    static void show(const Result<Copies>& copies) {
        fine(copies);
        if (!copies) return;
        if (copies->size() > sample_options().slots) std::abort();
        for (const Entry& entry : *copies) look_at(entry);
    }
    void read_without_group() {
        auto reader = stream_->reader();
        fine(reader);
        for (int i = 0; reader && i < 20; ++i) {
            const auto entry = reader->next();
            fine(entry);
            if (!entry) return;
            look_at(*entry);
        }
    }
    void read(const char* group, std::uint64_t number) {
        if (!consumer_ || consumer_->group() != group) {
            batch_.reset();
            consumer_.reset();
            auto joined = stream_->consumer(group, number % 2 == 0 ? "" : "one");
            fine(joined);
            if (!joined) return;
            consumer_.emplace(std::move(*joined));
        }
        ReadOptions options;
        options.max_entries = 1 + number % 8;
        options.claim_idle = number % 3 == 0 ? Duration{0} : forever;
        take(consumer_->read(options));
    }
    void take(Result<Batch> batch) {
        fine(batch);
        if (!batch) return;
        for (const Entry& entry : *batch) look_at(entry);
        batch_.emplace(std::move(*batch));
    }
    void add_named(std::uint64_t number) {
        auto producer = stream_->producer("feed");
        fine(producer);
        if (!producer) return;
        AddOptions options;
        options.number = number;
        fine(producer->add("again", options));
    }

    static inline volatile unsigned sink = 0;
    std::string path_;
    std::optional<Stream> stream_;
    std::optional<Consumer> consumer_;
    std::optional<Batch> batch_;
};

/// Where a change is made: in a row of one of the tables, so that small tables are met as often as large ones.
std::size_t place(FuzzedDataProvider& input, const Geometry& geometry) {
    const auto kind = input.ConsumeIntegralInRange<std::size_t>(0, area_kinds);
    if (kind == area_kinds) return input.ConsumeIntegralInRange<std::size_t>(0, sizeof(Header) - 8);
    const Area& area = geometry.areas[kind];
    if (area.count == 0) return sizeof(Header);
    const auto row = input.ConsumeIntegralInRange<std::uint64_t>(0, area.count - 1);
    const std::uint64_t words = std::max<std::uint64_t>(area.stride / 8, 1);
    return area.offset + row * area.stride + 8 * input.ConsumeIntegralInRange<std::uint64_t>(0, words - 1);
}

void change(FuzzedDataProvider& input, Sample& sample) {
    const std::size_t at = place(input, sample.geometry());
    switch (input.ConsumeIntegralInRange<int>(0, 4)) {
        case 0: sample.change(at, sample.word(at) ^ std::uint64_t{1} << input.ConsumeIntegralInRange(0, 63)); break;
        case 1: sample.change(at, sample.word(at) + input.ConsumeIntegral<std::uint8_t>()); break;
        case 2: sample.change(at, sample.word(place(input, sample.geometry()))); break;
        case 3: sample.change(at, input.ConsumeBool() ? ~std::uint64_t{0} : 0); break;
        case 4: sample.change(at, input.ConsumeIntegral<std::uint64_t>()); break;
    }
}

}  // namespace
}  // namespace shmq

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace shmq;
    static Sample sample;
    constexpr int most_steps = 64;
    sample.restore();
    FuzzedDataProvider input(data, size);
    User user(sample.path());
    for (int step = 0; step < most_steps && input.remaining_bytes() != 0; ++step) {
        if (input.ConsumeBool())
            change(input, sample);
        else
            user.call(input);
    }
    return 0;
}
