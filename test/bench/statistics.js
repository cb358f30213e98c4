// Medians, and ratios of two servers within the same round.

/** The median of numbers. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The ratio of two series, round by round: its median, lowest and highest value. */
export function ratioOf(dividends, divisors) {
  const ratios = dividends.map((dividend, round) => dividend / divisors[round]);
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
}
