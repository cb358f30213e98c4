// Results as Markdown tables.
import { figures, reaches, targetOf } from './figures.js';
import { peers } from './peers.js';
import { differenceOf, median, ratioOf, summarize } from './statistics.js';

/** CPU time, rate and latency by server; ratios are of CPU time, over ours. */
export function renderCpuTime(series, { unit = 'req', base = 'ours' } = {}) {
  const ours = column(series, base, 'cpu');
  const head = ['Server', 'CPU µs each', 'CPU over ours', `${unit}/s`, 'p50 ms', 'p99 ms'];
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

/** One measure by server, in milliseconds, with what it is more than that of one of them. */
export function renderMore(series, base) {
  const rows = [...series].map(([key, values]) => [
    peers[key].label,
    median(values).toFixed(0),
    renderRatio(differenceOf(values, series.get(base))),
  ]);
  return renderTable(['Server', 'ms', 'more, ms'], rows);
}

/** Times of `ofn dev`, in milliseconds. */
export function renderDev({ coldStart, fromZero, ready, saved }) {
  const rows = [
    ['until it serves', ready],
    ['a start without it, to the first answer', coldStart],
    ['a first request, from zero', fromZero],
    ['from a save until it is served', saved],
  ].map(([name, times]) => [name, String(times.length), renderRatio(summarize(times))]);
  return renderTable(['What', 'times', 'ms'], rows);
}

/** Megabytes, one a launch. */
export function renderMegabytes(values) {
  return renderTable(['launches', 'MB'], [[String(values.length), renderRatio(summarize(values))]]);
}

/** Times of simulations by run, in milliseconds. */
export function renderSimulation(series) {
  const rows = [...series].map(([run, times]) => [run, renderRatio(summarize(times))]);
  return renderTable(['Run of a process', 'ms'], rows);
}

/** What collectors got, by server that traces, as lines. */
export function describeRecorded(series) {
  const total = (key, name) => column(series, key, name).reduce((sum, value) => sum + value, 0);
  return [...series.keys()]
    .filter((key) => total(key, 'segments') > 0)
    .map((key) => {
      const [segments, requests] = [total(key, 'segments'), total(key, 'requests')];
      const share = ((segments / requests) * 100).toFixed(1);
      const of = `${segments.toLocaleString('en')} of ${requests.toLocaleString('en')} calls`;
      return `${peers[key].label}: ${of}, ${share} %`;
    });
}

/** Sending and state: CPU time and rate by operation and way; ratios are over the bare client. */
export function renderOutgoing(results) {
  const rows = [...results].flatMap(([operation, { series }]) =>
    [...series.keys()].map((by) => [
      `${operation}, ${by === 'ours' ? 'through ctx' : 'DaprClient, bare'}`,
      median(column(series, by, 'cpu')).toFixed(1),
      renderRatio(ratioOf(column(series, by, 'cpu'), column(series, 'client', 'cpu'))),
      Math.round(median(column(series, by, 'rate'))).toLocaleString('en'),
    ]),
  );
  return renderTable(['Operation', 'CPU µs each', 'over bare', 'a second'], rows);
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
