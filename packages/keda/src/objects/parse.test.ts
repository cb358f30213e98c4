import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KedaError, type KedaIssue } from '../errors.ts';
import { parseObjects } from './parse.ts';
import { readObjects } from './read.ts';

const HEAD =
  'apiVersion: http.keda.sh/v1alpha1\nkind: HTTPScaledObject\nmetadata: { name: shop }\n';

function currentOf(spec: string): string {
  return `${HEAD}spec:\n  scaleTargetRef: { service: shop, port: 80 }\n${spec}`;
}

function oldOf(spec: string): string {
  return `${HEAD}spec:\n  scaleTargetRef: { deployment: shop, service: shop, port: 80 }\n${spec}`;
}

function routeOf(spec: string): string {
  return `apiVersion: http.keda.sh/v1beta1\nkind: InterceptorRoute\nmetadata: { name: shop }\nspec:\n${spec}`;
}

function scaledOf(spec: string): string {
  return `apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: { name: shop }\nspec:\n  scaleTargetRef: { name: shop }\n${spec}`;
}

const METRIC = '  scalingMetric: { concurrency: { targetValue: 1 } }\n';
const TARGET = '  target: { service: shop, port: 80 }\n';

function errorOf(text: string, file = 'shop.yaml'): KedaError {
  try {
    parseObjects(text, file);
  } catch (error) {
    if (error instanceof KedaError) return error;
    throw error;
  }
  throw new Error('it is valid');
}

function issueOf(text: string): KedaIssue | undefined {
  const { code, issues } = errorOf(text);
  expect(code).toBe('OFN_KEDA_OBJECT_INVALID');
  return issues[0];
}

it('tells the two generations of HTTPScaledObject apart', () => {
  const text = `${currentOf('  hosts: [a]')}\n---\n${oldOf('  hosts: [a]')}`;
  const specs = parseObjects(text).objects.map(({ spec }) => spec);
  expect(specs).toEqual([
    { hosts: ['a'], scaleTargetRef: { service: 'shop', port: 80 } },
    { hosts: ['a'], scaleTargetRef: { deployment: 'shop', service: 'shop', port: 80 } },
  ]);
});

it('lists what it does not need, and takes ports and bodies of what else is in the file', () => {
  const text = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
---
---
# Nothing but a comment.
---
apiVersion: v1
kind: Service
metadata: { name: shop, namespace: demo }
spec:
  ports:
    - { name: web, port: 80, targetPort: 8080, appProtocol: kubernetes.io/h2c }
---
apiVersion: v1
kind: Service
metadata: { name: headless }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: pages, labels: { http.keda.sh/response-body: "true" } }
data: { index.html: hello }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: other }
`;
  expect(parseObjects(text)).toMatchObject({
    objects: [],
    ignored: ['Deployment "shop"', 'ConfigMap "other"'],
    services: [
      {
        namespace: 'demo',
        name: 'shop',
        ports: [{ name: 'web', port: 80, appProtocol: 'kubernetes.io/h2c' }],
      },
      { namespace: 'default', name: 'headless', ports: [] },
    ],
    replyBodies: [{ namespace: 'default', name: 'pages', data: { 'index.html': 'hello' } }],
  });
});

it('takes lists apart, and says where in them something is wrong', () => {
  const item = (port: string) => ({
    apiVersion: 'http.keda.sh/v1alpha1',
    kind: 'HTTPScaledObject',
    metadata: { name: 'shop' },
    spec: { scaleTargetRef: { service: 'shop', port } },
  });
  const list = (port: unknown) =>
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item(port as string)] }, undefined, 1);
  expect(parseObjects(list(80)).objects).toHaveLength(1);
  expect(errorOf(list('80')).issues).toEqual([
    {
      field: 'spec.scaleTargetRef.port',
      message: 'must be a number, not "80"',
      at: 'shop.yaml:14',
    },
  ]);
});

it('takes a field that is null as one that is left out', () => {
  const text = currentOf('  hosts: [a]\n  replicas:\n  headers: ~\n');
  expect(parseObjects(text).objects[0]?.spec).toEqual({
    hosts: ['a'],
    scaleTargetRef: { service: 'shop', port: 80 },
  });
});

it('names file, line, document, object and field of all that is wrong', () => {
  const text = `${currentOf('  replicas:\n    min: 5\n    max: 2\n')}---\n${oldOf('  hosts: []\n')}`;
  const error = errorOf(text);
  expect(error.issues).toEqual([
    {
      at: 'shop.yaml:7',
      field: 'spec.replicas.min',
      message: 'must not be above max, which is 100 by default',
    },
    {
      at: 'shop.yaml:15',
      field: 'spec.hosts',
      message: 'must not be empty: add-on 0.5 matches nothing then; leave it out',
    },
  ]);
  expect(error.message.split('\n')).toEqual([
    'shop.yaml:7: document 1, HTTPScaledObject "shop": spec.replicas.min must not be above max, which is 100 by default',
    'shop.yaml:15: document 2, HTTPScaledObject "shop": spec.hosts must not be empty: add-on 0.5 matches nothing then; leave it out',
  ]);
});

it.each([
  ['a field that it does not have', currentOf('  replica: {}'), 'spec.replica', 'no field'],
  ['no target', `${HEAD}spec: {}`, 'spec.scaleTargetRef', 'is missing'],
  ['no spec', HEAD, 'spec', 'is missing'],
  ['no name', HEAD.replace('name: shop', ''), 'metadata.name', 'is missing'],
  ['hosts as one text', currentOf('  hosts: a'), 'spec.hosts', 'must be a list, not "a"'],
  ['a host that is null', currentOf('  hosts: [~]'), 'spec.hosts[0]', 'must be a text, not null'],
  [
    'port and portName',
    `${HEAD}spec: { scaleTargetRef: { service: a, port: 1, portName: b } }`,
    'spec.scaleTargetRef',
    'either port or portName',
  ],
  [
    'no port',
    `${HEAD}spec: { scaleTargetRef: { service: a } }`,
    'spec.scaleTargetRef',
    'either port or portName',
  ],
  ['a negative target', currentOf('  targetPendingRequests: -1'), 'spec.targetPendingRequests', ''],
  ['half a replica', currentOf('  replicas: { max: 1.5 }'), 'spec.replicas.max', 'integer'],
  [
    'two metrics',
    currentOf('  scalingMetric: { concurrency: {}, requestRate: {} }'),
    'spec.scalingMetric',
    'one metric',
  ],
  [
    'a bucket longer than the window',
    currentOf('  scalingMetric: { requestRate: { window: 1s, granularity: 2s } }'),
    'spec.scalingMetric.requestRate.granularity',
    'longer than the window',
  ],
  [
    'a duration without unit',
    currentOf('  timeouts: { conditionWait: "5" }'),
    'spec.timeouts.conditionWait',
    'duration',
  ],
  ['both host and hosts in 0.5', oldOf('  host: a\n  hosts: [a]'), 'spec.hosts', 'either'],
  ['no host in 0.5', oldOf(''), 'spec.hosts', 'either'],
  ['headers in 0.5', oldOf('  hosts: [a]\n  headers: []'), 'spec.headers', 'no field'],
  ['a route without metric', routeOf(TARGET), 'spec.scalingMetric', 'is missing'],
  [
    'a route with an empty metric',
    routeOf(`${TARGET}  scalingMetric: {}`),
    'spec.scalingMetric',
    'needs concurrency',
  ],
  [
    'a cold start of nothing',
    routeOf(`${TARGET}${METRIC}  coldStart: {}`),
    'spec.coldStart',
    'fallback or placeholder',
  ],
  [
    'two bodies',
    routeOf(
      `${TARGET}${METRIC}  coldStart: { placeholder: { response: { body: a, bodyFromConfigMap: { name: b } } } }`,
    ),
    'spec.coldStart.placeholder.response',
    'body',
  ],
  [
    'a static route without rules',
    routeOf(`${TARGET}${METRIC}  staticRoutes: [{ rules: [], response: {} }]`),
    'spec.staticRoutes[0].rules',
    'rule',
  ],
  [
    'a minimum above the maximum',
    scaledOf('  minReplicaCount: 200\n  triggers: []'),
    'spec.minReplicaCount',
    'maxReplicaCount',
  ],
  [
    'an idle count that is not followed',
    scaledOf('  minReplicaCount: 2\n  idleReplicaCount: 0\n  triggers: []'),
    'spec.idleReplicaCount',
    'minReplicaCount of 1',
  ],
  ['no kind', 'a: 1', 'kind', 'is missing'],
  ['a document that is a list', '- 1', '', 'must be an object'],
])('refuses %s', (_, text, field, message) => {
  const issue = issueOf(text);
  expect(issue?.field).toBe(field);
  expect(issue?.message).toContain(message);
});

it.each([
  ['a bracket that is not closed', 'a: [', 'shop.yaml:'],
  ['a key twice', 'a: 1\na: 2', 'shop.yaml:2:1'],
  ['an alias of nothing', 'a: *b', 'shop.yaml'],
])('refuses %s as no YAML', (_, text, where) => {
  const error = errorOf(text);
  expect(error.message).toContain(where);
  expect(error.message).toContain('is not valid YAML');
});

describe('reading', () => {
  async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'keda-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return folder;
  }

  it('takes the YAML and JSON files of folders in the order of their names', async () => {
    const named = (name: string) => currentOf('').replace('name: shop', `name: ${name}`);
    const folder = await folderOf({
      'c.json': JSON.stringify({ kind: 'Secret', metadata: { name: 's' } }),
      'b.yml': named('b'),
      'a.yaml': named('a'),
      'notes.txt': 'not: [yaml',
    });
    const { ignored, objects } = await readObjects([folder, join(folder, 'b.yml')]);
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'b']);
    expect(ignored).toEqual(['Secret "s"']);
  });

  it('names the file that is not there', async () => {
    await expect(readObjects(['no-such.yaml'])).rejects.toMatchObject({
      code: 'OFN_KEDA_OBJECT_UNREADABLE',
      message: 'cannot read no-such.yaml: there is no such file or folder',
    });
  });

  it('names the file that is not valid', async () => {
    const folder = await folderOf({ 'a.yaml': HEAD });
    const file = join(folder, 'a.yaml');
    await expect(readObjects([folder])).rejects.toThrow(
      `${file}:1: HTTPScaledObject "shop": spec is missing`,
    );
  });
});

it.each([
  ['placeholder: { response: { headers: { X-A: "a\\nb" } } }', 'X-A'],
  ['placeholder: { response: { headers: { X A: a } } }', 'X A'],
  ['placeholder: { response: { headers: { X-A: €} } }', 'X-A'],
  ['placeholder: { response: { statusCode: 101 } }', 'statusCode'],
])('refuses a reply that cannot be sent: %s', (coldStart, field) => {
  const issue = issueOf(routeOf(`${TARGET}${METRIC}  coldStart: { ${coldStart} }\n`));
  expect(issue?.field).toContain(field);
});

it('refuses a time that is longer than a timer can wait for', () => {
  const issue = issueOf(routeOf(`${TARGET}${METRIC}  timeouts: { request: 1000h }\n`));
  expect(issue).toMatchObject({
    field: 'spec.timeouts.request',
    message: expect.stringContaining('24 days'),
  });
});
