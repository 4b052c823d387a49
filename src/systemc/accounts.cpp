/* Cycle accounting (accounts.h). */
#include "accounts.h"

namespace visa
{

pipeline_row *accounts::find(uint64_t vmcs, uint16_t vmid, int8_t ring)
{
    last_ = nullptr;
    for (pipeline_row &r : rows_)
        if (r.vmcs == vmcs && r.ring == ring)
            last_ = &r;
    if (!last_) {
        rows_.push_back(pipeline_row{hart_, vmcs, vmid, ring, 0, {}});
        last_ = &rows_.back();
    }
    last_->vmid = vmid; /* a hypervisor may give it as many as it likes */
    return last_;
}

void share::take(const costs &c)
{
    static const pipeline_category order[] = {PIPELINE_DEVICE,    PIPELINE_DCACHE,
                                              PIPELINE_WALK_HOST, PIPELINE_WALK_GUEST,
                                              PIPELINE_TLB,       PIPELINE_ICACHE};

    if (c.any)
        for (pipeline_category category : order)
            take(category, c.of[category]);
}

} // namespace visa
