// Medians, and ratios and differences of two servers within the same round.

/** The median of numbers. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A percentile of a series, in the form of a summary. */
export function percentileOf(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.ceil(values.length * share) - 1];
  return { median: value, lowest: value, highest: value };
}

/** The ratio of two series, round by round: its median, lowest and highest value. */
export function ratioOf(dividends, divisors) {
  return summarize(dividends.map((dividend, round) => dividend / divisors[round]));
}

/** By how much one series is more than another, round by round, in the same way. */
export function differenceOf(values, others) {
  return summarize(values.map((value, round) => value - others[round]));
}

/** The median of a series, and its lowest and highest value. */
export function summarize(values) {
  return { median: median(values), lowest: Math.min(...values), highest: Math.max(...values) };
}
