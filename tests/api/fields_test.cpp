// Entries of fields: added, read by every way of reading, handed on, and damaged.
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class FieldEntries : public StreamTest {};

std::string value_of(const Entry& entry, std::string_view name) {
    const auto value = entry.field(name);
    return value ? std::string(text_of(*value)) : "(none)";
}

TEST_F(FieldEntries, are_read_by_groups_readers_and_ranges) {
    Stream stream = create_with_group();
    EXPECT_EQ(must(stream.add_fields({{"colour", "green"}, {"size", ""}, {"a=b", "c=d"}})), 1u);
    const std::vector<Field> list{{"n", "1"}, {"bytes", bytes_of("x")}};
    EXPECT_EQ(must(must(stream.producer()).add_fields(list)), 2u);
    EXPECT_EQ(must(stream.add_fields({})), 3u);
    Consumer consumer = must(stream.consumer("g"));
    const Batch batch = must(consumer.read());
    const Copies copies = must(stream.range(1, 3));
    for (const auto entries : {batch.entries(), copies.entries()}) {
        ASSERT_EQ(entries.size(), 3u);
        EXPECT_TRUE(entries[0].is_fields());
        EXPECT_EQ(value_of(entries[0], "colour"), "green");
        EXPECT_EQ(value_of(entries[0], "size"), "");
        EXPECT_EQ(value_of(entries[0], "a=b"), "c=d");
        EXPECT_EQ(value_of(entries[0], "Colour"), "(none)");
        EXPECT_EQ(value_of(entries[1], "bytes"), "x");
        std::string names;
        for (const auto& [name, value] : must(entries[0].fields())) names += std::string(name) + " ";
        EXPECT_EQ(names, "colour size a=b ");
        EXPECT_TRUE(entries[2].is_fields());
        EXPECT_TRUE(must(entries[2].fields()).empty());
    }
    const Bytes green = must(batch[0].fields()).find("colour").value();
    EXPECT_GT(green.data(), batch[0].payload().data()) << "where it lies";
    EXPECT_LT(green.data(), batch[0].payload().data() + batch[0].payload().size());
    Reader reader = must(stream.reader());
    EXPECT_EQ(value_of(must(reader.next()), "colour"), "green");
}

TEST_F(FieldEntries, opaque_entries_have_none_whatever_their_bytes) {
    Stream stream = create();
    std::byte bytes[16];
    const Field field("k", "v");
    const std::size_t size = must(Fields::encode({&field, 1}, bytes));
    must(stream.add(Bytes(bytes, size)));
    const Copies copies = must(stream.range(1, 1));
    EXPECT_FALSE(copies[0].is_fields());
    EXPECT_FALSE(copies[0].field("k"));
    EXPECT_TRUE(must(copies[0].fields()).empty());
    EXPECT_EQ(copies[0].payload().size(), size);
}

TEST_F(FieldEntries, have_a_key_and_wait_for_room) {
    Stream stream = create_with_group();
    AddOptions options;
    options.key = bytes_of("key");
    options.wait = forever;
    must(stream.add_fields({{"k", "v"}}, options));
    add(stream, 15);
    EXPECT_EQ(code_of(stream.add_fields({{"k", "v"}})), Code::full);
    Child child([&](Link& link) {
        Stream own = must(Stream::open(path()));
        link.send();
        must(own.add_fields({{"k", "late"}}, waiting(forever)));
        return 0;
    });
    ASSERT_TRUE(child.receive());
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    EXPECT_EQ(text_of(batch[0].key()), "key");
    EXPECT_EQ(value_of(batch[0], "k"), "v");
    must(batch.ack());
    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(value_of(must(consumer.read())[0], "k"), "late");
}

TEST_F(FieldEntries, of_bad_names_or_too_many_bytes_add_nothing) {
    Stream stream = create();
    EXPECT_EQ(code_of(stream.add_fields({{"", "v"}})), Code::bad_name);
    EXPECT_EQ(code_of(stream.add_fields({{"k", "v"}, {"k", "w"}})), Code::bad_name);
    EXPECT_EQ(code_of(stream.add_fields({{"k", std::string(2996, 'x')}})), Code::too_large);
    EXPECT_EQ(must(stream.info()).next, 1u);
    EXPECT_TRUE(stream.add_fields({{"k", std::string(2995, 'x')}})) << "3,000 bytes with what is about it";
}

TEST_F(FieldEntries, can_be_lent_and_a_commit_of_other_bytes_is_refused_and_can_be_mended) {
    Stream stream = create();
    AddOptions options;
    options.fields = true;
    Loan loan = must(stream.loan(100, options));
    std::memset(loan.bytes().data(), 0xff, 100);
    EXPECT_EQ(code_of(loan.commit()), Code::bad_option);
    const Field field("in", "place");
    const std::size_t used = must(Fields::encode({&field, 1}, loan.bytes()));
    EXPECT_EQ(code_of(loan.commit()), Code::bad_option) << "something stands behind them";
    EXPECT_EQ(must(loan.commit(used)), 1u);
    const Loan opaque = must(stream.loan(8));
    EXPECT_EQ(value_of(must(stream.range(1, 1))[0], "in"), "place");
}

TEST_F(FieldEntries, are_handed_on_to_another_stream_as_they_are) {
    Stream from = create();
    Stream to = must(Stream::create(path("to"), small_options()));
    must(from.add_fields({{"k", "v"}}));
    must(from.add("opaque"));
    for (const Entry& entry : must(from.range(1, 2))) {
        AddOptions options;
        options.fields = entry.is_fields();
        must(to.add(entry.payload(), options));
    }
    const Copies copies = must(to.range(1, 2));
    EXPECT_EQ(value_of(copies[0], "k"), "v");
    EXPECT_FALSE(copies[1].is_fields());
    AddOptions fields;
    fields.fields = true;
    EXPECT_EQ(code_of(to.add("no fields", fields)), Code::bad_option);
    EXPECT_EQ(must(to.info()).next, 3u);
}

TEST_F(FieldEntries, that_were_damaged_are_corrupt_and_their_bytes_still_shown) {
    Stream stream = create_with_group();
    must(stream.add_fields({{"k", "v"}}));
    Consumer consumer = must(stream.consumer("g"));
    Batch batch = must(consumer.read());
    const_cast<std::byte*>(batch[0].payload().data())[1] = std::byte{200};  // the size of the name
    EXPECT_TRUE(batch[0].is_fields());
    EXPECT_EQ(code_of(batch[0].fields()), Code::corrupt);
    EXPECT_FALSE(batch[0].field("k"));
    EXPECT_EQ(batch[0].payload().size(), 5u);
    must(batch.ack());
}

}  // namespace
}  // namespace shmq::test
