// `ofn dev` as a process: a function is served, and a signal ends all of it.
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startDev } from './ofn-dev.ts';
import { ask, createProject } from './project.ts';

const PID = 'export default (req, res) => res.send(String(process.pid));\n';

/** Starts `ofn dev`, and a process of its function. */
async function serve() {
  const { folder } = createProject({ 'index.js': PID, 'package.json': '{"type":"module"}' });
  const { child, output, port } = startDev(folder);
  return { child, output, pid: Number((await ask(await port())).body) };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s ends the function, and then ofn dev, with 0',
  async (signal) => {
    const { child, output, pid } = await serve();
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(output()).toMatch(/hello {2}http:\/\/localhost:\d+\//);
    expect(output()).toMatch(
      /1 function ready in \d+ ms\n[^]*hello-[0-9a-z]+-1 {2}ready in \d+ ms\n[^]* GET \/ +200 +\d+ ms {2}cold start {2}[0-9a-f]{32}\n/,
    );
  },
);

test('a function ends by itself when ofn dev is killed', async () => {
  const { child, pid } = await serve();
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 10_000 });
});

test('code in a folder without packages finds the framework, also when NODE_PATH names another', async () => {
  const { folder } = createProject({
    'index.ts':
      "import { http } from '@ofn/core';\nhttp('function', (req, res) => res.send('found'));\n",
  });
  // As the bins of pnpm are started.
  const { port } = startDev(folder, {
    env: { NODE_PATH: join(import.meta.dirname, 'node_modules') },
  });
  expect((await ask(await port())).body).toBe('found');
});
