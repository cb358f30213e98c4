// Option, variables and function context → the configuration: which source wins for each setting, and
// what is said of values that cannot be used.
import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Environment, TracingConfiguration } from './configuration.ts';
import {
  accepted,
  opentelemetry,
  parse,
  skywalking,
  type ContextProvider,
  type ContextTracing,
  type Given,
} from './configuration.fixture.ts';
import { VARIABLES } from './variables.ts';

describe('the provider', () => {
  const SW = { SW_AGENT_COLLECTOR_BACKEND_SERVICES: 'oap:11800' };
  const OTEL = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  const TRACES = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' };
  const enabled = (provider?: ContextProvider): ContextTracing => ({
    enabled: true,
    ...(provider === undefined ? {} : { provider }),
  });

  test.each<[claim: string, given: Given, expected: string | undefined]>([
    ['is none when nothing asks for it', {}, undefined],
    [
      'is none for blank variables',
      { env: { SW_AGENT_COLLECTOR_BACKEND_SERVICES: ' ' } },
      undefined,
    ],
    ['is none for a context without tracing', { name: 'f' }, undefined],
    ['is none for a context that does not say enabled', { tracing: {} }, undefined],
    ['is none for a context that turns it off', { tracing: { enabled: false } }, undefined],
    ['is none for the name of a service alone', { env: { SW_AGENT_NAME: 'shop' } }, undefined],
    ['is SkyWalking by its collector', { env: SW }, 'skywalking'],
    ['is OpenTelemetry by its endpoint', { env: OTEL }, 'opentelemetry'],
    ['is OpenTelemetry by the endpoint of traces', { env: TRACES }, 'opentelemetry'],
    ['is SkyWalking when both are set', { env: { ...SW, ...OTEL } }, 'skywalking'],
    [
      'is what the option says: OpenTelemetry',
      { provider: 'opentelemetry', env: SW },
      'opentelemetry',
    ],
    ['is what the option says: SkyWalking', { provider: 'skywalking', env: OTEL }, 'skywalking'],
    [
      'is what the option says, whatever the context says',
      { provider: 'skywalking', tracing: enabled({ name: 'opentelemetry' }) },
      'skywalking',
    ],
    [
      'is what the option says, whatever name the context has',
      { provider: 'skywalking', tracing: enabled({ name: 'zipkin' }) },
      'skywalking',
    ],
    [
      'is SkyWalking by its collector, whatever the context says',
      { env: SW, tracing: enabled({ name: 'opentelemetry' }) },
      'skywalking',
    ],
    [
      'is SkyWalking by its collector, though the context turns it off',
      { env: SW, tracing: { enabled: false } },
      'skywalking',
    ],
    [
      'is that of the context rather than that of the endpoint',
      { env: OTEL, tracing: enabled({ name: 'skywalking' }) },
      'skywalking',
    ],
    [
      'is that of the endpoint when the context turns it off',
      { env: OTEL, tracing: { enabled: false, provider: { name: 'skywalking' } } },
      'opentelemetry',
    ],
    ['is SkyWalking by a context that names none', { tracing: enabled() }, 'skywalking'],
    ['is SkyWalking by an empty name', { tracing: enabled({ name: '' }) }, 'skywalking'],
    [
      'is SkyWalking by the oapServer of the context',
      { tracing: enabled({ oapServer: 'oap:11800', exporter: {} }) },
      'skywalking',
    ],
    [
      'is OpenTelemetry by the exporter of the context',
      { tracing: enabled({ oapServer: '', exporter: { name: 'otlp' } }) },
      'opentelemetry',
    ],
    ...['skywalking', 'SkyWalking', 'SKYWALKING', ' Skywalking '].map(
      (name): [string, Given, string] => [
        `is SkyWalking by the name ${JSON.stringify(name)}`,
        { tracing: enabled({ name }) },
        'skywalking',
      ],
    ),
    ...['opentelemetry', 'OpenTelemetry', 'OPENTELEMETRY'].map((name): [string, Given, string] => [
      `is OpenTelemetry by the name ${JSON.stringify(name)}`,
      { tracing: enabled({ name, oapServer: 'oap:11800' }) },
      'opentelemetry',
    ]),
    ['is none with SW_DISABLE', { env: { ...SW, SW_DISABLE: 'true' } }, undefined],
    ['is none with SW_DISABLE in capitals', { env: { ...SW, SW_DISABLE: 'TRUE' } }, undefined],
    ['is SkyWalking with SW_DISABLE=false', { env: { ...SW, SW_DISABLE: 'false' } }, 'skywalking'],
    [
      'is none with SW_DISABLE for SkyWalking of the context',
      { env: { SW_DISABLE: 'true' }, tracing: enabled({ name: 'skywalking' }) },
      undefined,
    ],
    [
      'is OpenTelemetry of the context with SW_DISABLE',
      { env: { ...SW, SW_DISABLE: 'true' }, tracing: enabled({ name: 'opentelemetry' }) },
      'opentelemetry',
    ],
    [
      'is OpenTelemetry of the endpoint with SW_DISABLE',
      { env: { ...SW, ...OTEL, SW_DISABLE: 'true' }, tracing: enabled({ name: 'skywalking' }) },
      'opentelemetry',
    ],
    ['is none with OTEL_SDK_DISABLED', { env: { ...OTEL, OTEL_SDK_DISABLED: 'True' } }, undefined],
    [
      'is none with OTEL_SDK_DISABLED for OpenTelemetry of the context',
      { env: { OTEL_SDK_DISABLED: 'true' }, tracing: enabled({ name: 'opentelemetry' }) },
      undefined,
    ],
    [
      'is SkyWalking with OTEL_SDK_DISABLED',
      { env: { ...SW, ...OTEL, OTEL_SDK_DISABLED: 'true' } },
      'skywalking',
    ],
  ])('%s', (_, given, expected) => {
    const { configuration, warnings } = parse(given);
    expect(configuration?.provider).toBe(expected);
    expect(warnings).toEqual([]);
  });

  test('is none for an unknown name, with a warning that has it and the known ones', () => {
    const { configuration, warnings } = parse({
      env: OTEL,
      tracing: enabled({ name: 'Zipkin', oapServer: 'oap:11800' }),
    });
    expect(configuration).toBeUndefined();
    expect(warnings).toEqual([
      'Function context, tracing.provider.name: "Zipkin" is not known, there is no tracing; known are skywalking, opentelemetry',
    ]);
  });

  test.each([
    ['skywalking', 'SW_DISABLE'],
    ['opentelemetry', 'OTEL_SDK_DISABLED'],
  ] as const)(
    'is none when the option says %s and %s says no, with a warning',
    (provider, name) => {
      const { configuration, warnings } = parse({
        provider,
        env: { ...SW, ...OTEL, [name]: 'true' },
      });
      expect(configuration).toBeUndefined();
      expect(warnings).toEqual([
        `There is no tracing with ${provider}, though it was asked for: ${name} is true`,
      ]);
    },
  );

  test.each([
    ['SW_DISABLE', SW],
    ['OTEL_SDK_DISABLED', OTEL],
  ])('stays on for a value of %s that is no boolean, with a warning', (name, env) => {
    const { configuration, warnings } = parse({ env: { ...env, [name]: 'yes' } });
    expect(configuration).toBeDefined();
    expect(warnings).toEqual([`${name}: "yes" is not true or false, false is used`]);
  });
});

/** Sources in falling precedence, each said with a value of its own. */
type Precedence = readonly (readonly [source: string, given: Given])[];

function merged(parts: readonly Given[]): Given {
  return parts.reduceRight<Given>(
    (all, part) => ({
      ...all,
      ...part,
      env: { ...all.env, ...part.env },
      ...(all.tracing === undefined && part.tracing === undefined
        ? {}
        : {
            tracing: {
              ...all.tracing,
              ...part.tracing,
              tags: { ...all.tracing?.tags, ...part.tracing?.tags },
              provider: {
                ...all.tracing?.provider,
                ...part.tracing?.provider,
                exporter: {
                  ...all.tracing?.provider?.exporter,
                  ...part.tracing?.provider?.exporter,
                },
              },
            },
          }),
    }),
    {},
  );
}

const exporterOf = (exporter: Record<string, unknown>): Given => ({
  tracing: { provider: { exporter } },
});

describe.each<
  [
    setting: string,
    provider: 'skywalking' | 'opentelemetry',
    sources: Precedence,
    read: (configuration: TracingConfiguration) => unknown,
    expected: readonly unknown[],
  ]
>([
  [
    'service with SkyWalking',
    'skywalking',
    [
      ['SW_AGENT_NAME', { env: { SW_AGENT_NAME: 'by-variable' } }],
      ['the name of the context', { name: 'by-context' }],
      ['the tag func', { tracing: { tags: { func: 'by-tag' } } }],
      ['K_SERVICE', { env: { K_SERVICE: 'by-knative' } }],
      ['the target', { target: 'by-target' }],
    ],
    ({ service }) => service,
    ['by-variable', 'by-context', 'by-tag', 'by-knative', 'by-target', undefined],
  ],
  [
    'service with OpenTelemetry',
    'opentelemetry',
    [
      ['OTEL_SERVICE_NAME', { env: { OTEL_SERVICE_NAME: 'by-variable' } }],
      [
        'OTEL_RESOURCE_ATTRIBUTES',
        { env: { OTEL_RESOURCE_ATTRIBUTES: 'team=shop,service.name=by%2Dattribute' } },
      ],
      ['the name of the context', { name: 'by-context' }],
      ['the tag func', { tracing: { tags: { func: 'by-tag' } } }],
      ['K_SERVICE', { env: { K_SERVICE: 'by-knative' } }],
      ['the target', { target: 'by-target' }],
    ],
    ({ service }) => service,
    ['by-variable', 'by-attribute', 'by-context', 'by-tag', 'by-knative', 'by-target', undefined],
  ],
  [
    'instance',
    'skywalking',
    [
      ['SW_AGENT_INSTANCE', { env: { SW_AGENT_INSTANCE: 'by-variable' } }],
      ['the tag instance', { tracing: { tags: { instance: 'by-tag' } } }],
    ],
    ({ instance }) => instance,
    ['by-variable', 'by-tag', hostname()],
  ],
  [
    'pod',
    'skywalking',
    [
      ['POD_NAME', { env: { POD_NAME: 'by-variable' } }],
      ['Kubernetes', { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } }],
    ],
    ({ pod }) => pod,
    ['by-variable', hostname(), undefined],
  ],
  [
    'namespace',
    'opentelemetry',
    [
      ['SW_AGENT_NAMESPACE', { env: { SW_AGENT_NAMESPACE: 'by-agent' } }],
      ['POD_NAMESPACE', { env: { POD_NAMESPACE: 'by-pod' } }],
    ],
    ({ namespace }) => namespace,
    ['by-agent', 'by-pod', undefined],
  ],
  [
    'collectors of SkyWalking',
    'skywalking',
    [
      ['the variable', { env: { SW_AGENT_COLLECTOR_BACKEND_SERVICES: 'a:1, b:2' } }],
      ['the context', { tracing: { provider: { oapServer: 'c:3' } } }],
    ],
    ({ skywalking: { addresses } }) => addresses,
    [['a:1', 'b:2'], ['c:3'], ['127.0.0.1:11800']],
  ],
  [
    'endpoint',
    'opentelemetry',
    [
      ['that of traces', { env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:1/in' } }],
      ['that of all signals', { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:2/in' } }],
      ['the context', exporterOf({ endpoint: 'http://context:3/in' })],
    ],
    ({ exporter: { endpoint } }) => endpoint,
    ['http://traces:1/in', 'http://all:2/in/v1/traces', 'http://context:3/in', undefined],
  ],
  [
    'protocol',
    'opentelemetry',
    [
      ['that of traces', { env: { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' } }],
      ['that of all signals', { env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' } }],
      ['the context', exporterOf({ protocol: 'grpc' })],
    ],
    ({ exporter: { protocol } }) => protocol,
    ['grpc', 'http/json', 'grpc', 'http/protobuf'],
  ],
  [
    'compression',
    'opentelemetry',
    [
      ['that of traces', { env: { OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none' } }],
      ['that of all signals', { env: { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' } }],
      ['the context', exporterOf({ compression: 'gzip' })],
    ],
    ({ exporter: { compression } }) => compression,
    ['none', 'gzip', 'gzip', 'none'],
  ],
  [
    'timeout',
    'opentelemetry',
    [
      ['that of traces', { env: { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '1' } }],
      ['that of all signals', { env: { OTEL_EXPORTER_OTLP_TIMEOUT: '2' } }],
      ['the context', exporterOf({ timeout: '3' })],
    ],
    ({ exporter: { timeout } }) => timeout,
    [1, 2, 3, 10_000],
  ],
])('%s', (_, provider, sources, read, expected) => {
  const parts = sources.map(([, given]) => given);
  const said = [...sources.map(([source]) => source), 'the default'];

  test.each(said.map((source, index) => [source, index] as const))(
    '%s wins over what comes after it',
    (_, index) => {
      const given = { ...merged(parts.slice(index)), provider };
      expect(read(accepted(given))).toEqual(expected[index]);
    },
  );

  test('what is blank says nothing', () => {
    const blank = (value: unknown): unknown =>
      typeof value === 'string'
        ? ' '
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, blank(inner)]))
          : value;
    const given = blank(merged(parts)) as Given;
    expect(read(accepted({ ...given, provider }))).toEqual(expected.at(-1));
  });
});

test.each(['service.name=,team=shop', 'service.name=a,broken', 'service.name'])(
  'OTEL_RESOURCE_ATTRIBUTES=%s names no service',
  (text) => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: text, K_SERVICE: 'by-knative' };
    expect(accepted(opentelemetry(env)).service).toBe('by-knative');
  },
);

test('OTEL_RESOURCE_ATTRIBUTES names no service of SkyWalking', () => {
  const env = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a', K_SERVICE: 'by-knative' };
  expect(accepted(skywalking(env)).service).toBe('by-knative');
});

describe('tags and baggage', () => {
  test('are those of the context, as copies that cannot be changed', () => {
    const tags = { func: 'f', layer: 'faas' };
    const baggage = { key: 'opentelemetry' };
    const configuration = accepted(skywalking({}, { tags, baggage }));
    expect(configuration).toMatchObject({ tags, baggage });
    expect(configuration.tags).not.toBe(tags);
    expect([configuration.tags, configuration.baggage].every(Object.isFrozen)).toBe(true);
  });

  test('are empty without a context', () => {
    expect(accepted(skywalking({}))).toMatchObject({ tags: {}, baggage: {} });
  });
});

test('the configuration and its parts cannot be changed', () => {
  const configuration = accepted(skywalking({}));
  const { addresses, disabledPlugins } = configuration.skywalking;
  const parts = [configuration, configuration.skywalking, configuration.exporter];
  expect([...parts, addresses, disabledPlugins].every(Object.isFrozen)).toBe(true);
});

describe('a warning', () => {
  const SECRET = 'hunter2';

  test.each<[claim: string, given: Given]>([
    ['the token', skywalking({ SW_AGENT_AUTHENTICATION: `${SECRET}\nx` })],
    [
      'the password of an address',
      skywalking({ SW_AGENT_COLLECTOR_BACKEND_SERVICES: `http://me:${SECRET}@oap:11800` }),
    ],
    ...[
      `http://me:a,${SECRET}@oap:11800`,
      `http:/me:${SECRET}`,
      `http://oap:11800/${SECRET}`,
      `oap:11800?key=${SECRET}`,
    ].map((text): [string, Given] => [
      `what is secret in the address ${text.replace(SECRET, '…')}`,
      skywalking({ SW_AGENT_COLLECTOR_BACKEND_SERVICES: text }),
    ]),
    ...['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'].flatMap(
      (name): [string, Given][] =>
        [SECRET, `=${SECRET}`, `a b=${SECRET}`, `a=${SECRET}%0a`, `a=${SECRET}%`].map((text) => [
          `what stands in ${name}=${JSON.stringify(text).replace(SECRET, '…')}`,
          opentelemetry({ [name]: text }),
        ]),
    ),
    ['a header of the context', opentelemetry({}, { headers: `a=b,${SECRET}` })],
    ['headers of the context that are no text', opentelemetry({}, { headers: { a: SECRET } })],
    [
      'the password of an endpoint',
      opentelemetry({ OTEL_EXPORTER_OTLP_ENDPOINT: `ftp://me:${SECRET}@c` }),
    ],
    [
      'the password of an endpoint with a mistake in its scheme',
      opentelemetry({ OTEL_EXPORTER_OTLP_ENDPOINT: `http:/me:${SECRET}@c` }),
    ],
    [
      'the key of an endpoint',
      opentelemetry({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `ftp://c?key=${SECRET}` }),
    ],
    ['an endpoint of the context', opentelemetry({}, { endpoint: `ftp://c?key=${SECRET}` })],
  ])('never shows %s', (_, given) => {
    const { warnings } = parse(given);
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings.join('\n')).not.toContain(SECRET);
  });

  test('is one line, and not longer for a long value', () => {
    const { warnings } = parse(skywalking({ SW_AGENT_SECURE: `no\n${'o'.repeat(5000)}` }));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).not.toContain('\n');
    expect(warnings[0]?.length).toBeLessThan(200);
  });
});

describe('no value of any variable is thrown for', () => {
  // prettier-ignore
  const ODD = [
    '', ' ', '\0', '\n', ',', ',,', '=', '%', '%zz', '%00', '@', ':', '://', '[', ']', '"', '\\',
    'http://', 'http://[', 'https://:0', 'unix:///a', '//a@b', 'a:b@c:d', '::1', '[::1]:x',
    '-1', '0', '1e999', 'NaN', 'Infinity', '0x10', '99999999999999999999', 'true', 'null', '{}',
    '__proto__', 'constructor', 'toString', 'ä', '🙂', '\ud800', 'x'.repeat(100_000),
  ];
  const given = (env: Environment): Given[] =>
    (['skywalking', 'opentelemetry', undefined] as const).map((provider) => ({
      ...(provider === undefined ? {} : { provider }),
      env,
    }));

  test.each(VARIABLES.map(({ name }) => name))('%s', (name) => {
    for (const text of ODD) {
      for (const request of given({ [name]: text })) expect(() => parse(request)).not.toThrow();
    }
  });

  test('nor for the same in all of them', () => {
    for (const text of ODD) {
      const env = Object.fromEntries(VARIABLES.map(({ name }) => [name, text]));
      for (const request of given(env)) expect(() => parse(request)).not.toThrow();
    }
  });

  test('nor for any in the function context', () => {
    const fields = ['name', 'endpoint', 'headers', 'compression', 'timeout', 'protocol'];
    for (const text of ODD) {
      const exporter = Object.fromEntries(fields.map((field) => [field, text]));
      for (const name of [text, 'skywalking', 'opentelemetry']) {
        const provider = { name, oapServer: text, exporter };
        const tags = { func: text, instance: text };
        const tracing = { enabled: true, provider, tags, baggage: { [text]: text } };
        expect(() => parse({ name: text, tracing })).not.toThrow();
      }
    }
  });
});
