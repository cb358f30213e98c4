// A simulation as a picture: load, replicas, pending requests and latency, one below the other, as SVG.
import type { Simulation, SimulationPoint } from './simulate.ts';

interface Series {
  readonly name: string;
  readonly style: 'load' | 'wanted' | 'ready' | 'pending' | 'p50' | 'p99';
  readonly value: (point: SimulationPoint) => number | undefined;
  /** Whether it changes at once, not along a slope. */
  readonly steps?: boolean;
}

interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

const PANELS: readonly Panel[] = [
  {
    title: 'Load (requests/s)',
    series: [{ name: 'load', style: 'load', value: ({ rate }) => rate, steps: true }],
  },
  {
    title: 'Replicas',
    series: [
      { name: 'wanted', style: 'wanted', value: ({ replicas }) => replicas, steps: true },
      { name: 'ready', style: 'ready', value: ({ ready }) => ready, steps: true },
    ],
  },
  {
    title: 'Pending requests',
    series: [{ name: 'pending', style: 'pending', value: ({ pending }) => pending }],
  },
  {
    title: 'Latency (ms)',
    series: [
      { name: 'p99', style: 'p99', value: ({ p99 }) => p99 },
      { name: 'p50', style: 'p50', value: ({ p50 }) => p50 },
    ],
  },
];

const WIDTH = 900;
const PANEL = 120;
const GAP = 44;
const LEFT = 64;
const RIGHT = 16;
const TOP = 56;

const STYLE = `
  svg { color: #1f2328; background: #ffffff; font: 12px system-ui, sans-serif; }
  text { fill: currentColor; }
  .title { font-size: 16px; font-weight: 600; }
  .panel { font-weight: 600; }
  .grid { stroke: currentColor; stroke-opacity: 0.15; }
  .axis { stroke: currentColor; stroke-opacity: 0.5; }
  path { fill: none; stroke-width: 1.5; stroke-linejoin: round; }
  .load { stroke: #0969da; } .wanted { stroke: #9a6700; stroke-dasharray: 5 3; }
  .ready { stroke: #1a7f37; } .pending { stroke: #8250df; }
  .p50 { stroke: #1a7f37; } .p99 { stroke: #cf222e; }
  @media (prefers-color-scheme: dark) {
    svg { color: #e6edf3; background: #0d1117; }
    .load { stroke: #4493f8; } .wanted { stroke: #d29922; } .ready, .p50 { stroke: #3fb950; }
    .pending { stroke: #ab7df8; } .p99 { stroke: #f85149; }
  }
`;

/**
 * Renders a simulation as SVG, for light and dark pages. It has no script in it.
 *
 * @param title Stands above it. Default: what came of the load, in figures.
 * @example
 * await writeFile('plot.svg', renderPlot(simulate({ load, service })));
 */
export function renderPlot(simulation: Simulation, title = describe(simulation)): string {
  const { points } = simulation;
  const height = TOP + PANELS.length * (PANEL + GAP);
  const seconds = points.at(-1)?.time ?? 1;
  const x = (time: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * time) / seconds;
  const panels = PANELS.map((panel, index) =>
    renderPanel(panel, points, TOP + index * (PANEL + GAP), x),
  );
  const bottom = TOP + PANELS.length * (PANEL + GAP) - GAP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}</style>`,
    `<text class="title" x="${LEFT}" y="24">${escape(title)}</text>`,
    ...panels,
    ...timesOf(seconds).map(
      (time) =>
        `<text x="${round(x(time))}" y="${bottom + 18}" text-anchor="${anchorOf(time, seconds)}">${renderTime(time, seconds)}</text>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

function describe({ summary }: Simulation): string {
  const { failed, maxReplicas, p50, p99, replicaSeconds, requests } = summary;
  const count = (value: number): string => Math.round(value).toLocaleString('en');
  return [
    `${count(requests)} requests`,
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    `p50 ${count(p50)} ms`,
    `p99 ${count(p99)} ms`,
    `at most ${maxReplicas} replicas`,
    `${count(replicaSeconds)} replica-seconds`,
  ].join(', ');
}

function renderPanel(
  { series, title }: Panel,
  points: readonly SimulationPoint[],
  top: number,
  x: (time: number) => number,
): string {
  const highest = Math.max(
    1,
    ...series.map(({ value }) =>
      points.reduce((most, point) => Math.max(most, value(point) ?? 0), 0),
    ),
  );
  const marks = ticks(highest, 3);
  const most = Math.max(highest, marks.at(-1) ?? 1);
  const y = (value: number): number => top + PANEL - (PANEL * value) / most;
  const right = WIDTH - RIGHT;
  const grid = marks.map(
    (mark) =>
      `<line class="${mark === 0 ? 'axis' : 'grid'}" x1="${LEFT}" x2="${right}" y1="${round(y(mark))}" y2="${round(y(mark))}"/>` +
      `<text x="${LEFT - 8}" y="${round(y(mark)) + 4}" text-anchor="end">${mark.toLocaleString('en')}</text>`,
  );
  const legend = series.length === 1 ? [] : series.map((one, index) => renderKey(one, index, top));
  const lines = series.map(
    (one) => `<path class="${one.style}" d="${renderLine(one, points, x, y)}"/>`,
  );
  return [
    `<text class="panel" x="${LEFT}" y="${top - 8}">${escape(title)}</text>`,
    ...grid,
    ...lines,
    ...legend,
  ].join('\n');
}

function renderKey({ name, style }: Series, index: number, top: number): string {
  const left = WIDTH - RIGHT - 160 + index * 84;
  const line = `M${left} ${top - 12}h20`;
  return `<path class="${style}" d="${line}"/><text x="${left + 26}" y="${top - 8}">${name}</text>`;
}

// A point for each pixel is as much as can be seen: of several, the highest.
function renderLine(
  { steps = false, value }: Series,
  points: readonly SimulationPoint[],
  x: (time: number) => number,
  y: (value: number) => number,
): string {
  const every = Math.max(1, Math.ceil(points.length / WIDTH));
  let path = '';
  let isDrawn = false;
  for (let index = 0; index < points.length; index += every) {
    const values = points.slice(index, index + every).flatMap((point) => value(point) ?? []);
    if (values.length === 0) {
      isDrawn = false;
      continue;
    }
    const place = round(x(index));
    const end = round(x(Math.min(index + every, points.length)));
    const height = round(y(Math.max(...values)));
    path += isDrawn ? (steps ? `V${height}` : `L${place} ${height}`) : `M${place} ${height}`;
    if (steps) path += `H${end}`;
    isDrawn = true;
  }
  return path;
}

// Round numbers from 0 up, as many as wanted at most and one.
function ticks(most: number, wanted: number): number[] {
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].find((each) => each * power >= rough) ?? 10;
  const step = Math.max(unit * power, most >= wanted ? 1 : 0);
  const marks: number[] = [];
  for (let mark = 0; mark <= most + step / 1000; mark += step) marks.push(round(mark));
  return marks;
}

// In whole minutes where there are some.
function timesOf(seconds: number): number[] {
  return seconds < 300 ? ticks(seconds, 8) : ticks(seconds / 60, 8).map((minutes) => minutes * 60);
}

function renderTime(time: number, most: number): string {
  if (most < 300) return `${time} s`;
  return `${round(time / 60)} min`;
}

// Those at the edges would leave the picture.
function anchorOf(time: number, most: number): 'start' | 'middle' | 'end' {
  if (time === 0) return 'start';
  return time > most * 0.97 ? 'end' : 'middle';
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
