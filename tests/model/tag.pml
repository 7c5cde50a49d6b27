/* tag: how wide the lap tag of a slot must be. Two producers on a bare ring, each with two places, stopped for any time
   between any two steps; the trim point follows need, as if every entry were finished at once.

   Held: a compare-and-swap never succeeds on a slot that is not the next one. With TAGS values of the tag this is so while
   fewer than TAGS laps are added in all; with TAGS laps a producer that sleeps between choosing its slot and swapping it is
   fooled. So the tag must outlast the longest suspension, and needs no other property.
   Sizes: TAGS, ENTRIES. Seeded bug: NARROW_TAG, TAGS whole laps. */
#ifndef TAGS
#define TAGS 4
#endif
#define SLOTS 2
#ifndef ENTRIES
#ifdef NARROW_TAG
#define ENTRIES (TAGS * SLOTS)
#else
#define ENTRIES (TAGS * SLOTS - 1)
#endif
#endif
#define FIRST SLOTS
#define END (FIRST + ENTRIES)
#define AT(s) ((s) % SLOTS)
#define TAG(s) (((s) / SLOTS) % TAGS)
#define BEFORE(s) ((TAG(s) + TAGS - 1) % TAGS)

byte slot_tag[SLOTS], slot_place[SLOTS];
byte trim_point = FIRST, tail_hint = FIRST, true_tail = FIRST;

proctype Producer(byte me) {
    byte t, seen_trim, tag, place, which;
next:
    if :: true_tail >= END -> goto done :: else fi;
    which = 1 - which;
    seen_trim = trim_point;
    t = tail_hint;
walk:
    if :: true_tail >= END -> goto done :: else fi;
    if :: t < seen_trim -> t = seen_trim :: else fi;
    if :: t >= seen_trim + SLOTS ->
          atomic { if :: trim_point < t - SLOTS + 1 -> trim_point = t - SLOTS + 1 :: else fi; seen_trim = trim_point }
          goto walk
       :: else fi;
    atomic { tag = slot_tag[AT(t)]; place = slot_place[AT(t)] }
    if :: tag != BEFORE(t) -> t++; goto walk :: else fi;
    atomic {
        if :: true_tail >= END -> goto done
           :: true_tail < END && slot_tag[AT(t)] == tag && slot_place[AT(t)] == place ->
              assert(t == true_tail);
              slot_tag[AT(t)] = TAG(t); slot_place[AT(t)] = me * 2 + which; true_tail++
           :: else -> t++; tag = 0; place = 0; goto walk fi;
        tag = 0; place = 0 }
    if :: tail_hint < t + 1 -> tail_hint = t + 1 :: else fi;
    t = 0;
    goto next;
done: skip
}

init {
    atomic {
        byte q;
        for (q : 0 .. SLOTS - 1) { slot_tag[q] = 0; slot_place[q] = 9 }
        run Producer(0); run Producer(1)
    }
}
