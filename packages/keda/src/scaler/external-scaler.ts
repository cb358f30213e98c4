// createExternalScaler: `/queue` endpoints of interceptors and the routes' targets become the gRPC server
// that a KEDA asks, as the add-on's scaler does.
import type {
  sendUnaryData,
  Server,
  ServerCredentials,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { KedaError } from '../errors.ts';
import type { Log } from '../interceptor/call.ts';
import type { ProfileName } from '../profile.ts';
import { keyOf, type Route } from '../routing/route.ts';
import type {
  GetMetricsRequest,
  MetricSpec,
  MetricValue,
  ScaledObjectRef,
} from './external-scaler-service.ts';
import { objectMetricName, routeMetricName } from './metric-name.ts';
import type { ScalingMetric, ScalingOptions } from './options.ts';
import { parseQueue, type Queue } from './queue.ts';
import { createQueueTotals, type RateBuckets } from './queue-totals.ts';

/** What an external scaler is made from; times in milliseconds. */
export interface ExternalScalerOptions {
  /** Addresses of `/queue` on the admin ports of the interceptors; a function where they change. */
  readonly endpoints: readonly string[] | (() => readonly string[]);
  /** The routes and their targets, as `toRoutes` makes them. */
  readonly routes: readonly {
    readonly route: Pick<Route, 'namespace' | 'name'>;
    readonly scaling: Pick<ScalingOptions, 'metrics'>;
  }[];
  /** Whose requests are understood. `v0.5` knows a route by its ScaledObject's name. Default `current`. */
  readonly profile?: ProfileName;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Default `127.0.0.1`. There is no encryption and no password: mind who can reach another one. */
  readonly host?: string;
  /** Between two polls of the interceptors. Default 500, as the add-on. */
  readonly pollingInterval?: number;
  /** Between two messages of a stream. Default 200, as the add-on. */
  readonly streamInterval?: number;
  /** Gets the interceptors that cannot be asked, once each time they fail anew. Default: nothing. */
  readonly log?: Log;
}

/** Serves `externalscaler.ExternalScaler`. */
export interface ExternalScaler {
  /** `host:port`; the port is 0 until it listens. */
  readonly address: string;
  /**
   * Listens, once the interceptors were asked a first time.
   *
   * @throws KedaError `OFN_KEDA_PORT_UNAVAILABLE`.
   */
  start(): Promise<void>;
  /** Ends streams and stops listening. */
  stop(): Promise<void>;
}

// The add-on's own, for routes that name none.
const DEFAULT_BUCKETS: RateBuckets = { window: 60_000, granularity: 1000 };
// Milliseconds that an interceptor has for its answer.
const ANSWER_TIMEOUT = 2000;
// Of gRPC's status codes.
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const ALL_REQUESTS = 'interceptorTargetPendingRequests';

/**
 * Creates an external scaler; it does not listen yet.
 *
 * @example
 * const scaler = createExternalScaler({
 *   endpoints: ['http://127.0.0.1:9090/queue'],
 *   routes: toRoutes(objects),
 *   port: 9091,
 * });
 * await scaler.start();
 */
export function createExternalScaler(options: ExternalScalerOptions): ExternalScaler {
  const { host = '127.0.0.1', log, pollingInterval = 500, profile = 'current' } = options;
  const { endpoints, streamInterval = 200 } = options;
  const metricsOf = new Map(
    options.routes.map(({ route, scaling }) => [keyOf(route), scaling.metrics]),
  );
  const totals = createQueueTotals((key) => {
    return metricsOf.get(key)?.find((metric) => metric.kind === 'requestRate') ?? DEFAULT_BUCKETS;
  });
  const failing = new Set<string>();
  const streams = new Set<NodeJS.Timeout>();
  let port = options.port ?? 0;
  let timer: NodeJS.Timeout | undefined;
  let server: Server | undefined;

  async function ask(endpoint: string): Promise<Queue | undefined> {
    try {
      const response = await fetch(endpoint, { signal: AbortSignal.timeout(ANSWER_TIMEOUT) });
      const text = await response.text();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      const queue = parseQueue(text);
      failing.delete(endpoint);
      return queue;
    } catch (error) {
      const message = `${endpoint} cannot be asked for its queue`;
      if (!failing.has(endpoint)) log?.warn({ endpoint, err: error }, message);
      failing.add(endpoint);
      return undefined;
    }
  }

  async function poll(): Promise<void> {
    const all = typeof endpoints === 'function' ? endpoints() : endpoints;
    const queues = await Promise.all(
      all.map(async (endpoint) => [endpoint, await ask(endpoint)] as const),
    );
    totals.update(Date.now(), new Map(queues));
  }

  // The next poll waits for this one: a slow interceptor is not asked twice at a time.
  function schedule(): void {
    timer = setTimeout(() => {
      void poll().finally(() => {
        if (timer !== undefined) schedule();
      });
    }, pollingInterval);
  }

  function metrics(ref: ScaledObjectRef): readonly Measured[] {
    const { namespace, scalerMetadata } = ref;
    const route = scalerMetadata['interceptorRoute'];
    const object = profile === 'v0.5' ? ref.name : scalerMetadata['httpScaledObject'];
    const target = scalerMetadata[ALL_REQUESTS];
    const name = (profile === 'v0.5' ? undefined : route) ?? object;
    if (name === undefined && target !== undefined) {
      return [measureAll(ref, target, totals.concurrency())];
    }
    if (name === undefined || name === '') {
      const needed = profile === 'v0.5' ? 'a name' : 'interceptorRoute or httpScaledObject';
      const what = profile === 'v0.5' ? 'the ScaledObject' : 'the metadata of the trigger';
      throw failure(INVALID_ARGUMENT, `${what} needs ${needed}`);
    }
    const key = keyOf({ namespace, name });
    const found = metricsOf.get(key);
    if (found === undefined) throw failure(NOT_FOUND, `there is no route ${key}`);
    const { concurrency, requestRate } = totals.get(key);
    const value = (kind: ScalingMetric['kind']): number =>
      kind === 'concurrency' ? concurrency : requestRate;
    return name === object
      ? // One metric, in whole numbers; of two, the rate.
        found
          .toSorted((one) => (one.kind === 'requestRate' ? -1 : 1))
          .slice(0, 1)
          .map(({ kind, target: size }) => {
            return whole(objectMetricName(namespace, name), size, Math.ceil(value(kind)));
          })
      : found.map(({ kind, target: size }) => {
          return fractional(routeMetricName(name, kind), size, value(kind));
        });
  }

  const isActive = (ref: ScaledObjectRef): { result: boolean } => ({
    result: metrics(ref).some(({ value: { metricValue, metricValueFloat } }) => {
      return metricValue > 0 || metricValueFloat > 0;
    }),
  });

  function stream(call: ServerWritableStream<ScaledObjectRef, { result: boolean }>): void {
    const send = (): void => {
      try {
        // One that does not read is not sent more.
        if (!call.writableNeedDrain) call.write(isActive(call.request));
      } catch (error) {
        end();
        call.emit('error', error);
      }
    };
    const interval = setInterval(send, streamInterval);
    const end = (): void => {
      clearInterval(interval);
      streams.delete(interval);
    };
    streams.add(interval);
    call.on('cancelled', end);
    call.on('close', end);
    send();
  }

  const handlers = {
    IsActive: answer(isActive),
    StreamIsActive: stream,
    GetMetricSpec: answer((ref: ScaledObjectRef) => ({
      metricSpecs: metrics(ref).map(({ spec }) => spec),
    })),
    GetMetrics: answer(({ metricName, scaledObjectRef }: GetMetricsRequest) => {
      if (scaledObjectRef === null) {
        throw failure(INVALID_ARGUMENT, 'the request needs scaledObjectRef');
      }
      const values = metrics(scaledObjectRef).map(({ value }) => value);
      // An object has one, and KEDA may ask for it by the name that it gave it.
      const isNamed = metricName !== '' && scaledObjectRef.scalerMetadata['interceptorRoute'];
      return {
        metricValues: isNamed ? values.filter((value) => value.metricName === metricName) : values,
      };
    }),
  };

  return {
    get address() {
      return `${host.includes(':') ? `[${host}]` : host}:${port}`;
    },
    async start() {
      if (server !== undefined) return;
      const [grpc, { EXTERNAL_SCALER }] = await Promise.all([
        import('@grpc/grpc-js'),
        import('./external-scaler-service.ts'),
        poll(),
      ]);
      const created = new grpc.Server();
      created.addService(EXTERNAL_SCALER, handlers);
      port = await bind(created, grpc.ServerCredentials.createInsecure(), host, port);
      server = created;
      schedule();
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      for (const interval of streams) clearInterval(interval);
      streams.clear();
      server?.forceShutdown();
      server = undefined;
    },
  };
}

interface Measured {
  readonly spec: MetricSpec;
  readonly value: MetricValue;
}

function whole(metricName: string, target: number, value: number): Measured {
  return {
    spec: { metricName, targetSize: target, targetSizeFloat: 0 },
    value: { metricName, metricValue: value, metricValueFloat: 0 },
  };
}

function fractional(metricName: string, target: number, value: number): Measured {
  return {
    spec: { metricName, targetSize: 0, targetSizeFloat: target },
    value: { metricName, metricValue: 0, metricValueFloat: value },
  };
}

// What scales the interceptor itself: all that is pending anywhere.
function measureAll(ref: ScaledObjectRef, target: string, concurrency: number): Measured {
  if (!/^\d+$/.test(target)) {
    const message = `${ALL_REQUESTS} must be a whole number, not "${target}"`;
    throw failure(INVALID_ARGUMENT, message);
  }
  return whole(objectMetricName(ref.namespace, ref.name), Number(target), concurrency);
}

function failure(code: number, message: string): Error & { code: number; details: string } {
  return Object.assign(new Error(message), { code, details: message });
}

function answer<Request, Response>(handle: (request: Request) => Response) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    let response: Response;
    try {
      response = handle(call.request);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    callback(null, response);
  };
}

function bind(
  server: Server,
  credentials: ServerCredentials,
  host: string,
  port: number,
): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, bound) => {
      if (cause === null) resolve(bound);
      else {
        const message = `${address} cannot be listened on: ${cause.message}`;
        reject(new KedaError('OFN_KEDA_PORT_UNAVAILABLE', message, { cause }));
      }
    });
  });
}
