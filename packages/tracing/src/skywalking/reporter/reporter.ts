// Finished segments of the agent become reports to a SkyWalking collector, about each second, with the
// heartbeat of the instance. No call waits for any of it, and a collector that is down costs nothing.
import { AsyncResource } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { hostname, platform } from 'node:os';
import type * as Grpc from '@grpc/grpc-js';
import type { Logger } from '@ofn/core';
import type { SkyWalkingSettings } from '../../configuration.ts';
import type { Service } from '../../provider.ts';
import type { Agent, Segment } from '../agent.ts';
import { call, openStream, type CallSettings } from './calls.ts';
import { createCollectors, type Collector, type Collectors } from './collectors.ts';
import { loadMessages, type Messages } from './messages.ts';
import { createSegmentQueue } from './queue.ts';
import { sendSegments } from './report.ts';
import { createReporterWarnings } from './warnings.ts';

/** Reports the agent's segments. */
export interface Reporter {
  /** Whether a collector is connected. */
  readonly connected: boolean;
  /**
   * Begins to report. Called once, when the service is known; loads what it needs a little later.
   *
   * @param properties Of the instance, beside those that every instance of Node.js has.
   */
  start(service: Service, properties: Readonly<Record<string, string>>): void;
  /**
   * Sends what has finished, in bounded time, and lets go of connections and timers. Does not wait for
   * segments that are not finished. Never rejects: what could not be sent is logged.
   */
  close(): Promise<void>;
}

/** How long things take, in milliseconds, and how a turn of the event loop is awaited. */
export interface ReporterTiming {
  /** From the start until gRPC is loaded. Default 200. */
  readonly load: number;
  /** Between two reports. Default 1,000. */
  readonly report: number;
  /** Between two heartbeats. Default 20,000. */
  readonly heartbeat: number;
  /** Until a collector that refused a connection is tried again; grows to 20 times that. Default 1,000. */
  readonly reconnect: number;
  /** How long a close waits for a connection. Default 2,000. */
  readonly connect: number;
  /** How long a close takes. Default 5,000. */
  readonly close: number;
  /** Between two warnings. Default 30,000. */
  readonly warning: number;
  readonly turn: () => Promise<void>;
}

const DEFAULT_TIMING: ReporterTiming = {
  // After the answer to the call that a cold start was for: loading gRPC takes 25 ms.
  load: 200,
  report: 1000,
  heartbeat: 20_000,
  reconnect: 1000,
  connect: 2000,
  close: 5000,
  warning: 30_000,
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};

const COLLECT = '/skywalking.v3.TraceSegmentReportService/collect';
const REPORT_PROPERTIES = '/skywalking.v3.ManagementService/reportInstanceProperties';
const KEEP_ALIVE = '/skywalking.v3.ManagementService/keepAlive';

/** What is loaded once it is needed. */
interface Link {
  readonly collectors: Collectors;
  readonly messages: Messages;
  readonly calls: CallSettings;
}

/**
 * Creates a reporter, which keeps the segments that finish from now on.
 *
 * At most `settings.maxBufferSize` segments wait, and as many are on their way; what is more, or was
 * refused twice, is dropped, the oldest first.
 */
export function createReporter(
  agent: Agent,
  settings: SkyWalkingSettings,
  log: Logger,
  timing: Partial<ReporterTiming> = {},
): Reporter {
  const times = { ...DEFAULT_TIMING, ...timing };
  const queue = createSegmentQueue(settings.maxBufferSize);
  const warnings = createReporterWarnings(log, settings.addresses.join(), times.warning);
  const stop = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  let instance: { service: Service; properties: Readonly<Record<string, string>> } | undefined;
  let link: Link | undefined;
  let reporting: Promise<void> | undefined;
  let onTheirWay = 0;
  let encoding = false;
  let outage = false;
  let closing: Promise<void> | undefined;

  function keep(segment: Segment): void {
    warnings.dropped(queue.add(segment), 'more segments than are kept wait for a connection');
    if (!encoding && link !== undefined) encodeSoon();
  }

  // Encoding and reporting belong to no call, and keep nothing of the one whose segment made them due.
  const encodeSoon = AsyncResource.bind(() => {
    encoding = true;
    encodeAll().catch(fail);
  });

  async function encodeAll(): Promise<void> {
    if (link === undefined) return;
    const { messages, collectors } = link;
    while (queue.fresh > 0) {
      await times.turn();
      const { unfit, dropped } = queue.encodeSome(messages.segment);
      warnings.dropped(unfit, 'they could not be encoded, or are larger than a collector takes');
      warnings.dropped(dropped, 'more than is kept waits for a connection');
      // Under load a report does not wait for its second: what is kept has to last for an outage.
      const full = queue.length * 2 >= settings.maxBufferSize;
      if (full && collectors.current !== undefined) void report();
    }
    encoding = false;
  }

  agent.emitter.on('segment-finished', keep);

  function load(): void {
    if (link !== undefined || instance === undefined) return;
    const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as typeof Grpc;
    const { traceTimeout: timeout, addresses, secure } = settings;
    const metadata = new grpc.Metadata();
    const calls = { metadata, timeout, signal: stop.signal };
    authenticate(metadata);
    const messages = loadMessages(agent);
    const { reconnect } = times;
    const collectors = createCollectors(grpc, { addresses, secure, reconnect, onConnected });
    link = { collectors, messages, calls };
    encodeSoon();
  }

  function authenticate(metadata: Grpc.Metadata): void {
    if (settings.authentication === undefined) return;
    try {
      metadata.set('Authentication', settings.authentication);
    } catch {
      // gRPC's own message has the secret in it.
      warnings.failed('the authentication has characters that a header cannot have');
    }
  }

  // A timer must not end the process, whatever happens.
  function guarded(code: () => void): () => void {
    return () => {
      try {
        code();
      } catch (error) {
        fail(error);
      }
    };
  }

  function tick(): void {
    // The agent begins so many traces, and no more, until it hears this.
    agent.emitter.emit('segments-sent');
    const collectors = link?.collectors;
    collectors?.tick();
    if (collectors?.unreachable && !outage) {
      outage = true;
      explain().catch(fail);
    }
    warnings.write();
    void report();
  }

  function onConnected(collector: Collector): void {
    const fields = { collector: collector.address };
    if (outage) log.info(fields, 'SkyWalking can be reached again');
    else log.debug(fields, 'reporting to SkyWalking');
    outage = false;
    // Not before the connection is kept where a heartbeat looks for it.
    queueMicrotask(guarded(beat));
  }

  function beat(): void {
    const collector = link?.collectors.current;
    if (link === undefined || collector === undefined || instance === undefined) return;
    const { messages, calls } = link;
    const { service, properties } = instance;
    const settled = (error: Error | undefined): void => {
      if (error !== undefined && !stop.signal.aborted) warnings.failed(error.message);
    };
    const described = messages.properties(service, { ...PROPERTIES, ...properties });
    void call(collector.client, REPORT_PROPERTIES, described, calls).then(settled, settled);
    const alive = messages.heartbeat(service);
    void call(collector.client, KEEP_ALIVE, alive, calls).then(settled, settled);
  }

  // A connection says only that it is not there. A call that does not wait for it says why.
  async function explain(): Promise<void> {
    const client = link?.collectors.clients[0];
    if (link === undefined || client === undefined || instance === undefined) return;
    const alive = link.messages.heartbeat(instance.service);
    const error = await call(client, KEEP_ALIVE, alive, { ...link.calls, timeout: times.report });
    if (error === undefined || stop.signal.aborted) return;
    warnings.failed(`none of the collectors can be reached: ${reasonOf(error)}`);
    warnings.write();
  }

  function report(): Promise<void> {
    reporting ??= sendQueued()
      .catch(fail)
      .finally(() => {
        reporting = undefined;
      });
    return reporting;
  }

  async function sendQueued(): Promise<void> {
    let goesOn = true;
    while (goesOn && queue.length > queue.fresh) goesOn = await sendSome();
  }

  // Whether more can be sent.
  async function sendSome(): Promise<boolean> {
    const collector = link?.collectors.current;
    if (link === undefined || collector === undefined) return false;
    const { collectors, calls } = link;
    const segments = queue.take();
    onTheirWay = segments.length;
    const stream = openStream(collector.client, COLLECT, calls);
    const error = await sendSegments(segments, stream, times.turn);
    onTheirWay = 0;
    if (error === undefined) return true;
    warnings.failed(error.message);
    warnings.dropped(queue.putBack(segments), error.message);
    collectors.avoid(collector, error);
    return false;
  }

  function fail(thrown: unknown): void {
    warnings.failed(thrown instanceof Error ? thrown.message : String(thrown));
  }

  return {
    get connected() {
      return link?.collectors.current !== undefined;
    },
    start(service, properties) {
      instance = { service, properties };
      agent.config.serviceName = service.name;
      agent.config.serviceInstance = service.instance;
      timers.push(
        setTimeout(guarded(load), times.load),
        setInterval(guarded(tick), times.report),
        setInterval(guarded(beat), times.heartbeat),
      );
      for (const timer of timers) timer.unref();
    },
    close() {
      closing ??= close();
      return closing;
    },
  };

  async function close(): Promise<void> {
    agent.emitter.off('segment-finished', keep);
    for (const timer of timers) clearTimeout(timer);
    const { promise: tooLate, cancel } = after(times.close);
    await Promise.race([deliver().catch(fail), tooLate]);
    cancel();
    warnings.dropped(queue.length + onTheirWay, 'not taken before the end');
    warnings.flush();
    stop.abort();
    link?.collectors.close();
  }

  async function deliver(): Promise<void> {
    await reporting;
    if (queue.length === 0) return;
    load();
    await encodeAll();
    while (queue.length > 0 && (await isConnected())) await report();
  }

  // What is known to be unreachable has been tried again and again.
  async function isConnected(): Promise<boolean> {
    if (link === undefined) return false;
    const { collectors } = link;
    return collectors.connected(collectors.unreachable ? 0 : times.connect);
  }
}

// What gRPC says of it ends in a note on how names were resolved, which is empty for addresses.
function reasonOf({ details }: Grpc.ServiceError): string {
  return details.replace(/\s*Resolution note:\s*$/, '');
}

const PROPERTIES = {
  language: 'NodeJS',
  'OS Name': platform(),
  hostname: hostname(),
  'Process No.': String(process.pid),
};

function after(milliseconds: number): { promise: Promise<void>; cancel: () => void } {
  let cancel = (): void => {};
  const promise = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    cancel = () => clearTimeout(timer);
  });
  return { promise, cancel };
}
