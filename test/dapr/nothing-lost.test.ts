// Events survive handlers that fail, processes that are killed, and processes that are stopped.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSidecar, type Sidecar } from '@ofn/sidecar';
import { serving, startProcess, type Process } from '@ofn-test/system/start-function';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findFreePorts } from './free-ports.ts';

const EVENTS = 10_000;
const PROTOCOLS = ['http', 'grpc'] as const;

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it('each of 10,000 events is handled, though a tenth fails once and the process is killed twice', async () => {
    const prepared = await prepare(protocol);
    const { sidecar, handled } = prepared;
    await startAndKill(prepared, [0.3, 0.6]);
    await sidecar.journal.until((journal) => journal.count('acked') === EVENTS);
    expect(new Set(handled())).toEqual(ids());
    expect(sidecar.journal.count('lost') + sidecar.journal.count('dropped')).toBe(0);
    expect(sidecar.journal.count('retried')).toBeGreaterThanOrEqual(EVENTS / 10);
  });

  it('each has its effect exactly once with the plugin idempotent', async () => {
    const prepared = await prepare(protocol, 'store');
    const { sidecar } = prepared;
    await startAndKill(prepared, [0.3, 0.6]);
    await sidecar.journal.until((journal) => journal.count('acked') === EVENTS);
    const counters = await readCounters(sidecar);
    expect(counters.filter(({ data }) => data !== 1)).toEqual([]);
    expect(counters).toHaveLength(EVENTS);
  });

  it('SIGTERM in the middle has nothing acknowledged that was not handled, and nothing handled twice', async () => {
    const { sidecar, start, handled } = await prepare(protocol);
    const app = await start();
    await publish(sidecar, 5);
    await sidecar.journal.until((journal) => journal.count('acked') >= EVENTS / 4);
    app.kill('SIGTERM');
    expect(await app.exit).toMatchObject({ code: 0, signal: null });
    const acked = acknowledged(sidecar);
    expect(acked.length).toBeLessThan(EVENTS);
    expect(new Set(acked)).toEqual(new Set(handled()));
    await start();
    await sidecar.journal.until((journal) => journal.count('acked') === EVENTS);
    expect(handled().toSorted()).toEqual([...ids()].toSorted());
  });
});

interface Prepared {
  readonly sidecar: Sidecar;
  /** Starts the function, always at the same port; resolves when events can come. */
  readonly start: () => Promise<Process>;
  /** Ids of the events that were handled, as often as they were. */
  readonly handled: () => string[];
}

async function prepare(protocol: 'http' | 'grpc', store?: string): Promise<Prepared> {
  const folder = mkdtempSync(join(tmpdir(), 'ofn-record-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const record = join(folder, 'handled');
  writeFileSync(record, '');
  const [port = 0] = await findFreePorts(1);
  const sidecar = await createSidecar({
    appPort: port,
    appProtocol: protocol,
    components: [
      { name: 'pubsub', type: 'pubsub.in-memory' },
      { name: 'store', type: 'state.in-memory' },
    ],
    resiliency: {
      policies: { retries: { forever: { policy: 'constant', duration: '50ms', maxRetries: -1 } } },
      targets: { components: { pubsub: { inbound: { retry: 'forever' } } } },
    },
    journalLimit: 1_000_000,
    gracefulShutdownSeconds: 0,
  });
  onTestFinished(() => sidecar.stop());
  const states = { store: { componentName: 'store', componentType: 'state.in-memory' } };

  async function start(): Promise<Process> {
    const app = startProcess({
      files: { 'index.mjs': SOURCE },
      args: ['--port', String(port)],
      env: {
        APP_PROTOCOL: protocol,
        RECORD: record,
        DAPR_HTTP_PORT: String(sidecar.httpPort),
        ...(store === undefined ? {} : { STORE: store, FUNC_CONTEXT: JSON.stringify({ states }) }),
      },
    });
    onTestFinished(app.end);
    await serving(app);
    await sidecar.appReady();
    return app;
  }

  const handled = (): string[] => readFileSync(record, 'utf8').split('\n').slice(0, -1);
  return { sidecar, start, handled };
}

const SOURCE = readFileSync(new URL('recording-function.js', import.meta.url), 'utf8');

function ids(): Set<string> {
  return new Set(Array.from({ length: EVENTS }, (_, index) => `event-${index}`));
}

/** @param takes Milliseconds that each event takes. */
async function publish(sidecar: Sidecar, takes: number): Promise<void> {
  for (let index = 0; index < EVENTS; index += 1) {
    const data = { failsOnce: index % 10 === 0, takes };
    const metadata = { 'cloudevent.id': `event-${index}` };
    await sidecar.publish('pubsub', 'orders', data, { metadata });
  }
}

/** Starts the function, and kills and starts it again once so many events are acknowledged. */
async function startAndKill(
  { sidecar, start }: Prepared,
  shares: readonly number[],
): Promise<void> {
  let app = await start();
  await publish(sidecar, 1);
  for (const share of shares) {
    await sidecar.journal.until((journal) => journal.count('acked') >= EVENTS * share);
    app.kill('SIGKILL');
    await app.exit;
    app = await start();
  }
}

function acknowledged({ journal }: Sidecar): string[] {
  return journal.entries
    .filter(({ outcome, topic }) => outcome === 'acked' && topic === 'orders')
    .map(({ id = '' }) => id);
}
async function readCounters({ httpPort }: Sidecar): Promise<{ key: string; data: unknown }[]> {
  const keys = [...ids()].map((id) => `effect ${id}`);
  const response = await fetch(`http://127.0.0.1:${httpPort}/v1.0/state/store/bulk`, {
    method: 'POST',
    body: JSON.stringify({ keys }),
  });
  return (await response.json()) as { key: string; data: unknown }[];
}
