// `ofn` as its user sees it: what is printed where, and the exit code.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseResources } from '@ofn/resources';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'ofn-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const HELLO = `apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: hello }
spec:
  image: example/hello:v1
  serving:
    triggers: { http: { engine: keda, route: { hostnames: [hello.example.com] } } }
`;

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Runs, and collects what is printed. */
async function ofn(args: readonly string[], stdin = '') {
  const printed = { out: '', err: '' };
  const code = await run(args, {
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    stdin: () => Promise.resolve(stdin),
    stop: AbortSignal.abort(),
  });
  return { code, ...printed };
}

describe('validate', () => {
  test('names each resource that is valid, and what it does not look at', async () => {
    const file = write(
      'hello.yaml',
      `${HELLO}---\napiVersion: v1\nkind: Secret\nmetadata: { name: s }\n---\napiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: mq }\nspec: { type: pubsub.redis }\n`,
    );
    expect(await ofn(['validate', file])).toEqual({
      code: 0,
      out: 'Function "hello" is valid\nComponent "mq" is valid\nSecret "s" is not looked at\n',
      err: '',
    });
  });

  test('prints where each thing is wrong, in all files, and ends with 1', async () => {
    const first = write('first.yaml', HELLO.replace('image: example/hello:v1', 'imagge: x'));
    const second = write('second.yaml', HELLO.replace('engine: keda', 'engine: kedda'));
    const { code, err, out } = await ofn(['validate', first, second]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`${first}:5:3: `);
    expect(err).toContain(`${second}:7:`);
    expect(err).not.toMatch(/^ +at /m);
  });

  test('reads the standard input, and says so in errors', async () => {
    expect(await ofn(['validate', '-'], HELLO)).toMatchObject({ code: 0 });
    expect((await ofn(['validate', '-'], 'a: [')).err).toContain('stdin:1:');
  });

  test('says what to do about a file that does not exist, or is a folder', async () => {
    const missing = join(folder, 'none.yaml');
    expect(await ofn(['validate', missing])).toEqual({
      code: 1,
      out: '',
      err: `${missing} does not exist; name the file of a Function, or - for the standard input\n`,
    });
    expect((await ofn(['validate', folder])).err).toContain('is a folder');
  });
});

describe('render', () => {
  const kindsOf = (yaml: string): string[] =>
    [...yaml.matchAll(/^kind: (\w+)$/gm)].map(([, kind = '']) => kind);

  test('prints the objects of a function, by its engine or another target', async () => {
    const file = write('render.yaml', HELLO);
    const { code, out } = await ofn(['render', file]);
    expect(code).toBe(0);
    expect(kindsOf(out)).toEqual(
      expect.arrayContaining(['Deployment', 'InterceptorRoute', 'Service']),
    );
    const knative = await ofn(['render', file, '--target', 'knative']);
    expect(kindsOf(knative.out)).toContain('Service');
    expect(knative.out).toContain('serving.knative.dev/v1');
    const older = await ofn(['render', file, '--add-on', '0.5']);
    expect(kindsOf(older.out)).toContain('HTTPScaledObject');
  });

  test('prints the same objects as JSON, and takes another image', async () => {
    const file = write('image.yaml', HELLO);
    const { out } = await ofn(['render', file, '-o', 'json', '--image', 'example/hello@sha256:1']);
    const list = JSON.parse(out) as { items: { kind: string }[] };
    const yaml = await ofn(['render', file]);
    expect(list.items.map(({ kind }) => kind)).toEqual(kindsOf(yaml.out));
    expect(out).toContain('"image": "example/hello@sha256:1"');
  });

  test('refuses one image for two functions, and files without one', async () => {
    const two = write('two.yaml', `${HELLO}---\n${HELLO.replace('name: hello', 'name: other')}`);
    expect(parseResources(`${HELLO}---\n${HELLO}`).functions).toHaveLength(2);
    expect(await ofn(['render', two, '--image', 'x'])).toMatchObject({
      code: 1,
      err: '--image is for one Function, and there are 2\n',
    });
    const none = write('none-in-it.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n');
    expect(await ofn(['render', none])).toMatchObject({
      code: 1,
      err: `${none}: there is no Function in it\n`,
    });
  });

  test('says why a function cannot be rendered for a target', async () => {
    const { code, err } = await ofn(['render', write('async.yaml', HELLO), '--target', 'async']);
    expect(code).toBe(1);
    expect(err).toContain('spec.serving.triggers.http');
  });
});

describe('arguments', () => {
  test.each([
    [['rendr'], "unknown command 'rendr'"],
    [['render', '--nope'], "unknown option '--nope'"],
    [['render', '--target', 'lambda'], 'Allowed choices are keda-http, knative, async'],
  ])('%j is refused with 2, and says why', async (args, message) => {
    const { code, err } = await ofn(args);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).toContain('ofn --help');
  });

  test('help and version go to the standard output, with 0', async () => {
    expect(await ofn(['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('Usage: ofn'),
    });
    expect(await ofn(['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    expect(await ofn(['render', '--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('--add-on'),
    });
  });

  test('without a command, what there is goes to the standard error, with 2', async () => {
    expect(await ofn([])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('Usage: ofn'),
    });
  });
});
