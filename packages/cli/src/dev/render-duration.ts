// Milliseconds as people read them.

/**
 * Renders them: whole milliseconds below a second, seconds with one digit from there on.
 *
 * @example
 * renderDuration(1250); // 1.3 s
 */
export function renderDuration(milliseconds: number): string {
  const rounded = Math.round(milliseconds);
  return rounded < 1000 ? `${rounded} ms` : `${(rounded / 1000).toFixed(1)} s`;
}
