// The measures by name: each takes the settings, prints nothing, and yields its table and figures.
import { measureColdStart } from './cold-start.js';
import { measureCpuTime } from './cpu-time.js';
import { measureDev, measureDevMemory } from './dev.js';
import { measureHeap, measureResident } from './memory.js';
import { measureOutgoing } from './outgoing.js';
import { measureSimulation } from './simulation.js';
import { differenceOf, percentileOf, ratioOf, summarize } from './statistics.js';
import {
  column,
  describeRecorded,
  growth,
  renderCpuTime,
  renderDev,
  renderHeap,
  renderMegabytes,
  renderMore,
  renderOutgoing,
  renderOverBare,
  renderSimulation,
} from './tables.js';
import { measureTracing, measureTracingColdStart } from './tracing.js';

const RESIDENT_AFTER = 100_000;
const EVENT_RATE = 1000;
const REQUEST_RATE = 1000;
const EVENTS = { unit: 'events', base: 'events' };
// Segments begin and are reported by the second; a round has to last for some.
const TRACED_ROUND = 10;
const RECORDED = 'What the collector got:';
const HEAP_OVER = 1_000_000;
const INTERCEPTED_OVER = 200_000;

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

  async 'events-http'(settings) {
    const { series, differences } = await measureCpuTime(
      ['bare', 'events', 'dapr'],
      'event-http',
      settings,
    );
    return {
      title: 'Events of a topic over HTTP, 1,000 bytes of data each',
      table: renderCpuTime(series, EVENTS),
      notes: differences,
      figures: {
        eventsHttp: rateRatio(series, 'dapr'),
        eventsHttpCpu: cpuRatio(series, 'dapr', 'events'),
      },
    };
  },

  async 'events-grpc'(settings) {
    const { series } = await measureCpuTime(['events', 'dapr'], 'event-grpc', settings);
    return {
      title: 'Events of a topic over gRPC, 1,000 bytes of data each',
      table: renderCpuTime(series, EVENTS),
      notes: [],
      figures: {
        eventsGrpc: rateRatio(series, 'dapr'),
        eventsGrpcCpu: cpuRatio(series, 'dapr', 'events'),
      },
    };
  },

  async 'event-latency'(settings) {
    const paced = { ...settings, rate: EVENT_RATE };
    const http = await measureCpuTime(['events', 'dapr'], 'event-http', paced);
    const grpc = await measureCpuTime(['events', 'dapr'], 'event-grpc', paced);
    return {
      title: `Latency at ${EVENT_RATE.toLocaleString('en')} events a second, sent at that pace`,
      table: [
        `Over HTTP:\n\n${renderCpuTime(http.series, EVENTS)}`,
        `Over gRPC:\n\n${renderCpuTime(grpc.series, EVENTS)}`,
      ].join('\n\n'),
      notes: [],
      figures: {
        latencyHttp: latencyRatio(http.series, 'dapr'),
        latencyGrpc: latencyRatio(grpc.series, 'dapr'),
      },
    };
  },

  async outgoing(settings) {
    const results = new Map();
    for (const operation of ['send', 'save', 'get']) {
      results.set(operation, await measureOutgoing(operation, settings));
    }
    const costs = (operation) => {
      const { series } = results.get(operation);
      return ratioOf(column(series, 'ours', 'cpu'), column(series, 'client', 'cpu'));
    };
    return {
      title: '`ctx.send` and `ctx.states` beside the bare DaprClient, 1,000 bytes of data each',
      table: renderOutgoing(results),
      about: 'What the sidecar gets otherwise than from the bare client:',
      notes: [...results.values()].flatMap(({ differences }) => differences),
      figures: { send: costs('send'), stateSave: costs('save'), stateGet: costs('get') },
    };
  },

  async tracing(settings) {
    const requests = settings.requests * TRACED_ROUND;
    const { series, differences } = await measureTracing(['traced', 'tracedWhole'], 'hello-end', {
      ...settings,
      requests,
    });
    return {
      title: `Tracing to SkyWalking, rounds of ${requests.toLocaleString('en')} requests`,
      table: renderCpuTime(series),
      about: RECORDED,
      notes: [...describeRecorded(series), ...differences],
      figures: { tracingRate: rateRatio(series, 'ours', 'traced') },
    };
  },

  async 'tracing-latency'(settings) {
    const paced = { ...settings, rate: REQUEST_RATE };
    const { series } = await measureTracing(['traced'], 'hello-end', paced);
    const [on, off] = [column(series, 'traced', 'p99'), column(series, 'ours', 'p99')];
    return {
      title: `Latency with tracing at ${REQUEST_RATE.toLocaleString('en')} requests a second, sent at that pace`,
      table: renderCpuTime(series),
      about: RECORDED,
      notes: describeRecorded(series),
      figures: { tracingLatency: differenceOf(on, off) },
    };
  },

  async 'tracing-cold-start'({ launches, rounds }) {
    const series = await measureTracingColdStart('traced', 'hello-send', launches * rounds * 2);
    return {
      title: 'Cold start with tracing: spawn to the first 200',
      table: renderMore(series, 'ours'),
      notes: [],
      figures: { tracingColdStart: differenceOf(series.get('traced'), series.get('ours')) },
    };
  },

  async adapter(settings) {
    const { series, differences } = await measureCpuTime(['ours', 'keda'], 'hello-end', settings);
    return {
      title: 'With the adapter for KEDA and without',
      table: renderCpuTime(series),
      notes: differences,
      figures: { adapter: rateRatio(series, 'ours', 'keda') },
    };
  },

  async interceptor(settings) {
    const keys = ['ours', 'intercepted'];
    const { series, differences } = await measureCpuTime(keys, 'hello-end', settings);
    const paced = await measureCpuTime(keys, 'hello-end', { ...settings, rate: REQUEST_RATE });
    const [behind, direct] = keys.toReversed().map((key) => column(paced.series, key, 'p50'));
    return {
      title: 'Through the interceptor and directly',
      table: [
        `One after the other, as fast as they are answered:\n\n${renderCpuTime(series)}`,
        `At ${REQUEST_RATE.toLocaleString('en')} requests a second:\n\n${renderCpuTime(paced.series)}`,
      ].join('\n\n'),
      about: 'Headers that differ from those of the direct way:',
      notes: differences,
      figures: {
        interceptorRate: rateRatio(series, 'ours', 'intercepted'),
        interceptorLatency: differenceOf(behind, direct),
      },
    };
  },

  async 'interceptor-heap'({ load }) {
    const series = new Map();
    const settings = { requests: INTERCEPTED_OVER, load };
    series.set('intercepted', await measureHeap('intercepted', 'hello-end', settings));
    const perRequest = growth(series.get('intercepted')) / INTERCEPTED_OVER;
    return {
      title: `Heap of the interceptor over ${INTERCEPTED_OVER.toLocaleString('en')} requests, garbage collected`,
      table: renderHeap(series, INTERCEPTED_OVER),
      notes: [],
      figures: { interceptorHeap: { median: perRequest, lowest: perRequest, highest: perRequest } },
    };
  },

  async simulation({ launches, rounds }) {
    const series = await measureSimulation(launches * rounds);
    return {
      title: 'Simulation of an hour of load, second by second, in processes of their own',
      table: renderSimulation(series),
      notes: [],
      figures: { simulation: summarize(series.get('first')) },
    };
  },

  async dev({ launches, rounds }) {
    const { coldStart, fromZero, ready, saved } = await measureDev(launches, rounds * 10);
    return {
      title: '`ofn dev` with a function of two files in TypeScript',
      table: renderDev({ ready, coldStart, fromZero, saved }),
      notes: [],
      figures: {
        devReady: summarize(ready),
        devFromZero: differenceOf(fromZero, coldStart),
        devSaved: summarize(saved),
        devSavedMost: percentileOf(saved, 0.99),
      },
    };
  },

  async 'dev-memory'({ launches }) {
    const megabytes = await measureDevMemory(launches);
    return {
      title:
        '`ofn dev` with 50 functions that nobody asks: resident memory of all its processes, shared pages for each',
      table: renderMegabytes(megabytes),
      notes: [],
      figures: { devMemory: summarize(megabytes) },
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

function cpuRatio(series, key, ours = 'ours') {
  return ratioOf(column(series, key, 'cpu'), column(series, ours, 'cpu'));
}

function rateRatio(series, key, ours = 'events') {
  return ratioOf(column(series, ours, 'rate'), column(series, key, 'rate'));
}

function latencyRatio(series, key) {
  return ratioOf(column(series, 'events', 'p99'), column(series, key, 'p99'));
}
