// One thread, one event loop (Boost.Asio), HTTP by Boost.Beast.
#include "tools/inspect/serve.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>

#include <chrono>
#include <memory>

#include "tools/common/exit_code.hpp"

namespace shmq::inspect {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Text = http::response<http::string_body>;

constexpr std::chrono::seconds longest_request{5};

Text answer_to(const http::request<http::empty_body>& request, const Page& page) {
    Text text{http::status::ok, request.version()};
    text.set(http::field::server, "shmq-inspect");
    text.keep_alive(false);
    const bool is_read = request.method() == http::verb::get || request.method() == http::verb::head;
    if (!is_read) {
        text.result(http::status::method_not_allowed);
        text.set(http::field::allow, "GET, HEAD");
    } else if (request.target() != boost::beast::string_view(page.path.data(), page.path.size())) {
        text.result(http::status::not_found);
        text.set(http::field::content_type, "text/plain; charset=utf-8");
        text.body() = fmt::format("there is only {}\n", page.path);
    } else {
        text.set(http::field::content_type, std::string(page.kind));
        text.body() = page.make();
    }
    text.prepare_payload();
    if (request.method() == http::verb::head) text.body().clear();
    return text;
}

/// One connection: one request, one answer, the end. Keeps itself while it waits.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(tcp::socket socket, const Page& page) : stream_(std::move(socket)), page_(page) {}

    void start() {
        stream_.expires_after(longest_request);
        http::async_read(stream_, buffer_, request_, [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (!error) self->answer();
        });
    }

private:
    void answer() {
        text_ = answer_to(request_, page_);
        http::async_write(stream_, text_, [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (!error) self->stream_.socket().shutdown(tcp::socket::shutdown_send, error);
        });
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_{16'384};  // bytes of a request at most
    http::request<http::empty_body> request_;
    Text text_;
    const Page& page_;
};

void accept_next(tcp::acceptor& acceptor, const Page& page) {
    acceptor.async_accept([&](beast::error_code error, tcp::socket socket) {
        if (!error) std::make_shared<Connection>(std::move(socket), page)->start();
        if (error != asio::error::operation_aborted) accept_next(acceptor, page);
    });
}

}  // namespace

int serve(std::uint16_t port, const Page& page, const tools::StopSignals& signals) {
    asio::io_context events;
    const tcp::endpoint place(asio::ip::address_v4::loopback(), port);
    beast::error_code error;
    tcp::acceptor acceptor(events);
    acceptor.open(place.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(place, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return tools::report_errno(fmt::format("127.0.0.1:{}", port), error.value());
    tools::remark(fmt::format("http://127.0.0.1:{}{} until Ctrl-C", acceptor.local_endpoint().port(), page.path));
    asio::posix::stream_descriptor stop(events, ::dup(signals.descriptor()));
    stop.async_wait(asio::posix::stream_descriptor::wait_read, [&](beast::error_code) { events.stop(); });
    accept_next(acceptor, page);
    events.run();
    return tools::exit_done;
}

}  // namespace shmq::inspect
