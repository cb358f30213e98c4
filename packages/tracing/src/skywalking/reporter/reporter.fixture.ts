// A reporter of this process's agent with short times, the log that it writes, and segments for it.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { SkyWalkingSettings } from '../../configuration.ts';
import { createLines, type Line } from '../../lines.fixture.ts';
import { silentLog } from '../agent.fixture.ts';
import { loadAgent, type Agent } from '../agent.ts';
import { createReporter, type Reporter, type ReporterTiming } from './reporter.ts';

export const SERVICE = { name: 'orders', instance: 'orders-1' };

/** One in a process. */
export const agent: Agent = loadAgent(silentLog, 'error');
agent.finalizeConfig(agent.config);

/** A reporter that takes milliseconds for what takes seconds. */
export function createTestReporter(
  addresses: readonly string[],
  settings: Partial<SkyWalkingSettings> = {},
  timing: Partial<ReporterTiming> = {},
): { readonly reporter: Reporter; readonly lines: readonly Line[] } {
  const { log, lines } = createLines();
  const reporter = createReporter(agent, { ...SETTINGS, addresses, ...settings }, log, {
    ...QUICK,
    ...timing,
  });
  return { reporter, lines };
}

const SETTINGS: SkyWalkingSettings = {
  addresses: [],
  secure: false,
  authentication: undefined,
  maxBufferSize: 1000,
  traceTimeout: 10_000,
  keepTracing: true,
  disabledPlugins: [],
  traceIgnorePath: '',
  ignoreSuffix: '',
  httpIgnoreMethod: '',
  coldEndpoint: false,
  logLevel: 'error',
};

const QUICK: Partial<ReporterTiming> = {
  load: 0,
  report: 10,
  reconnect: 20,
  warning: 0,
};

/** Finishes segments of one entry span, or of one that goes on from a caller. */
export function finishSegments(count: number, headers?: Readonly<Record<string, string>>): void {
  for (let index = 0; index < count; index += 1) {
    agent.contextManager.clearAll();
    const carrier = headers === undefined ? undefined : agent.ContextCarrier.from({ ...headers });
    const span = agent.contextManager.current.newEntrySpan(`/orders/${index}`, carrier);
    span.start();
    span.stop();
  }
}

/** A port of this machine that nobody listens at. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
