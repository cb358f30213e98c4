// Covers two functions on two topics: over both protocols, and started by one command.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { followOutput, freePort, readScripts, startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'pubsub-pipeline');

async function publish(sidecar: string | undefined, order: object): Promise<void> {
  const { status } = await fetch(`${sidecar}/v1.0/publish/pubsub/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  expect(status).toBe(204);
}

test.each(['http', 'grpc'] as const)('ships every order, delivered by %s', async (protocol) => {
  const example = await startExample(folder, protocol);
  const ids = Array.from({ length: 20 }, (_, id) => id);
  await Promise.all(
    ids.map((id) => publish(example.sidecar, { id, item: 'tea', quantity: id * 10 })),
  );
  for (const id of ids) {
    await example.line(({ msg }) => msg === `order ${id} leaves in ${id} parcel(s)`);
  }
  expect(await example.stop()).toBe(0);
  const shipped = example.lines.filter(({ function: name }) => name === 'ship');
  expect(shipped.filter(({ msg }) => msg.includes('leaves'))).toHaveLength(ids.length);
});

test('has an order delivered again when its shipment cannot be sent', async () => {
  const component = { componentName: 'pubsub', componentType: 'pubsub.in-memory' };
  const context = {
    inputs: {
      orders: { uri: 'orders', ...component },
      shipments: { uri: 'shipments', ...component },
    },
    outputs: { toShipments: { uri: 'shipments', ...component } },
    runtime: 'Async',
  };
  const runtime = await createTestRuntime({
    source: folder,
    env: { FUNC_CONTEXT: JSON.stringify(context), DAPR_HTTP_PORT: await freePort() },
    options: { 'dapr-timeout': '50ms' },
  });
  onTestFinished(() => runtime.close());
  expect(await runtime.topic('takeOrder', { id: 1, item: 'tea', quantity: 1 })).toBe('RETRY');
});

test('starts, and stops, with one command', async () => {
  const scripts = readScripts(folder);
  const [appPort, httpPort] = [await freePort(), await freePort()];
  const command = scripts.start
    .replace('npm run -s function', `${scripts['function']} --port ${appPort}`)
    .replace(
      'npm run -s sidecar',
      `${scripts['sidecar']} --app-port ${appPort} --dapr-http-port ${httpPort} --dapr-grpc-port 0`,
    );
  const bins = join(folder, 'node_modules/.bin');
  const child = spawn(`exec ${command}`, {
    shell: true,
    cwd: folder,
    env: { PATH: `${bins}:${process.env['PATH']}`, DAPR_HTTP_PORT: httpPort },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = followOutput(child);
  onTestFinished(async () => void (await output.stop()));
  await output.line(({ msg }) => msg.includes('[function]') && msg.includes('ship receives'));
  await output.line(({ msg }) => msg.startsWith('[sidecar] ofn-sidecar: ready'));
  await output.stop();
  expect(output.output()).toContain('stopping: calls in flight finish first');
});
