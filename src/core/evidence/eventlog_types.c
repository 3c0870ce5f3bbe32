/* What each type of event measures, and how its data read. */
#include "core/evidence/eventlog.h"
#include "core/evidence/eventlog_int.h"

#include <stdio.h>

/* --- the parts that are measured --- */

/* UEFI_VARIABLE_DATA (PFP 10.4.6): GUID, two lengths, the name in UCS-2, the value. */
struct variable {
    struct bytes name, value;
};

static bool read_variable(struct bytes data, struct variable *out)
{
    struct reader r = reader(data);
    rd_skip(&r, 16);
    uint64_t name = rd_u64le(&r), value = rd_u64le(&r);
    rd_require(&r, name <= data.n / 2 && value <= data.n);
    if (r.bad)
        return false;
    out->name = rd_bytes(&r, 2 * (size_t)name);
    out->value = rd_bytes(&r, (size_t)value);
    return !r.bad;
}

static struct bytes until_nul(struct bytes text)
{
    const uint8_t *end = text.n ? memchr(text.p, 0, text.n) : NULL;
    return end ? bytes(text.p, (size_t)(end - text.p)) : text;
}

/* GRUB writes "grub_cmd: " and the like before what it measures. */
static struct bytes after_label(struct bytes text)
{
    for (size_t i = 0; i + 2 <= text.n; i++)
        if (text.p[i] == ':' && text.p[i + 1] == ' ')
            return bytes_after(text, i + 2);
    return BYTES_NONE;
}

static bool is_digest_of(const struct event *e, struct bytes part)
{
    uint8_t digest[48];
    eventlog_digest(part, e->digest.n, digest);
    return bytes_eq(bytes(digest, e->digest.n), e->digest);
}

static bool whole(const struct event *e)
{
    return is_digest_of(e, e->data);
}

/* An error is measured as the number 1, whatever the data tell of it (PFP 10.4.1). */
static bool separator(const struct event *e)
{
    static const uint8_t error[] = {1, 0, 0, 0};
    return (e->data.n == 4 && whole(e)) || is_digest_of(e, BYTES_OF(error));
}

static bool value_or_whole(const struct event *e)
{
    struct variable v;
    return (read_variable(e->data, &v) && is_digest_of(e, v.value)) || whole(e);
}

static bool command(const struct event *e)
{
    struct bytes text = after_label(until_nul(e->data));
    return text.n && is_digest_of(e, text);
}

/* --- texts --- */

static void put(char out[static EVENT_TEXT_MAX], struct bytes text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n && n + 1 < EVENT_TEXT_MAX; i++)
        out[n++] = text.p[i] >= 0x20 && text.p[i] < 0x7f ? (char)text.p[i] : '?';
    out[n] = 0;
}

/* UCS-2, of which all but ASCII becomes '?'. */
static void put_wide(char out[static EVENT_TEXT_MAX], struct bytes text)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < text.n && n + 1 < EVENT_TEXT_MAX; i += 2) {
        bool ascii = text.p[i + 1] == 0 && text.p[i] >= 0x20 && text.p[i] < 0x7f;
        if (text.p[i] == 0 && text.p[i + 1] == 0)
            break;
        out[n++] = ascii ? (char)text.p[i] : '?';
    }
    out[n] = 0;
}

static void text_of_string(struct bytes data, char out[static EVENT_TEXT_MAX])
{
    put(out, until_nul(data));
}

static void text_of_variable(struct bytes data, char out[static EVENT_TEXT_MAX])
{
    struct variable v;
    if (read_variable(data, &v))
        put_wide(out, v.name);
}

/* UEFI_PLATFORM_FIRMWARE_BLOB2, UEFI_HANDOFF_TABLE_POINTERS2: a description comes first. */
static void text_of_description(struct bytes data, char out[static EVENT_TEXT_MAX])
{
    struct reader r = reader(data);
    struct bytes text = rd_bytes(&r, rd_u8(&r));
    if (!r.bad)
        put(out, until_nul(text));
}

/* TCG_PCClientTaggedEvent: id, size, data. */
static void text_of_tag(struct bytes data, char out[static EVENT_TEXT_MAX])
{
    struct reader r = reader(data);
    rd_skip(&r, 4);
    struct bytes text = rd_var_le(&r, EVENTLOG_MAX);
    if (!r.bad)
        put(out, until_nul(text));
}

/* UEFI_IMAGE_LOAD_EVENT: four numbers, the last the size of the device path with a file's name. */
static void text_of_image(struct bytes data, char out[static EVENT_TEXT_MAX])
{
    struct reader r = reader(data);
    rd_skip(&r, 24);
    uint64_t size = rd_u64le(&r);
    rd_require(&r, size <= data.n);
    struct reader path = reader(rd_bytes(&r, r.bad ? 0 : (size_t)size));
    while (!r.bad && !path.bad && rd_left(&path) > 0) {
        uint8_t type = rd_u8(&path), subtype = rd_u8(&path);
        uint16_t n = rd_u16le(&path);
        rd_require(&path, n >= 4);
        struct bytes node = rd_bytes(&path, path.bad ? 0 : n - 4u);
        if (!path.bad && type == 4 && subtype == 4) /* media device path: file path */
            put_wide(out, node);
    }
}

/* --- the table (PFP 1.06, 10.4.1) --- */

static const struct type {
    uint32_t id;
    const char *name;
    bool (*bound)(const struct event *e); /* NULL: the data are free */
    bool may_differ;                      /* others use the type for labels */
    void (*text)(struct bytes data, char out[static EVENT_TEXT_MAX]);
} types[] = {
    {0x00000000, "EV_PREBOOT_CERT", NULL, false, NULL},
    {0x00000001, "EV_POST_CODE", NULL, false, text_of_string},
    {EV_NO_ACTION, "EV_NO_ACTION", NULL, false, text_of_string},
    {0x00000004, "EV_SEPARATOR", separator, false, NULL},
    {0x00000005, "EV_ACTION", whole, false, text_of_string},
    {0x00000006, "EV_EVENT_TAG", whole, true, text_of_tag},
    {0x00000007, "EV_S_CRTM_CONTENTS", NULL, false, text_of_string},
    {0x00000008, "EV_S_CRTM_VERSION", whole, false, NULL},
    {0x00000009, "EV_CPU_MICROCODE", NULL, false, text_of_string},
    {0x0000000a, "EV_PLATFORM_CONFIG_FLAGS", NULL, false, text_of_string},
    {0x0000000b, "EV_TABLE_OF_DEVICES", NULL, false, text_of_string},
    {0x0000000c, "EV_COMPACT_HASH", NULL, false, text_of_string},
    {0x0000000d, "EV_IPL", command, true, text_of_string},
    {0x0000000e, "EV_IPL_PARTITION_DATA", NULL, false, NULL},
    {0x0000000f, "EV_NONHOST_CODE", NULL, false, text_of_string},
    {0x00000010, "EV_NONHOST_CONFIG", NULL, false, text_of_string},
    {0x00000011, "EV_NONHOST_INFO", NULL, false, text_of_string},
    {0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS", whole, false, text_of_string},
    {0x00000013, "EV_POST_CODE2", NULL, false, text_of_description},
    {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG", whole, false, text_of_variable},
    {0x80000002, "EV_EFI_VARIABLE_BOOT", value_or_whole, false, text_of_variable},
    {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION", NULL, false, text_of_image},
    {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER", NULL, false, text_of_image},
    {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER", NULL, false, text_of_image},
    {0x80000006, "EV_EFI_GPT_EVENT", whole, false, NULL},
    {0x80000007, "EV_EFI_ACTION", whole, false, text_of_string},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB", NULL, false, NULL},
    {0x80000009, "EV_EFI_HANDOFF_TABLES", NULL, false, NULL},
    {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2", NULL, false, text_of_description},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2", NULL, false, text_of_description},
    {0x8000000c, "EV_EFI_VARIABLE_BOOT2", value_or_whole, false, text_of_variable},
    {0x8000000d, "EV_EFI_GPT_EVENT2", NULL, false, NULL},
    {0x80000010, "EV_EFI_HCRTM_EVENT", NULL, false, text_of_string},
    {0x800000e0, "EV_EFI_VARIABLE_AUTHORITY", whole, false, text_of_variable},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB", NULL, false, NULL},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG", NULL, false, NULL},
    {0x800000e3, "EV_EFI_SPDM_DEVICE_POLICY", NULL, false, NULL},
    {0x800000e4, "EV_EFI_SPDM_DEVICE_AUTHORITY", NULL, false, NULL},
};

static const struct type *find_type(uint32_t id)
{
    static const struct type unknown = {0, "EV_?", NULL, false, NULL};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].id == id)
            return &types[i];
    return &unknown;
}

const char *event_type_name(uint32_t type)
{
    return find_type(type)->name;
}

enum event_data event_data(const struct event *e)
{
    const struct type *type = find_type(e->type);
    if (!type->bound)
        return EVENT_DATA_FREE;
    if (type->bound(e))
        return EVENT_DATA_BOUND;
    return type->may_differ ? EVENT_DATA_FREE : EVENT_DATA_DIFFERS;
}

void event_text(const struct event *e, char out[static EVENT_TEXT_MAX])
{
    const struct type *type = find_type(e->type);
    out[0] = 0;
    if (type->text)
        type->text(e->data, out);
}
