/** What cleaning would cost by analysis, for the plot of what it did cost. */

/** Steps of the search for the root below. */
const STEPS = 60;

/**
 * Write amplification of uniform overwrites with a share of the space spare, the zone with the least live data being cleaned, for zones of
 * many blocks: 1 / (1 − u), where u = exp(−(1 − u) / (1 − spare)) is the live share of a cleaned zone.
 *
 * Source: Xiang and Kurkoski, "An Improved Analytic Expression for Write Amplification in NAND Flash", 2012 (arXiv 1110.4245).
 */
export function uniformAmplification(spare: number): number {
  let low = 0;
  let high = 1 - 1e-12;
  // The root below 1: above it the left side is larger.
  for (let step = 0; step < STEPS; step++) {
    const u = (low + high) / 2;
    if (u < Math.exp(-(1 - u) / (1 - spare))) low = u;
    else high = u;
  }
  return 1 / (1 - low);
}
