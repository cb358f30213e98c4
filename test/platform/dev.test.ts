// `ofn dev` as a process: a function is served, and a signal ends all of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ask, createProject } from './project.ts';

const manifest = createRequire(import.meta.url).resolve('@ofn/cli/package.json');
const BIN = join(dirname(manifest), 'bin/ofn.js');

const PID = 'export default (req, res) => res.send(String(process.pid));\n';

/** Starts `ofn dev`, and a process of its function. */
async function startDev() {
  const { folder } = createProject({ 'index.js': PID, 'package.json': '{"type":"module"}' });
  const child = spawn(process.execPath, [BIN, 'dev', folder, '--port', '0'], {
    cwd: folder,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += String(chunk)));
  const port = await vi.waitFor(
    () => {
      const [, found] = /hello {2}http:\/\/localhost:(\d+)\//.exec(output) ?? [];
      if (found === undefined) throw new Error(`it does not serve: ${output}`);
      return Number(found);
    },
    { timeout: 20_000 },
  );
  return { child, pid: Number((await ask(port)).body), output: () => output };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s ends the function, and then ofn dev, with 0',
  async (signal) => {
    const { child, output, pid } = await startDev();
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(output()).toMatch(
      /1 function ready in \d+ ms\n[^]*hello-[0-9a-z]+-1 {2}ready in \d+ ms\n[^]* GET \/ +200 +\d+ ms {2}cold start {2}[0-9a-f]{32}\n/,
    );
  },
);

test('a function ends by itself when ofn dev is killed', async () => {
  const { child, pid } = await startDev();
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 10_000 });
});

test('code in a folder without packages finds the framework, also when NODE_PATH names another', async () => {
  const { folder } = createProject({
    'index.ts':
      "import { http } from '@ofn/core';\nhttp('function', (req, res) => res.send('found'));\n",
  });
  const child = spawn(process.execPath, [BIN, 'dev', '--port', '0'], {
    cwd: folder,
    // As the bins of pnpm are started.
    env: { PATH: process.env['PATH'], NODE_PATH: join(import.meta.dirname, 'node_modules') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  let output = String(chunk);
  child.stdout.on('data', (more: Buffer) => (output += String(more)));
  const port = await vi.waitFor(
    () => {
      const [, found] = /http:\/\/localhost:(\d+)\//.exec(output) ?? [];
      if (found === undefined) throw new Error(`it does not serve: ${output}`);
      return Number(found);
    },
    { timeout: 20_000 },
  );
  expect((await ask(port)).body).toBe('found');
});
