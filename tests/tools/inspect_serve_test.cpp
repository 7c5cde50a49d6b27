// What goes on until it is told to end: figures that are served, entries that are followed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

/// Sends bytes to a port of this machine; all that comes back.
std::string ask(std::uint16_t port, const std::string& bytes) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&place), sizeof place), 0);
    EXPECT_EQ(::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    std::string answer;
    char part[4'096];
    for (ssize_t size; (size = ::recv(descriptor, part, sizeof part, 0)) > 0;)
        answer.append(part, static_cast<std::size_t>(size));
    ::close(descriptor);
    return answer;
}

/// A running `shmq-inspect`, ended by SIGTERM.
class Running {
public:
    Running(const Folder& folder, Words words) : out_(folder.file("out/running")), error_(out_ + "-error") {
        words.insert(words.begin(), SHMQ_INSPECT);
        pid_ = folder.start(std::move(words), [&] {
            Folder::redirect(out_, STDOUT_FILENO);
            Folder::redirect(error_, STDERR_FILENO);
        });
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { static_cast<void>(end()); }

    [[nodiscard]] std::string out() const { return read_whole(out_); }
    [[nodiscard]] std::string error() const { return read_whole(error_); }
    [[nodiscard]] int end() {
        if (pid_ <= 0) return code_;
        ::kill(pid_, SIGTERM);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return code_ = code_of(status);
    }

private:
    std::string out_;
    std::string error_;
    pid_t pid_ = 0;
    int code_ = -1;
};

TEST(InspectServe, answers_who_asks_with_the_figures_of_that_moment) {
    const Folder folder;
    folder.shmq({"create", "jobs", "--slots", "64", "--payload", "1MiB"});
    Running server(folder, {"metrics", "--listen", "0"});
    const std::string before_port = "http://127.0.0.1:";
    wait_until([&] { return server.error().find("/metrics until Ctrl-C") != std::string::npos; });
    const std::string error = server.error();
    const auto port = static_cast<std::uint16_t>(std::stoi(error.substr(error.find(before_port) + before_port.size())));

    const std::string get = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string first = ask(port, get);
    EXPECT_EQ(first.rfind("HTTP/1.1 200 OK\r\n", 0), 0u) << first;
    EXPECT_NE(first.find("application/openmetrics-text; version=1.0.0"), std::string::npos);
    EXPECT_NE(first.find("shmq_added_entries_total{stream=\"jobs\"} 0\n"), std::string::npos);
    EXPECT_EQ(first.substr(first.size() - 6), "# EOF\n");
    folder.add_numbers("jobs", 3);
    EXPECT_NE(ask(port, get).find("shmq_added_entries_total{stream=\"jobs\"} 3\n"), std::string::npos);

    EXPECT_EQ(ask(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").rfind("HTTP/1.1 404 ", 0), 0u);
    EXPECT_EQ(ask(port, "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n").rfind("HTTP/1.1 405 ", 0), 0u);
    const std::string head = ask(port, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(head.substr(head.size() - 4), "\r\n\r\n");
    EXPECT_EQ(ask(port, "nonsense\r\n\r\n").find("200 OK"), std::string::npos);
    EXPECT_NE(ask(port, get).find("200 OK"), std::string::npos) << "it goes on";

    const Outcome second = folder.inspect({"metrics", "--listen", std::to_string(port)});
    EXPECT_EQ(second.code, 71);
    EXPECT_NE(second.error.find("Address already in use"), std::string::npos) << second.error;
    EXPECT_EQ(server.end(), 0);
}

TEST(InspectFollow, entries_go_on_with_what_comes_later) {
    const Folder folder;
    folder.shmq({"create", "jobs", "--slots", "64", "--payload", "1MiB"});
    folder.add_numbers("jobs", 4);
    Running follower(folder, {"entries", "jobs", "--last", "1", "--follow", "--json"});
    wait_until([&] { return count_lines(folder.file("out/running")) >= 1; });
    folder.shmq({"add", "jobs", "later"});
    wait_until([&] { return count_lines(folder.file("out/running")) >= 2; });
    EXPECT_EQ(follower.end(), 0);
    std::istringstream lines(follower.out());
    std::string line;
    for (const auto& [sequence, preview] : {std::pair(4, "4"), std::pair(5, "later")}) {
        std::getline(lines, line);
        const Json entry = Json::parse(line);
        EXPECT_EQ(entry.at("sequence"), sequence);
        EXPECT_EQ(entry.at("preview"), preview);
    }
    EXPECT_EQ(folder.inspect({"entries", "jobs", "--follow", "--watch", "1s"}).code, 64);
    EXPECT_EQ(folder.inspect({"entries", "jobs", "1", "2", "--follow"}).code, 64);
}

TEST(InspectText, shows_payloads_from_end_to_end_and_a_field_a_line) {
    const Folder folder;
    folder.shmq({"create", "jobs", "--slots", "64", "--payload", "1MiB"});
    const std::string text = std::string(300, 'x') + "\nsecond \x1b[31mline";
    write_whole(folder.file("out/text"), text);
    EXPECT_EQ(folder.shell("shmq add jobs --quiet < " + folder.file("out/text")).code, 0);
    folder.shmq({"add", "jobs", "--field", "file=4.png", "--field", "note=very large"});
    const Outcome all = folder.inspect({"entries", "jobs", "--text"});
    EXPECT_TRUE(all.says("\n      " + std::string(300, 'x') + "\n      second \\x1b[31mline\n")) << all.out;
    const Outcome fields = folder.inspect({"entries", "jobs", "--fields"});
    EXPECT_TRUE(fields.says("fields\n      file=4.png\n      note=very large\n")) << fields.out;
    EXPECT_FALSE(fields.says("xxx"));
    EXPECT_EQ(folder.inspect_json({"entries", "jobs", "2", "--text"}).at("entries")[0].at("text"),
              "file=4.png\\nnote=very large");
}

}  // namespace
}  // namespace shmq::inspect_test
