// SPDX-License-Identifier: MIT

// A library in C++ that uses the headers of the language's library, and links nothing of it.

#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>

template <typename T> static T saturated(std::int64_t value)
{
    using Limits = std::numeric_limits<T>;
    static_assert(std::is_integral_v<T>);
    if (value < Limits::min()) {
        return Limits::min();
    }
    return value > Limits::max() ? Limits::max() : static_cast<T>(value);
}

static std::array<std::int16_t, 4> samples;

extern "C" __attribute__((export_name("mix"))) int mix(unsigned index, int value)
{
    auto &sample = samples[index % samples.size()];
    sample = saturated<std::int16_t>(std::int64_t{sample} + value);
    return sample;
}
