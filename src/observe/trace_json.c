/* Traces as JSON (trace.h): one object a line; the keys are in visa-sim(1). Numbers of
 * 64 bits are strings in hexadecimal, as JSON's own lose bits in many readers. */
#include <inttypes.h>

#include "text.h"
#include "trace.h"

static void hex(FILE *out, const char *key, uint64_t value)
{
    fprintf(out, ",\"%s\":\"0x%" PRIx64 "\"", key, value);
}

void trace_json_string(FILE *out, const char *value)
{
    putc('"', out);
    while (*value) {
        size_t n = text_character(value);

        if (n == 0)
            fprintf(out, "\\u%04x", (unsigned char)*value);
        else if (*value == '"' || *value == '\\')
            fprintf(out, "\\%c", *value);
        else
            fwrite(value, 1, n, out);
        value += n ? n : 1;
    }
    putc('"', out);
}

static void string(FILE *out, const char *key, const char *value)
{
    fprintf(out, ",\"%s\":", key);
    trace_json_string(out, value);
}

static void symbol(FILE *out, const struct trace *t, const struct retire *r)
{
    const struct place at = trace_place(r);
    char text[NAME_ROOM];

    if (image_name_text(t->image, &at, text, sizeof text)[0])
        string(out, "symbol", text);
}

static void instruction(FILE *out, const struct retire *r)
{
    char text[128];

    hex(out, "insn", r->insn);
    fprintf(out, ",\"length\":%u", r->length);
    string(out, "disasm", trace_disassemble(r, text, sizeof text));
}

static void memory(FILE *out, const struct retire *r)
{
    fprintf(out, ",\"mem\":{\"kind\":\"%s\",\"size\":%u", trace_memory(r), r->mem_size);
    hex(out, "gva", r->mem_gva);
    hex(out, "gpa", r->mem_gpa);
    hex(out, "hpa", r->mem_hpa);
    if (r->mem == MEM_AMO)
        hex(out, "old", r->mem_old);
    hex(out, "value", r->mem_value);
    putc('}', out);
}

static void qualification(FILE *out, const struct retire *r)
{
    const char *separator = "";

    fputs(",\"fields\":{", out);
    for (unsigned i = 0; i < isa_qual_count; i++) {
        const struct isa_qual *q = &isa_quals[i];

        if (q->cause != r->cause)
            continue;
        fprintf(out, "%s\"%s\":%" PRIu64, separator, q->name, trace_qual_value(q, r->qual));
        separator = ",";
    }
    putc('}', out);
}

static void exit_event(FILE *out, const struct retire *r)
{
    int bit = trace_filter(r->cause, r->qual);

    if (r->event == RETIRE_EXIT && bit >= 0)
        string(out, "filter", isa_trap_names[bit]);
    hex(out, "qual", r->qual);
    qualification(out, r);
    hex(out, "addr", r->addr);
    hex(out, "gpa", r->gpa);
    hex(out, "val", r->val);
}

static void event(FILE *out, const struct retire *r)
{
    static const char *const kinds[] = {
        [RETIRE_EXCEPTION] = "exception",
        [RETIRE_INTERRUPT] = "interrupt",
        [RETIRE_EXIT] = "exit",
        [RETIRE_ENTRY] = "entry",
        [RETIRE_ENTRYFAIL] = "entryfail",
        [RETIRE_VINT_SENT] = "vint",
        [RETIRE_VINT_ACKNOWLEDGED] = "vint",
        [RETIRE_VINT_ENDED] = "vint",
    };

    fprintf(out, ",\"event\":{\"kind\":\"%s\"", kinds[r->event]);
    if (r->event == RETIRE_ENTRY) {
        fprintf(out, ",\"vmid\":%" PRIu64, r->qual);
        hex(out, "vmcs", r->val);
    } else if (r->event >= RETIRE_VINT_SENT) {
        string(out, "name", trace_cause(r));
        fprintf(out, ",\"vector\":%" PRIu64, r->qual);
        hex(out, "vmcs", r->val);
    } else {
        fprintf(out, ",\"cause\":%u", r->cause);
        string(out, "name", trace_cause(r));
        if (r->event == RETIRE_EXCEPTION)
            hex(out, "tval", r->tval);
        else if (trace_has_vector(r))
            fprintf(out, ",\"vector\":%" PRIu64, r->qual);
        else if (r->event != RETIRE_INTERRUPT)
            exit_event(out, r);
    }
    putc('}', out);
}

void trace_json(FILE *out, const struct trace *t, const struct retire *r)
{
    fprintf(out,
            "{\"seq\":%" PRIu64 ",\"instret\":%" PRIu64 ",\"cycle\":%" PRIu64 ",\"hart\":%" PRIu32
            ",\"ring\":%d,\"v\":%s",
            r->seq, r->instret, r->cycle, r->hart, r->ring, r->v ? "true" : "false");
    if (r->v) {
        fprintf(out, ",\"vmid\":%u", r->vmid);
        hex(out, "vmcs", r->vmcs);
    }
    hex(out, "pc", r->pc);
    hex(out, "pc_gpa", r->pc_gpa);
    hex(out, "pc_hpa", r->pc_hpa);
    symbol(out, t, r);
    if (r->length)
        instruction(out, r);
    fprintf(out, ",\"retired\":%s", r->retired ? "true" : "false");
    if (r->rd) {
        fprintf(out, ",\"rd\":%u", r->rd);
        hex(out, "rd_value", r->rd_value);
    }
    if (r->mem != MEM_NONE)
        memory(out, r);
    if (r->event != RETIRE_NONE)
        event(out, r);
    hex(out, "guest_base", r->guest_base);
    hex(out, "host_base", r->host_base);
    hex(out, "next_pc", r->next_pc);
    fputs("}\n", out);
}
