// The search: lets each thread make its next step in turn, lets a read take each write that was made, puts a write at
// each place in the order of writes, and goes on with what the axioms allow.
#include "litmus/memory_model.hpp"

#include <algorithm>
#include <stdexcept>

#include "litmus/relations.hpp"

namespace shmq::test {

namespace {

class Search {
public:
    explicit Search(const Program& program) : program_(program) {
        for (unsigned place = 0; place < program.initial.size(); ++place) {
            Event event;
            event.writes = true;
            event.place = place;
            event.value_written = program.initial[place];
            execution_.writes.push_back({place});
            execution_.events.push_back(event);
        }
        registers_.assign(program.registers, unset);
        next_.assign(program.threads.size(), 0);
    }
    Executions run() {
        go_on();
        return std::move(found_);
    }

private:
    /// What tells one part of an execution from another, in whatever order its steps were made.
    [[nodiscard]] std::string key() const {
        std::string key;
        const auto put = [&](unsigned event) {
            const Event& e = execution_.events[event];
            key += static_cast<char>(e.thread < 0 ? 100 + e.place : static_cast<unsigned>(e.thread));
            key += static_cast<char>(e.step);
        };
        for (int thread = 0; thread < static_cast<int>(next_.size()); ++thread) {
            key += static_cast<char>(next_[static_cast<unsigned>(thread)]);
            for (const Event& event : execution_.events)
                if (event.thread == thread && event.reads) put(event.reads_from);
        }
        for (const std::vector<unsigned>& writes : execution_.writes) {
            key += '/';
            for (const unsigned write : writes) put(write);
        }
        return key;
    }

    void go_on() {
        if (!seen_.insert(key()).second) return;
        bool ended = true;
        for (unsigned thread = 0; thread < next_.size(); ++thread) {
            if (next_[thread] == program_.threads[thread].size()) continue;
            ended = false;
            const Step& step = program_.threads[thread][next_[thread]];
            ++next_[thread];
            if (step.if_register >= 0 && registers_[static_cast<unsigned>(step.if_register)] != step.if_value)
                go_on();
            else
                make(step, static_cast<int>(thread));
            --next_[thread];
        }
        if (!ended) return;
        ++found_.count;
        Outcome outcome{registers_, {}};
        for (const std::vector<unsigned>& writes : execution_.writes)
            outcome.places.push_back(execution_.events[writes.back()].value_written);
        found_.outcomes.insert(outcome);
    }

    void make(const Step& step, int thread) {
        Event event;
        event.thread = thread;
        event.step = next_[static_cast<unsigned>(thread)];
        event.place = step.place;
        event.order = step.order;
        if (step.kind == Step::Kind::fence) {
            event.is_fence = true;
            return try_with(event, 0);
        }
        if (step.kind == Step::Kind::store) {
            event.writes = true;
            event.value_written = step.value;
            for (std::size_t at = 1; at <= execution_.writes[step.place].size(); ++at) try_with(event, at);
            return;
        }
        event.reads = true;
        const std::vector<unsigned> writes = execution_.writes[step.place];
        for (std::size_t i = 0; i < writes.size(); ++i) {
            const Value value = execution_.events[writes[i]].value_written;
            Event read = event;
            read.reads_from = writes[i];
            const Value before = step.into < 0 ? unset : registers_[static_cast<unsigned>(step.into)];
            if (step.into >= 0) registers_[static_cast<unsigned>(step.into)] = value;
            if (step.kind == Step::Kind::set_bits || (step.kind == Step::Kind::exchange && value == step.expected)) {
                read.writes = true;
                read.value_written = step.kind == Step::Kind::set_bits ? value | step.value : step.value;
                try_with(read, i + 1);
            } else {
                if (step.kind == Step::Kind::exchange) read.order = step.failure;
                try_with(read, 0);
            }
            if (step.into >= 0) registers_[static_cast<unsigned>(step.into)] = before;
        }
    }

    /// With this event; a write stands at `at` in the order of writes.
    void try_with(const Event& event, std::size_t at) {
        const auto number = static_cast<unsigned>(execution_.events.size());
        if (number >= most_events) throw std::length_error("a program of too many steps");
        execution_.events.push_back(event);
        if (event.writes) {
            auto& writes = execution_.writes[event.place];
            writes.insert(writes.begin() + static_cast<std::ptrdiff_t>(at), number);
        }
        if (is_consistent(execution_)) go_on();
        if (event.writes) {
            auto& writes = execution_.writes[event.place];
            writes.erase(writes.begin() + static_cast<std::ptrdiff_t>(at));
        }
        execution_.events.pop_back();
    }

    const Program& program_;
    Execution execution_;
    std::vector<Value> registers_;
    std::vector<unsigned> next_;
    std::set<std::string> seen_;
    Executions found_;
};

}  // namespace

bool Executions::any(const std::function<bool(const Outcome&)>& is) const {
    return std::any_of(outcomes.begin(), outcomes.end(), is);
}

Executions executions_of(const Program& program) { return Search(program).run(); }

}  // namespace shmq::test
