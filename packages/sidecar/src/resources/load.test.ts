import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadResources } from './load.ts';

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sidecar-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const COMPONENTS = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: pubsub
spec:
  type: pubsub.in-memory
  version: v1
  metadata:
    - name: concurrency
      value: 3
    - name: secure
      value: true
    - name: token
      envRef: TOKEN
scopes: [app]
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: other }
spec: { type: pubsub.in-memory, version: v1 }
scopes: [another-app]
---
# An empty document, and what is not Dapr's.
---
apiVersion: v1
kind: ConfigMap
metadata: { name: map }
`;

const SUBSCRIPTIONS = `
apiVersion: dapr.io/v1alpha1
kind: Subscription
metadata: { name: old }
spec: { pubsubname: pubsub, topic: a, route: /a, deadLetterTopic: dead }
---
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: { name: new }
spec:
  pubsubname: pubsub
  topic: b
  routes:
    rules:
      - match: event.type == "x"
        path: /x
    default: /b
  bulkSubscribe: { enabled: true }
`;

it('reads components and subscriptions that are in scope', async () => {
  const folder = await folderOf({
    'b.yaml': SUBSCRIPTIONS,
    'a.yml': COMPONENTS,
    'notes.txt': 'not: [yaml',
  });
  const { components, subscriptions } = await loadResources([folder], 'app', { TOKEN: 't' });
  expect(components).toEqual([
    {
      name: 'pubsub',
      type: 'pubsub.in-memory',
      version: 'v1',
      metadata: { concurrency: '3', secure: 'true', token: 't' },
      scopes: ['app'],
    },
  ]);
  expect(subscriptions).toMatchObject([
    {
      topic: 'a',
      deadLetterTopic: 'dead',
      rules: [{ match: '', path: '/a' }],
      type: 'DECLARATIVE',
    },
    {
      topic: 'b',
      rules: [
        { match: 'event.type == "x"', path: '/x' },
        { match: '', path: '/b' },
      ],
      bulk: { maxMessagesCount: 100, maxAwaitDurationMs: 1000 },
    },
  ]);
});

it.each([
  ['bad YAML', 'a: [', 'a.yaml'],
  [
    'a component without a type',
    'apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {}',
    'Component x: type',
  ],
  [
    'a subscription with bad CEL',
    'apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: s}\nspec: {pubsubname: p, topic: t, routes: {rules: [{match: "event.", path: /x}]}}',
    'Subscription s',
  ],
  [
    'a secret',
    'apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {type: pubsub.in-memory, metadata: [{name: key, secretKeyRef: {name: k}}]}',
    'metadata key: secrets are not read here',
  ],
])('refuses %s, and says where', async (_name, text, where) => {
  const folder = await folderOf({ 'a.yaml': text });
  await expect(loadResources([folder], 'app', {})).rejects.toMatchObject({
    code: 'ERR_RESOURCE_INVALID',
    message: expect.stringContaining(where) as string,
  });
});

it('refuses a path that is not there', async () => {
  await expect(loadResources(['/no/such/folder'], 'app', {})).rejects.toThrow('no such file');
});

it('leaves out the secrets of what is emulated, and of nothing else', async () => {
  const component = (type: string) =>
    `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {type: ${type}, metadata: [{name: host, value: h}, {name: key, secretKeyRef: {name: k}}]}`;
  const redis = await folderOf({ 'a.yaml': component('pubsub.redis') });
  const { components } = await loadResources([redis], 'app', {}, true);
  expect(components).toMatchObject([{ type: 'pubsub.redis', metadata: { host: 'h' } }]);
  const http = await folderOf({ 'a.yaml': component('bindings.http') });
  await expect(loadResources([http], 'app', {}, true)).rejects.toThrow('secrets are not read');
});
