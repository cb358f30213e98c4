// Addresses become connections to collectors, one of which takes the reports: the next is tried when
// one cannot be reached or fails.
import type * as Grpc from '@grpc/grpc-js';
import type { Client, ServiceError } from '@grpc/grpc-js';

/** A collector, by its address. */
export interface Collector {
  readonly address: string;
  readonly client: Client;
}

/** What the connections need. */
export interface CollectorsSettings {
  readonly addresses: readonly string[];
  readonly secure: boolean;
  /** Milliseconds before a collector that refused a connection is tried again; grows to 20 times that. */
  readonly reconnect: number;
  /** Told each time that another collector takes the reports, or the same one again. */
  readonly onConnected: (collector: Collector) => void;
}

/** The connections to collectors. */
export interface Collectors {
  /** The one that takes reports; `undefined` while none is connected. */
  readonly current: Collector | undefined;
  /** Those that are tried, connected or not. */
  readonly clients: readonly Client[];
  /** Whether all have been tried, and none can be reached. */
  readonly unreachable: boolean;
  /** To be called about each second: goes on from what hangs, and back to what has recovered. */
  tick(): void;
  /** A report to this collector failed: the next one is used, if there is another. */
  avoid(collector: Collector, error: ServiceError): void;
  /** Resolves with whether a collector is connected, after some milliseconds at most. */
  connected(within: number): Promise<boolean>;
  close(): void;
}

interface Candidate extends Collector {
  client: Client;
  state: Grpc.connectivityState;
  /** Seconds that the connection has been coming up. */
  waited: number;
  /** Seconds that others are preferred, after it failed to take a report. */
  avoided: number;
}

// A connection that has not come up for so long, in seconds: the next address is tried beside it.
const PATIENCE = 5;
// Time for another to be connected, in seconds.
const AVOIDED = 2;
// How much longer than at first it takes at most until a collector is tried again.
const LONGEST_RECONNECT = 20;

/** Begins to connect to the first address. */
export function createCollectors(grpc: typeof Grpc, settings: CollectorsSettings): Collectors {
  const { addresses, secure, reconnect, onConnected } = settings;
  const { READY, IDLE, CONNECTING, TRANSIENT_FAILURE, SHUTDOWN } = grpc.connectivityState;
  const credentials = secure ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();
  // Those that are tried, in the order of the addresses. A client stays, and reconnects by itself:
  // one that is closed while it connects would keep its socket for as long as the other end does.
  const candidates: Candidate[] = [];
  const waiting = new Set<() => void>();
  let current: Candidate | undefined;
  let last = 0;
  let closed = false;

  function open(address: string): Client {
    return new grpc.Client(address, credentials, {
      // Shared with nobody: user code may talk to the same address in its own way.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.service_config_disable_resolution': 1,
      // What failed is queued again, here; gRPC would keep copies for retries of its own.
      'grpc.enable_retries': 0,
      'grpc.enable_channelz': 0,
      'grpc.initial_reconnect_backoff_ms': reconnect,
      'grpc.max_reconnect_backoff_ms': reconnect * LONGEST_RECONNECT,
    });
  }

  function tryNext(): void {
    const address = addresses[candidates.length];
    if (address === undefined) return;
    const candidate = { address, client: open(address), state: IDLE, waited: 0, avoided: 0 };
    candidates.push(candidate);
    watch(candidate, candidate.client);
  }

  // Follows the state of a connection. One that is idle is only connected while it is needed.
  function watch(candidate: Candidate, client: Client): void {
    if (closed || candidate.client !== client) return;
    const channel = client.getChannel();
    const needed = current === undefined || current === candidate;
    const state = channel.getConnectivityState(needed);
    if (state === SHUTDOWN) return;
    // gRPC calls back from within its own change of state.
    channel.watchConnectivityState(state, Infinity, () => {
      process.nextTick(watch, candidate, client);
    });
    candidate.state = state;
    if (state !== CONNECTING) candidate.waited = 0;
    if (current === candidate && state !== READY) current = undefined;
    if (current === undefined) choose();
    if (current === undefined && state === TRANSIENT_FAILURE) tryNext();
  }

  // The next one that is connected, beginning after the last that was used.
  function choose(): void {
    const count = candidates.length;
    for (let step = 1; step <= count && current === undefined; step += 1) {
      const index = (last + step) % count;
      const candidate = candidates[index];
      if (candidate?.state !== READY || candidate.avoided > 0) continue;
      current = candidate;
      last = index;
    }
    if (current === undefined) return;
    for (const resolve of waiting) resolve();
    onConnected(current);
  }

  function renew(candidate: Candidate): void {
    if (current === candidate) current = undefined;
    candidate.client.close();
    candidate.client = open(candidate.address);
    candidate.state = IDLE;
    watch(candidate, candidate.client);
  }

  function connectAll(): void {
    for (const { client } of candidates) client.getChannel().getConnectivityState(true);
  }

  tryNext();

  return {
    get current() {
      return current;
    },
    get clients() {
      return candidates.map(({ client }) => client);
    },
    get unreachable() {
      return (
        current === undefined &&
        candidates.length === addresses.length &&
        candidates.every(({ state, waited }) => state === TRANSIENT_FAILURE || waited > PATIENCE)
      );
    },
    tick() {
      for (const candidate of candidates) {
        candidate.avoided = Math.max(0, candidate.avoided - 1);
        if (candidate.state === CONNECTING) candidate.waited += 1;
      }
      if (current === undefined) choose();
      if (current !== undefined) return;
      connectAll();
      if (candidates.every(({ waited }) => waited > PATIENCE)) tryNext();
    },
    avoid(collector, error) {
      const candidate = candidates.find(({ client }) => client === collector.client);
      if (closed || candidate === undefined) return;
      if (addresses.length > 1) {
        candidate.avoided = AVOIDED;
        if (current === candidate) current = undefined;
      }
      // Perhaps nobody is at the other end any more, which a connection alone does not notice.
      if (error.code === grpc.status.DEADLINE_EXCEEDED) renew(candidate);
      if (current === undefined) choose();
      if (current !== undefined) return;
      tryNext();
      connectAll();
    },
    connected(within) {
      if (closed || current !== undefined) return Promise.resolve(!closed);
      return new Promise((resolve) => {
        const timer = setTimeout(settle, within);
        waiting.add(settle);
        function settle(): void {
          waiting.delete(settle);
          clearTimeout(timer);
          resolve(current !== undefined);
        }
      });
    },
    close() {
      closed = true;
      current = undefined;
      for (const resolve of waiting) resolve();
      for (const { client } of candidates) client.close();
    },
  };
}
