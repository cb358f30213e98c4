import { expect, test } from 'vitest';
import { FLAGS, renderHelp } from './flags.ts';
import { parseOptions, type BinOptions } from './options.ts';

function parse(args: readonly string[], env: Record<string, string> = {}): BinOptions {
  const command = parseOptions(args, env);
  if (command.kind !== 'run') throw new Error(`it is to print ${command.kind}`);
  return command.options;
}

test('takes files and folders, and has defaults for all else', () => {
  expect(parse(['a.yaml', 'objects'])).toMatchObject({
    paths: ['a.yaml', 'objects'],
    profile: 'current',
    host: '127.0.0.1',
    port: 8080,
    adminPort: 9090,
    scalerPort: undefined,
    settings: {},
    readinessPath: undefined,
    verbose: false,
    ignored: [],
  });
});

test('takes ports and times from the variables of the add-on, and flags win', () => {
  const env = {
    KEDA_HTTP_PROXY_PORT: '1',
    KEDA_HTTP_ADMIN_PORT: '2',
    KEDA_CONDITION_WAIT_TIMEOUT: '3s',
    KEDA_HTTP_CURRENT_NAMESPACE: 'keda',
  };
  expect(parse(['a.yaml', '--admin-port', '3'], env)).toMatchObject({
    port: 1,
    adminPort: 3,
    settings: { readinessTimeout: 3000 },
    ignored: ['KEDA_HTTP_CURRENT_NAMESPACE'],
  });
});

test('takes commands and backends by their services', () => {
  const { backends, commands, readinessPath } = parse([
    'a.yaml',
    '--run=node "a b.js"',
    '--run=shop=node shop.js',
    '--run=prod/x=node x.js',
    '--backend=cart=127.0.0.1:1,127.0.0.1:2',
  ]);
  expect([...commands]).toEqual([
    ['', ['node', 'a b.js']],
    ['default/shop', ['node', 'shop.js']],
    ['prod/x', ['node', 'x.js']],
  ]);
  expect([...backends]).toEqual([['default/cart', ['127.0.0.1:1', '127.0.0.1:2']]]);
  expect(readinessPath).toBe('/readyz');
});

test('is content with a port when the path of the probe is empty', () => {
  expect(parse(['a.yaml', '--run', 'x', '--readiness-path', '']).readinessPath).toBeUndefined();
});

test.each([
  [[], 'a file or folder of objects is needed'],
  [['a.yaml', '--nope'], "Unknown option '--nope'; see --help"],
  [['a.yaml', '--profile', '1'], '--profile must be v0.5 or current, not "1"'],
  [['a.yaml', '--port', '70000'], '--port must be a port from 0 to 65535, not "70000"'],
  [['a.yaml', '--backend', 'cart'], '--backend must be service=host:port, not "cart"'],
  [
    ['a.yaml', '--backend', 'cart=x:65536'],
    '--backend must be service=host:port, not "cart=x:65536"',
  ],
  [['a.yaml', '--backend', 'cart=x'], '--backend must be service=host:port, not "cart=x"'],
  [['a.yaml', '--run', ''], 'the command "" is empty'],
  [['a.yaml', '--run', "node 'x"], `has a ' that is not closed`],
  [['a.yaml', '--readiness-path', 'x'], '--readiness-path must begin with "/", which "x" does not'],
])('refuses %j, and says why', (args, message) => {
  expect(() => parse(args)).toThrow(message);
});

test.each([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
])('%s only prints', (flag, kind) => {
  expect(parseOptions([flag], {})).toEqual({ kind });
});

test('the help names every flag', () => {
  for (const { flag } of FLAGS) expect(renderHelp()).toContain(`--${flag}`);
});
