#pragma once
// Chi-square tests for counts of tokens, and how many draws the environment allows.

#include <cmath>
#include <cstdlib>
#include <span>
#include <vector>

namespace foreword::engine {

/// FOREWORD_DRAWS, which the long suite sets, or what is enough for every day.
inline int n_draws(int everyday) {
  const char* wanted = std::getenv("FOREWORD_DRAWS");
  return wanted != nullptr ? std::atoi(wanted) : everyday;
}

/// P(chi-square with `freedom` degrees >= x): the upper regularised incomplete gamma function, by its series or by
/// continued fraction (Numerical Recipes, 6.2).
inline double chi_square_tail(double x, int freedom) {
  const double a = freedom / 2.0, y = x / 2;
  if (y <= 0) return 1;
  const double scale = std::exp(-y + a * std::log(y) - std::lgamma(a));
  if (y < a + 1) {
    double term = 1 / a, sum = term;
    for (int n = 1; n < 10000 && term > sum * 1e-16; ++n) sum += term *= y / (a + n);
    return 1 - sum * scale;
  }
  double b = y + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 10000; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return h * scale;
}

/// p-value of these counts under this law. Cells that expect fewer than 5 are pooled; one that expects nothing and was
/// counted gives 0.
inline double chi_square_p(std::span<const double> law, std::span<const int> counts) {
  double n = 0, statistic = 0, pooled_expected = 0, pooled_count = 0;
  int cells = 0;
  for (const int count : counts) n += count;
  const auto add = [&](double expected, double count) {
    statistic += (count - expected) * (count - expected) / expected;
    ++cells;
  };
  for (std::size_t i = 0; i < law.size(); ++i) {
    if (law[i] <= 0 && counts[i] > 0) return 0;
    if (law[i] * n >= 5) {
      add(law[i] * n, counts[i]);
    } else {
      pooled_expected += law[i] * n;
      pooled_count += counts[i];
    }
  }
  if (pooled_expected >= 1) add(pooled_expected, pooled_count);
  return cells < 2 ? 1 : chi_square_tail(statistic, cells - 1);
}

}  // namespace foreword::engine
