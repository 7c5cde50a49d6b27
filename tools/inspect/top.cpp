// `shmq-inspect top [NAME]`: a live screen of one stream or of all of them: rates, lag and what is odd; by stream, by
// group or by process. Keys switch between these; the terminal is as it was afterwards.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "tools/common/exit_code.hpp"
#include "tools/common/process.hpp"
#include "tools/common/text.hpp"
#include "tools/inspect/command.hpp"
#include "tools/inspect/group_table.hpp"
#include "tools/inspect/rates.hpp"
#include "tools/inspect/terminal.hpp"
#include "tools/inspect/text.hpp"

namespace shmq::inspect {

namespace {

using Clock = std::chrono::steady_clock;
using tools::grouped;

constexpr Duration usual_pause = std::chrono::seconds(1);
constexpr Duration shortest_pause = std::chrono::milliseconds(100);
constexpr Duration longest_pause = std::chrono::minutes(1);

enum class View : std::uint8_t { streams, groups, processes };

/// A stream at the last look, and what changed since the one before.
struct Watched {
    StreamFacts facts;
    Clock::time_point when;
    Rates rates;
    std::vector<Finding> findings;
};
struct Failed {
    std::string name;
    std::string message;
};

class Top {
public:
    explicit Top(const Request& request, Screen& screen) : request_(request), screen_(screen) {}

    void look() {
        std::map<std::string, Watched> now;
        failed_.clear();
        const Result<std::vector<std::string>> names = names_to_look_at(request_.name);
        if (!names) failed_.push_back({"", names.error().message()});
        for (const std::string& name : names ? *names : std::vector<std::string>()) {
            Result<StreamFacts> facts = look_at(name);
            if (!facts) {
                failed_.push_back({name, facts.error().message()});
                continue;
            }
            Watched watched{std::move(*facts), Clock::now(), {}, {}};
            const auto before = streams_.find(name);
            if (before != streams_.end())
                watched.rates = rates_between(before->second.facts, watched.facts, watched.when - before->second.when);
            watched.findings = judge(watched.facts, &watched.rates);
            now.emplace(name, std::move(watched));
        }
        streams_ = std::move(now);
    }

    /// False to end.
    bool press(char key) {
        if (key == 'q' || key == 'Q') return false;
        if (key == '1' || key == 's') view_ = View::streams;
        if (key == '2' || key == 'g') view_ = View::groups;
        if (key == '3' || key == 'p') view_ = View::processes;
        if (key == '\t') view_ = static_cast<View>((static_cast<int>(view_) + 1) % 3);
        if (key == '+') pause_ = std::max(pause_ / 2, shortest_pause);
        if (key == '-') pause_ = std::min(pause_ * 2, longest_pause);
        if (key == 'h' || key == '?') help_ = !help_;
        return true;
    }

    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> lines{head(), ""};
        if (help_) {
            lines.push_back("  1 s  streams    2 g  groups    3 p  processes    Tab  the next of these");
            lines.push_back("  +    sooner     -    later     q    ends         h    hides this");
            lines.emplace_back();
        }
        const Table table = view_ == View::streams  ? stream_table()
                            : view_ == View::groups ? group_table()
                                                    : process_table();
        if (table.rows.empty()) lines.push_back(screen_.paint("  none", Tone::quiet));
        if (!table.rows.empty())
            for (std::string& line : screen_.lines_of(table)) lines.push_back(std::move(line));
        for (const Failed& one : failed_)
            lines.push_back(fmt::format("  {}  {}", safe_text(one.name).text,
                                        screen_.paint(safe_text(one.message).text, Tone::trouble)));
        if (view_ == View::streams) add_findings(lines);
        return lines;
    }
    [[nodiscard]] Duration pause() const noexcept { return pause_; }

private:
    [[nodiscard]] std::string head() const {
        const auto title = [&](View view, std::string_view text) {
            return screen_.paint(text, view == view_ ? Tone::heading : Tone::quiet);
        };
        return fmt::format("shmq  {}   {}  {}  {}   every {}   h help  q quit", utc_time(wall_clock_ns()).substr(0, 19),
                           title(View::streams, "1 streams"), title(View::groups, "2 groups"),
                           title(View::processes, "3 processes"), tools::human_duration(pause_));
    }

    [[nodiscard]] static std::string bar(std::uint64_t part, std::uint64_t whole) {
        constexpr std::uint64_t width = 10;
        const std::uint64_t full = whole == 0 ? 0 : std::min(width, (part * width + whole - 1) / whole);
        return std::string(full, '#') + std::string(width - full, '.');
    }

    [[nodiscard]] Table stream_table() const {
        Table table{{{"stream", false},
                     {"added", true},
                     {"groups", true},
                     {"lag", true},
                     {"pending", true},
                     {"oldest", true},
                     {"needed", false},
                     {"attached", true},
                     {"verdict", false}},
                    {}};
        for (const auto& [name, one] : streams_) {
            const StreamFacts& facts = one.facts;
            const Totals totals = totals_of(facts);
            const std::vector<Finding>& findings = one.findings;
            const Level level = findings.empty() ? Level::healthy : findings.front().level;
            table.rows.push_back(
                {safe_text(name).text,
                 rate_text(one.rates.added),
                 grouped(facts.groups.size()),
                 grouped(totals.most_lag),
                 grouped(totals.pending + totals.retry),
                 totals.oldest_age ? tools::human_duration(*totals.oldest_age) : "-",
                 {bar(facts.needed(), facts.info.options.slots),
                  percent(facts.needed(), facts.info.options.slots) >= nearly_percent ? Tone::warning : Tone::plain},
                 grouped(facts.attachments.size()),
                 {findings.empty() ? "healthy" : findings.front().word, tone_of(level)}});
        }
        return table;
    }

    [[nodiscard]] Table group_table() const {
        Table table{{{"stream", false},
                     {"group", false},
                     {"consumers", true},
                     {"delivered", true},
                     {"finished", true},
                     {"lag", true},
                     {"pending", true},
                     {"retry", true},
                     {"dead", true},
                     {"oldest", true}},
                    {}};
        for (const auto& [name, one] : streams_)
            for (const GroupFacts& group : one.facts.groups) {
                const GroupRates* rates = one.rates.of(group.info.name);
                const std::size_t living = living_consumers(group);
                table.rows.push_back(
                    {safe_text(name).text,
                     safe_text(group.info.name).text,
                     {grouped(living), living == 0 ? Tone::warning : Tone::plain},
                     rates == nullptr ? "-" : rate_text(rates->delivered),
                     rates == nullptr ? "-" : rate_text(rates->finished),
                     {grouped(group.info.lag), rates != nullptr && rates->lag_grows > 0 ? Tone::note : Tone::plain},
                     grouped(group.info.pending),
                     {grouped(group.info.retry), group.info.retry > 0 ? Tone::note : Tone::plain},
                     {grouped(group.info.dead), group.info.dead > 0 ? Tone::warning : Tone::plain},
                     group.info.oldest_age ? tools::human_duration(*group.info.oldest_age) : "-"});
            }
        return table;
    }

    [[nodiscard]] Table process_table() const {
        Table table{{{"stream", false},
                     {"pid", true},
                     {"owner", false},
                     {"state", false},
                     {"chunks", true},
                     {"consumers", true},
                     {"command", false}},
                    {}};
        for (const auto& [name, one] : streams_)
            for (std::size_t i = 0; i < one.facts.attachments.size(); ++i) {
                const AttachmentInfo& attachment = one.facts.attachments[i];
                const ProcessState state = one.facts.states[i];
                table.rows.push_back({safe_text(name).text,
                                      std::to_string(attachment.pid),
                                      {owner_word(attachment.owner), tone_of(attachment.owner)},
                                      {state_word(state), state == ProcessState::stopped ? Tone::warning : Tone::plain},
                                      grouped(attachment.chunks),
                                      grouped(attachment.consumers),
                                      safe_text(attachment.command).text});
            }
        return table;
    }

    void add_findings(std::vector<std::string>& lines) const {
        for (const auto& [name, one] : streams_)
            for (const Finding& finding : one.findings) {
                if (finding.level < Level::warning) continue;
                lines.emplace_back();
                lines.push_back(
                    fmt::format("  {}: {}", screen_.paint(safe_text(name).text, tone_of(finding.level)), finding.text));
                if (!finding.cures.empty())
                    lines.push_back(fmt::format("      {}  {}",
                                                screen_.paint(safe_text(finding.cures[0].command).text, Tone::heading),
                                                screen_.paint("# " + finding.cures[0].effect, Tone::quiet)));
            }
    }

    const Request& request_;
    Screen& screen_;
    std::map<std::string, Watched> streams_;
    std::vector<Failed> failed_;
    View view_ = View::streams;
    Duration pause_ = usual_pause;
    bool help_ = false;
};

}  // namespace

int run_top(Answer& answer) {
    if (!Terminal::is_there()) {
        tools::complain("top wants a terminal; `shmq-inspect doctor`, or any command with --watch, does without");
        return tools::exit_usage;
    }
    const tools::StopSignals signals;
    Top top(answer.request(), answer.screen());
    Terminal terminal;
    Clock::time_point next = Clock::now();
    while (!signals.requested()) {
        if (Clock::now() >= next) {
            top.look();
            next = Clock::now() + top.pause();
        }
        terminal.draw(top.lines());
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
        const char key = terminal.key(static_cast<int>(std::max<long long>(rest, 0)), signals.descriptor());
        if (key != 0 && !top.press(key)) break;
    }
    return tools::exit_done;
}

}  // namespace shmq::inspect
