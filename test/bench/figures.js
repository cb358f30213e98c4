// The figures to reach: each a ratio or a difference, with its target.

/** Targets by figure. `value` is compared with the median of the rounds. */
export const figures = {
  end: { text: 'CPU a request, bare node:http over ours, `res.end`', atLeast: 0.9 },
  sendBare: { text: "CPU a request, bare node:http over ours, `res.send('…')`", atLeast: 0.65 },
  sendGcf: { text: "CPU a request, GCF over ours, `res.send('…')`", atLeast: 8 },
  sendExpress: { text: "CPU a request, Express over ours, `res.send('…')`", atLeast: 3.5 },
  jsonFastify: { text: 'CPU a request, Fastify over ours, 1 kB of JSON echoed', atLeast: 0.9 },
  eventsHttp: { text: 'events/s over HTTP, ours over DaprServer', atLeast: 3 },
  eventsHttpCpu: { text: 'CPU an event over HTTP, DaprServer over ours', atLeast: 3 },
  eventsGrpc: { text: 'events/s over gRPC, ours over DaprServer', atLeast: 1.5 },
  eventsGrpcCpu: { text: 'CPU an event over gRPC, DaprServer over ours', atLeast: 1.5 },
  latencyHttp: { text: 'p99 at 1,000 events/s over HTTP, ours over DaprServer', atMost: 1 },
  latencyGrpc: { text: 'p99 at 1,000 events/s over gRPC, ours over DaprServer', atMost: 1 },
  send: { text: 'CPU a `ctx.send`, over `DaprClient.pubsub.publish`', atMost: 1.1 },
  stateSave: { text: 'CPU a `ctx.states.x.save`, over `DaprClient.state.save`', atMost: 1.1 },
  stateGet: { text: 'CPU a `ctx.states.x.get`, over `DaprClient.state.get`', atMost: 1.1 },
  tracingRate: { text: 'requests/s, SkyWalking on over off', atLeast: 0.85 },
  tracingLatency: { text: 'p99 in ms at 1,000 requests/s, SkyWalking on minus off', atMost: 0.5 },
  tracingColdStart: { text: 'cold start in ms, SkyWalking on minus off', atMost: 120 },
  adapter: { text: 'requests/s, with the adapter for KEDA over without', atLeast: 0.97 },
  interceptorRate: { text: 'requests/s at 32 connections, interceptor over direct', atLeast: 0.5 },
  interceptorLatency: {
    text: 'p50 in ms at 1,000 requests/s, interceptor minus direct',
    atMost: 0.4,
  },
  interceptorHeap: { text: 'heap growth in bytes a request, interceptor', atMost: 4 },
  simulation: { text: 'milliseconds to simulate an hour of load, first run', atMost: 50 },
  devReady: { text: 'ms until `ofn dev` serves', atMost: 1200 },
  devFromZero: { text: 'ms, a request from zero of `ofn dev` over a start without it', atMost: 60 },
  devMemory: { text: 'MB of `ofn dev` with 50 functions, idle', atMost: 250 },
  devSaved: { text: 'ms from a save until it is served, p50', atMost: 150 },
  devSavedMost: { text: 'ms from a save until it is served, p99', atMost: 400 },
  coldStart: { text: 'cold start, ours over bare node:http', atMost: 1.4 },
  resident: { text: 'resident memory after the requests, ours over bare', atMost: 1.3 },
  // A single pointer that is kept for each request would be 8 bytes.
  heap: { text: 'heap growth in bytes a request, ours', atMost: 4 },
};

/** The target of a figure as text. */
export function targetOf({ atLeast, atMost }) {
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
}

/** Whether a value reaches the target of a figure. */
export function reaches({ atLeast = -Infinity, atMost = Infinity }, value) {
  return value >= atLeast && value <= atMost;
}
