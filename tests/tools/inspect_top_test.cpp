// The live screen in a real terminal, which tmux is: what it shows, its keys, another size, and that the terminal is
// afterwards as it was, whatever ended it.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

/// `shmq-inspect top` in a terminal of its own, between two looks at how that is set.
class Top {
public:
    explicit Top(const Folder& folder) : folder_(folder), socket_(folder.file("out/tmux")) {
        const std::string out = folder.file("out/");
        write_whole(out + "script",
                    "stty -a > before\n"
                    "sh -c 'echo $$ > pid; exec " SHMQ_INSPECT
                    " top'\n"
                    "echo ended $? > ended\n"
                    "stty -a > after\n"
                    "exec sleep 1000\n");
        tmux("-f /dev/null new-session -d -x 110 -y 24 -c '" + out + "' 'exec sh script'");
    }
    Top(const Top&) = delete;
    Top& operator=(const Top&) = delete;
    ~Top() { tmux("kill-server"); }

    void press(const std::string& key) const { tmux("send-keys " + key); }
    void resize(int columns, int rows) const {
        tmux("resize-window -x " + std::to_string(columns) + " -y " + std::to_string(rows));
    }
    [[nodiscard]] std::string screen() const { return tmux("capture-pane -p"); }
    /// Until the screen says these words.
    void wait_for(const std::string& words) const {
        wait_until([&] { return screen().find(words) != std::string::npos; });
    }
    void signal(int number) const { ::kill(std::stoi(read_whole(folder_.file("out/pid"))), number); }
    /// Waits for its end; the line it ended with.
    [[nodiscard]] std::string end() const {
        wait_until([&] { return !read_whole(folder_.file("out/after")).empty(); });
        return read_whole(folder_.file("out/ended"));
    }
    void expect_terminal_as_it_was() const {
        EXPECT_EQ(without_size(read_whole(folder_.file("out/after"))),
                  without_size(read_whole(folder_.file("out/before"))));
        EXPECT_EQ(tmux("display-message -p '#{alternate_on} #{cursor_flag}'"), "0 1\n");
    }

private:
    std::string tmux(const std::string& words) const {
        return folder_.shell("TERM=xterm-256color tmux -S '" + socket_ + "' " + words).out;
    }
    static std::string without_size(const std::string& settings) { return settings.substr(settings.find('\n')); }

    const Folder& folder_;
    std::string socket_;
};

TEST(InspectTop, shows_streams_groups_and_processes_and_gives_the_terminal_back) {
    const Folder folder;
    folder.shmq({"create", "orders"});
    folder.shmq({"group", "create", "orders", "index"});
    folder.add_numbers("orders", 7);
    const Top top(folder);
    top.wait_for("unread_group");
    top.wait_for("shmq read orders --group index --follow");
    top.press("2");
    top.wait_for("delivered");
    EXPECT_NE(top.screen().find("index"), std::string::npos);
    {
        const Holder holder(folder, "orders", "index", "worker", 7);
        top.press("3");
        top.wait_for(std::to_string(holder.pid()));
    }
    top.press("h");
    top.wait_for("Tab");
    top.resize(60, 8);
    top.wait_for("1 streams");
    const std::string small = top.screen();
    EXPECT_LE(std::count(small.begin(), small.end(), '\n'), 8);
    top.press("q");
    EXPECT_EQ(top.end(), "ended 0\n");
    top.expect_terminal_as_it_was();
}

TEST(InspectTop, that_is_told_to_end_gives_the_terminal_back) {
    for (const int signal : {SIGTERM, SIGINT}) {
        const Folder folder;
        folder.shmq({"create", "orders"});
        const Top top(folder);
        top.wait_for("healthy");
        top.signal(signal);
        EXPECT_EQ(top.end(), "ended 0\n") << signal;
        top.expect_terminal_as_it_was();
    }
}

TEST(InspectTop, without_a_terminal_says_what_to_take_instead) {
    const Folder folder;
    const Outcome outcome = folder.inspect({"top"});
    EXPECT_EQ(outcome.code, 64);
    EXPECT_NE(outcome.error.find("--watch"), std::string::npos);
}

}  // namespace
}  // namespace shmq::inspect_test
