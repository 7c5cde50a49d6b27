# Prints each include that goes against the floors. Given: room, the folder that `file` stands in.
#
#     include/shmq | src/base < src/layout, src/os < src/log < src/group < src/recovery < src/api < tools, bench, tests
BEGIN {
    allowed["include"] = "shmq"
    allowed["base"] = "shmq base"
    allowed["layout"] = allowed["base"] " layout"
    allowed["os"] = allowed["base"] " os"
    allowed["log"] = allowed["layout"] " os log"
    allowed["group"] = allowed["log"] " group"
    allowed["recovery"] = allowed["group"] " recovery"
    allowed["api"] = allowed["recovery"] " api"
    allowed["tools"] = allowed["api"] " tools (none)"
    allowed["examples"] = "shmq"
}
/^[ \t]*#[ \t]*include[ \t]*[<"]shmq\/asio.hpp/ && room != "examples" {
    print file ":" FNR ": asio.hpp needs Boost, which who uses shmq need not have"
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, parts, "\"")
    folder = parts[2]
    # The file beside: a tool may be one folder of its own.
    if (folder !~ /\//) folder = "(none)"
    sub(/\/.*/, "", folder)
    if (index(" " allowed[room] " ", " " folder " ") == 0)
        print file ":" FNR ": " room " must not include \"" parts[2] "\"; it may include: " allowed[room]
}
# One public header is for those who use Boost themselves; no other header includes it.
/^[ \t]*#[ \t]*include[ \t]*<boost\// && room == "include" && file != "include/shmq/asio.hpp" {
    print file ":" FNR ": no Boost in a public header but asio.hpp"
}
