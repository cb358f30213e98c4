// A reporter of this process's agent with short times, the log that it writes, and segments for it.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { Logger } from '@ofn/core';
import type { SkyWalkingSettings } from '../../configuration.ts';
import { silentLog } from '../agent.fixture.ts';
import { loadAgent, type Agent } from '../agent.ts';
import { createReporter, type Reporter, type ReporterTiming } from './reporter.ts';

export const SERVICE = { name: 'orders', instance: 'orders-1' };

/** One in a process. */
export const agent: Agent = loadAgent(silentLog, 'error');
agent.finalizeConfig(agent.config);

/** A line of the log. */
export interface Line {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string | undefined;
}

/** A logger whose lines can be looked at. */
function createRecordingLog(): { readonly log: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (fields: object | string, message?: string): void => {
      if (typeof fields === 'string') lines.push({ level, fields: {}, message: fields });
      else lines.push({ level, fields: { ...fields }, message });
    };
  const log: Logger = {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: () => log,
  };
  return { log, lines };
}

/** A reporter that takes milliseconds for what takes seconds. */
export function createTestReporter(
  addresses: readonly string[],
  settings: Partial<SkyWalkingSettings> = {},
  timing: Partial<ReporterTiming> = {},
): { readonly reporter: Reporter; readonly lines: Line[] } {
  const { log, lines } = createRecordingLog();
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
