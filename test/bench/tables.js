// Results as Markdown tables.
import { figures, reaches, targetOf } from './figures.js';
import { peers } from './peers.js';
import { median, ratioOf } from './statistics.js';

/** CPU time, rate and latency by server; ratios are of CPU time, over ours. */
export function renderCpuTime(series) {
  const ours = column(series, 'ours', 'cpu');
  const head = ['Server', 'CPU µs a request', 'CPU over ours', 'req/s', 'p50 ms', 'p99 ms'];
  const rows = [...series.keys()].map((key) => {
    const of = (name) => median(column(series, key, name));
    return [
      peers[key].label,
      of('cpu').toFixed(1),
      renderRatio(ratioOf(column(series, key, 'cpu'), ours)),
      Math.round(of('rate')).toLocaleString('en'),
      of('p50').toFixed(2),
      of('p99').toFixed(2),
    ];
  });
  return renderTable(head, rows);
}

/** One measure by server, with ratios over bare node:http. */
export function renderOverBare(series, unit, toText) {
  const rows = [...series].map(([key, values]) => [
    peers[key].label,
    toText(median(values)),
    renderRatio(ratioOf(values, series.get('bare'))),
  ]);
  return renderTable(['Server', unit, 'over bare'], rows);
}

/** The heap by server, at the start and the end. */
export function renderHeap(series, requests) {
  const kilobytes = (bytes) => Math.round(bytes / 1024).toLocaleString('en');
  const rows = [...series].map(([key, samples]) => [
    peers[key].label,
    kilobytes(samples[0]),
    kilobytes(samples.at(-1)),
    (growth(samples) / requests).toFixed(2),
    samples.map(kilobytes).join(' '),
  ]);
  return renderTable(['Server', 'start kB', 'end kB', 'bytes a request', 'all samples kB'], rows);
}

/** Bytes by which a heap grew. */
export function growth(samples) {
  return samples.at(-1) - samples[0];
}

/** The figures that were measured, beside their targets. */
export function renderFigures(results) {
  const rows = Object.entries(results).map(([name, ratio]) => [
    figures[name].text,
    targetOf(figures[name]),
    renderRatio(ratio),
    reaches(figures[name], ratio.median) ? 'yes' : 'NO',
  ]);
  return renderTable(['Measure', 'Target', 'Measured (lowest–highest)', 'Reached'], rows);
}

/** One measure of one server, over the rounds. */
export function column(series, key, name) {
  return series.get(key).map((round) => round[name]);
}

function renderRatio({ median: value, lowest, highest }) {
  const range = `${lowest.toFixed(2)}–${highest.toFixed(2)}`;
  return lowest === highest ? value.toFixed(2) : `${value.toFixed(2)} (${range})`;
}

function renderTable(head, rows) {
  const lines = [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
