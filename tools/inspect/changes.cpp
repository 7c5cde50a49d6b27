// The commands that change a stream: each looks, makes a plan, and has it told or carried out.
//
// The stream is opened for more than looking only by a step that is done; opening it so recovers what the dead held,
// as every open does.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "tools/common/text.hpp"
#include "tools/inspect/change.hpp"
#include "tools/inspect/group_table.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using tools::counted;
using tools::grouped;

std::string entries_text(std::uint64_t count) { return counted(count, "entry", "entries"); }

/// A stream that is opened to be changed when the first step asks for it, and once. Outlives the plan.
class Opened {
public:
    explicit Opened(std::string name) : name_(std::move(name)) {}
    /// Calls `change` with it, if it can be opened; else the error.
    template <class Change>
    auto with(Change change) -> decltype(change(std::declval<Stream&>())) {
        if (!stream_) {
            Result<Stream> opened = Stream::open(name_);
            if (!opened) return opened.error();
            stream_.emplace(std::move(*opened));
        }
        return change(*stream_);
    }

private:
    std::string name_;
    std::optional<Stream> stream_;
};

std::string held_text(const PendingEntry& entry) {
    const std::string idle = entry.idle ? " for " + idle_text(entry.idle) : std::string();
    if (entry.dead) return fmt::format("dead after {}", counted(entry.deliveries, "delivery", "deliveries"));
    if (!entry.consumer) return "waits for retry" + idle;
    return fmt::format("held by {} ({}){}", safe_text(*entry.consumer).text, owner_word(entry.owner), idle);
}

/// The pending entry of that sequence; nullopt if it is none.
Result<std::optional<PendingEntry>> find_pending(const Stream& stream, const std::string& group, Sequence sequence) {
    Result<std::vector<PendingEntry>> found = stream.pending_entries(group, {.from = sequence, .to = sequence});
    if (!found) return found.error();
    if (found->empty()) return std::optional<PendingEntry>();
    return std::optional<PendingEntry>(std::move(found->front()));
}

/// A step for each entry that was named.
template <class Act>
int change_entries(Answer& answer, std::string_view verb, std::string_view object, Act act) {
    const Request& request = answer.request();
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    Opened opened(request.name);
    Plan plan;
    for (const Sequence sequence : request.sequences) {
        const auto entry = find_pending(*stream, request.group, sequence);
        if (!entry) return answer.fail(entry.error());
        Step step{fmt::format("{} entry {} of group {}{}{}", verb, sequence, safe_text(request.group).text, object,
                              *entry ? ", " + held_text(**entry) : std::string()),
                  [&opened, &request, sequence, act] {
                      return without_words(opened.with([&](Stream& to) { return act(to, request, sequence); }));
                  }};
        if (!*entry) step.refusal = "not_pending: it was never delivered, or is finished";
        plan.push_back(std::move(step));
    }
    return carry_out(answer, plan);
}

/// What there is to hand on in a stream; no step if nobody died.
Result<Plan> plan_recovery(const std::string& name) {
    Result<StreamFacts> facts = look_at(name);
    if (!facts) return facts.error();
    std::string dead;
    for (const AttachmentInfo& one : facts->attachments) {
        if (one.owner != Owner::dead) continue;
        dead += fmt::format("{}{} {} ({}, {})", dead.empty() ? "" : ", ", one.pid, safe_text(one.command).text,
                            counted(one.consumers, "consumer", "consumers"), counted(one.chunks, "chunk", "chunks"));
    }
    if (dead.empty()) return Plan{};
    const auto recover = [name]() -> Result<std::string> {
        Result<Stream> stream = Stream::open(name);
        if (!stream) return stream.error();
        const Result<RecoveryReport> report = stream->recover();
        if (!report) return report.error();
        return fmt::format("{} handed to retry, {} left for adoption", entries_text(report->entries),
                           counted(report->chunks, "chunk", "chunks"));
    };
    return Plan{{fmt::format("hand on what dead processes held in {}: {}", safe_text(name).text, dead), recover}};
}

/// The first entry that stays if all before `sequence` are given up as far as groups allow, and who does not.
std::string trim_text(const StreamFacts& facts, Sequence sequence) {
    Sequence until = std::clamp(sequence, facts.info.first, facts.info.next);
    std::string held;
    for (const GroupFacts& group : facts.groups) {
        if (group.info.options.retention == Retention::lossy || group.info.held_from >= until) continue;
        until = std::max(group.info.held_from, facts.info.first);
        held = fmt::format("; group {} still needs {}", safe_text(group.info.name).text, until);
    }
    return fmt::format("{}, the first kept is {}{}", entries_text(until - facts.info.first), until, held);
}

}  // namespace

int run_recover(Answer& answer) {
    const Result<Plan> plan = plan_recovery(answer.request().name);
    return plan ? carry_out(answer, *plan) : answer.fail(plan.error());
}

int run_reap(Answer& answer) {
    const Result<std::vector<std::string>> names = Stream::list();
    if (!names) return answer.fail(names.error());
    Plan all;
    for (const std::string& name : *names) {
        Result<Plan> plan = plan_recovery(name);
        if (!plan && plan.error().code() == Code::no_stream) continue;  // removed meanwhile
        if (!plan)
            all.push_back({fmt::format("look at {}", safe_text(name).text),
                           [error = plan.error()]() -> Result<std::string> { return error; }, plan.error().message()});
        else
            std::move(plan->begin(), plan->end(), std::back_inserter(all));
    }
    return carry_out(answer, all);
}

int run_claim(Answer& answer) {
    const Request& request = answer.request();
    constexpr std::size_t most_at_once = 4'096;
    const std::size_t most = std::min<std::uint64_t>(request.count.value_or(most_at_once), most_at_once);
    const Duration idle = *request.idle;
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    Result<std::vector<PendingEntry>> entries = stream->pending_entries(request.group, {.idle = idle});
    if (!entries) return answer.fail(entries.error());
    std::erase_if(*entries, [](const PendingEntry& entry) { return !entry.consumer; });
    if (entries->empty()) return carry_out(answer, {});
    if (entries->size() > most) entries->resize(most);
    Opened opened(request.name);
    const auto claim = [&](Stream& from) -> Result<std::string> {
        const Result<std::uint64_t> count = from.claim(request.group, {.idle = idle, .max_entries = most});
        if (!count) return count.error();
        return fmt::format("{} taken", entries_text(*count));
    };
    Step step{fmt::format("take {} of group {} from who holds them, for retry", entries_text(entries->size()),
                          safe_text(request.group).text),
              [&] { return opened.with(claim); }};
    for (const PendingEntry& entry : *entries)
        step.details.push_back(fmt::format("{}: {}", entry.sequence, held_text(entry)));
    return carry_out(answer, {std::move(step)});
}

int run_ack(Answer& answer) {
    return change_entries(answer, "finish", "", [](Stream& stream, const Request& request, Sequence sequence) {
        return stream.ack(request.group, sequence);
    });
}

int run_dead(Answer& answer) {
    return change_entries(answer, "make", " dead", [](Stream& stream, const Request& request, Sequence sequence) {
        return stream.make_dead(request.group, sequence);
    });
}

int run_retry(Answer& answer) {
    return change_entries(answer, "give back", " for retry",
                          [](Stream& stream, const Request& request, Sequence sequence) -> Result<void> {
                              const auto entry = find_pending(stream, request.group, sequence);
                              if (!entry) return entry.error();
                              if (*entry && (*entry)->dead) return stream.requeue_dead(request.group, sequence);
                              return request.delay ? stream.nack(request.group, sequence, *request.delay)
                                                   : stream.nack(request.group, sequence);
                          });
}

int run_trim(Answer& answer) {
    const Request& request = answer.request();
    if (request.position.has_value() + request.keep.has_value() + request.keep_bytes.has_value() != 1) {
        tools::complain("exactly one of --before, --keep and --keep-bytes is needed");
        return tools::exit_usage;
    }
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    const Result<StreamFacts> facts = gather(*stream);
    if (!facts) return answer.fail(facts.error());
    std::string what = fmt::format("give up all but the newest {} bytes", grouped(request.keep_bytes.value_or(0)));
    if (request.keep) what = "give up " + trim_text(*facts, facts->info.next - std::min(*request.keep, facts->kept()));
    if (request.position) {
        const Result<Reader> reader = stream->reader(*request.position);
        if (!reader && reader.error().code() != Code::trimmed) return answer.fail(reader.error());
        what = "give up " + trim_text(*facts, reader ? reader->position() : facts->info.first);
    }
    Opened opened(request.name);
    const auto trim = [&](Stream& from) -> Result<std::string> {
        const Result<TrimReport> report = request.position ? from.trim_before(*request.position)
                                          : request.keep   ? from.trim_keep(*request.keep)
                                                           : from.trim_keep_bytes(*request.keep_bytes);
        if (!report) return report.error();
        return fmt::format("{} given up, the first kept is {}", entries_text(report->trimmed), report->first);
    };
    return carry_out(answer, {{what, [&] { return opened.with(trim); }}});
}

int run_set_cursor(Answer& answer) {
    const Request& request = answer.request();
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    const Result<GroupFacts> group = gather_group(*stream, request.group);
    if (!group) return answer.fail(group.error());
    const Result<Reader> reader = stream->reader(*request.position);
    if (!reader) return answer.fail(reader.error());
    Opened opened(request.name);
    return carry_out(
        answer,
        {{fmt::format("have group {} go on at {} instead of {}, and forget {} pending", safe_text(request.group).text,
                      reader->position(), group->info.next, grouped(group->pending.count)),
          [&] {
              return without_words(
                  opened.with([&](Stream& to) { return to.move_group(request.group, *request.position); }));
          }}});
}

int run_drop_group(Answer& answer) {
    const Request& request = answer.request();
    Result<Stream> stream = open_to_look(request.name);
    if (!stream) return answer.fail(stream.error());
    const Result<GroupFacts> group = gather_group(*stream, request.group);
    if (!group) return answer.fail(group.error());
    Opened opened(request.name);
    return carry_out(
        answer,
        {{fmt::format("drop group {} with {} pending, {} never delivered, {}", safe_text(request.group).text,
                      grouped(group->pending.count), grouped(group->info.lag),
                      counted(living_consumers(*group), "living consumer", "living consumers")),
          [&] { return without_words(opened.with([&](Stream& from) { return from.drop_group(request.group); })); }}});
}

int run_remove(Answer& answer) {
    const std::string& name = answer.request().name;
    const Result<StreamFacts> facts = look_at(name);
    // What cannot be looked at, the library may remove all the same.
    const std::string what = facts ? fmt::format("{} kept, open by {}", entries_text(facts->kept()),
                                                 counted(facts->attachments.size(), "handle", "handles"))
                                   : facts.error().message();
    if (!facts && facts.error().code() == Code::no_stream) return answer.fail(facts.error());
    return carry_out(answer, {{fmt::format("remove stream {}: {}", safe_text(name).text, what),
                               [&] { return without_words(Stream::remove(name)); }}});
}

}  // namespace shmq::inspect
