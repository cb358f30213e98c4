// `ofn` as its user sees it: what is printed where, and the exit code.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
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
async function ofn(args: readonly string[], stdin = '', answers?: readonly string[]) {
  const printed = { out: '', err: '' };
  const left = [...(answers ?? [])];
  const ask = (question: string): Promise<string> => {
    printed.out += question;
    return Promise.resolve(left.shift() ?? '');
  };
  const code = await run(args, {
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    stdin: () => Promise.resolve(Buffer.from(stdin)),
    stop: AbortSignal.abort(),
    ...(answers === undefined ? {} : { ask }),
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

describe('init', () => {
  const into = (name: string): string => join(folder, 'init', name);
  const read = (name: string, file: string): string => readFileSync(join(into(name), file), 'utf8');

  test('writes the files of a template, prints them and what comes next', async () => {
    const { code, err, out } = await ofn(['init', 'http', into('My Shop')]);
    expect([code, err]).toEqual([0, '']);
    const files = ['.gitignore', 'README.md', 'function.yaml', 'index.js', 'package.json'];
    expect(readdirSync(into('My Shop')).toSorted()).toEqual(files);
    expect(out).toContain('my-shop: written with the template http\n');
    for (const file of files) expect(out).toContain(`  ${join(into('My Shop'), file)}\n`);
    expect(out).toMatch(/\nNext:\n {2}cd '.*My Shop'\n {2}npm install\n {2}npm run dev\n$/);
  });

  test('calls the function after its folder, everywhere', async () => {
    await ofn(['init', 'pubsub', into('Orders 2')]);
    expect(read('Orders 2', 'function.yaml').match(/^ {2}name: .*$/gm)).toEqual([
      '  name: orders-2-publish',
      '  name: orders-2-receive',
    ]);
    expect(JSON.parse(read('Orders 2', 'package.json'))).toMatchObject({ name: 'orders-2' });
    expect(read('Orders 2', 'README.md')).toMatch(/^# orders-2\n/);
  });

  test.each(['http', 'typescript', 'cloudevent', 'pubsub', 'cron', 'keda'])(
    'the template %s asks for the packages of this version',
    async (template) => {
      await ofn(['init', template, into(`v-${template}`)]);
      const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
      expect(JSON.parse(read(`v-${template}`, 'package.json'))).toMatchObject({
        private: true,
        type: 'module',
        scripts: { dev: 'ofn dev', build: 'ofn build' },
        dependencies: { '@ofn/core': version },
        devDependencies: { '@ofn/cli': version },
      });
      expect(read(`v-${template}`, '.gitignore')).toBe('node_modules/\n.ofn/\ndist/\n');
    },
  );

  test('writes nothing where one of its files is already, and names those', async () => {
    mkdirSync(into('taken'), { recursive: true });
    writeFileSync(join(into('taken'), 'index.js'), 'kept');
    writeFileSync(join(into('taken'), 'other.txt'), 'kept');
    expect(await ofn(['init', 'http', into('taken')])).toEqual({
      code: 1,
      out: '',
      err: `${into('taken')} has index.js already, and nothing is overwritten; name another folder: ofn init http <folder>\n`,
    });
    expect(readdirSync(into('taken'))).toEqual(['index.js', 'other.txt']);
    expect((await ofn(['init', 'typescript', into('taken')])).code).toBe(0);
    expect(read('taken', 'index.js')).toBe('kept');
  });

  test('writes nothing where a file has the place of a folder', async () => {
    const file = write('a-file', '');
    expect(await ofn(['init', 'http', file])).toMatchObject({
      code: 1,
      err: `${file} is a file, and has to be a folder; name another one\n`,
    });
    const { code, err } = await ofn(['init', 'http', join(file, 'below')]);
    expect([code, err]).toEqual([1, expect.stringContaining('cannot be written: ENOTDIR')]);
    mkdirSync(into('half'), { recursive: true });
    writeFileSync(join(into('half'), 'receive'), '');
    expect((await ofn(['init', 'pubsub', into('half')])).err).toContain('receive is a file');
    expect(readdirSync(into('half'))).toEqual(['receive']);
  });

  test('asks for the template until there is one, and takes the default for no answer', async () => {
    const folderBefore = process.cwd();
    const place = into('asked');
    mkdirSync(place, { recursive: true });
    process.chdir(place);
    try {
      const { code, out } = await ofn(['init'], '', ['lambda', 'cron']);
      expect(code).toBe(0);
      expect(out).toMatch(/^ {2}http +A function over HTTP, in JavaScript\n/);
      expect(out).toContain('There is no template "lambda".\n');
      expect(out).toContain('hello-cron: written with the template cron\n');
      expect((await ofn(['init'], '', [''])).out).toContain(
        'hello: written with the template http',
      );
      rmSync(join(place, 'hello'), { recursive: true });
      // Nobody is there to be asked.
      const { out: printed } = await ofn(['init']);
      expect(printed).toMatch(/^hello: written with the template http\n/);
      expect(printed).toContain('\nNext:\n  cd hello\n');
      process.chdir('hello-cron');
      expect((await ofn(['init', 'typescript', '.'])).code).toBe(1);
      rmSync(join(place, 'hello-cron'), { recursive: true });
      mkdirSync(join(place, 'here'));
      process.chdir(join(place, 'here'));
      expect((await ofn(['init', 'http', '.'])).out).toMatch(
        /^here: written with the template http\n {2}\.gitignore\n[^]*\nNext:\n {2}npm install\n/,
      );
    } finally {
      process.chdir(folderBefore);
    }
  });

  test('refuses a template that there is not, and says where a folder goes', async () => {
    const { code, err } = await ofn(['init', 'my-app']);
    expect(code).toBe(2);
    expect(err).toContain('The templates are http, typescript, cloudevent, pubsub, cron, keda');
    expect(err).toContain('ofn init http my-app');
    expect(existsSync('my-app')).toBe(false);
  });
});

describe('build', () => {
  test('refuses two functions of one name, and paths without code', async () => {
    const two = write(
      'twice.yaml',
      `${HELLO}---\n${HELLO.replace('name: hello', 'name: hello, namespace: other')}`,
    );
    write('index.js', 'export default () => {};\n');
    expect(await ofn(['build', two])).toMatchObject({
      code: 1,
      err: 'there are two functions "hello"; each needs a folder of its own\n',
    });
    expect(await ofn(['build', join(folder, 'nowhere')])).toMatchObject({
      code: 1,
      err: expect.stringContaining('does not exist'),
    });
  });

  test('prints what was built, and the commands that come next', async () => {
    const place = join(folder, 'built');
    mkdirSync(place);
    writeFileSync(join(place, 'index.ts'), 'export default (): number => 1;\n');
    writeFileSync(join(place, 'function.yaml'), HELLO);
    const out = join(folder, 'out');
    const printed = await ofn(['build', join(place, 'function.yaml'), '--out', out]);
    expect(printed).toMatchObject({ code: 0, err: '' });
    expect(printed.out).toMatch(/^hello: built in \d+ ms: .*out \(index\.mjs \d+ B\)\n/);
    expect(printed.out).toMatch(
      /\nNext:\n {2}docker build -t example\/hello:v1 \S*out\n {2}npx ofn render \S*function\.yaml \| kubectl apply -f -\n$/,
    );
    expect(readdirSync(out)).toContain('Dockerfile');
  });
});

describe('arguments', () => {
  test.each([
    [['rendr'], "unknown command 'rendr'"],
    [['render', '--nope'], "unknown option '--nope'"],
    [['dev', '--inspect', './hello'], 'It must be a port from 1 to 65535; paths stand before it.'],
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
