/* io/ipc/ipc.h: a stream gives the same frames however it is cut, or closes the channel. */
#include "fuzz.h"
#include "io/ipc/ipc.h"

#include <sys/socket.h>
#include <unistd.h>

/* Below what a socket takes at once, so that nothing waits. */
#define LIMIT 32768

struct result {
    unsigned frames;
    size_t bytes;
    uint32_t sum;
    enum err end;
};

static void take_frames(struct ipc *c, struct result *r)
{
    struct ipc_frame frame;
    while (ipc_next_frame(c, &frame)) {
        FUZZ_REQUIRE(frame.body.n <= IPC_BODY_MAX);
        r->frames++;
        r->bytes += IPC_HEADER + frame.body.n;
        r->sum = r->sum * 31 + frame.type;
        for (size_t i = 0; i < frame.body.n; i++)
            r->sum = r->sum * 31 + frame.body.p[i];
    }
}

static struct result run(struct bytes in, size_t piece)
{
    struct result r = {0};
    struct ipc c;
    int ends[2];
    FUZZ_REQUIRE(ipc_pair(ends) == OK && ipc_open(&c, ends[1]) == OK);
    for (size_t at = 0; at < in.n && r.end == OK; at += piece) {
        size_t n = in.n - at < piece ? in.n - at : piece;
        if (send(ends[0], in.p + at, n, MSG_NOSIGNAL) != (ssize_t)n)
            break;
        r.end = ipc_pump(&c);
        take_frames(&c, &r);
        if (r.end == OK && !ipc_is_open(&c))
            r.end = E_MALFORMED;
    }
    close(ends[0]);
    while (r.end == OK) {
        r.end = ipc_pump(&c);
        take_frames(&c, &r);
    }
    FUZZ_REQUIRE(!ipc_is_open(&c));
    ipc_close(&c);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes(data, size < LIMIT ? size : LIMIT);
    struct result whole = run(in, in.n ? in.n : 1), pieces = run(in, 7);
    FUZZ_REQUIRE(whole.frames == pieces.frames && whole.sum == pieces.sum);
    FUZZ_REQUIRE(whole.end == pieces.end);
    FUZZ_REQUIRE((whole.end == E_IO) == (whole.bytes == in.n));
    return 0;
}
