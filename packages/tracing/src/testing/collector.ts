// A SkyWalking collector in this process: what agents send comes in over gRPC and goes out as plain
// objects. It can also behave as collectors do when something is wrong with them.
import { createRequire } from 'node:module';
import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import {
  Server,
  ServerCredentials,
  status,
  type Metadata,
  type ServerReadableStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type Common from 'skywalking-backend-js/lib/proto/common/Common_pb.js';
import type TracingService from 'skywalking-backend-js/lib/proto/language-agent/Tracing_grpc_pb.js';
import type Tracing from 'skywalking-backend-js/lib/proto/language-agent/Tracing_pb.js';
import type ManagementService from 'skywalking-backend-js/lib/proto/management/Management_grpc_pb.js';
import type Management from 'skywalking-backend-js/lib/proto/management/Management_pb.js';

/**
 * - `normal`: takes everything.
 * - `hang`: reads nothing and never answers.
 * - `slow`: takes everything, and answers after `delay`.
 * - `unimplemented`, `permission-denied`, `unavailable`: refuses each call with that status.
 * - `garbage`: listens, and speaks something else than HTTP/2.
 */
export type CollectorBehaviour =
  'normal' | 'hang' | 'slow' | 'unimplemented' | 'permission-denied' | 'unavailable' | 'garbage';

/** A segment as it was received. */
export type CollectedSegment = Tracing.SegmentObject.AsObject;

/** The properties of an instance as they were reported. */
export interface CollectedInstance {
  readonly service: string;
  readonly instance: string;
  readonly layer: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** How a collector is started. */
export interface CollectorOptions {
  /** Default: any that is free. */
  readonly port?: number;
  readonly behaviour?: CollectorBehaviour;
  /** Milliseconds until a slow collector answers. Default 100. */
  readonly delay?: number;
  /** How many segments, and of other lists how many entries, are kept: the latest. Default: all. */
  readonly limit?: number;
  /** Called with each segment. */
  readonly onSegment?: (segment: CollectedSegment) => void;
}

/** A running collector. */
export interface Collector {
  /** `host:port`. */
  readonly address: string;
  readonly port: number;
  readonly segments: readonly CollectedSegment[];
  readonly instances: readonly CollectedInstance[];
  readonly heartbeats: readonly Omit<CollectedInstance, 'properties'>[];
  /** Of each call, in the order in which they came. */
  readonly metadata: readonly Readonly<Record<string, string>>[];
  /** Other ends of the connections by which calls came. */
  readonly peers: ReadonlySet<string>;
  /** Streams of segments that were opened; at most so many at a time. */
  readonly reports: { readonly opened: number; readonly atOnce: number };
  /** Changes how calls from now on are answered; `garbage` needs a collector of its own. */
  behave(behaviour: Exclude<CollectorBehaviour, 'garbage'>): void;
  /**
   * Resolves when something is so.
   *
   * @throws When it is not, after some milliseconds: default 10,000.
   */
  waitFor(what: string, condition: () => boolean, within?: number): Promise<void>;
  /** Resolves with the segments, of one service or of all, when there are so many. */
  waitForSegments(count: number, service?: string): Promise<readonly CollectedSegment[]>;
  /** Breaks all connections, and listens at the same port again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const REFUSALS: Partial<Record<CollectorBehaviour, status>> = {
  unimplemented: status.UNIMPLEMENTED,
  'permission-denied': status.PERMISSION_DENIED,
  unavailable: status.UNAVAILABLE,
};

/**
 * Starts a collector.
 *
 * @example
 * const collector = await startCollector();
 * // … with SW_AGENT_COLLECTOR_BACKEND_SERVICES set to collector.address …
 * const [segment] = await collector.waitForSegments(1, 'orders');
 * await collector.stop();
 */
export async function startCollector(options: CollectorOptions = {}): Promise<Collector> {
  const { delay = 100, limit = Infinity, onSegment } = options;
  let { behaviour = 'normal' } = options;
  const segments: CollectedSegment[] = [];
  const instances: CollectedInstance[] = [];
  const heartbeats: Omit<CollectedInstance, 'properties'>[] = [];
  const metadata: Record<string, string>[] = [];
  const peers = new Set<string>();
  const reports = { opened: 0, atOnce: 0 };
  const watchers = new Set<() => void>();
  const timers = new Set<NodeJS.Timeout>();
  let open = 0;

  function keep<Entry>(list: Entry[], entry: Entry): void {
    list.push(entry);
    // In one go, now and then.
    if (list.length > limit * 1.25) list.splice(0, list.length - limit);
  }

  function changed(): void {
    for (const check of watchers) check();
  }

  // Answers as this collector behaves; what it takes is recorded before.
  function answer(reply: sendUnaryData<unknown>): void {
    const code = REFUSALS[behaviour];
    if (code !== undefined) reply({ code, details: `this collector is ${behaviour}` });
    else if (behaviour === 'slow') {
      const timer = setTimeout(() => {
        timers.delete(timer);
        reply(null, commands());
      }, delay);
      timers.add(timer);
    } else reply(null, commands());
  }

  function received(call: { metadata: Metadata; getPeer(): string }): void {
    if (peers.size < limit) peers.add(call.getPeer());
    const pairs = Object.entries(call.metadata.getMap());
    keep(metadata, Object.fromEntries(pairs.map(([name, value]) => [name, String(value)])));
  }

  function takes(): boolean {
    return behaviour !== 'hang' && REFUSALS[behaviour] === undefined;
  }

  function collect(
    call: ServerReadableStream<Tracing.SegmentObject, unknown>,
    reply: sendUnaryData<unknown>,
  ): void {
    received(call);
    reports.opened += 1;
    open += 1;
    reports.atOnce = Math.max(reports.atOnce, open);
    let over = false;
    const end = (): void => {
      if (!over) open -= 1;
      over = true;
      changed();
    };
    call.on('cancelled', end);
    call.on('error', end);
    changed();
    if (behaviour === 'hang') return;
    if (!takes()) {
      end();
      answer(reply);
      return;
    }
    call.on('data', (segment: Tracing.SegmentObject) => {
      const received = segment.toObject();
      keep(segments, received);
      onSegment?.(received);
      changed();
    });
    call.on('end', () => {
      answer((...args) => {
        end();
        reply(...args);
      });
    });
  }

  function reportInstanceProperties(
    call: ServerUnaryCall<Management.InstanceProperties, unknown>,
    reply: sendUnaryData<unknown>,
  ): void {
    received(call);
    if (takes()) {
      const { service, serviceinstance, layer, propertiesList } = call.request.toObject();
      const properties = Object.fromEntries(propertiesList.map(({ key, value }) => [key, value]));
      keep(instances, { service, instance: serviceinstance, layer, properties });
    }
    if (behaviour !== 'hang') answer(reply);
    changed();
  }

  function keepAlive(
    call: ServerUnaryCall<Management.InstancePingPkg, unknown>,
    reply: sendUnaryData<unknown>,
  ): void {
    received(call);
    if (takes()) {
      const { service, serviceinstance, layer } = call.request.toObject();
      keep(heartbeats, { service, instance: serviceinstance, layer });
    }
    if (behaviour !== 'hang') answer(reply);
    changed();
  }

  const services = { collect, reportInstanceProperties, keepAlive };
  const listen = (port: number): Promise<Listening> =>
    behaviour === 'garbage' ? listenForAnything(port) : listenForCalls(port, services);
  let listening = await listen(options.port ?? 0);
  const { port } = listening;

  async function stop(): Promise<void> {
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    await listening.stop();
  }

  const collector: Collector = {
    address: `127.0.0.1:${port}`,
    port,
    segments,
    instances,
    heartbeats,
    metadata,
    peers,
    reports,
    behave(next) {
      behaviour = next;
    },
    waitFor(what, condition, within = 10_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(check);
          reject(new Error(`waited ${within} ms for ${what}`));
        }, within);
        const check = (): void => {
          if (!condition()) return;
          clearTimeout(timer);
          watchers.delete(check);
          resolve();
        };
        watchers.add(check);
        check();
      });
    },
    async waitForSegments(count, service) {
      const of = (): CollectedSegment[] =>
        segments.filter((segment) => service === undefined || segment.service === service);
      const what = `${count} segments${service === undefined ? '' : ` of ${service}`}`;
      try {
        await collector.waitFor(what, () => of().length >= count);
      } catch (error) {
        const services = segments.map((segment) => segment.service).join(', ');
        throw new Error(`${what} did not come; there are ${segments.length}: ${services}`, {
          cause: error,
        });
      }
      return of();
    },
    async restart() {
      await stop();
      listening = await listen(port);
    },
    stop,
  };
  return collector;
}

interface Listening {
  readonly port: number;
  stop(): Promise<void>;
}

// The agent's generated stubs are CommonJS whose exports cannot be found without running them.
const require = createRequire(import.meta.url);
const PROTO = 'skywalking-backend-js/lib/proto';

function commands(): Common.Commands {
  const { Commands } = require(`${PROTO}/common/Common_pb.js`) as typeof Common;
  return new Commands();
}

interface Services {
  collect: (
    call: ServerReadableStream<Tracing.SegmentObject, unknown>,
    reply: sendUnaryData<unknown>,
  ) => void;
  reportInstanceProperties: (
    call: ServerUnaryCall<Management.InstanceProperties, unknown>,
    reply: sendUnaryData<unknown>,
  ) => void;
  keepAlive: (
    call: ServerUnaryCall<Management.InstancePingPkg, unknown>,
    reply: sendUnaryData<unknown>,
  ) => void;
}

async function listenForCalls(port: number, services: Services): Promise<Listening> {
  const { TraceSegmentReportServiceService } = require(
    `${PROTO}/language-agent/Tracing_grpc_pb.js`,
  ) as typeof TracingService;
  const { ManagementServiceService } = require(
    `${PROTO}/management/Management_grpc_pb.js`,
  ) as typeof ManagementService;
  const server = new Server();
  const { collect, reportInstanceProperties, keepAlive } = services;
  server.addService({ collect: TraceSegmentReportServiceService.collect }, { collect });
  server.addService(
    {
      reportInstanceProperties: ManagementServiceService.reportInstanceProperties,
      keepAlive: ManagementServiceService.keepAlive,
    },
    { reportInstanceProperties, keepAlive },
  );
  const bound = await new Promise<number>((resolve, reject) => {
    const credentials = ServerCredentials.createInsecure();
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, actual) =>
      error ? reject(error) : resolve(actual),
    );
  });
  return {
    port: bound,
    async stop() {
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      server.forceShutdown();
      await closed;
    },
  };
}

async function listenForAnything(port: number): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server: TcpServer = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\nthis is not a collector');
    socket.resume();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
