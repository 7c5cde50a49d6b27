// What every call of shmq answers: one word per cause, the same in C++, in the tools and in the documents.
//
// Three kinds of answer are never mixed. An *outcome* (empty, full, fenced, ...) is a value and costs nothing to make.
// The state of the *world* (errno, damaged bytes) is a value too, with the place and the cure. A *bug* (a broken
// promise of the caller or of shmq itself, such as reading the value of a failed Result) stops the process.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace shmq {

/// One word per cause. `code_word` gives its text, docs/errors.md what to do.
enum class Code : std::uint16_t {
    ok = 0,
    // Outcomes of a healthy stream.
    empty,         ///< nothing to deliver within the wait
    full,          ///< no room within the wait; the text names the group, consumer and sequence that hold it
    fenced,        ///< the entry was handed on to somebody else since it was read
    not_pending,   ///< the entry is unknown to the group's pending entries, or finished already
    stopped,       ///< the caller's stop_token ended the wait
    busy,          ///< a living process owns this name of a consumer or producer
    removed,       ///< the stream was removed while this handle was attached
    trimmed,       ///< the sequence is below the first entry that is kept
    out_of_range,  ///< the sequence was not added yet, or is 0
    duplicate,     ///< the producer has gone beyond this number; its last one is told
    out_of_order,  ///< an earlier entry of the same key, or of a strict group, is not finished yet
    // Limits of the stream's geometry.
    too_large,             ///< entry or key above the stream's limit
    too_many_loans,        ///< the producer's open loans hold all the chunks it may hold
    too_many_producers,    ///< `producers` producers add already
    too_many_consumers,    ///< `consumers` consumers are open in this group
    too_many_groups,       ///< `groups` groups exist, or their rows are still watched by living processes
    too_many_attachments,  ///< `attachments` handles are open
    too_many_names,        ///< `producer_names` names of producers are in use
    too_many_in_flight,    ///< the consumer holds as many entries as its group allows
    too_many_pins,         ///< the table that keeps views of former owners readable is used up
    // Wrong arguments.
    bad_name,    ///< a name with odd characters, empty or too long
    bad_option,  ///< an option outside its limits, or other than the segment was made with
    // The world.
    exists,         ///< there is a stream or group of this name already
    no_stream,      ///< there is no stream of this name
    no_group,       ///< there is no group of this name, or it was dropped
    no_space,       ///< the file system has not the room for the segment
    not_allowed,    ///< permissions refuse it, or the handle is read-only
    corrupt,        ///< the segment holds bytes that shmq never writes
    wrong_version,  ///< the segment was made by another format of shmq
    forked,         ///< the handle was inherited by fork(); open the stream again in the child
    closed,         ///< the handle was closed or moved from
    system,         ///< the kernel refused something; the text has errno and the call
};

/// The word of a code, such as "not_pending". Static storage.
[[nodiscard]] std::string_view code_word(Code code) noexcept;

/// Why a call did not give its value: 24 bytes, copied freely, made without allocation or system call.
///
/// The names and numbers that belong to the newest errors of each thread are kept in a small thread-local ring, so
/// `message()` is complete when it is asked for in the thread that got the error, before 16 further errors; later or
/// elsewhere it still has the word, the numbers of the error itself and the cure.
class Error {
public:
    constexpr Error() noexcept = default;
    constexpr explicit Error(Code code, std::uint64_t number = 0, std::uint64_t detail = 0) noexcept
        : number_(number), detail_(detail), code_(code) {}

    [[nodiscard]] constexpr Code code() const noexcept { return code_; }
    /// The number the error is about: a sequence, a size in bytes, an errno, an offset; 0 if none.
    [[nodiscard]] constexpr std::uint64_t number() const noexcept { return number_; }
    /// One line for people: what, with names and numbers, and the cure. Allocates.
    [[nodiscard]] std::string message() const;

    friend constexpr bool operator==(const Error& error, Code code) noexcept { return error.code_ == code; }

private:
    std::uint64_t number_ = 0;
    std::uint64_t detail_ = 0;
    Code code_ = Code::ok;
};

/// A value or an Error, with the member names of std::expected (C++23). Taking the value of an error, or the error of a
/// value, is a bug of the caller and stops the process.
template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;
    using error_type = Error;

    Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value)), has_(true) {}
    Result(Error error) noexcept : error_(error), has_(false) {}
    Result(Code code) noexcept : Result(Error(code)) {}
    Result(Result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : has_(other.has_) { take(other); }
    Result& operator=(Result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
        if (this != &other) {
            reset();
            has_ = other.has_;
            take(other);
        }
        return *this;
    }
    ~Result() { reset(); }

    [[nodiscard]] bool has_value() const noexcept { return has_; }
    explicit operator bool() const noexcept { return has_; }

    [[nodiscard]] T& value() & { return check(), value_; }
    [[nodiscard]] const T& value() const& { return check(), value_; }
    [[nodiscard]] T&& value() && { return check(), std::move(value_); }
    [[nodiscard]] T& operator*() & { return check(), value_; }
    [[nodiscard]] const T& operator*() const& { return check(), value_; }
    [[nodiscard]] T&& operator*() && { return check(), std::move(value_); }
    [[nodiscard]] T* operator->() { return check(), &value_; }
    [[nodiscard]] const T* operator->() const { return check(), &value_; }
    template <class U>
    [[nodiscard]] T value_or(U&& otherwise) && {
        return has_ ? std::move(value_) : static_cast<T>(std::forward<U>(otherwise));
    }
    [[nodiscard]] Error error() const {
        if (has_) stop("error() of a Result that has a value");
        return error_;
    }
    /// `f(value)` of a value, the error of an error.
    template <class F>
    auto and_then(F&& f) && -> std::invoke_result_t<F, T&&> {
        if (has_) return std::forward<F>(f)(std::move(value_));
        return error_;
    }

private:
    [[noreturn]] static void stop(const char* what) noexcept {
        std::fprintf(stderr, "shmq: bug in the calling program: %s\n", what);
        std::abort();
    }
    void check() const {
        if (!has_) [[unlikely]]
            stop("value of a Result that has an error");
    }
    void reset() noexcept {
        if (has_) value_.~T();
    }
    void take(Result& other) {
        if (has_)
            new (&value_) T(std::move(other.value_));
        else
            error_ = other.error_;
    }

    union {
        T value_;
        Error error_;
    };
    bool has_;
};

/// Nothing or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;
    using error_type = Error;

    Result() noexcept = default;
    Result(Error error) noexcept : error_(error) {}
    Result(Code code) noexcept : error_(Error(code)) {}

    [[nodiscard]] bool has_value() const noexcept { return error_.code() == Code::ok; }
    explicit operator bool() const noexcept { return has_value(); }
    void value() const {
        if (!has_value()) {
            std::fprintf(stderr, "shmq: bug in the calling program: value of a Result that has an error\n");
            std::abort();
        }
    }
    [[nodiscard]] Error error() const noexcept { return error_; }

private:
    Error error_;
};

}  // namespace shmq
