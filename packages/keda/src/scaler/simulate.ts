// simulate: a load and a service, replayed over the scaler's arithmetic, become replicas, queue and latency
// over time.
import { assertSimulation } from './check.ts';
import { DEFAULT_SCALING, type ScalingMetric, type ScalingOptions } from './options.ts';
import { createRequestRate } from './rate.ts';
import { decideReplicas, startScaling } from './replicas.ts';

/** What is simulated. */
export interface SimulationInput {
  /** Requests a second, for each second. */
  readonly load: readonly number[];
  readonly service: {
    /** Milliseconds that a replica works on a request. */
    readonly duration: number;
    /** Requests that one replica works on at a time. */
    readonly concurrency: number;
    /** Milliseconds from the decision for a replica until it is ready. */
    readonly coldStart: number;
  };
  /** Default: those of KEDA, the add-on and Kubernetes. */
  readonly options?: Partial<ScalingOptions>;
  /** Milliseconds after which a request fails that has not been answered. Default: none fails. */
  readonly timeout?: number;
}

/** One second. */
export interface SimulationPoint {
  /** Seconds since the start. */
  readonly time: number;
  /** Requests a second that came. */
  readonly rate: number;
  /** Requests that wait or are worked on, at its end. */
  readonly pending: number;
  /** Replicas that are wanted, and those that are ready, at its end. */
  readonly replicas: number;
  readonly ready: number;
  /** Milliseconds that requests took that were answered in it; `undefined` when none was. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

/** What came of a load. */
export interface Simulation {
  readonly points: readonly SimulationPoint[];
  readonly summary: {
    readonly requests: number;
    readonly served: number;
    readonly failed: number;
    /** Not answered yet at the end. */
    readonly pending: number;
    readonly maxPending: number;
    readonly maxReplicas: number;
    /** Times that the first replica was started for a request. */
    readonly coldStarts: number;
    /** Replicas times the seconds that each was there. */
    readonly replicaSeconds: number;
    /** Milliseconds; 0 when no request was answered. */
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
  };
}

// Milliseconds of a step; the add-on's scaler asks each fifth one.
const STEP = 100;
const STEPS = 1000 / STEP;
const ASKED_EVERY = 5;
const SAMPLES = 4;

/**
 * Simulates.
 *
 * Requests are a stream that is first come, first served: each takes `duration` at least, and no more are
 * worked on at once than the ready replicas take. What they do not tell: how durations vary, and what a
 * replica does less well under load.
 *
 * @throws KedaError `OFN_KEDA_OPTION_INVALID`, with an issue for each field that is wrong.
 * @example
 * const { summary } = simulate({
 *   load: [0, 0, 50, 50, 50, 0],
 *   service: { duration: 120, concurrency: 10, coldStart: 800 },
 *   options: { cooldownPeriod: 60_000 },
 * });
 * console.log(summary.p99, summary.replicaSeconds);
 */
export function simulate(input: SimulationInput): Simulation {
  const options: ScalingOptions = {
    ...DEFAULT_SCALING,
    ...(input as Partial<SimulationInput>)?.options,
  };
  assertSimulation({ ...input, options });
  const { load, service, timeout = Infinity } = input;
  const readers = options.metrics.map(createReader);
  const total = load.length * STEPS;
  // Requests that had come by the end of each step.
  const arrived = new Float64Array(total + 1);
  const delay = service.duration / STEP;
  const latencies = createDistribution();
  const points: SimulationPoint[] = [];
  let state = startScaling(0, options);
  let starting: { readonly at: number; readonly count: number }[] = [];
  let ready = state.replicas;
  let left = 0;
  let served = 0;
  let failed = 0;
  let oldest = 0;
  let maxPending = 0;
  let maxReplicas = ready;
  let coldStarts = 0;
  let replicaSteps = 0;
  let second: Weighted[] = [];

  // Where in time the request of this number came, in steps.
  function arrivalOf(count: number): number {
    while (oldest < total && (arrived[oldest + 1] ?? 0) < count) oldest += 1;
    const before = arrived[oldest] ?? 0;
    const within = (arrived[oldest + 1] ?? 0) - before;
    return oldest + (within === 0 ? 0 : (count - before) / within);
  }

  for (let step = 0; step < total; step += 1) {
    const now = (step + 1) * STEP;
    const came = (load[Math.floor(step / STEPS)] ?? 0) / STEPS;
    arrived[step + 1] = (arrived[step] ?? 0) + came;
    const all = arrived[step + 1] ?? 0;

    if (starting.length > 0) {
      for (const { at, count } of starting) if (at <= now) ready += count;
      starting = starting.filter(({ at }) => at > now);
    }

    // What came a duration ago can be done by now, as far as there were hands for it.
    const done = Math.max(0, interpolate(arrived, step + 1 - delay));
    const most = ((ready * service.concurrency) / service.duration) * STEP;
    const gone = Math.min(Math.max(0, done - left), most);
    if (gone > 1e-9) {
      // Some of those that go, from the first to the last: they came at different times.
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        // Not the very first: where none came for a while, it would be the last one before.
        const share = Math.max(0.001, sample / (SAMPLES - 1));
        const took = (step + share - arrivalOf(left + gone * share)) * STEP;
        const latency = Math.max(service.duration, Math.round(took * 1000) / 1000);
        second.push({ latency, weight: gone / SAMPLES });
      }
      left += gone;
      served += gone;
    }
    if (timeout < Infinity) {
      const late = interpolate(arrived, step + 1 - timeout / STEP) - left;
      if (late > 1e-9) {
        left += late;
        failed += late;
      }
    }

    const pending = all - left;
    maxPending = Math.max(maxPending, pending);
    if (step % ASKED_EVERY === 0 || state.replicas === 0) {
      const values = readers.map((read) => read(pending, all, now));
      const before = state.replicas;
      state = decideReplicas(state, now, values, options);
      const change = state.replicas - before;
      if (before === 0 && change > 0) coldStarts += 1;
      if (change > 0) starting.push({ at: now + service.coldStart, count: change });
      else if (change < 0) [starting, ready] = take(-change, starting, ready);
      maxReplicas = Math.max(maxReplicas, state.replicas);
    }
    replicaSteps += state.replicas;

    if ((step + 1) % STEPS !== 0) continue;
    points.push({
      time: (step + 1) / STEPS,
      rate: load[points.length] ?? 0,
      pending,
      replicas: state.replicas,
      ready,
      p50: percentile(second, 0.5),
      p99: percentile(second, 0.99),
    });
    for (const sample of second) latencies.add(sample);
    second = [];
  }

  const requests = arrived[total] ?? 0;
  return {
    points,
    summary: {
      requests,
      served,
      failed,
      pending: requests - left,
      maxPending,
      maxReplicas,
      coldStarts,
      replicaSeconds: replicaSteps / STEPS,
      p50: latencies.percentile(0.5),
      p99: latencies.percentile(0.99),
      max: latencies.percentile(1),
    },
  };
}

// The value at a place between two.
function interpolate(values: Float64Array, place: number): number {
  if (place <= 0) return 0;
  const index = Math.floor(place);
  const low = values[index] ?? 0;
  return low + ((values[index + 1] ?? low) - low) * (place - index);
}

type Starting = { readonly at: number; readonly count: number }[];

// Those that are not ready yet go first, the youngest of them before.
function take(count: number, starting: Starting, ready: number): [Starting, number] {
  let rest = count;
  const kept: Starting = [];
  for (const entry of starting.toReversed()) {
    const taken = Math.min(rest, entry.count);
    rest -= taken;
    if (entry.count > taken) kept.unshift({ at: entry.at, count: entry.count - taken });
  }
  return [kept, ready - rest];
}

interface Weighted {
  readonly latency: number;
  readonly weight: number;
}

// Of some values.
function percentile(values: readonly Weighted[], share: number): number | undefined {
  const [first] = values;
  if (values.every(({ latency }) => latency === first?.latency)) return first?.latency;
  const sorted = values.toSorted((left, right) => left.latency - right.latency);
  const whole = sorted.reduce((sum, { weight }) => sum + weight, 0);
  let sum = 0;
  for (const { latency, weight } of sorted) {
    sum += weight;
    if (sum >= whole * share - 1e-9) return latency;
  }
  return sorted.at(-1)?.latency;
}

interface Distribution {
  add(sample: Weighted): void;
  percentile(share: number): number;
}

// Of as many as there are: by hundredths of their size, each with the longest that it has.
function createDistribution(): Distribution {
  const weights = new Float64Array(BUCKETS);
  const longest = new Float64Array(BUCKETS);
  let whole = 0;
  return {
    add({ latency, weight }) {
      const bucket = Math.min(BUCKETS - 1, Math.floor(Math.log(Math.max(1, latency)) / HUNDREDTH));
      weights[bucket] = (weights[bucket] ?? 0) + weight;
      longest[bucket] = Math.max(longest[bucket] ?? 0, latency);
      whole += weight;
    },
    percentile(share) {
      let sum = 0;
      let last = 0;
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        if (weights[bucket] === 0) continue;
        sum += weights[bucket] ?? 0;
        last = longest[bucket] ?? 0;
        if (sum >= whole * share - 1e-6) return last;
      }
      return last;
    },
  };
}

const HUNDREDTH = Math.log(1.01);
// Up to some 400 days.
const BUCKETS = 2500;

type Reader = (pending: number, requests: number, now: number) => number;

function createReader(metric: ScalingMetric): Reader {
  // Whole requests are counted; a part of one is none yet.
  if (metric.kind === 'concurrency') return (pending) => Math.ceil(pending - 1e-9);
  const rate = createRequestRate(metric.window, metric.granularity);
  let seen = 0;
  return (_, requests, now) => {
    const whole = Math.floor(requests + 1e-9);
    rate.record(now, whole - seen);
    seen = whole;
    // That of a bucket, as the add-on has it, however long one is.
    return rate.average(now);
  };
}
