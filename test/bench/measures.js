// The measures by name: each takes the settings, prints nothing, and yields its table and figures.
import { measureColdStart } from './cold-start.js';
import { measureCpuTime } from './cpu-time.js';
import { measureHeap, measureResident } from './memory.js';
import { ratioOf } from './statistics.js';
import { column, growth, renderCpuTime, renderHeap, renderOverBare } from './tables.js';

const RESIDENT_AFTER = 100_000;
const HEAP_OVER = 1_000_000;

/** Measures by name; each resolves to `{title, table, notes, figures}`. */
export const measures = {
  async end(settings) {
    const { series, differences } = await measureCpuTime(['bare', 'ours'], 'hello-end', settings);
    return {
      title: 'The same handler on both, ending with `res.end`',
      table: renderCpuTime(series),
      notes: differences,
      figures: { end: cpuRatio(series, 'bare') },
    };
  },

  async send(settings) {
    const keys = ['bare', 'ours', 'fastify', 'hono', 'express', 'faasjs', 'gcf'];
    const { series, differences } = await measureCpuTime(keys, 'hello-send', settings);
    return {
      title: "`res.send('Hello, World!')`, or what each server has in its place",
      table: renderCpuTime(series),
      notes: differences,
      figures: {
        sendBare: cpuRatio(series, 'bare'),
        sendGcf: cpuRatio(series, 'gcf'),
        sendExpress: cpuRatio(series, 'express'),
      },
    };
  },

  async json(settings) {
    const keys = ['bare', 'ours', 'fastify', 'express'];
    const { series, differences } = await measureCpuTime(keys, 'echo-json', settings);
    return {
      title: 'POST of 1,000 bytes of JSON, parsed and echoed with `res.json`',
      table: renderCpuTime(series),
      notes: differences,
      figures: { jsonFastify: cpuRatio(series, 'fastify') },
    };
  },

  async 'cold-start'({ launches, rounds }) {
    const keys = ['bare', 'ours', 'express', 'fastify', 'gcf'];
    // A start is short, and varies more than a load does.
    const series = await measureColdStart(keys, 'hello-send', launches * rounds * 2);
    return {
      title: 'Cold start: spawn to the first 200',
      table: renderOverBare(series, 'ms', (value) => value.toFixed(0)),
      notes: [],
      figures: { coldStart: ratioOf(series.get('ours'), series.get('bare')) },
    };
  },

  async memory({ launches, load }) {
    const settings = { rounds: launches, requests: RESIDENT_AFTER, load };
    const series = await measureResident(['bare', 'ours'], 'hello-send', settings);
    return {
      title: `Resident memory after ${RESIDENT_AFTER.toLocaleString('en')} requests`,
      table: renderOverBare(series, 'MB', (value) => (value / 2 ** 20).toFixed(1)),
      notes: [],
      figures: { resident: ratioOf(series.get('ours'), series.get('bare')) },
    };
  },

  async heap({ load }) {
    const series = new Map();
    for (const key of ['bare', 'ours']) {
      series.set(key, await measureHeap(key, 'hello-send', { requests: HEAP_OVER, load }));
    }
    const perRequest = growth(series.get('ours')) / HEAP_OVER;
    return {
      title: `Heap over ${HEAP_OVER.toLocaleString('en')} requests, garbage collected`,
      table: renderHeap(series, HEAP_OVER),
      notes: [],
      figures: { heap: { median: perRequest, lowest: perRequest, highest: perRequest } },
    };
  },
};

function cpuRatio(series, key) {
  return ratioOf(column(series, key, 'cpu'), column(series, 'ours', 'cpu'));
}
