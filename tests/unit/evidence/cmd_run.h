/* `guardian evidence ...` run in this process, with what it printed, in a folder of its own. */
#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "vectors.h"

#include "base/codec/json.h"
#include "core/evidence/sim/sim.h"
#include "prog/guardian/command.h"

#include <dirent.h>
#include <unistd.h>

static char folder[] = "/tmp/guardian-evidence-XXXXXX";

static inline const char *in_folder(const char *name)
{
    static char paths[64][512];
    static size_t next;
    char *path = paths[next++ % 64];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void write_file(const char *name, struct bytes content)
{
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(content.p, 1, content.n, f), content.n);
    fclose(f);
}

static inline int redirect(int fd, const char *name)
{
    int saved = dup(fd);
    FILE *f = fopen(in_folder(name), "w+b");
    assert_non_null(f);
    dup2(fileno(f), fd);
    fclose(f);
    return saved;
}

static inline void restore(int fd, int saved)
{
    dup2(saved, fd);
    close(saved);
}

/* Runs `guardian evidence ...`; *out is what it printed. */
static inline int run(json_t **out, const char *verb, const char *const *arguments)
{
    char *argv[40] = {"guardian", "evidence", (char *)verb, "--json"};
    int argc = 4;
    struct call call;
    struct problem p = {0};
    for (; *arguments; arguments++)
        argv[argc++] = (char *)*arguments;
    fflush(stdout);
    fflush(stderr);
    int out_fd = redirect(1, "stdout"), err_fd = redirect(2, "stderr");
    int code = EXIT_USAGE;
    if (command_parse(argc, argv, &call, &p) == OK)
        code = call.command->run(&call);
    fflush(stdout);
    fflush(stderr);
    restore(1, out_fd);
    restore(2, err_fd);

    struct buf text = BUF_INIT(1 << 20);
    FILE *f = fopen(in_folder("stdout"), "rb");
    assert_non_null(f);
    for (int c; (c = fgetc(f)) != EOF;)
        assert_ok(buf_add(&text, &(uint8_t){(uint8_t)c}, 1));
    fclose(f);
    *out = NULL;
    if (text.n)
        assert_ok(json_parse(buf_bytes(&text), 1 << 20, out, NULL));
    buf_free(&text);
    return code;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Evidence of a simulated machine in one file, its root certificate in another. */
static inline void write_simulated(const struct claims *described, const uint8_t report_data[64],
                                   const char *name, const char *root)
{
    struct buf raw = BUF_INIT(1 << 16);
    struct sim_machine m;
    struct evidence e;
    assert_ok(sim_machine_init(&m, described, NULL));
    assert_ok(sim_machine_evidence(&m, report_data, &raw));
    write_file(name, buf_bytes(&raw));
    assert_ok(evidence_parse(buf_bytes(&raw), &e, NULL));
    if (described->platform == PLATFORM_SNP) {
        write_file(root, e.certs[2]);
    } else {
        struct bytes chain = e.tdx.chain;
        size_t third = chain.n - 100; /* the last certificate begins before that */
        while (memcmp(chain.p + third, "-----BEGIN", 10) != 0)
            third--;
        write_file(root, bytes_after(chain, third));
    }
    evidence_free(&e);
    sim_machine_free(&m);
    buf_free(&raw);
}

static inline int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        unlink(in_folder(e->d_name));
    if (dir)
        closedir(dir);
    return rmdir(folder);
}

#endif
