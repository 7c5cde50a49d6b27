// What the workers saw, in memory that outlives them.
#include "kill/ledger.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <vector>

namespace shmq::test {

Ledger::Ledger() {
    void* const bytes =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) ::abort();
    shared_ = static_cast<Shared*>(bytes);  // zeros are the beginning of all of it but this
    shared_->next_life.store(named_life + 1);
}

Ledger::~Ledger() { ::munmap(shared_, sizeof(Shared)); }

void Ledger::violate(const std::string& what) noexcept {
    if (shared_->violations.fetch_add(1) < 20) std::fprintf(stderr, "kill loop: %s\n", what.c_str());
}

void Ledger::delivered(std::uint32_t life, std::uint32_t group, std::uint64_t sequence, std::uint64_t content) {
    const std::string what = "entry " + std::to_string(sequence) + " of group " + std::to_string(group);
    if (const std::uint64_t before = shared_->contents[sequence % most_entries].exchange(content);
        before != 0 && before != content)
        violate(what + " has other bytes than before");
    InGroup& here = entry(group, sequence);
    if (here.acks.load() != 0) violate(what + " was delivered after its ack");
    const std::uint32_t before = here.holder.exchange(life);
    if (before == 0) return;
    shared_->redelivered.fetch_add(1);
    if (!life_of(before).killed.load())
        violate(what + " was taken from life " + std::to_string(before) + ", which lives");
}

void Ledger::will_nack(std::uint32_t group, std::uint64_t sequence) noexcept { entry(group, sequence).holder.store(0); }

void Ledger::will_ack(std::uint32_t life, std::uint32_t group, std::uint64_t sequence) noexcept {
    entry(group, sequence).acker.store(life);
}

void Ledger::acked(std::uint32_t group, std::uint64_t sequence) {
    if (entry(group, sequence).acks.fetch_add(1) != 0)
        violate("entry " + std::to_string(sequence) + " of group " + std::to_string(group) + " was acked twice");
}

void Ledger::check(std::uint64_t next) {
    if (next > most_entries || shared_->next_life.load() > most_lives) return violate("the ledger is too small");
    for (std::uint32_t group = 0; group < groups_in_loop; ++group)
        for (std::uint64_t sequence = 1; sequence < next; ++sequence) {
            const InGroup& here = entry(group, sequence);
            const std::uint32_t acker = here.acker.load();
            // Who died between its ack and its telling of it leaves only that it was about to.
            if (here.acks.load() == 1 || (acker != 0 && life_of(acker).killed.load())) continue;
            violate("entry " + std::to_string(sequence) + " of group " + std::to_string(group) + " was lost");
        }
    check_lives(next);
}

void Ledger::check_lives(std::uint64_t next) {
    std::vector<std::uint64_t> last(shared_->next_life.load());
    for (std::uint64_t sequence = 1; sequence < next; ++sequence) {
        const Content content = unpack(shared_->contents[sequence].load());
        if (content.life >= last.size()) return violate("entry " + std::to_string(sequence) + " is of nobody");
        if (content.number != last[content.life] + 1)
            violate("entry " + std::to_string(sequence) + " is number " + std::to_string(content.number) + " of life " +
                    std::to_string(content.life) + ", after number " + std::to_string(last[content.life]));
        last[content.life] = content.number;
    }
    for (std::uint32_t life = named_life; life < last.size(); ++life) {
        const Life& here = life_of(life);
        if (last[life] < here.added.load() || last[life] > here.begun.load())
            violate("life " + std::to_string(life) + " has " + std::to_string(last[life]) + " entries, added " +
                    std::to_string(here.added.load()) + " and began " + std::to_string(here.begun.load()));
    }
}

}  // namespace shmq::test
