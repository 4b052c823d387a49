/* Where cycles went: one row for each ring of each VM. Manual: chapter "The pipeline",
 * section "Accounting". */
#ifndef VISA_SYSTEMC_ACCOUNTS_H
#define VISA_SYSTEMC_ACCOUNTS_H

#include <array>
#include <cstdint>
#include <deque>

#include "timing/pipeline.h"

namespace visa
{

/* Cycles that something took, by category. */
struct costs {
    std::array<uint64_t, PIPELINE_CATEGORIES> of{};
    bool any = false;

    void add(pipeline_category c, uint64_t cycles)
    {
        of[c] += cycles;
        any = any || cycles;
    }
    void clear()
    {
        if (any)
            *this = costs();
    }
};

class accounts
{
  public:
    explicit accounts(uint32_t hart) : hart_(hart)
    {
    }

    /* The row of a ring, in which the instructions that follow are. */
    pipeline_row *row(uint64_t vmcs, uint16_t vmid, int8_t ring)
    {
        if (last_ && last_->vmcs == vmcs && last_->ring == ring && last_->vmid == vmid)
            return last_;
        return find(vmcs, vmid, ring);
    }
    const std::deque<pipeline_row> &rows() const
    {
        return rows_;
    }

  private:
    uint32_t hart_;
    std::deque<pipeline_row> rows_; /* rows stay where they are */
    pipeline_row *last_ = nullptr;

    pipeline_row *find(uint64_t vmcs, uint16_t vmid, int8_t ring);
};

/* Shares `cycles` out, from what is next to retirement to what is farthest. */
class share
{
  public:
    share(pipeline_row &row, uint64_t cycles) : row_(row), left_(cycles)
    {
    }

    void take(pipeline_category c, uint64_t cycles)
    {
        uint64_t n = cycles < left_ ? cycles : left_;

        row_.cycles[c] += n;
        left_ -= n;
    }
    void take(const costs &c);
    void rest(pipeline_category c)
    {
        take(c, left_);
    }
    uint64_t left() const
    {
        return left_;
    }

  private:
    pipeline_row &row_;
    uint64_t left_;
};

} // namespace visa
#endif
