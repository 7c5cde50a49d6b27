// The one table of commands. Parsing, help and the functions' arguments all come from here.
#include <array>

#include "tools/shmq/commands.hpp"

namespace shmq::tools {

namespace {

constexpr std::uint64_t greatest_32 = 0xffff'ffff;

constexpr Parameter stream_name{"NAME", Kind::name, "NAME",
                                "the stream: a name, or a path that begins with / ./ or ../", Need::required};
constexpr Parameter group_name{"G", Kind::name, "G", "the group", Need::required};
constexpr Parameter format{"--format", Kind::format, "text|json", "text (default), or one JSON object a line"};
constexpr Parameter separator{"--null", Kind::flag, "", "a NUL after each entry, not a newline"};
constexpr Parameter keep_pending{"--no-ack", Kind::flag, "", "do not ack: the entries return to retry when it ends"};
constexpr Parameter sequences{"SEQ", Kind::number, "SEQ", "sequences of entries", Need::many};

constexpr std::array create_parameters{
    stream_name,
    Parameter{"--slots", Kind::number, "N", "entries kept at most, a power of two (default 65536)"},
    Parameter{"--payload", Kind::size, "SIZE", "room for entries with their headers (default 32MiB)"},
    Parameter{"--chunks", Kind::number, "N", "parts the room is handed out in (default: of 16 KiB, 256 at most)",
              Need::optional, 8, greatest_32},
    Parameter{"--max-entry", Kind::size, "SIZE", "largest entry (default: payload / 8)", Need::optional, 1},
    Parameter{"--groups", Kind::number, "N", "groups at most (default 8)", Need::optional, 0, greatest_32},
    Parameter{"--consumers", Kind::number, "N", "consumers per group at most (default 64)", Need::optional, 0,
              greatest_32},
    Parameter{"--producers", Kind::number, "N", "producers at a time (default 64)", Need::optional, 0, greatest_32},
    Parameter{"--producer-names", Kind::number, "N", "names of producers that number their entries (default 64)",
              Need::optional, 0, greatest_32},
    Parameter{"--key-stripes", Kind::number, "N", "of each group that orders by key (default 1024, 0: no such groups)",
              Need::optional, 0, greatest_32},
    Parameter{"--parking", Kind::number, "N", "stuck entries that may leave the ring (default 64)", Need::optional, 0,
              greatest_32},
    Parameter{"--no-histograms", Kind::flag, "", "no room for histograms of delays"},
    Parameter{"--no-recorders", Kind::flag, "", "do not keep what each handle did last, and who changed what"},
    Parameter{"--time", Kind::time_stamps, "off|coarse|precise", "time stamp of each entry (default coarse)"},
    Parameter{"--mode", Kind::mode, "MODE", "permissions of the segment, octal (default 0600)"},
};

constexpr std::array add_parameters{
    stream_name,
    Parameter{"DATA", Kind::text, "DATA",
              "the entry; without it, --field and --lines standard input whole is one entry"},
    Parameter{"--field", Kind::field, "NAME=VALUE", "the entry is fields, of which this is one", Need::repeated, 0,
              greatest_number, "DATA"},
    Parameter{"--key", Kind::text, "K", "key stored with each entry"},
    Parameter{"--lines", Kind::text, "FILE|-", "each line of FILE, or of standard input, is an entry", Need::optional,
              0, greatest_number, "DATA"},
    Parameter{"--null",
              Kind::flag,
              "",
              "entries of --lines end with NUL, not with a newline",
              Need::optional,
              0,
              greatest_number,
              {},
              "--lines"},
    Parameter{"--producer", Kind::name, "P", "add under this name, with numbers, so that nothing is added twice"},
    Parameter{"--number",
              Kind::number,
              "N",
              "number of the (first) entry (default: the one after the last)",
              Need::optional,
              1,
              greatest_number,
              {},
              "--producer"},
    Parameter{"--wait", Kind::duration, "DURATION", "how long to wait for room (default 0)"},
    Parameter{"--quiet", Kind::flag, "", "do not print the sequences"},
};

constexpr std::array read_parameters{
    stream_name,
    Parameter{"--group", Kind::name, "G", "the group", Need::required},
    Parameter{"--consumer", Kind::name, "C", "name of the consumer (default: anonymous)"},
    Parameter{"--count", Kind::number, "N", "ends after N entries (default 1)", Need::optional, 1},
    Parameter{"--wait", Kind::duration, "DURATION", "ends when no entry came for so long (default 0)"},
    Parameter{"--claim-idle", Kind::duration, "DURATION", "also take over entries that others hold for so long"},
    keep_pending,
    Parameter{"--follow", Kind::flag, "", "go on until told to end; --count and --wait are ignored"},
    separator,
    format,
    Parameter{"--exec", Kind::text, "CMD", "run CMD for each entry, the payload on its standard input", Need::optional,
              0, greatest_number, "--no-ack"},
};

constexpr std::array tail_parameters{
    stream_name,
    Parameter{"--from", Kind::position, "oldest|newest|SEQ|@TIME", "where to begin (default oldest)"},
    Parameter{"--to", Kind::position, "newest|SEQ|@TIME", "the last entry (default newest)"},
    Parameter{"--last", Kind::number, "N", "only the newest N up to there, the oldest of them first", Need::optional, 1,
              greatest_number, "--from"},
    Parameter{"--count", Kind::number, "N", "ends after N entries", Need::optional, 1},
    Parameter{"--follow", Kind::flag, "", "go on with what comes later", Need::optional, 0, greatest_number, "--to"},
    separator,
    format,
};

constexpr std::array group_create_parameters{
    stream_name,
    group_name,
    Parameter{"--from", Kind::position, "oldest|newest|SEQ|@TIME", "its first entry (default oldest)"},
    Parameter{"--delivery-limit", Kind::number, "N", "an entry is dead after N failed deliveries (default: never)",
              Need::optional, 1, 255},
    Parameter{"--retry-delay", Kind::duration, "DURATION", "how long an entry waits after a failure (default 0)"},
    Parameter{"--retry-doubling",
              Kind::flag,
              "",
              "each further wait of an entry is twice as long",
              Need::optional,
              0,
              greatest_number,
              {},
              "--retry-delay"},
    Parameter{"--retry-most",
              Kind::duration,
              "DURATION",
              "its longest wait (default 24 days)",
              Need::optional,
              0,
              greatest_number,
              {},
              "--retry-doubling"},
    Parameter{"--order", Kind::choice, "none|key|strict",
              "entries of one key, or all, one after the other (default none)"},
    Parameter{"--retention", Kind::choice, "required|lossy",
              "keep what it has not finished, or overwrite it when room is needed (default required)"},
    Parameter{"--until-behind", Kind::duration, "DURATION", "required until it is so far behind, then lossy",
              Need::optional, 0, greatest_number, "--retention"},
    Parameter{"--in-flight", Kind::number, "N", "entries one consumer may hold at a time (default: no limit)",
              Need::optional, 1, 65'535},
    Parameter{"--dead-letter", Kind::name, "STREAM", "move dead entries to this stream"},
    Parameter{"--histograms", Kind::flag, "", "keep histograms of its delays"},
};
constexpr std::array group_list_parameters{
    stream_name,
    Parameter{"--long", Kind::flag, "", "with the options of each, where it has any"},
};
constexpr std::array nack_parameters{
    stream_name,
    group_name,
    sequences,
    Parameter{"--delay", Kind::duration, "DURATION", "deliver it again after so long (default: as the group says)"},
};
constexpr std::array dead_list_parameters{stream_name, group_name, format};
constexpr Parameter dead_sequences{"SEQ", Kind::number, "SEQ", "sequences of dead entries", Need::repeated};
constexpr Parameter all_dead{"--all", Kind::flag, "", "every dead entry of the group"};
constexpr std::array dead_drop_parameters{stream_name, group_name, dead_sequences, all_dead};
constexpr std::array dead_requeue_parameters{
    stream_name,
    group_name,
    dead_sequences,
    all_dead,
    Parameter{"--from", Kind::name, "STREAM", "add again what was moved to this dead-letter stream"},
};
constexpr std::array group_parameters{stream_name, group_name};
constexpr std::array stream_parameters{stream_name};
constexpr std::array sequence_parameters{stream_name, group_name, sequences};

constexpr std::array claim_parameters{
    stream_name,
    group_name,
    Parameter{"--idle", Kind::duration, "DURATION", "held for at least so long", Need::required},
    Parameter{"--consumer", Kind::name, "C", "name of the consumer that takes them (default: anonymous)"},
    Parameter{"--count", Kind::number, "N", "at most N entries (default 1)", Need::optional, 1},
    keep_pending,
    separator,
    format,
};

constexpr std::array pending_parameters{
    stream_name,
    group_name,
    Parameter{"--consumer", Kind::name, "C", "list only what this consumer holds"},
    Parameter{"--idle", Kind::duration, "DURATION", "list only what was delivered or given back so long ago"},
    format,
};

constexpr std::array trim_parameters{
    stream_name,
    Parameter{"--before", Kind::position, "SEQ|@TIME", "give up every entry below this sequence, or added before"},
    Parameter{"--keep", Kind::number, "N", "give up all but the newest N entries"},
    Parameter{"--keep-bytes", Kind::size, "SIZE", "give up all but the newest entries that take so much"},
};

constexpr std::array demo_parameters{
    Parameter{"--input", Kind::text, "FILE", "a text file, one entry a line (default: the package database)"},
    Parameter{"--records", Kind::number, "N", "at least so many, the input repeated (default two million)",
              Need::optional, 1},
};

constexpr std::string_view group_create_details =
    "A failed delivery: a nack, a claim by somebody else, or the death of its consumer.\n"
    "TIME: 2026-11-22T10:00:00Z or 2026-11-22T10:00:00.25Z (UTC), or -5m for five minutes ago; see shmq tail --help.\n";

constexpr std::string_view tail_details =
    "Without --follow it ends at the present end of the stream; newest means only what comes later.\n"
    "TIME: 2026-11-22T10:00:00Z or 2026-11-22T10:00:00.25Z (UTC), or -5m for five minutes ago. Entries are stamped "
    "when "
    "they are\n"
    "added, so nearly in their order; docs/cli.md says how nearly.\n";

constexpr std::array manual_parameters{
    Parameter{"--format", Kind::choice, "man|synopsis", "for man (default), or a line a command"}};
constexpr std::array completion_parameters{
    Parameter{"SHELL", Kind::choice, "bash|zsh|fish", "the shell", Need::required}};

constexpr std::string_view read_details =
    "text: the payload and a newline, nothing else; of fields one line NAME=VALUE NAME=VALUE ..., quoted as JSON where "
    "needed.\n"
    "json: sequence, key, deliveries and data (data_base64 if it is not UTF-8), or fields.\n"
    "An entry is acked after it was written. Exit status 0 if any entry was read, else 1.\n"
    "--exec: CMD is run by /bin/sh; exit 0 acks the entry, anything else gives it back for retry, as the group says. "
    "An entry of "
    "fields is given\n"
    "to it as the line of --format json. Its environment has SHMQ_STREAM, SHMQ_GROUP, SHMQ_SEQUENCE, SHMQ_KEY and "
    "SHMQ_DELIVERIES.\n"
    "SIGINT and SIGTERM end after the running CMD.\n";

constexpr std::array table{
    Command{"create", "make a stream", create_parameters,
            "NAME: letters, digits, '.', '_' and '-', up to 200, neither dot nor dash first; the segment is NAME.shmq "
            "in /dev/shm, or\n"
            "in the folder SHMQ_DIR names. What begins with / ./ or ../ is the path of the segment itself.\n",
            run_create},
    Command{
        "add", "add entries; prints their sequences", add_parameters,
        "--lines: empty lines are entries, a last one without newline too; from a pipe each is added as it arrives.\n"
        "--number: the last number of the producer again adds nothing and prints the sequence it got; a lower one is "
        "refused, of\n"
        "--lines passed over and printed as `duplicate`.\n",
        run_add},
    Command{"read", "read entries of a group, and ack them", read_parameters, read_details, run_read},
    Command{"tail", "print entries without a group", tail_parameters, tail_details, run_tail},
    Command{"group create", "make a group", group_create_parameters, group_create_details, run_group_create},
    Command{"group drop", "take a group away", group_parameters, "", run_group_drop},
    Command{"group list", "names of the groups of a stream", group_list_parameters, "", run_group_list},
    Command{"producers list", "names of producers, and how far each has come", stream_parameters, "", run_producers},
    Command{"ack", "finish pending entries, whoever holds them", sequence_parameters, "", run_ack},
    Command{"nack", "give pending entries back for retry, whoever holds them", nack_parameters,
            "What waits already is left as it is.\n", run_nack},
    Command{"dead list", "entries that failed too often", dead_list_parameters, "", run_dead_list},
    Command{"dead requeue", "deliver dead entries again, their counts begun anew", dead_requeue_parameters,
            "--from: each is added once, as a new entry that every group is given; the letters stay where they are.\n",
            run_dead_requeue},
    Command{"dead drop", "finish dead entries", dead_drop_parameters, "", run_dead_drop},
    Command{"dead move", "move dead entries to the dead-letter stream of the group", group_parameters,
            "Readers of the group do so by themselves; this says what keeps them from it.\n", run_dead_move},
    Command{"recover", "hand on what dead processes held", stream_parameters, "", run_recover},
    Command{"claim", "take over entries that others hold too long, and ack them", claim_parameters,
            "Writes entries as `shmq read` does. Exit status 0 if any entry was taken over, else 1.\n", run_claim},
    Command{"pending", "entries delivered and not acked, waiting for retry, or dead", pending_parameters,
            "The summary is of the whole group; the filters choose the entries that are listed.\n", run_pending},
    Command{"trim", "give up old entries that every group has finished", trim_parameters,
            "Exactly one of --before, --keep and --keep-bytes.\n", run_trim},
    Command{"rm", "remove a stream; who waits for it ends with `removed`", stream_parameters, "", run_remove},
    Command{"list", "names of all streams", {}, "", run_list},
    Command{"manual", "the manual page: `shmq manual | man -l -`", manual_parameters, "", run_manual},
    Command{
        "completion", "what a shell needs to complete words, names of streams and groups too", completion_parameters,
        "bash: eval \"$(shmq completion bash)\". zsh: eval \"$(shmq completion zsh)\". fish: shmq completion fish | "
        "source.\n",
        run_completion},
    Command{"demo", "real records through real processes, two of them killed", demo_parameters, "", run_demo_command},
};

}  // namespace

std::span<const Command> commands() noexcept { return table; }

}  // namespace shmq::tools
