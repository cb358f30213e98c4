// The SW_* variables, one by one, and what the agent itself makes of them.
import { createRequire } from 'node:module';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { SkyWalkingSettings } from '../configuration.ts';
import { accepted, opentelemetry, parse, skywalking } from '../configuration.fixture.ts';
import { VARIABLES } from '../variables.ts';
import type { AgentConfig } from './agent.ts';

const DEFAULTS: SkyWalkingSettings = {
  addresses: ['127.0.0.1:11800'],
  secure: false,
  authentication: undefined,
  maxBufferSize: 1000,
  traceTimeout: 10_000,
  keepTracing: true,
  disabledPlugins: [],
  traceIgnorePath: '',
  ignoreSuffix: '.jpg,.jpeg,.js,.css,.png,.bmp,.gif,.ico,.mp3,.mp4,.html,.svg',
  httpIgnoreMethod: '',
  coldEndpoint: false,
  logLevel: 'error',
};

describe("SkyWalking's variables", () => {
  test('have the defaults of the agent', () => {
    expect(accepted(skywalking({})).skywalking).toEqual(DEFAULTS);
  });

  test.each<[name: string, text: string, expected: Partial<SkyWalkingSettings>]>([
    ['SW_AGENT_SECURE', 'true', { secure: true }],
    ['SW_AGENT_SECURE', 'TRUE', { secure: true }],
    ['SW_AGENT_SECURE', ' False ', { secure: false }],
    ['SW_AGENT_SECURE', '', { secure: false }],
    ['SW_AGENT_AUTHENTICATION', ' token ', { authentication: 'token' }],
    ['SW_AGENT_MAX_BUFFER_SIZE', '1', { maxBufferSize: 1 }],
    ['SW_AGENT_MAX_BUFFER_SIZE', ' 5000 ', { maxBufferSize: 5000 }],
    ['SW_AGENT_TRACE_TIMEOUT', '2500', { traceTimeout: 2500 }],
    ['SW_AGENT_KEEP_TRACING', 'false', { keepTracing: false }],
    ['SW_AGENT_KEEP_TRACING', 'True', { keepTracing: true }],
    ['SW_AGENT_DISABLE_PLUGINS', ' mysql2,, Pg ', { disabledPlugins: ['mysql2', 'Pg'] }],
    ['SW_AGENT_MAX_BUFFER_SIZE', '1000000', { maxBufferSize: 1_000_000 }],
    ['SW_TRACE_IGNORE_PATH', '/a/**,/b/?', { traceIgnorePath: '/a/**,/b/?' }],
    ['SW_TRACE_IGNORE_PATH', '/**/a/**/b', { traceIgnorePath: '/**/a/**/b' }],
    ['SW_TRACE_IGNORE_PATH', '/**/**/a/**/**/**/b/**', { traceIgnorePath: '/**/a/**/b/**' }],
    [
      'SW_TRACE_IGNORE_PATH',
      '/**/**/**/**/a, **/**/**/**/b',
      { traceIgnorePath: '/**/a, **/**/b' },
    ],
    ['SW_IGNORE_SUFFIX', '.txt', { ignoreSuffix: '.txt' }],
    ['SW_IGNORE_SUFFIX', '', { ignoreSuffix: '' }],
    ['SW_HTTP_IGNORE_METHOD', 'OPTIONS,HEAD', { httpIgnoreMethod: 'OPTIONS,HEAD' }],
    ['SW_COLD_ENDPOINT', 'true', { coldEndpoint: true }],
    ['SW_AGENT_LOGGING_LEVEL', 'debug', { logLevel: 'debug' }],
    ['SW_AGENT_LOGGING_LEVEL', 'WARN', { logLevel: 'warn' }],
    ['SW_AGENT_LOGGING_LEVEL', 'silly', { logLevel: 'debug' }],
    ['SW_AGENT_LOGGING_LEVEL', 'http', { logLevel: 'info' }],
    ['SW_AGENT_LOGGING_LEVEL', 'verbose', { logLevel: 'info' }],
    ['SW_LOGGING_TARGET', 'console', {}],
    ['SW_SQL_TRACE_PARAMETERS', 'True', {}],
    ['SW_SQL_PARAMETERS_MAX_LENGTH', '1e3', {}],
    ['SW_MONGO_PARAMETERS_MAX_LENGTH', '12.5', {}],
    ['SW_AWS_LAMBDA_FLUSH', '-1', {}],
  ])('%s takes %j', (name, text, expected) => {
    const settings = accepted(skywalking({ [name]: text })).skywalking;
    expect(settings).toEqual({ ...DEFAULTS, ...expected });
  });

  const words = 'is not true or false';
  const levels = 'is not one of error, warn, info, debug';
  test.each<[name: string, text: string, expected: string]>([
    ['SW_AGENT_SECURE', 'yes', `"yes" ${words}, false is used`],
    ['SW_AGENT_KEEP_TRACING', '0', `"0" ${words}, true is used`],
    ['SW_COLD_ENDPOINT', '1', `"1" ${words}, false is used`],
    ['SW_AGENT_LOGGING_LEVEL', 'loud', `"loud" ${levels}, error is used`],
    ...['0', '-1', '1.5', '10x', 'NaN', '1e3'].map((text): [string, string, string] => [
      'SW_AGENT_MAX_BUFFER_SIZE',
      text,
      `"${text}" is not a whole number from 1 up, 1000 is used`,
    ]),
    ...['0', '10s', '2147483648'].map((text): [string, string, string] => [
      'SW_AGENT_TRACE_TIMEOUT',
      text,
      `"${text}" is not a whole number from 1 to 2147483647, 10000 is used`,
    ]),
    ...['SW_SQL_TRACE_PARAMETERS', 'SW_MONGO_TRACE_PARAMETERS', 'SW_AWS_LAMBDA_CHAIN'].map(
      (name): [string, string, string] => [name, 'on', `"on" ${words}, false is used`],
    ),
    ['SW_AWS_SQS_CHECK_BODY', ' true', `"true" ${words}, false is used`],
    ...['SW_SQL_PARAMETERS_MAX_LENGTH', 'SW_MONGO_PARAMETERS_MAX_LENGTH'].flatMap((name) =>
      ['0', '-5', '0.5', 'all'].map((text): [string, string, string] => [
        name,
        text,
        `"${text}" is not a number from 1 up, 512 is used`,
      ]),
    ),
    ['SW_AWS_LAMBDA_FLUSH', 'never', '"never" is not a number of seconds, -1 is used'],
  ])('%s=%j is warned of, and the default holds', (name, text, expected) => {
    const { configuration, warnings } = parse(skywalking({ [name]: text }));
    expect(warnings).toEqual([`${name}: ${expected}`]);
    expect(configuration?.skywalking).toEqual(DEFAULTS);
  });

  test.each(['1000001', '9007199254740992'])('SW_AGENT_MAX_BUFFER_SIZE=%s is cut', (text) => {
    const { configuration, warnings } = parse(skywalking({ SW_AGENT_MAX_BUFFER_SIZE: text }));
    expect(configuration?.skywalking.maxBufferSize).toBe(1_000_000);
    expect(warnings).toEqual([
      `SW_AGENT_MAX_BUFFER_SIZE: ${text} is more than 1000000, 1000000 is used`,
    ]);
  });

  test('an address that cannot be used is warned of, and the others hold', () => {
    const variable = 'SW_AGENT_COLLECTOR_BACKEND_SERVICES';
    const { configuration, warnings } = parse(skywalking({ [variable]: 'a:1,oap:http,b:2' }));
    expect(configuration?.skywalking.addresses).toEqual(['a:1', 'b:2']);
    expect(warnings).toEqual([`${variable}: "oap:http" is not host:port, and is left out`]);
  });

  test.each<[text: string, oapServer: string | undefined, used: string]>([
    ['oap:http', 'a:1,b:2', 'a:1,b:2'],
    ['nohost:x', undefined, '127.0.0.1:11800'],
    ['http://oap:11800', undefined, '127.0.0.1:11800'],
    [',,', ' ', '127.0.0.1:11800'],
    [',,', 'a', 'a:11800'],
  ])('without an address in %j, with %j in the context, %s is used', (text, oapServer, used) => {
    const variable = 'SW_AGENT_COLLECTOR_BACKEND_SERVICES';
    const { configuration, warnings } = parse(
      skywalking({ [variable]: text }, { provider: { oapServer } }),
    );
    expect(configuration?.skywalking.addresses).toEqual(used.split(','));
    expect(warnings).toEqual([`${variable}: "${text}" is not host:port, ${used} is used`]);
  });

  test('without an address in any source, the warning of each says what is used', () => {
    const { warnings } = parse(
      skywalking(
        { SW_AGENT_COLLECTOR_BACKEND_SERVICES: 'a:x,b:y' },
        { provider: { oapServer: 'c:z' } },
      ),
    );
    expect(warnings.map((warning) => warning.split(': ')[1])).toEqual([
      '"a:x" is not host:port, 127.0.0.1:11800 is used',
      '"b:y" is not host:port, 127.0.0.1:11800 is used',
      '"c:z" is not host:port, 127.0.0.1:11800 is used',
    ]);
  });

  test('the default is not complained of when no source says anything', () => {
    expect(parse(skywalking({}, { provider: { oapServer: ' ' } })).warnings).toEqual([]);
  });

  test('are not complained of when OpenTelemetry is chosen', () => {
    const env = { SW_AGENT_SECURE: 'yes', SW_SQL_TRACE_PARAMETERS: 'on' };
    expect(parse(opentelemetry(env)).warnings).toEqual([]);
  });
});

describe('the agent', () => {
  const OPERATIONS = ['', 'a', 'x', 'x/y', 'x/y/z'].flatMap((between) => [
    '/a/b',
    `/a/${between}/b`,
    `/a/${between}/b/c`,
    `/${between}/b`,
    `${between}/b`,
    '/x',
    'b',
  ]);

  test.each([
    '/a/**/**/b',
    '/a/**/**/**/b/**',
    '/**/**/**/b',
    '**/**/b',
    '**/**/**/b',
    '/x,/a/**/**/**',
    '/a/**/**/?/**/**/b',
  ])('ignores by %s, cut short, what it would ignore by all of it', (patterns) => {
    const { finalizeConfig } = readAgent();
    const ignoredBy = (traceIgnorePath: string): readonly string[] => {
      const config = { ...readByAgent({}), traceIgnorePath };
      finalizeConfig(config);
      return OPERATIONS.filter((operation) => config.reIgnoreOperation.test(operation));
    };
    const { traceIgnorePath } = accepted(skywalking({ SW_TRACE_IGNORE_PATH: patterns })).skywalking;
    const ignored = ignoredBy(traceIgnorePath);
    expect(ignored).not.toEqual([]);
    expect(ignored).toEqual(expect.arrayContaining([...ignoredBy(patterns)]));
    expect(traceIgnorePath.length).toBeLessThanOrEqual(patterns.length);
  });

  const require = createRequire(import.meta.url);
  const path = require.resolve('skywalking-backend-js/lib/config/AgentConfig.js');

  interface ConfigModule {
    readonly default: AgentConfig;
    readonly finalizeConfig: (config: AgentConfig) => void;
  }

  function readAgent(env: Record<string, string> = {}): ConfigModule {
    for (const { name } of VARIABLES) vi.stubEnv(name, env[name]);
    delete require.cache[path];
    const module = require(path) as ConfigModule;
    delete require.cache[path];
    return module;
  }

  /** Its own configuration, read from these variables. */
  const readByAgent = (env: Record<string, string>): AgentConfig => readAgent(env).default;

  afterEach(() => vi.unstubAllEnvs());

  test('has the same defaults', () => {
    const { addresses, disabledPlugins, authentication } = DEFAULTS;
    const { secure, maxBufferSize, traceTimeout, coldEndpoint } = DEFAULTS;
    const { traceIgnorePath, ignoreSuffix, httpIgnoreMethod } = DEFAULTS;
    expect(readByAgent({})).toMatchObject({
      secure,
      maxBufferSize,
      traceTimeout,
      coldEndpoint,
      traceIgnorePath,
      ignoreSuffix,
      httpIgnoreMethod,
      collectorAddress: addresses.join(','),
      disablePlugins: disabledPlugins.join(','),
      authorization: authentication,
    });
  });

  test.each<[name: string, field: keyof AgentConfig, texts: readonly string[]]>([
    ['SW_SQL_TRACE_PARAMETERS', 'sqlTraceParameters', ['on', ' true', '1']],
    ['SW_MONGO_TRACE_PARAMETERS', 'mongoTraceParameters', ['on', 'true ', 'yes']],
    ['SW_AWS_LAMBDA_CHAIN', 'awsLambdaChain', ['on', ' true']],
    ['SW_AWS_SQS_CHECK_BODY', 'awsSQSCheckBody', ['on', ' true']],
    ['SW_SQL_PARAMETERS_MAX_LENGTH', 'sqlParametersMaxLength', ['0', '-5', '0.5', 'all']],
    ['SW_MONGO_PARAMETERS_MAX_LENGTH', 'mongoParametersMaxLength', ['0', '-5', '0.5', 'all']],
    ['SW_AWS_LAMBDA_FLUSH', 'awsLambdaFlush', ['never']],
  ])('takes of %s for %s what the warning says', (name, field, texts) => {
    for (const text of texts) {
      const used = String(readByAgent({ [name]: text })[field]);
      expect(parse(skywalking({ [name]: text })).warnings).toEqual([
        expect.stringMatching(`^${name}: .*, ${used} is used$`),
      ]);
    }
  });

  test.each<[name: string, field: keyof AgentConfig, text: string, expected: unknown]>([
    ['SW_SQL_TRACE_PARAMETERS', 'sqlTraceParameters', 'True', true],
    ['SW_SQL_PARAMETERS_MAX_LENGTH', 'sqlParametersMaxLength', '1e3', 1000],
    ['SW_MONGO_PARAMETERS_MAX_LENGTH', 'mongoParametersMaxLength', ' 12.5 ', 12],
    ['SW_AWS_LAMBDA_FLUSH', 'awsLambdaFlush', '-1', -1],
    ['SW_IGNORE_SUFFIX', 'ignoreSuffix', '', ''],
  ])('takes %s for %s as %j, of which nothing is said', (name, field, text, expected) => {
    expect(readByAgent({ [name]: text })[field]).toEqual(expected);
    expect(parse(skywalking({ [name]: text })).warnings).toEqual([]);
  });
});
