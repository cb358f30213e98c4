// `ofn init`: what each template writes is valid, and runs.
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '@ofn-test/dapr/free-ports';
import { parseResources, toEnvironment, type FunctionResource } from '@ofn/resources';
import { createNetwork, createSidecar, createVirtualClock } from '@ofn/sidecar';
import { describe, expect, onTestFinished, test } from 'vitest';
import { binOf, install, runNode, serve } from './framework.ts';

const OFN = binOf('@ofn/cli', 'ofn');

/** Writes a project of a template, with @ofn/core installed. */
async function init(template: string): Promise<string> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ofn-init-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const { code, err } = await runNode(root, [OFN, 'init', template, 'shop']);
  expect([code, err]).toEqual([0, '']);
  install(join(root, 'shop'), '@ofn/core');
  return join(root, 'shop');
}

/** The script of its package.json, as the arguments of the framework. */
function argsOf(folder: string, script = 'start'): string[] {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [command, ...args] = (scripts[script] ?? '').split(' ');
  expect(command).toBe('functions-framework');
  return args;
}

const post = (port: number, body: unknown, type = 'application/json') =>
  fetch(`http://localhost:${port}/`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: JSON.stringify(body),
  });

test.each(['http', 'typescript', 'cloudevent', 'pubsub', 'cron', 'keda'])(
  'a project of the template %s is valid, and builds',
  async (template) => {
    const folder = await init(template);
    expect(await runNode(folder, [OFN, 'validate'])).toMatchObject({ code: 0, err: '' });
    expect(await runNode(folder, [OFN, 'render'])).toMatchObject({ code: 0, err: '' });
    expect(await runNode(folder, [OFN, 'build'])).toMatchObject({ code: 0, err: '' });
  },
);

test('a project in TypeScript has no type errors, in strict mode', async () => {
  const folder = await init('typescript');
  install(folder, '@types/node');
  const tsc = binOf('typescript', 'tsc');
  expect(await runNode(folder, [tsc, '--project', folder])).toEqual({ code: 0, out: '', err: '' });
});

describe('a function answers by the start script of its project', () => {
  test('http', async () => {
    const folder = await init('http');
    const { port } = await serve(folder, [...argsOf(folder), '--port', '0']);
    const reply = await fetch(`http://localhost:${port}/?name=Ada`);
    expect(await reply.text()).toBe('Hello, Ada!\n');
  });

  test('typescript, once it is built', async () => {
    const folder = await init('typescript');
    await runNode(folder, [OFN, 'build']);
    const { port } = await serve(folder, [...argsOf(folder), '--port', '0']);
    expect(await (await post(port, { name: 'Ada' })).text()).toBe('Hello, Ada!\n');
  });

  test('cloudevent', async () => {
    const folder = await init('cloudevent');
    const { port } = await serve(folder, [...argsOf(folder), '--port', '0']);
    const data = { price: 3, quantity: 2 };
    const event = { specversion: '1.0', id: '1', source: '/shop', type: 'order.placed', data };
    const reply = await post(port, event, 'application/cloudevents+json');
    expect(await reply.json()).toMatchObject({ type: 'order.priced', data: { total: 6 } });
  });

  test('keda', async () => {
    const folder = await init('keda');
    const { port } = await serve(folder, [...argsOf(folder), '--port', '0']);
    const reply = await fetch(`http://localhost:${port}/`);
    expect(await reply.json()).toEqual({ hello: 'World', coldStart: true });
  });
});

describe('a function gets its events with the environment of its Function', () => {
  // Components have names of their own in a cluster, and the broker is elsewhere.
  const environmentOf = (given: FunctionResource): Record<string, string> =>
    Object.fromEntries(
      toEnvironment(given).flatMap((variable) => {
        if (!('value' in variable) || /^(?:DAPR_|PORT$)/.test(variable.name)) return [];
        return [
          [variable.name, variable.value.replaceAll(/serving-\w+-(?:pubsub|bindings)-/g, '')],
        ];
      }),
    );

  /** Starts the functions of a project, each with a sidecar. */
  async function start(folder: string, sources: readonly string[]) {
    const { functions } = parseResources(readFileSync(join(folder, 'function.yaml'), 'utf8'));
    const clock = createVirtualClock();
    const network = createNetwork({ clock });
    const ports = await findFreePorts(functions.length);
    const served = functions.map(async (given, index) => {
      const { bindings = {} } = given.spec.serving ?? {};
      const appPort = ports[index] as number;
      const sidecar = await createSidecar({
        appId: given.metadata.name,
        network,
        clock,
        appPort,
        appProtocol: 'grpc',
        components: [
          { name: 'broker', type: 'pubsub.in-memory' },
          ...Object.entries(bindings).map(([name, { metadata, type }]) => ({
            name,
            type,
            metadata: Object.fromEntries(metadata.map((each) => [each.name, each.value as string])),
          })),
        ],
      });
      onTestFinished(() => sidecar.stop());
      const env = {
        ...environmentOf(given),
        DAPR_HTTP_PORT: String(sidecar.httpPort),
        DAPR_GRPC_PORT: String(sidecar.grpcPort),
      };
      const source = ['--source', sources[index] ?? '.', '--port', String(appPort)];
      return { clock, sidecar, ...(await serve(folder, source, env)) };
    });
    return Promise.all(served);
  }

  test('pubsub: an order over HTTP is received from the topic', async () => {
    const folder = await init('pubsub');
    const [publish, receive] = await start(folder, ['publish', 'receive']);
    await receive?.sidecar.appReady();
    const reply = await post(publish?.port ?? 0, { id: 7 });
    expect([reply.status, await reply.json()]).toEqual([202, { accepted: 7 }]);
    await expect.poll(() => receive?.output()).toContain('order 7 is received');
  });

  test('cron: a tick is handled', async () => {
    const folder = await init('cron');
    const [cron] = await start(folder, ['.']);
    await cron?.sidecar.appReady();
    await cron?.clock.advance(10_000);
    await expect.poll(() => cron?.output()).toContain('tick of schedule');
  });
});
