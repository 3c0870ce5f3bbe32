/*
 * find_master NAME LEAF_HEX < MEMORY
 * Prints every stretch of MEMORY that is a namespace's key, of which the key NAME,
 * version 1, is the leaf. Found by what it does, so no layout is assumed.
 */
#include "base/codec/hex.h"
#include "core/keys/keys.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMORY_MAX   (256u << 20)
#define DISTINCT_MIN 20 /* of 32 bytes; random ones have about 30 */

static bool looks_random(const uint8_t *p)
{
    bool seen[256] = {false};
    unsigned distinct = 0;
    for (unsigned i = 0; i < 32; i++) {
        distinct += !seen[p[i]];
        seen[p[i]] = true;
    }
    return distinct >= DISTINCT_MIN;
}

static bool makes(const uint8_t *at, const char *name, const uint8_t leaf[static 32])
{
    struct key_master master;
    struct secret32 made;
    memcpy(master.b, at, sizeof master.b);
    return keys_leaf(&master, bytes_str(name), bytes_str(KEY_PURPOSE_DEFAULT), KEY_OCT, 1, &made) ==
               OK &&
           memcmp(made.b, leaf, sizeof made.b) == 0;
}

int main(int argc, char **argv)
{
    uint8_t leaf[32];
    char hex[2 * sizeof(struct key_master) + 1];
    if (argc != 3 || hex_decode(argv[2], leaf, sizeof leaf) != OK)
        return 2;
    uint8_t *memory = malloc(MEMORY_MAX);
    size_t n = memory ? fread(memory, 1, MEMORY_MAX, stdin) : 0;
    for (size_t i = 0; i + sizeof(struct key_master) <= n; i++) {
        if (!looks_random(memory + i) || !makes(memory + i, argv[1], leaf))
            continue;
        hex_encode(bytes(memory + i, sizeof(struct key_master)), hex);
        puts(hex);
    }
    free(memory);
    return 0;
}
