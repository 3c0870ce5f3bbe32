/* guardiand: the daemon of one guardian. */
#include "base/crypto/start.h"
#include "base/crypto/hash.h"
#include "base/log.h"
#include "prog/guardiand/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] = "usage: guardiand --config FILE [-T]\n"
                            "       guardiand --version | --help\n"
                            "\n"
                            "  -c, --config FILE  guardian.yaml(5)\n"
                            "  -T                 check it, print the values in force and end\n";

struct options {
    const char *config;
    bool test;
};

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"test", no_argument, NULL, 'T'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'v'},
                                          {0}};
    for (int c; (c = getopt_long(argc, argv, "c:Thv", known, NULL)) != -1;) {
        if (c == 'c')
            o->config = optarg;
        else if (c == 'T')
            o->test = true;
        else if (c == 'h')
            return fputs(usage, stdout) >= 0 ? 0 : 1;
        else if (c == 'v')
            return puts("guardiand " GUARDIAN_VERSION) >= 0 ? 0 : 1;
        else
            return 2;
    }
    if (o->config && optind == argc)
        return -1;
    fputs(usage, stderr);
    return 2;
}

static enum err read_file(const char *path, size_t max, struct buf *out, struct problem *p)
{
    uint8_t chunk[4096];
    FILE *f = fopen(path, "rbe");
    if (!f)
        return problem(p, E_IO, "%s: %s", path, strerror(errno));
    *out = BUF_INIT(max);
    enum err e = OK;
    for (size_t n; e == OK && (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        e = buf_add(out, chunk, n);
    if (e == OK && ferror(f))
        e = E_IO;
    fclose(f);
    return e == OK ? OK : problem(p, e, "%s: %s", path, err_text(e));
}

static enum err load_genesis(struct guardiand *g, struct problem *p)
{
    struct buf file;
    struct problem inner = {0};
    TRY(read_file(g->config.genesis, GENESIS_MAX, &file, p));
    enum err e = genesis_parse(buf_bytes(&file), &g->genesis, &inner);
    if (e == OK)
        g->cluster_id = genesis_cluster_id(buf_bytes(&file));
    else
        e = problem(p, e, "%.120s: %.130s", g->config.genesis, problem_text(&inner));
    buf_free(&file);
    return e;
}

/* What the two files say together. */
static enum err check(const struct guardiand *g, struct problem *p)
{
    if (g->config.is_simulated && !g->genesis.simulation)
        return problem(p, E_NOT_ALLOWED,
                       "platform: simulated needs a genesis with simulation: true; no cluster"
                       " in production accepts it");
    return OK;
}

static enum err load(const char *path, struct guardiand *g, struct problem *p)
{
    TRY(config_load(path, &g->config, p));
    TRY(load_genesis(g, p));
    return check(g, p);
}

static int print(const struct guardiand *g)
{
    struct buf out = BUF_INIT(CONFIG_FILE_MAX);
    bool ok = config_print(&g->config, &out) == OK && fwrite(out.p, 1, out.n, stdout) == out.n &&
              fflush(stdout) == 0;
    buf_free(&out);
    return ok ? 0 : 1;
}

static enum err make_folder(const char *path, struct problem *p)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return OK;
    return problem(p, E_IO, "%s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
    static struct guardiand g;
    struct options o = {0};
    struct problem p = {0};
    int status = read_options(argc, argv, &o);
    if (status >= 0)
        return status;
    log_open("guardiand", LOG_LEVEL_INFO);
    umask(077);
    enum err e = crypto_start(); /* before the processes part */
    if (e == OK)
        e = load(o.config, &g, &p);
    if (e == OK && !o.test)
        e = make_folder(g.config.data, &p);
    if (e != OK) {
        log_error("%s", problem_text(&p));
        return 1;
    }
    log_open("guardiand", g.config.log);
    status = o.test ? print(&g) : wire_up(&g);
    genesis_free(&g.genesis);
    return status;
}
