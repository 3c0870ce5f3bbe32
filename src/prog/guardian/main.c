/* guardian(1): the command line. */
#include "base/crypto/start.h"
#include "base/codec/json.h"
#include "prog/guardian/command.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    struct call call;
    struct problem p = {0};
    json_use_wiping_allocator(); /* `key get` sees secrets */
    if (crypto_start() != OK) {
        fprintf(stderr, "guardian: the cryptographic library does not start\n");
        return EXIT_REFUSED;
    }
    if (command_parse(argc, argv, &call, &p) != OK) {
        fprintf(stderr, "guardian: %s\nTry: guardian help\n", problem_text(&p));
        return EXIT_USAGE;
    }
    enum exit_code code = call.command->run(&call);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("guardian: standard output");
        return EXIT_REFUSED;
    }
    return code;
}
