// The loop around the arithmetic: counts of a route come in, the wanted number of replicas goes out.
import type { Count } from '../interceptor/counts.ts';
import { assertScaling } from './check.ts';
import type { ScalingMetric, ScalingOptions } from './options.ts';
import { createRequestRate } from './rate.ts';
import { decideReplicas, startScaling } from './replicas.ts';

/** What an autoscaler is made from. */
export interface AutoscalerOptions {
  /** The counts of the route now; `undefined` before its first request. */
  readonly counts: () => Count | undefined;
  /** Calls back when pending requests rise from 0, and returns what ends it. Default: only polled. */
  readonly onPending?: (listener: () => void) => () => void;
  readonly options: ScalingOptions;
  /** How many there are at the start. Default: the least number, which is scaled to. */
  readonly replicas?: number;
  /** Called with the number of replicas, whenever that changes. */
  readonly scale: (replicas: number) => unknown;
  /** Milliseconds. Default: since the process began. */
  readonly now?: () => number;
}

/** Scales one function. */
export interface Autoscaler {
  /** Replicas that are wanted now. */
  readonly replicas: number;
  start(): void;
  stop(): void;
}

// How often the add-on's scaler asks its interceptors, in milliseconds.
const ASKED_EVERY = 500;

/**
 * Creates an autoscaler; nothing is scaled before its start.
 *
 * @throws KedaError `OFN_KEDA_OPTION_INVALID`, with an issue for each field that is wrong.
 * @example
 * const autoscaler = createAutoscaler({
 *   counts: () => interceptor.counts()['default/hello'],
 *   onPending: (listener) => interceptor.onPending(listener),
 *   options: DEFAULT_SCALING,
 *   scale: (replicas) => instances.scale(replicas),
 * });
 * autoscaler.start();
 */
export function createAutoscaler({
  counts,
  now = () => performance.now(),
  onPending,
  options,
  replicas: existing,
  scale,
}: AutoscalerOptions): Autoscaler {
  assertScaling(options);
  const readers = options.metrics.map(createReader);
  const interval = Math.min(ASKED_EVERY, options.syncPeriod);
  let state = startScaling(now(), options);
  let timer: NodeJS.Timeout | undefined;
  let stopListening: (() => void) | undefined;

  function step(): void {
    const count = counts() ?? { concurrency: 0, requestCount: 0 };
    const time = now();
    const before = state.replicas;
    const values = readers.map((read) => read(count, time));
    state = decideReplicas(state, time, values, options);
    if (state.replicas !== before) scale(state.replicas);
  }

  return {
    get replicas() {
      return state.replicas;
    },
    start() {
      if (timer !== undefined) return;
      state = startScaling(now(), options, existing);
      if (state.replicas > 0 && state.replicas !== existing) scale(state.replicas);
      timer = setInterval(step, interval);
      stopListening = onPending?.(() => {
        if (state.replicas === 0) step();
      });
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
      stopListening?.();
    },
  };
}

/** Reads the value of a metric from the counts. */
type Reader = (count: Count, now: number) => number;

function createReader(metric: ScalingMetric): Reader {
  if (metric.kind === 'concurrency') return ({ concurrency }) => concurrency;
  const rate = createRequestRate(metric.window, metric.granularity);
  let seen = 0;
  return ({ requestCount }, now) => {
    // A counter that fell has begun anew.
    const added = requestCount >= seen ? requestCount - seen : requestCount;
    seen = requestCount;
    rate.record(now, added);
    // That of a bucket, as the add-on has it, however long one is.
    return rate.average(now);
  };
}
