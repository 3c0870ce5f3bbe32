#include "prog/guardian/simulate.h"
#include "base/codec/hex.h"
#include "core/evidence/sim/sim.h"

enum platform simulate_platform(const char *word)
{
    return strcmp(word, "tdx") == 0   ? PLATFORM_TDX
           : strcmp(word, "snp") == 0 ? PLATFORM_SNP
                                      : PLATFORM_NONE;
}

static void measure(const char *name, const char *software, uint8_t out[static 48])
{
    struct thash h;
    thash_init(&h, "guardian/v1/simulated/software");
    thash_add(&h, bytes_str(name));
    thash_add(&h, bytes_str(software));
    struct hash64 full = thash_final(&h);
    memcpy(out, full.b, 48);
}

/* The registers that a record names, in its order; TDX has all but the last. */
static const char *const registers[] = {"mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "measurement"};
enum { TDX_REGISTERS = 5 };

static uint8_t *register_of(struct claims *c, size_t i)
{
    if (c->platform == PLATFORM_SNP)
        return c->snp.measurement;
    return i == 0 ? c->tdx.mrtd : c->tdx.rtmr[i - 1];
}

static size_t first_register(enum platform p)
{
    return p == PLATFORM_SNP ? TDX_REGISTERS : 0;
}

static size_t end_register(enum platform p)
{
    return p == PLATFORM_SNP ? TDX_REGISTERS + 1 : TDX_REGISTERS;
}

struct claims simulate_claims(enum platform platform, const char *software, const char *machine)
{
    struct hash32 h = sha256(bytes_str(machine));
    struct reader r = reader(BYTES_OF(h.b));
    struct claims c = sim_claims(platform, rd_u64(&r));
    for (size_t i = first_register(platform); i < end_register(platform); i++)
        measure(registers[i], software, register_of(&c, i));
    claims_hash_measurements(&c);
    return c;
}

enum err simulate_record(const char *platform_word, const char *software, json_t **out)
{
    enum platform platform = simulate_platform(platform_word);
    struct claims c = simulate_claims(platform, software, "");
    struct json_builder b = json_build();
    jb_text(&b, "platform", platform_name(platform));
    jb_object(&b, "data");
    for (size_t i = first_register(platform); i < end_register(platform); i++)
        jb_hex(&b, registers[i], bytes(register_of(&c, i), 48));
    jb_close(&b);
    return jb_end(&b, out);
}
