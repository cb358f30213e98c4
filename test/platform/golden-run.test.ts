// What OpenFunction 1.2.0's release notes promise, from beginning to end, as a user sees it: a function behind KEDA's
// http-add-on, traced to SkyWalking, whose changes of state are events, and whose builds are timed.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { run } from '../../packages/cli/src/run.ts';
import { startDev } from './ofn-dev.ts';
import { ask, createProject } from './project.ts';

const functionOf = (greeting: string): string => `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: hello }
spec:
  version: v2.0.0
  image: example/hello:v1
  imageCredentials: { name: push-secret }
  build:
    builder: openfunction/builder-node:v2-16.15
    srcRepo: { url: 'https://example.com/hello.git' }
  serving:
    triggers:
      http: { port: 8080, engine: keda, route: { hostnames: [hello.example.com] } }
    scaleOptions:
      minReplicas: 0
      maxReplicas: 3
      keda: { httpScaledObject: { targetPendingRequests: 1, cooldownPeriod: 2 } }
    params: { GREETING: ${greeting}, SW_AGENT_INSTANCE_NAME: golden }
    tracing:
      enabled: true
      provider: { name: skywalking, oapServer: 'oap:11800' }
      tags: { run: golden }
`;
const codeOf = (version: string): string => `import { http } from '@ofn/core';
http('function', async (req, res) => {
  const { GREETING, SW_AGENT_NAME, SW_AGENT_NAMESPACE, SW_AGENT_INSTANCE_NAME, SW_AGENT_KEEP_TRACING } = process.env;
  if (req.query.slow !== undefined) await new Promise((resolve) => setTimeout(resolve, 300));
  res.json({ version: '${version}', pid: process.pid, GREETING, SW_AGENT_NAME, SW_AGENT_NAMESPACE, SW_AGENT_INSTANCE_NAME, SW_AGENT_KEEP_TRACING });
});
`;

interface Listed {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly regarding?: { readonly kind: string };
  readonly series?: { readonly count: number };
  readonly type?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly status?: Readonly<Record<string, string>> & {
    readonly build?: Readonly<Record<string, string>>;
    readonly serving?: Readonly<Record<string, string>>;
  };
}

function occurrenceOf({ metadata, series }: Listed): string {
  return `${metadata.name} ${series?.count ?? 1}`;
}

async function startOfn(folder: string) {
  const { child, port: served } = startDev(folder);
  const port = await served();

  const file = readFileSync(join(folder, '.ofn/platform.json'), 'utf8');
  const { adminPort } = JSON.parse(file) as { adminPort: number };

  /** What a command prints; run in this process, as others test it as one of its own. */
  async function ofn(...args: string[]): Promise<string> {
    let printed = '';
    const code = await run([...args, '--admin', `http://127.0.0.1:${adminPort}`], {
      out: (written) => void (printed += String(written)),
      err: (written) => void (printed += written),
      stdin: () => Promise.resolve(Buffer.alloc(0)),
      stop: new AbortController().signal,
    });
    expect([code, code === 0 ? '' : printed]).toEqual([0, '']);
    return printed;
  }

  async function get(kind: string): Promise<readonly Listed[]> {
    const { items } = JSON.parse(await ofn('get', kind, '-o', 'json')) as { items: Listed[] };
    return items;
  }

  // By their names, and how often they had happened by then.
  const seen = new Set<string>();
  return {
    child,
    get,
    ofn,
    port,
    /** Resolves to the events since the last time, once the last of them is there. */
    eventsUntil: (last: string): Promise<readonly string[]> =>
      vi.waitFor(
        async () => {
          const fresh = (await get('events')).filter((event) => !seen.has(occurrenceOf(event)));
          const told = fresh.map(({ reason, regarding }) => `${regarding?.kind} ${reason}`);
          const end = told.lastIndexOf(last);
          if (end === -1) throw new Error(`there is no ${last} in ${told.join(', ')}`);
          for (const event of fresh.slice(0, end + 1)) seen.add(occurrenceOf(event));
          return told.slice(0, end + 1);
        },
        { timeout: 40_000, interval: 100 },
      ),
  };
}

const BUILT = [
  'Function BuildCreated',
  'Builder Created',
  'Function BuildStarted',
  'Builder Started',
  'Function BuildCompleted',
  'Builder Completed',
];
const STARTED = ['Function Starting', 'Serving Starting', 'Function Running', 'Serving Running'];

test('a function is applied, built, started from zero, scaled, cooled down, updated, broken, mended and deleted, and each change is an event', async () => {
  const { folder, write } = createProject(
    {
      'function.yaml': functionOf('Hello'),
      'index.ts': codeOf('one'),
      'package.json': '{"type":"module"}',
    },
    { framework: true },
  );
  const { child, eventsUntil, get, ofn, port } = await startOfn(folder);
  const body = async (path = '/'): Promise<Record<string, string>> =>
    JSON.parse((await ask(port, 'hello.example.com', path)).body) as Record<string, string>;

  // Applied and built; nothing runs.
  expect(await eventsUntil('Serving Created')).toEqual([
    'Function Created',
    ...BUILT,
    'Function ServingCreated',
    'Serving Created',
  ]);
  expect(await get('instances')).toEqual([]);
  const [builder] = await get('builders');
  expect(builder?.status).toMatchObject({ state: 'Succeeded', buildDuration: GO_DURATION });
  const [applied] = await get('functions');
  expect(applied?.status?.build?.['buildDuration']).toBe(builder?.status?.['buildDuration']);

  // From zero, with the variables of SkyWalking, those that the Function adds among them.
  const reply = await ask(port, 'hello.example.com');
  expect([reply.status, reply.headers['x-keda-http-cold-start']]).toEqual([200, 'true']);
  expect(JSON.parse(reply.body)).toMatchObject({
    version: 'one',
    GREETING: 'Hello',
    SW_AGENT_NAME: 'hello',
    SW_AGENT_NAMESPACE: 'default',
    SW_AGENT_INSTANCE_NAME: 'golden',
    SW_AGENT_KEEP_TRACING: 'true',
  });
  expect(await eventsUntil('Serving Running')).toEqual([
    'Serving KEDAScaleTargetActivated',
    ...STARTED,
  ]);

  // Load: more replicas, as the HorizontalPodAutoscaler decides; then none, after the cool down.
  const done = new AbortController();
  const load = Array.from({ length: 6 }, async () => {
    while (!done.signal.aborted) await body('/?slow');
  });
  expect(await eventsUntil('Serving SuccessfulRescale')).toEqual(['Serving SuccessfulRescale']);
  await expect
    .poll(async () => (await get('instances')).map(({ status }) => status?.['state']), LONG)
    .toEqual(['ready', 'ready', 'ready']);
  // Connections that are there stay where they are; new ones go to the new instances too.
  const more = await Promise.all(Array.from({ length: 12 }, () => body('/?slow')));
  expect(new Set(more.map(({ pid }) => pid)).size).toBeGreaterThan(1);
  done.abort();
  await Promise.all(load);
  expect(await eventsUntil('Serving KEDAScaleTargetDeactivated')).toEqual([
    'Serving KEDAScaleTargetDeactivated',
  ]);
  await expect.poll(() => get('instances'), LONG).toEqual([]);

  // Updated: another environment is another serving of the same build.
  write('function.yaml', functionOf('Good day'));
  const updated = await eventsUntil('Serving Created');
  expect(updated).toContain('Function Updated');
  expect(updated.slice(-2)).toEqual(['Function ServingCreated', 'Serving Created']);

  // Rolled over: the one before goes when the new one runs.
  expect(await body()).toMatchObject({ version: 'one', GREETING: 'Good day' });
  expect(await eventsUntil('Serving Deleted')).toEqual([
    'Serving KEDAScaleTargetActivated',
    ...STARTED,
    'Serving Deleted',
  ]);
  write('index.ts', codeOf('two'));
  await expect.poll(async () => (await body())['version'], LONG).toBe('two');
  const rolled = await eventsUntil('Serving Deleted');
  expect(rolled.filter((event) => !event.startsWith('Builder Deleted'))).toEqual([
    'Function Updated',
    ...BUILT,
    'Function ServingCreated',
    'Serving Created',
    ...STARTED,
    'Serving Deleted',
  ]);

  // Broken: the build fails, and what was there serves.
  write('index.ts', codeOf('three').replace('import', 'imprt'));
  const broken = await eventsUntil('Builder Failed');
  expect(broken.slice(-2)).toEqual(['Function BuildFailed', 'Builder Failed']);
  expect(await body()).toMatchObject({ version: 'two' });
  const failed = (await get('events')).find(({ reason }) => reason === 'BuildFailed');
  expect(failed).toMatchObject({ type: 'Warning', note: expect.stringContaining('index.ts') });
  const [told] = await get('functions');
  expect(told?.status).toMatchObject({ build: { state: 'Failed' }, serving: { state: 'Running' } });

  // Mended.
  write('index.ts', codeOf('three'));
  await expect.poll(async () => (await body())['version'], LONG).toBe('three');
  await eventsUntil('Serving Deleted');
  expect(await ofn('describe', 'function', 'hello')).toMatch(/Events:[^]*Serving deleted\n$/);

  // Deleted.
  write(
    'function.yaml',
    functionOf('Hello').replace('metadata: { name: hello }', 'metadata: { name: other }'),
  );
  const deleted = await eventsUntil('Function Deleted');
  expect(deleted.filter((event) => event.startsWith('Serving'))).toContain('Serving Deleted');
  expect((await get('functions')).map(({ metadata }) => metadata.name)).not.toContain('hello');

  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 120_000);

const LONG = { timeout: 40_000, interval: 50 };
const GO_DURATION = expect.stringMatching(/^(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?m?s$/) as string;
