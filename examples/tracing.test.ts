// Covers two functions that are traced across HTTP and a topic, all started by one command.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parseReadmeCommands, parseReadmeLog, runReadmeCommand } from './readme-commands.ts';
import { followOutput, freePort, readScripts } from './start-example.ts';

const folder = join(import.meta.dirname, 'tracing');

interface Started extends ReturnType<typeof followOutput> {
  readonly origin: string;
}

/** Starts all as `npm start` does, on free ports. */
async function start(env: Readonly<Record<string, string>> = {}): Promise<Started> {
  const scripts = readScripts(folder);
  const [collector, shop, stock, sidecar] = await Promise.all(Array.from({ length: 4 }, freePort));
  const flags: Readonly<Record<string, string>> = {
    shop: `--port ${shop}`,
    stock: `--port ${stock}`,
    sidecar: `--app-port ${stock} --dapr-http-port ${sidecar} --dapr-grpc-port 0`,
  };
  const command = scripts.start.replaceAll(/npm run -s (\w+)/g, (_, name: string) =>
    name === 'collector' ? `node collector.js ${collector}` : `${scripts[name]} ${flags[name]}`,
  );
  const child = spawn(`exec ${command}`, {
    shell: true,
    cwd: folder,
    env: {
      PATH: `${join(folder, 'node_modules/.bin')}:${process.env['PATH']}`,
      DAPR_HTTP_PORT: sidecar,
      SW_AGENT_COLLECTOR_BACKEND_SERVICES: `127.0.0.1:${collector}`,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = followOutput(child);
  onTestFinished(async () => void (await output.stop()));
  await output.line(({ msg }) => msg.startsWith('[shop]') && msg.includes('serving order'));
  // 204 when it has found the app and read its subscriptions.
  await vi.waitFor(
    async () => {
      const { status } = await fetch(`http://127.0.0.1:${sidecar}/v1.0/healthz`);
      if (status !== 204) throw new Error(`the sidecar answers ${status}`);
    },
    { timeout: 30_000, interval: 50 },
  );
  return { ...output, origin: `http://127.0.0.1:${shop}` };
}

/** Lines of one process, without what differs from run to run: the trace id and how long things took. */
function linesOf({ lines }: Started, process: string): string {
  return lines
    .filter(({ msg }) => msg.startsWith(`[${process}] `))
    .map(({ msg }) => withoutChance(msg.slice(process.length + 3)))
    .join('\n');
}

function withoutPorts(text: string): string {
  return text.replaceAll(/(localhost:|127\.0\.0\.1:|port )\d+/g, '$1<port>');
}

function withoutChance(text: string): string {
  return text.replaceAll(/\b[\da-f]{32}\b/g, '<trace>').replaceAll(/\d+ ms/g, '<time>');
}

test('prints the trace of an order as its README says', async () => {
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  const [command, ...others] = parseReadmeCommands(readme);
  const [started = '', tree = ''] = [...readme.matchAll(/^```text\n([^`]*)\n```$/gm)].map(
    ([, text]) => text,
  );
  if (command === undefined) throw new Error('the README has no command');
  expect(others).toEqual([]);

  const example = await start();
  expect(await runReadmeCommand(command, example)).toBe(command.output);
  for (const text of started.split('\n')) {
    await example.line(({ msg }) => withoutPorts(msg).includes(withoutPorts(text)));
  }
  for (const text of parseReadmeLog(readme)) await example.line(({ msg }) => msg.includes(text));
  const last = tree.split('\n').at(-1) ?? '';
  await example.line(({ msg }) => withoutChance(msg).endsWith(withoutChance(last)));
  expect(linesOf(example, 'collector')).toContain(withoutChance(tree));
});

test('does the same without tracing, and its lines have no trace', async () => {
  const example = await start({ FUNCTION_TRACING: 'off' });
  const response = await fetch(example.origin, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"id":9,"item":"coffee","quantity":2}',
  });
  expect(await response.json()).toEqual({ id: 9, total: 12 });
  await example.line(({ msg }) => msg.includes('order 9: 2 × coffee reserved'));
  expect(example.output()).not.toContain('traceId');
});
