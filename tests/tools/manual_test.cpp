// What the tools tell about themselves comes from their tables: the pages in docs/, the manual page, and words that
// real shells complete.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

/// Fails the test if a page of docs/ has no block of code with this text.
void expect_block(const std::string& page, const std::string& text) {
    EXPECT_NE(read_whole(SHMQ_DOCS "/" + page).find("```\n" + text + "```\n"), std::string::npos)
        << "the tables have changed; docs/" << page << " should have:\n"
        << text;
}

TEST(Manual, the_pages_have_the_synopsis) {
    const Folder folder;
    expect_block("cli.md", folder.shmq({"manual", "--format", "synopsis"}));
    expect_block("inspect.md", folder.inspect({"manual", "--format", "synopsis"}).out);
    expect_block("inspect.md", folder.inspect({"--help"}).out);
}

TEST(Manual, the_page_for_man_has_every_command_and_flag) {
    const Folder folder;
    const std::string shmq_page = folder.shmq({"manual"});
    const std::string inspect_page = folder.inspect({"manual"}).out;
    EXPECT_EQ(shmq_page.rfind(".TH shmq 1 ", 0), 0u);
    EXPECT_EQ(inspect_page.rfind(".TH shmq-inspect 1 ", 0), 0u);
    for (const char* words : {".SS \"group create\"\n", ".B \\-\\-delivery\\-limit N\n", ".SH EXIT STATUS\n"})
        EXPECT_NE(shmq_page.find(words), std::string::npos) << words;
    for (const char* words : {".SS \"doctor\"\n", ".B \\-\\-watch D\n", ".SS \"set\\-cursor\"\n"})
        EXPECT_NE(inspect_page.find(words), std::string::npos) << words;
}

/// Two streams, one of which has two groups.
struct Named {
    Folder folder;
    Named() {
        folder.shmq({"create", "jobs", "--slots", "64", "--payload", "1MiB"});
        folder.shmq({"create", "letters", "--slots", "64", "--payload", "1MiB"});
        for (const char* group : {"audit", "workers"}) folder.shmq({"group", "create", "jobs", group});
    }
    /// Candidates for the last of the words, without their meanings.
    [[nodiscard]] std::string complete(Words words) const {
        words.insert(words.begin(), {SHMQ_TOOL, "--complete"});
        return shell_cut(folder.run(std::move(words)).out);
    }
    [[nodiscard]] std::string complete_inspect(Words words) const {
        words.insert(words.begin(), "--complete");
        return shell_cut(folder.inspect(std::move(words)).out);
    }
    static std::string shell_cut(const std::string& lines) {
        std::istringstream stream(lines);
        std::string words;
        for (std::string line; std::getline(stream, line);) words += line.substr(0, line.find('\t')) + " ";
        return words;
    }
};

TEST(Completion, knows_commands_flags_words_streams_and_groups) {
    const Named named;
    EXPECT_EQ(named.complete({"re"}), "read recover ");
    EXPECT_EQ(named.complete({"group", ""}), "create drop list ");
    EXPECT_EQ(named.complete({"read", ""}), "jobs letters ");
    EXPECT_EQ(named.complete({"read", "jobs", "--group", ""}), "audit workers ");
    EXPECT_EQ(named.complete({"read", "jobs", "--group", "audit", "--format", ""}), "text json ");
    EXPECT_EQ(named.complete({"read", "jobs", "--group", "audit", "--c"}), "--consumer --count --claim-idle ");
    EXPECT_EQ(named.complete({"ack", "jobs", "w"}), "workers ");
    EXPECT_EQ(named.complete({"group", "create", "jobs", "g", "--dead-letter", "l"}), "letters ");
    EXPECT_EQ(named.complete({"group", "create", "jobs", "g", "--from", ""}), "oldest newest ");
    EXPECT_EQ(named.complete({"add", "jobs", "--lines", ""}), ":file ");
    EXPECT_EQ(named.complete({"completion", ""}), "bash zsh fish ");
    EXPECT_EQ(named.complete({"read", "jobs", "--wait", ""}), "") << "a time is anybody's guess";
    EXPECT_EQ(named.complete({"no-such", ""}), "");
    EXPECT_EQ(named.complete_inspect({"pending", "jobs", "a"}), "audit ");
    EXPECT_EQ(named.complete_inspect({"dump", "jobs", "--format", "r"}), "resp ");
    EXPECT_EQ(named.complete_inspect({"set-cursor", "jobs", "audit", "n"}), "newest ");
}

TEST(Completion, works_in_bash) {
    const Named named;
    const std::string set_up = "source <(shmq completion bash); source <(shmq-inspect completion bash);";
    const auto completed = [&](const std::string& line) {
        return named.folder
            .shell("bash -c '" + set_up + " COMP_WORDS=(" + line +
                   "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _shmq_complete ${COMP_WORDS[0]} "
                   "\"${COMP_WORDS[COMP_CWORD]}\"; echo ${COMPREPLY[@]}'")
            .out;
    };
    EXPECT_EQ(completed("shmq gr"), "group\n");
    EXPECT_EQ(completed("shmq ack jobs \"\""), "audit workers\n");
    EXPECT_EQ(completed("shmq-inspect latency jobs w"), "workers\n");
    EXPECT_EQ(completed("shmq add jobs --lines " + named.folder.file("o")), named.folder.file("out") + "\n");
}

TEST(Completion, works_in_fish) {
    const Named named;
    const auto completed = [&](const std::string& line) {
        return Named::shell_cut(
            named.folder
                .shell("HOME=" + named.folder.file("out") +
                       " fish --no-config -c 'shmq completion fish | source; shmq-inspect completion "
                       "fish | source; complete -C \"" +
                       line + "\"'")
                .out);
    };
    EXPECT_EQ(completed("shmq gr"), "group ");
    EXPECT_EQ(completed("shmq ack jobs "), "audit workers ");
    EXPECT_EQ(completed("shmq-inspect latency jobs w"), "workers ");
}

TEST(Completion, works_in_zsh_at_a_terminal) {
    const Named named;
    const std::string socket = named.folder.file("out/tmux");
    write_whole(named.folder.file("out/.zshrc"),
                "PS1='ready> '\nautoload -U compinit\ncompinit -u -D\nsource <(shmq completion zsh)\n"
                "source <(shmq-inspect completion zsh)\n");
    const auto tmux = [&](const std::string& words) {
        return named.folder
            .shell("TERM=xterm-256color ZDOTDIR=" + named.folder.file("out") + " tmux -S " + socket + " " + words)
            .out;
    };
    // Again if need be: what comes before the shell is ready for it is lost.
    const auto expect_completed = [&](const std::string& typed, const std::string& completed) {
        wait_until([&] {
            tmux("send-keys C-u '" + typed + "' Tab");
            for (int look = 0; look < 50; ++look)
                if (tmux("capture-pane -p").find("ready> " + completed) != std::string::npos) return true;
            return false;
        });
    };
    tmux("-f /dev/null new-session -d -x 100 -y 24 'exec zsh -i'");
    expect_completed("shmq gr", "shmq group");
    expect_completed("shmq group list jo", "shmq group list jobs");
    expect_completed("shmq-inspect latency jobs w", "shmq-inspect latency jobs workers");
    tmux("kill-server");
}

TEST(Completion, of_another_shell_is_refused) {
    const Folder folder;
    EXPECT_EQ(folder.inspect({"completion", "tcsh"}).code, 64);
    EXPECT_EQ(folder.run({SHMQ_TOOL, "completion", "tcsh"}).code, 64);
}

}  // namespace
}  // namespace shmq::inspect_test
