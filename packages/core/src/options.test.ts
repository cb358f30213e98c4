// Arguments and environment: what each option accepts, which source wins, and what is refused.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OfnError, type ErrorCode } from './errors.ts';
import {
  OPTION_TABLE,
  parseOptions,
  renderHelp,
  type Command,
  type Environment,
  type Options,
} from './options.ts';

function serve(args: readonly string[] = [], env: Environment = {}, isTerminal = false): Options {
  const command = parseOptions(args, env, isTerminal);
  if (command.kind !== 'serve') throw new Error(`the command is ${command.kind}`);
  return command.options;
}

function refusal(args: readonly string[], env: Environment = {}): OfnError {
  try {
    parseOptions(args, env);
  } catch (error) {
    if (error instanceof OfnError) return error;
    throw error;
  }
  throw new Error('the options were accepted');
}

const DEFAULTS: Options = {
  port: 8080,
  host: undefined,
  target: undefined,
  signatureType: 'http',
  source: '.',
  context: undefined,
  timeout: 0,
  bodyLimit: 33_554_432,
  maxConcurrency: 0,
  drainDelay: 0,
  drainTimeout: 10_000,
  adminPort: undefined,
  healthRoutes: undefined,
  ignoredRoutes: undefined,
  logLevel: 'info',
  keepAliveTimeout: 95_000,
  headersTimeout: 20_000,
  requestTimeout: 300_000,
  maxHeaderSize: 16_384,
  maxHeaders: 200,
  appProtocol: 'http',
  appApiToken: undefined,
  sidecar: { http: 'http://127.0.0.1:3500', grpc: '127.0.0.1:50001', apiToken: undefined },
  daprTimeout: 10_000,
  tracing: undefined,
  traceEnvelope: false,
  keda: undefined,
  trustedHops: undefined,
  pathPrefix: undefined,
  namespace: undefined,
  development: false,
};

/** Each option: a value people write, the field it sets, and what it becomes. */
const SAMPLES: readonly [flag: string, text: string, field: keyof Options, value: unknown][] = [
  ['target', 'users.find', 'target', 'users.find'],
  ['source', './functions', 'source', './functions'],
  ['signature-type', 'CloudEvent', 'signatureType', 'cloudevent'],
  ['port', '0', 'port', 0],
  ['host', '127.0.0.1', 'host', '127.0.0.1'],
  ['app-protocol', 'GRPC', 'appProtocol', 'grpc'],
  ['dapr-timeout', '2s', 'daprTimeout', 2000],
  ['timeout', '1.5', 'timeout', 1500],
  ['body-limit', '1MiB', 'bodyLimit', 1_048_576],
  ['max-concurrency', '80', 'maxConcurrency', 80],
  ['drain-delay', '250ms', 'drainDelay', 250],
  ['drain-timeout', '2m', 'drainTimeout', 120_000],
  ['admin-port', '9090', 'adminPort', 9090],
  ['ignored-routes', '/a/, /b|/', 'ignoredRoutes', ['/a', '/b', '/']],
  ['log-level', 'DEBUG', 'logLevel', 'debug'],
  ['keep-alive-timeout', '1h', 'keepAliveTimeout', 3_600_000],
  ['headers-timeout', '5s', 'headersTimeout', 5000],
  ['request-timeout', '0', 'requestTimeout', 0],
  ['max-header-size', '8k', 'maxHeaderSize', 8192],
  ['max-headers', '50', 'maxHeaders', 50],
  ['trusted-hops', '0', 'trustedHops', 0],
  ['path-prefix', '/shop/', 'pathPrefix', '/shop'],
];

describe('defaults', () => {
  test('are those of the reference', () => {
    expect(serve()).toEqual(DEFAULTS);
  });

  test('cannot be changed afterwards', () => {
    expect(Object.isFrozen(serve())).toBe(true);
    expect(Object.isFrozen(serve(['--ignored-routes', '/a']).ignoredRoutes)).toBe(true);
  });

  test('take five seconds of drain delay in Kubernetes', () => {
    expect(serve([], { KUBERNETES_SERVICE_HOST: '10.0.0.1' }).drainDelay).toBe(5000);
  });

  test.each([
    ['development', false, true],
    ['production', true, false],
    ['test', true, false],
    ['', true, true],
    [undefined, true, true],
    [undefined, false, false],
  ])('with NODE_ENV %j and terminal %j, development is %j', (mode, isTerminal, expected) => {
    expect(serve([], { NODE_ENV: mode }, isTerminal).development).toBe(expected);
  });
});

describe('each option', () => {
  test.each(SAMPLES)('--%s %s sets %s, and nothing else', (flag, text, field, value) => {
    expect(serve([`--${flag}`, text])).toEqual({ ...DEFAULTS, [field]: value });
    expect(serve([`--${flag}=${text}`])).toEqual({ ...DEFAULTS, [field]: value });
  });

  const byVariable = SAMPLES.flatMap(([flag, text, field, value]) => {
    const { env = [] } = OPTION_TABLE.find((entry) => entry.flag === flag) ?? {};
    return env.map((name) => [name, text, field, value] as const);
  });
  test.each(byVariable)('%s=%s sets %s, and nothing else', (name, text, field, value) => {
    expect(serve([], { [name]: text })).toEqual({ ...DEFAULTS, [field]: value });
  });

  test('is tested in this file', () => {
    const tested = [
      ...SAMPLES.map(([flag]) => flag),
      'context',
      'health-routes',
      'tracing',
      'trace-envelope',
      'keda',
      'keda-add-on',
      'early-headers',
    ];
    expect(OPTION_TABLE.map(({ flag }) => flag).toSorted()).toEqual(tested.toSorted());
  });

  test.each(SAMPLES)('--%s wins over its variable', (flag, text, field, value) => {
    const { env = [] } = OPTION_TABLE.find((entry) => entry.flag === flag) ?? {};
    const others = Object.fromEntries(env.map((name) => [name, 'not valid: never read']));
    expect(serve([`--${flag}`, text], others)[field]).toEqual(value);
  });

  test.each(SAMPLES)('--%s wins over an empty variable', (flag, text, field, value) => {
    const { env = [] } = OPTION_TABLE.find((entry) => entry.flag === flag) ?? {};
    const others = Object.fromEntries(env.map((name) => [name, '']));
    expect(serve([`--${flag}`, text], others)[field]).toEqual(value);
  });

  test('is not set by a blank variable', () => {
    const blank = OPTION_TABLE.filter(({ flag }) => flag !== 'ignored-routes').flatMap(({ env }) =>
      env.map((name) => [name, ' ']),
    );
    expect(serve([], Object.fromEntries(blank))).toEqual(DEFAULTS);
  });
});

describe('--timeout', () => {
  test('reads FUNCTION_TIMEOUT before CLOUD_RUN_TIMEOUT_SECONDS', () => {
    const both = { FUNCTION_TIMEOUT: '2s', CLOUD_RUN_TIMEOUT_SECONDS: '60' };
    expect(serve([], both).timeout).toBe(2000);
    expect(serve([], { ...both, FUNCTION_TIMEOUT: '' }).timeout).toBe(60_000);
  });

  test('may be as long as a timer of Node.js, and no longer', () => {
    expect(serve(['--timeout', '2147483647ms']).timeout).toBe(2_147_483_647);
    expect(refusal(['--timeout', '2147483648ms']).code).toBe('OFN_OPTION_INVALID');
  });
});

describe('--body-limit', () => {
  test.each([
    ['512', 512],
    ['1.5k', 1536],
    ['2 MB', 2_097_152],
    ['1GiB', 1_073_741_824],
    ['7b', 7],
  ])('takes %s as %i bytes', (text, bytes) => {
    expect(serve(['--body-limit', text]).bodyLimit).toBe(bytes);
  });
});

describe('--ignored-routes', () => {
  test('is an empty list when the flag or the variable is empty: nothing is ignored', () => {
    expect(serve(['--ignored-routes=']).ignoredRoutes).toEqual([]);
    expect(serve([], { IGNORED_ROUTES: '' }).ignoredRoutes).toEqual([]);
  });
});

describe('--health-routes', () => {
  const KEDA = '{"triggers":{"http":{"port":9898,"engine":"keda"}}}';

  test.each(['true', '1', 'on', 'YES'])('is on by FUNCTION_HEALTH_ROUTES=%s', (text) => {
    expect(serve([], { FUNCTION_HEALTH_ROUTES: text }).healthRoutes).toBe(true);
  });

  test.each(['false', '0', 'OFF', 'no'])('is off by FUNCTION_HEALTH_ROUTES=%s', (text) => {
    const env = { FUNCTION_HEALTH_ROUTES: text, FUNC_CONTEXT_V1BETA2: KEDA };
    expect(serve([], env).healthRoutes).toBe(false);
  });

  test('is on behind KEDA, unless it is turned off', () => {
    const env = { FUNC_CONTEXT_V1BETA2: KEDA };
    expect(serve([], env).healthRoutes).toBe(true);
    expect(serve(['--no-health-routes'], env).healthRoutes).toBe(false);
  });

  test('is on by its flag, whatever the variable says', () => {
    expect(serve(['--health-routes'], { FUNCTION_HEALTH_ROUTES: 'off' }).healthRoutes).toBe(true);
  });
});

describe('--keda', () => {
  const CONTEXT = '{"triggers":{"http":{"port":9898,"engine":"keda"}}}';
  const engine = { FUNC_CONTEXT_V1BETA2: CONTEXT };

  test('is on for add-on 0.5 when the context says engine keda, with its port', () => {
    const { keda, port } = serve([], engine);
    expect(keda).toEqual({
      addOn: '0.5',
      earlyHeaders: false,
      interceptor: { responseHeader: 500, request: undefined, idle: undefined },
    });
    expect(port).toBe(9898);
    expect(Object.isFrozen(keda) && Object.isFrozen(keda?.interceptor)).toBe(true);
  });

  test('is on for the current add-on by its flag or variable', () => {
    for (const options of [serve(['--keda']), serve([], { FUNCTION_KEDA: 'on' })]) {
      expect(options.keda).toMatchObject({ addOn: 'current' });
      expect(options.healthRoutes).toBe(true);
    }
  });

  test('is off by its flag or variable, whatever the context says', () => {
    expect(serve(['--no-keda'], engine).keda).toBeUndefined();
    expect(serve([], { ...engine, FUNCTION_KEDA: 'off' }).keda).toBeUndefined();
    expect(serve(['--no-keda'], engine).healthRoutes).toBeUndefined();
  });

  test('takes the version of the add-on and early headers, by flags and by variables', () => {
    expect(serve(['--keda-add-on', 'Current'], engine).keda?.addOn).toBe('current');
    expect(serve(['--keda'], { FUNCTION_KEDA_ADD_ON: '0.5' }).keda?.addOn).toBe('0.5');
    expect(serve(['--keda', '--early-headers']).keda?.earlyHeaders).toBe(true);
    expect(serve([], { ...engine, FUNCTION_EARLY_HEADERS: '1' }).keda?.earlyHeaders).toBe(true);
  });

  test('takes its times from the variables of the interceptor, and own options win', () => {
    const env = {
      KEDA_HTTP_IDLE_CONN_TIMEOUT: '2m',
      KEDA_HTTP_REQUEST_TIMEOUT: '10m',
      KEDA_HTTP_RESPONSE_HEADER_TIMEOUT: '7s',
    };
    const derived = serve(['--keda'], env);
    expect([derived.keepAliveTimeout, derived.requestTimeout]).toEqual([125_000, 605_000]);
    expect(derived.keda?.interceptor.responseHeader).toBe(7000);
    const own = serve(['--keda', '--keep-alive-timeout=1s'], {
      ...env,
      FUNCTION_REQUEST_TIMEOUT: '2s',
    });
    expect([own.keepAliveTimeout, own.requestTimeout]).toEqual([1000, 2000]);
  });

  test('takes no limit of the interceptor for none of its own', () => {
    const env = { KEDA_HTTP_IDLE_CONN_TIMEOUT: '0', KEDA_HTTP_REQUEST_TIMEOUT: '0s' };
    const { keepAliveTimeout, requestTimeout } = serve(['--keda'], env);
    expect([keepAliveTimeout, requestTimeout]).toEqual([0, 0]);
  });

  test('has the usual times without variables of the interceptor', () => {
    const { keepAliveTimeout, headersTimeout, requestTimeout } = serve([], engine);
    expect([keepAliveTimeout, headersTimeout, requestTimeout]).toEqual([95_000, 20_000, 300_000]);
  });

  test('that is off does not read the variables of the interceptor', () => {
    const env = { KEDA_HTTP_IDLE_CONN_TIMEOUT: 'soon' };
    expect(serve([], env)).toEqual(DEFAULTS);
    expect(refusal(['--keda'], env).message).toContain('KEDA_HTTP_IDLE_CONN_TIMEOUT');
  });

  test.each([
    ['--keda-add-on', '0.6'],
    ['--path-prefix', '/'],
    ['--path-prefix', 'shop'],
    ['--path-prefix', '/shop?a'],
    ['--path-prefix', '/shop//'],
    ['--trusted-hops', '-1'],
    ['--trusted-hops', 'true'],
  ])('%s %s is refused, and so is one that has no effect', (flag, value) => {
    expect(refusal([`${flag}=${value}`]).code).toBe('OFN_OPTION_INVALID');
  });
});

describe('the port', () => {
  test('is --port, then PORT, then that of the context, then 8080', () => {
    const env = { PORT: '7000', FUNC_CONTEXT: '{"port":"9000"}' };
    expect(serve(['--port', '6000'], env).port).toBe(6000);
    expect(serve([], env).port).toBe(7000);
    expect(serve([], { ...env, PORT: '' }).port).toBe(9000);
    expect(serve([], { FUNC_CONTEXT: '{"name":"a"}' }).port).toBe(8080);
  });
});

describe('a function context that is async', () => {
  const async = JSON.stringify({ runtime: 'ASYNC' });

  test('has exported functions called as openfunction functions, and serves the probes', () => {
    const { signatureType, healthRoutes } = serve([], { FUNC_CONTEXT: async });
    expect([signatureType, healthRoutes]).toEqual(['openfunction', true]);
  });

  test('leaves the last word to the options', () => {
    const args = ['--signature-type=cloudevent', '--no-health-routes'];
    const { signatureType, healthRoutes } = serve(args, { FUNC_CONTEXT: async });
    expect([signatureType, healthRoutes]).toEqual(['cloudevent', false]);
  });
});

describe('APP_API_TOKEN', () => {
  test('is read from the environment alone, and an empty one is none', () => {
    expect(serve([], { APP_API_TOKEN: 's3cret' }).appApiToken).toBe('s3cret');
    expect(serve([], { APP_API_TOKEN: '' }).appApiToken).toBeUndefined();
    expect(renderHelp()).not.toContain('token');
  });
});

describe('--context', () => {
  test('wins over FUNC_CONTEXT, and is merged with FUNC_CONTEXT_V1BETA2', () => {
    const { context } = serve(['--context', '{"name":"flag","version":"v1"}'], {
      FUNC_CONTEXT: '{"name":"variable"}',
      FUNC_CONTEXT_V1BETA2: '{"version":"v2"}',
    });
    expect(context).toMatchObject({ name: 'flag', version: 'v2' });
  });

  test('stops the start when it is malformed', () => {
    const error = refusal(['--context', '{"port":"x"}']);
    expect(error).toMatchObject({ code: 'OFN_CONTEXT_MALFORMED', exitCode: 2 });
    expect(error.message).toMatch(/^--context is malformed; port: /);
  });
});

describe('a value that is not valid', () => {
  test.each([
    ['port', '65536', 'a port from 0 to 65535'],
    ['port', '-1', 'a port from 0 to 65535'],
    ['port', '80.5', 'a port from 0 to 65535'],
    ['port', '', 'a port from 0 to 65535'],
    ['admin-port', 'http', 'a port from 0 to 65535'],
    ['timeout', '10 minutes', 'a duration below 24 days: seconds, or a number with ms, s, m or h'],
    ['timeout', '-1', 'a duration below 24 days: seconds, or a number with ms, s, m or h'],
    ['timeout', '1d', 'a duration below 24 days: seconds, or a number with ms, s, m or h'],
    ['body-limit', '0', 'a size: bytes, or a number with KiB, MiB or GiB'],
    ['body-limit', 'much', 'a size: bytes, or a number with KiB, MiB or GiB'],
    ['body-limit', '9007199254740992', 'a size: bytes, or a number with KiB, MiB or GiB'],
    ['max-concurrency', '1.5', 'a whole number from 0 up'],
    ['max-concurrency', '9007199254740992', 'a whole number from 0 up'],
    ['max-headers', '0', 'a whole number from 1 up'],
    ['max-headers', 'many', 'a whole number from 1 up'],
    ['app-protocol', 'h2c', 'http or grpc'],
    ['app-protocol', 'https', 'http or grpc'],
    ['dapr-timeout', 'soon', 'a duration below 24 days: seconds, or a number with ms, s, m or h'],
    ['signature-type', 'grpc', 'one of http, cloudevent, openfunction, event'],
    ['log-level', 'loud', 'one of trace, debug, info, warn, error, fatal, silent'],
    ['ignored-routes', '/a,b', 'a list of paths that begin with "/"'],
  ])('--%s=%s is refused by name, with what is expected', (flag, text, expected) => {
    const error = refusal([`--${flag}=${text}`]);
    expect(error).toMatchObject({ code: 'OFN_OPTION_INVALID', exitCode: 2 });
    expect(error.message).toBe(`--${flag} must be ${expected}, not "${text}"`);
  });

  test('is named after the variable it stood in', () => {
    expect(refusal([], { FUNCTION_HEALTH_ROUTES: 'maybe' }).message).toBe(
      'FUNCTION_HEALTH_ROUTES must be true or false, not "maybe"',
    );
    expect(refusal([], { CLOUD_RUN_TIMEOUT_SECONDS: 'x' }).message).toMatch(
      /^CLOUD_RUN_TIMEOUT_SECONDS must be a duration/,
    );
  });
});

describe('an argument that is not known', () => {
  test.each([
    [['--prot', '80'], "Unknown option '--prot'; see --help"],
    [['-x'], "Unknown option '-x'; see --help"],
    [['hello'], "Unexpected argument 'hello'; see --help"],
  ])('%j is refused in one line', (args, message) => {
    const error = refusal(args);
    expect(error).toMatchObject({ code: 'OFN_OPTION_UNKNOWN', exitCode: 2 });
    expect(error.message).toBe(message);
  });

  test.each([[['--port']], [['--health-routes=on']], [['--port', '--target']]])(
    '%j is known, but its value is missing or too many',
    (args) => {
      const error = refusal(args);
      expect(error.code).toBe('OFN_OPTION_INVALID');
      expect(error.message).not.toContain('\n');
      expect(error.message).toMatch(/; see --help$/);
    },
  );
});

describe('tracing', () => {
  const COLLECTOR = 'SW_AGENT_COLLECTOR_BACKEND_SERVICES';
  const withContext = (tracing: object): Record<string, string> => ({
    FUNC_CONTEXT_V1BETA2: JSON.stringify({ name: 'f', tracing }),
  });

  test('is wanted by nothing', () => {
    expect(serve().tracing).toBeUndefined();
    const env = { SW_AGENT_NAME: 'f', OTEL_SERVICE_NAME: 'f', [COLLECTOR]: ' ' };
    expect(serve([], env).tracing).toBeUndefined();
    expect(serve([], withContext({ enabled: false })).tracing).toBeUndefined();
  });

  test.each(['skywalking', 'SkyWalking', 'OPENTELEMETRY'])(
    '--tracing %s names the provider',
    (name) => {
      const provider = name.toLowerCase();
      expect(serve(['--tracing', name]).tracing).toEqual({ provider, setting: '--tracing' });
      const env = { FUNCTION_TRACING: name };
      expect(serve([], env).tracing).toEqual({ provider, setting: 'FUNCTION_TRACING' });
    },
  );

  test.each([
    [COLLECTOR, { [COLLECTOR]: 'oap:11800', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318' }],
    ['the function context', withContext({ enabled: true })],
    [
      'the function context',
      { FUNC_CONTEXT: JSON.stringify({ name: 'f', pluginsTracing: { enabled: true } }) },
    ],
  ])('is wanted by %s, which leaves the provider open', (setting, env) => {
    expect(serve([], env).tracing).toEqual({ provider: undefined, setting });
  });

  test('is off with --tracing off, whatever else asks for it', () => {
    const env = { [COLLECTOR]: 'oap:11800', ...withContext({ enabled: true }) };
    expect(serve(['--tracing=Off'], env).tracing).toBeUndefined();
    expect(serve([], { ...env, FUNCTION_TRACING: 'off' }).tracing).toBeUndefined();
  });

  test('is refused with a provider that is not known, naming those that are', () => {
    expect(refusal(['--tracing=zipkin'])).toMatchObject({
      code: 'OFN_OPTION_INVALID',
      message: '--tracing must be one of skywalking, opentelemetry, off, not "zipkin"',
    });
  });

  test('has its envelope by --trace-envelope or its variable, with the namespace of the pod', () => {
    const env = { POD_NAMESPACE: 'shop', FUNCTION_TRACE_ENVELOPE: 'on' };
    expect(serve([], env)).toMatchObject({ traceEnvelope: true, namespace: 'shop' });
    expect(serve(['--no-trace-envelope'], env).traceEnvelope).toBe(false);
    expect(serve(['--trace-envelope'])).toMatchObject({
      traceEnvelope: true,
      namespace: undefined,
    });
  });
});

describe('--help and --version', () => {
  test.each([
    [['--help'], 'help'],
    [['-h'], 'help'],
    [['--version'], 'version'],
    [['-v'], 'version'],
    [['--version', '--help'], 'help'],
  ])('%j asks for %s, and reads nothing else', (args, kind) => {
    expect(parseOptions(args, { PORT: 'not valid', FUNC_CONTEXT: '{' })).toEqual({ kind });
  });

  test('list every option with its variables and its default', () => {
    const text = renderHelp();
    for (const { flag, env, value, default: fallback, description } of OPTION_TABLE) {
      expect(text).toContain(value === 'boolean' ? `--[no-]${flag}  ` : `  --${flag} <`);
      expect(text).toContain(description);
      expect(text).toContain(`[${env.join(', ')}] default: ${fallback}`);
    }
  });

  test('align the descriptions in one column', () => {
    const rows = renderHelp()
      .split('\n')
      .filter((line) => line.startsWith('  --') || line.startsWith('  -h'));
    const columns = rows.map((line) => line.search(/(?<=\S {2,})\S/));
    expect(rows).toHaveLength(OPTION_TABLE.length + 1);
    expect(new Set(columns).size).toBe(1);
  });
});

describe('any arguments and environment', () => {
  function attempt(args: readonly string[], env: Environment): Command | Error {
    try {
      return parseOptions(args, env);
    } catch (error) {
      return error as Error;
    }
  }

  /** An error, or options whose numbers a server accepts. */
  function isServable(outcome: Command | Error): boolean {
    if (outcome instanceof Error || outcome.kind !== 'serve') return true;
    const { options } = outcome;
    const numbers = Object.values(options).filter((value) => typeof value === 'number');
    return options.port < 65_536 && numbers.every((n) => Number.isSafeInteger(n) && n >= 0);
  }

  /** A command, or an error with one of the codes for options. */
  function isDocumented(outcome: Command | Error): boolean {
    if (!(outcome instanceof Error)) return ['serve', 'help', 'version'].includes(outcome.kind);
    return outcome instanceof OfnError && START_CODES.includes(outcome.code);
  }

  const START_CODES: readonly ErrorCode[] = [
    'OFN_OPTION_UNKNOWN',
    'OFN_OPTION_INVALID',
    'OFN_CONTEXT_MALFORMED',
  ];

  const flag = fc.constantFrom(...OPTION_TABLE.map((entry) => entry.flag));
  const variable = fc.constantFrom(
    ...OPTION_TABLE.flatMap(({ env }) => env),
    'FUNC_CONTEXT_V1BETA2',
    'NODE_ENV',
    'KUBERNETES_SERVICE_HOST',
  );
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.integer().map(String),
    fc.double().map(String),
    fc.json(),
    fc.constantFrom(...SAMPLES.map(([, sample]) => sample)),
  );
  const argument = fc.oneof(
    text,
    flag.map((name) => `--${name}`),
    flag.map((name) => `--no-${name}`),
    fc.tuple(flag, text).map(([name, value]) => `--${name}=${value}`),
    fc.constantFrom('--', '-', '-h', '-v', '--__proto__', '--constructor=x', '-hp'),
  );
  const environment = fc.dictionary(variable, text);

  test('give a command, or an error with a documented code', () => {
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 6 }), environment, (args, env) => {
        expect(attempt(args, env)).toSatisfy(isDocumented);
      }),
      { numRuns: 1000 },
    );
  });

  test('give numbers a server can be made with', () => {
    fc.assert(
      fc.property(fc.dictionary(variable, text, { minKeys: 1 }), (env) => {
        expect(attempt([], env)).toSatisfy(isServable);
      }),
      { numRuns: 1000 },
    );
  });
});
