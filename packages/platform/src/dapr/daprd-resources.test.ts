import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseResources } from '@ofn/resources';
import { expect, onTestFinished, test } from 'vitest';
import { toApp } from './app.ts';
import { checkResources, writeResources } from './daprd-resources.ts';
import type { App } from './mesh.ts';

const FUNCTION = `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: shop }
spec:
  image: example/shop:v1
  serving:
    pubsub:
      mq:
        type: pubsub.redis
        metadata:
          - { name: redisHost, value: 'localhost:6379' }
          - { name: redisPassword, envRef: REDIS_PASSWORD }
          - { name: maxLenApprox, value: 100 }
    triggers: { dapr: [{ name: mq, topic: orders, type: pubsub.redis }] }
`;

function appOf(text: string): App {
  const { components, functions } = parseResources(text, { file: 'function.yaml' });
  const [given] = functions;
  const app = given && toApp(given, components);
  if (app === undefined) throw new Error('it does not use Dapr');
  return app;
}

const component = (name: string, spec: string, rest = ''): string => `
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: ${name}, namespace: elsewhere }
spec: ${spec}
${rest}`;

/** What is written for an app, by the names of its files. */
async function writtenFor(app: App) {
  const root = await mkdtemp(join(tmpdir(), 'ofn-resources-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const folder = join(root, 'dapr', app.appId);
  const { components, configuration } = await writeResources(app, folder, '/names.db');
  const files = await readdir(components);
  const texts = await Promise.all(files.map((file) => readFile(join(components, file), 'utf8')));
  return {
    folder,
    configuration: JSON.parse(await readFile(configuration, 'utf8')) as unknown,
    components: Object.fromEntries(
      files.map((file, index) => [file, JSON.parse(texts[index] ?? '') as unknown]),
    ),
  };
}

test('writes the components of an app as they are written, for it alone', async () => {
  const { components, folder } = await writtenFor(appOf(FUNCTION));
  expect(components).toEqual({
    'mq.yaml': {
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Component',
      metadata: { name: 'mq' },
      spec: {
        type: 'pubsub.redis',
        version: 'v1',
        metadata: [
          { name: 'redisHost', value: 'localhost:6379' },
          // daprd reads it.
          { name: 'redisPassword', envRef: 'REDIS_PASSWORD' },
          { name: 'maxLenApprox', value: 100 },
        ],
      },
      scopes: ['shop-default'],
    },
  });
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test('writes what stands beside the function, but for what is scoped to others, or its own in its place', async () => {
  const app = appOf(
    FUNCTION +
      component('store', '{ type: state.in-memory }', 'scopes: [shop-default, other]') +
      component('foreign', '{ type: state.in-memory }', 'scopes: [other]') +
      component('mq', '{ type: pubsub.in-memory }'),
  );
  expect((await writtenFor(app)).components).toMatchObject({
    'mq.yaml': { spec: { type: 'pubsub.redis' } },
    'store.yaml': { metadata: { name: 'store' }, scopes: ['shop-default'] },
  });
  expect(Object.keys((await writtenFor(app)).components)).toEqual(['mq.yaml', 'store.yaml']);
});

test('a configuration finds other apps by a file, and not in the network', async () => {
  const { configuration } = await writtenFor(appOf(FUNCTION));
  expect(configuration).toMatchObject({
    spec: {
      nameResolution: {
        component: 'sqlite',
        configuration: { connectionString: 'file:/names.db' },
      },
    },
  });
});

test('removes what was written before', async () => {
  const root = await mkdtemp(join(tmpdir(), 'ofn-resources-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const folder = join(root, 'shop');
  await writeResources(appOf(FUNCTION), folder, '/names.db');
  const { components } = await writeResources({ definitions: [] }, folder, '/names.db');
  expect(await readdir(components)).toEqual([]);
});

test('a component that is only named is an error that says where to define it', () => {
  const named = FUNCTION.replace(/ {4}pubsub:[^]*(?= {4}triggers)/, '');
  expect(() => checkResources(appOf(named))).toThrow(
    'shop-default names the component "mq", and nothing here defines it, which a real daprd needs: add it to the Function, or as a Component beside it or in its folder "components"',
  );
});

const SECRET = FUNCTION.replace(
  'envRef: REDIS_PASSWORD',
  'secretKeyRef: { name: redis, key: password }',
);

test('a secret needs its secret store', () => {
  expect(() => checkResources(appOf(SECRET))).toThrow(
    'the component "mq" reads a secret of the secret store "kubernetes", and nothing here defines that',
  );
  expect(() => checkResources(appOf(FUNCTION))).not.toThrow();
});

test('a secret is read from the component named kubernetes, in the place of the one of a cluster', async () => {
  const app = appOf(
    SECRET +
      component(
        'kubernetes',
        "{ type: secretstores.local.file, metadata: [{ name: secretsFile, value: './secrets.json' }] }",
      ),
  );
  expect(() => checkResources(app)).not.toThrow();
  expect((await writtenFor(app)).components['mq.yaml']).toMatchObject({
    auth: { secretStore: 'kubernetes' },
    spec: {
      metadata: expect.arrayContaining([
        { name: 'redisPassword', secretKeyRef: { name: 'redis', key: 'password' } },
      ]) as unknown,
    },
  });
});

test('a secret store that a component names is kept', async () => {
  const app = appOf(
    FUNCTION +
      component('vault', '{ type: secretstores.local.env }') +
      component(
        'store',
        '{ type: state.redis, metadata: [{ name: p, secretKeyRef: { name: a, key: a } }] }',
        'auth: { secretStore: vault }',
      ),
  );
  expect(() => checkResources(app)).not.toThrow();
  expect((await writtenFor(app)).components['store.yaml']).toMatchObject({
    auth: { secretStore: 'vault' },
  });
});
