// `shmq demo`: hands over to the demo.
#include "tools/common/process.hpp"
#include "tools/shmq/commands.hpp"
#include "tools/shmq/demo.hpp"

namespace shmq::tools {

int run_demo_command(const Arguments& arguments) {
    DemoOptions options;
    options.input = arguments.text("--input");
    options.tool_path = own_path();
    options.records = arguments.number("--records", 0);
    return run_demo(options);
}

}  // namespace shmq::tools
