// What the points that points.py puts into a copy of the rooms ask: is this the mutant that this process runs?
//
// The copy is compiled once with this header before everything; the environment chooses. SHMQ_MUTANT is the number of
// the one point that differs, 0 or nothing: none does. SHMQ_MUTANT_REACHED names a file with a byte per point, which
// becomes 1 when the point is passed; it is mapped shared, so that children which are killed leave theirs. Tests make
// their folders in SHMQ_MUTANT_FOLDER, which the runner empties.
// Never part of the product.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shmq {

namespace mutants {

struct Chosen {
    unsigned number = 0;
    unsigned char* reached = nullptr;
    unsigned long count = 0;

    Chosen() noexcept {
        if (const char* text = ::getenv("SHMQ_MUTANT"); text != nullptr)
            number = static_cast<unsigned>(::strtoul(text, nullptr, 10));
        const char* path = ::getenv("SHMQ_MUTANT_REACHED");
        if (path == nullptr) return;
        const int file = ::open(path, O_RDWR | O_CLOEXEC);
        struct stat facts {};
        if (file < 0 || ::fstat(file, &facts) != 0) ::abort();
        count = static_cast<unsigned long>(facts.st_size);
        void* bytes = ::mmap(nullptr, count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (bytes == MAP_FAILED) ::abort();
        ::close(file);  // tests count the open ones
        reached = static_cast<unsigned char*>(bytes);
    }
};
inline const Chosen chosen;

inline const char* folder() noexcept {
    const char* path = ::getenv("SHMQ_MUTANT_FOLDER");
    return path != nullptr ? path : "/dev/shm";
}

}  // namespace mutants

/// Whether the point `number` is to differ. Never in a constant expression.
[[nodiscard]] constexpr bool mutant(unsigned number) noexcept {
    if (__builtin_is_constant_evaluated()) return false;
    if (mutants::chosen.number == number) [[unlikely]]
        return true;
    if (mutants::chosen.reached != nullptr && number < mutants::chosen.count) [[unlikely]]
        mutants::chosen.reached[number] = 1;
    return false;
}

namespace mutants {

// What a comparison becomes: its neighbour, which differs in one case, or its contrary.
template <class A, class B>
constexpr bool equal(unsigned n, const A& a, const B& b) {
    return mutant(n) != static_cast<bool>(a == b);
}
template <class A, class B>
constexpr bool unequal(unsigned n, const A& a, const B& b) {
    return mutant(n) != static_cast<bool>(a != b);
}
template <class A, class B>
constexpr bool less(unsigned n, const A& a, const B& b) {
    return mutant(n) ? static_cast<bool>(a <= b) : static_cast<bool>(a < b);
}
template <class A, class B>
constexpr bool at_most(unsigned n, const A& a, const B& b) {
    return mutant(n) ? static_cast<bool>(a < b) : static_cast<bool>(a <= b);
}
template <class A, class B>
constexpr bool greater(unsigned n, const A& a, const B& b) {
    return mutant(n) ? static_cast<bool>(a >= b) : static_cast<bool>(a > b);
}
template <class A, class B>
constexpr bool at_least(unsigned n, const A& a, const B& b) {
    return mutant(n) ? static_cast<bool>(a > b) : static_cast<bool>(a >= b);
}

/// A compare_exchange that does not compare.
template <class Word, class T, class Value, class Order>
bool compare_exchange(unsigned n, Word& word, T& expected, Value value, Order success, Order failure) noexcept {
    const T wanted = static_cast<T>(value);
    if (!mutant(n)) return word.compare_exchange(expected, wanted, success, failure);
    word.exchange(wanted, success);
    return true;
}
/// A raise_to that also lowers.
template <class Word, class T, class Order>
bool raise_to(unsigned n, Word& word, T value, Order order) noexcept {
    if (!mutant(n)) return raise_to(word, value, order);
    word.store(value, order);
    return true;
}
/// A store that orders nothing after it.
template <class Word, class T, class Order>
[[gnu::always_inline]] inline void store(unsigned n, Word& word, T value, Order) noexcept {
    if (mutant(n))
        word.store(static_cast<decltype(word.load(Order::relaxed))>(value), Order::relaxed);
    else
        word.store(static_cast<decltype(word.load(Order::relaxed))>(value), Order::seq_cst);
}

}  // namespace mutants

}  // namespace shmq
