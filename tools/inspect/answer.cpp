// What commands answer, and where it goes.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "tools/inspect/command.hpp"
#include "tools/inspect/json.hpp"

namespace shmq::inspect {

Json Answer::object() const {
    Json object;
    object["schema"] = schema;
    object["command"] = request_.command;
    return object;
}

void Answer::put(const Json& object) {
    output_.append(object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

int Answer::write(mode_t mode, const std::function<int(tools::Output&)>& write) {
    if (request_.output.empty()) return write(output_);
    const std::string beside = request_.output + ".new";
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (file < 0) return tools::report_errno(beside, errno);
    tools::Output output(file);
    int code = write(output);
    if (const int written = output.finish(); code == tools::exit_done) code = written;
    if (::close(file) != 0 && code == tools::exit_done) code = tools::report_errno(beside, errno);
    if (code == tools::exit_done && ::rename(beside.c_str(), request_.output.c_str()) == 0) return code;
    if (code == tools::exit_done) code = tools::report_errno(request_.output, errno);
    ::unlink(beside.c_str());
    return code;
}

int Answer::fail(const Error& error) {
    if (request_.json) {
        Json failed = object();
        failed["error"] = json_of(error);
        put(failed);
        output_.flush();
    }
    return tools::report(error);
}

}  // namespace shmq::inspect
