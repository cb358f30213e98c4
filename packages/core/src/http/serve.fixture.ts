// What the tests of this folder stand on: functions served in process, or on a port of their own.
import { createConnection, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { OfnError } from '../errors.ts';
import { registry } from '../function/registry.ts';
import type { FunctionDefinition } from '../function/signature.ts';
import { createLogger } from '../logger.ts';
import { parseOptions, type Options } from '../options.ts';
import { createRuntime, type Addresses, type Runtime } from '../runtime.ts';
import { createTestRuntime, type TestRequest, type TestRuntimeOptions } from '../testing.ts';
import type { Metrics } from './metrics.ts';

type ServeOptions = Omit<TestRuntimeOptions, 'functions' | 'source' | 'signatureType'>;

/** Serves one function without a port until the test ends. */
export async function serve(
  definition: FunctionDefinition,
  options: ServeOptions = {},
): Promise<(request?: TestRequest) => Promise<Response>> {
  registry.functions.delete(definition.name);
  const t = await createTestRuntime({ ...withShortDrain(options), functions: [definition] });
  onTestFinished(() => t.close().catch(ignoreCutCalls));
  return (request) => t.http(definition.name, request);
}

/** Serves several functions, each at its own path, without a port until the test ends. */
export async function serveAll(
  functions: readonly FunctionDefinition[],
  options: ServeOptions = {},
): Promise<(request: TestRequest & { path: string }) => Promise<Response>> {
  for (const { name } of functions) registry.functions.delete(name);
  const t = await createTestRuntime({ ...withShortDrain(options), functions });
  onTestFinished(() => t.close().catch(ignoreCutCalls));
  return (request) => t.request(request);
}

// Handlers that never end on purpose must not hold a test up for the usual ten seconds.
function withShortDrain(options: ServeOptions): ServeOptions {
  return { ...options, options: { 'drain-timeout': '50ms', ...options.options } };
}

function ignoreCutCalls(error: unknown): void {
  if (!(error instanceof OfnError) || error.code !== 'OFN_DRAIN_INCOMPLETE') throw error;
}

/** The options the bin would have with these flags. */
export function optionsOf(...flags: readonly string[]): Options {
  const command = parseOptions([...flags], {});
  if (command.kind === 'serve') return command.options;
  throw new Error(`${flags.join(' ')} does not serve`);
}

/** Serves functions on a free port of the loopback until the test ends. */
export async function listen(
  functions: readonly FunctionDefinition[],
  flags: readonly string[] = [],
  metrics?: Metrics,
): Promise<{ runtime: Runtime; origin: string; addresses: Addresses }> {
  for (const { name } of functions) registry.functions.delete(name);
  const options = optionsOf('--port=0', '--host=127.0.0.1', '--drain-timeout=50ms', ...flags);
  const loaded = { functions, plugins: [], hookPlugins: [] };
  const runtime = createRuntime(options, createLogger({ level: 'silent' }), loaded, metrics);
  const addresses = await runtime.start();
  onTestFinished(() => runtime.stop({ skipDelay: true }).catch(ignoreCutCalls));
  return { runtime, origin: `http://127.0.0.1:${addresses.port}`, addresses };
}

/** Writes bytes as they are to a port; `reply` is all that comes back until the connection ends. */
export function connectTo(port: number, text: string): { socket: Socket; reply: Promise<string> } {
  const socket = createConnection({ port, host: '127.0.0.1' });
  const chunks: Buffer[] = [];
  const reply = new Promise<string>((resolve) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
  socket.write(text);
  return { socket, reply };
}

/** Status and code of a reply that must be a problem. */
export async function refusal(response: Response): Promise<{ status: number; code: unknown }> {
  const text = await response.text();
  if (response.headers.get('content-type') !== 'application/problem+json') {
    throw new Error(`${response.status} is not a problem: ${text}`);
  }
  return { status: response.status, code: (JSON.parse(text) as { code: unknown }).code };
}

/** A promise to resolve from somewhere else; made for waiting on events of a handler. */
export function signalled<Value = void>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
} {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => (resolve = settle));
  return { promise, resolve };
}
