// See user.hpp. The calls are numbered in three parts, of which the first is what a read-only handle can do.
#include "fuzz/user.hpp"

#include "fuzz/sample.hpp"

namespace shmq::fuzz {

namespace {

constexpr std::uint64_t looks = 18;
constexpr std::uint64_t works = 13;
constexpr std::uint64_t operations = 15;
constexpr std::uint64_t all_calls = looks + works + operations;
constexpr std::uint64_t highest_number = 40;

[[noreturn]] void broken(const char* what) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

/// An error says what it is, and of damaged bytes where they are: the byte of the segment, the entry, or the file.
template <class T>
void fine(const Result<T>& result) {
    if (result) return;
    const std::string text = result.error().message();
    if (text.empty()) broken("an error without a word");
    if (result.error().code() != Code::corrupt) return;
    for (const char* place : {" at byte ", "the file has "})
        if (text.find(place) != std::string::npos) return;
    broken(("no place in: " + text).c_str());
}

void look_at(Bytes bytes) {
    static volatile unsigned sink = 0;
    unsigned sum = 0;
    for (const std::byte b : bytes) sum += static_cast<unsigned>(b);
    sink = sink + sum;
}
void look_at(const Entry& entry) {
    if (entry.payload().size() > test::small_options().max_entry) broken("an entry larger than there can be one");
    look_at(entry.payload());
    look_at(entry.key());
    if (const auto fields = entry.fields())
        for (const Field& field : *fields) look_at(field.value);
}
void show(const Result<Copies>& copies) {
    fine(copies);
    if (!copies) return;
    if (copies->size() > test::small_options().slots) broken("more entries than slots");
    for (const Entry& entry : *copies) look_at(entry);
}
/// A moment around the one at which the sample was made.
Position moment(std::uint64_t number) {
    const auto now = std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
    return Position::at_time(now + std::chrono::seconds(20) - std::chrono::seconds(number));
}

}  // namespace

bool User::open() {
    if (stream_) return true;
    auto opened = Stream::open(path_, {.read_only = read_only_});
    fine(opened);
    if (opened) stream_.emplace(std::move(*opened));
    return stream_.has_value();
}

bool User::call(Input& input) {
    if (!open()) return false;
    const std::uint64_t which = input.up_to(all_calls - 1);
    const char* const group = group_names[input.up_to(group_names.size() - 1)];
    call(which, group, input.up_to(highest_number));
    return true;
}

void User::call_all() {
    if (!open()) return;
    for (std::uint64_t which = 0; which < all_calls; ++which)
        call(which, group_names[which % group_names.size()], which % highest_number);
}

void User::call(std::uint64_t which, const char* group, std::uint64_t number) {
    if (which < looks)
        look(which, group, number);
    else if (which < looks + works)
        work(which - looks, group, number);
    else
        operate(which - looks - works, group, number);
}

void User::look(std::uint64_t which, const char* group, std::uint64_t number) {
    switch (which) {
        case 0: return fine(stream_->info());
        case 1: return fine(stream_->groups());
        case 2: return fine(stream_->attachments());
        case 3: return fine(stream_->pending(group));
        case 4: return fine(stream_->pending_entries(group));
        case 5: return fine(stream_->consumers(group));
        case 6: return fine(stream_->latency(group));
        case 7: return show(stream_->range(0, ~Sequence{0}));
        case 8: return show(stream_->reverse_range(~Sequence{0}, 0));
        case 9: return fine(stream_->group(group));
        case 10: return fine(stream_->dead(group));
        case 11: return fine(stream_->producer_names());
        case 12: return fine(stream_->pending_entries(group, {.consumer = "one", .from = number, .only_dead = true}));
        case 13: return follow(stream_->reader());
        case 14: return follow(stream_->reader(moment(number), Position::newest()));
        case 15: return show(stream_->range(moment(highest_number), moment(number)));
        case 16: return show(stream_->reverse_range(moment(number), Position::oldest(), number));
        case 17: return show(stream_->range(number, number + 3));
    }
}

void User::work(std::uint64_t which, const char* group, std::uint64_t number) {
    switch (which) {
        case 0: return fine(stream_->add(std::string(number * 70, 'y'), keyed(number % 2 == 0 ? "even" : "new")));
        case 1: return read(group, number);
        case 2: return batch_ ? fine(batch_->ack()) : read(group, number);
        case 3: return batch_ ? fine(batch_->nack()) : read(group, number);
        case 4: return batch_.reset();
        case 5:
            if (consumer_) take(consumer_->claim({.max_entries = 1 + number}));
            return;
        case 6: return add_named(number);
        case 7: return lend(number);
        case 8: return fine(stream_->add_fields({{"name", "value"}, {"other", group}}));
        case 9:
            if (batch_ && !batch_->empty()) fine(batch_->extend((*batch_)[0].sequence()));
            return;
        case 10:
            if (batch_ && !batch_->empty()) fine(batch_->nack((*batch_)[0].sequence(), std::chrono::hours(number)));
            return;
        case 11: {
            const std::array<Bytes, 3> payloads{bytes_of("one"), bytes_of("two"), bytes_of("three")};
            return fine(stream_->add(payloads));
        }
        case 12: batch_.reset(); return consumer_.reset();
    }
}

void User::operate(std::uint64_t which, const char* group, std::uint64_t number) {
    switch (which) {
        case 0: return fine(stream_->recover());
        case 1: return fine(stream_->ack(group, number));
        case 2: return fine(stream_->nack(group, number));
        case 3: return fine(stream_->requeue_dead(group));
        case 4: return fine(stream_->requeue_dead(group, number));
        case 5: return fine(stream_->drop_dead(group, number));
        case 6: return fine(stream_->move_dead(group));
        case 7: return fine(stream_->requeue_letters(group, letters_));
        case 8: return fine(stream_->trim_before(moment(number)));
        case 9: return fine(stream_->trim_keep_bytes(number * 500));
        case 10: return fine(stream_->trim_keep(number));
        case 11: return fine(stream_->create_group("new"));
        case 12: return fine(stream_->move_group(group, number % 2 == 0 ? Position::oldest() : Position::at(number)));
        case 13: return fine(stream_->drop_group(number % 2 == 0 ? group : "new"));
        case 14: return fine(stream_->drop_dead(group));
    }
}

void User::follow(Result<Reader> reader) {
    fine(reader);
    for (std::uint64_t i = 0; reader && i < 2 * test::small_options().slots; ++i) {
        const auto entry = reader->next();
        fine(entry);
        if (!entry) return;
        look_at(*entry);
    }
}

void User::read(const char* group, std::uint64_t number) {
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

void User::take(Result<Batch> batch) {
    fine(batch);
    if (!batch) return;
    for (const Entry& entry : *batch) look_at(entry);
    batch_.emplace(std::move(*batch));
}

void User::add_named(std::uint64_t number) {
    auto producer = stream_->producer(number % 4 == 0 ? "other" : "feed");
    fine(producer);
    if (!producer) return;
    AddOptions options;
    options.number = number;
    fine(producer->add("again", options));
    fine(producer->add("next"));
}

void User::lend(std::uint64_t number) {
    auto loan = stream_->loan(number * 64, keyed("odd"));
    fine(loan);
    if (!loan) return;
    std::fill(loan->bytes().begin(), loan->bytes().end(), std::byte{'l'});
    if (number % 3 != 0) fine(loan->commit());
}

}  // namespace shmq::fuzz
