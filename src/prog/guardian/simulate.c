#include "prog/guardian/simulate.h"
#include "core/evidence/sim/software.h"

enum platform simulate_platform(const char *word)
{
    return strcmp(word, "tdx") == 0   ? PLATFORM_TDX
           : strcmp(word, "snp") == 0 ? PLATFORM_SNP
                                      : PLATFORM_NONE;
}

enum err simulate_record(const char *platform_word, const char *software, json_t **out)
{
    enum platform platform = simulate_platform(platform_word);
    struct claims c = sim_software_claims(platform, software, "");
    struct sim_register registers[SIM_REGISTERS_MAX];
    size_t n = sim_registers(&c, registers);
    struct json_builder b = json_build();
    jb_text(&b, "platform", platform_name(platform));
    jb_object(&b, "data");
    for (size_t i = 0; i < n; i++)
        jb_hex(&b, registers[i].name, bytes(registers[i].value, 48));
    jb_close(&b);
    return jb_end(&b, out);
}
