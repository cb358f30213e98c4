// The OTEL_EXPORTER_OTLP_* variables and the exporter of the function context, one by one.
import { describe, expect, test } from 'vitest';
import type { Environment, ExporterSettings } from '../configuration.ts';
import { accepted, opentelemetry, parse, skywalking } from '../configuration.fixture.ts';

describe('the exporter', () => {
  const DEFAULTS: ExporterSettings = {
    protocol: 'http/protobuf',
    endpoint: undefined,
    headers: {},
    compression: 'none',
    timeout: 10_000,
  };

  test.each<[claim: string, exporter: Record<string, unknown> | undefined]>([
    ['there is none', undefined],
    ['it is empty', {}],
    ['its fields are empty', { name: '', endpoint: '', headers: '', compression: '', timeout: '' }],
    ['its fields are null', { name: null, endpoint: null, headers: null, timeout: null }],
  ])('has the defaults of OTLP when %s', (_, exporter) => {
    expect(accepted(opentelemetry({}, exporter)).exporter).toEqual(DEFAULTS);
  });

  test.each<[field: string, value: unknown, expected: Partial<ExporterSettings>]>([
    ['name', 'OTLP', {}],
    ['protocol', 'GRPC', { protocol: 'grpc' }],
    ['protocol', 'Http/Json', { protocol: 'http/json' }],
    ['protocol', 'http', { protocol: 'http/protobuf' }],
    ['compression', 'GZIP', { compression: 'gzip' }],
    ['timeout', '2500', { timeout: 2500 }],
    ['timeout', 2500, { timeout: 2500 }],
    ['timeout', '250ms', { timeout: 250 }],
    ['timeout', '1.5s', { timeout: 1500 }],
    ['timeout', '2m', { timeout: 120_000 }],
    ['timeout', '1h', { timeout: 3_600_000 }],
    ['headers', 'Api-Key=a%20b, team = shop', { headers: { 'api-key': 'a b', team: 'shop' } }],
    ['headers', 'authorization=Basic YQ==', { headers: { authorization: 'Basic YQ==' } }],
    ['headers', 'empty=,', { headers: { empty: '' } }],
  ])('takes %s %j of the context', (field, value, expected) => {
    const { exporter } = accepted(opentelemetry({}, { [field]: value }));
    expect(exporter).toEqual({ ...DEFAULTS, ...expected });
  });

  const protocols = 'is not one of grpc, http/protobuf, http/json';
  const compressions = 'is not one of gzip, none';
  const durations =
    'is not a number of milliseconds, or a number with ms, s, m or h, below 24 days';
  test.each<[field: string, value: unknown, expected: string]>([
    ['name', 'jaeger', '"jaeger" is not one of otlp, otlp is used'],
    ['name', 'constructor', '"constructor" is not one of otlp, otlp is used'],
    ['protocol', 'udp', `"udp" ${protocols}, http/protobuf is used`],
    ['compression', 'br', `"br" ${compressions}, none is used`],
    ['timeout', 'soon', `"soon" ${durations}, 10000 is used`],
    ['timeout', '0', `"0" ${durations}, 10000 is used`],
    ['timeout', '25d', `"25d" ${durations}, 10000 is used`],
    ['timeout', '600h', `"600h" ${durations}, 10000 is used`],
    ['timeout', {}, 'the value is not a text, and is left out'],
    ['headers', ['a=b'], 'the value is not a text, and is left out'],
    ['endpoint', 'ftp://c', 'the value is not a URL of http or https, and is left out'],
    ['endpoint', true, 'the value is not a text, and is left out'],
  ])('has its default for %s %j of the context, with a warning', (field, value, expected) => {
    const { configuration, warnings } = parse(opentelemetry({}, { [field]: value }));
    expect(warnings).toEqual([`Function context, tracing.provider.exporter.${field}: ${expected}`]);
    expect(configuration?.exporter).toEqual(DEFAULTS);
  });

  test.each<[name: string, text: string, expected: string]>([
    ['PROTOCOL', 'udp', `"udp" ${protocols}, http/protobuf is used`],
    ['PROTOCOL', 'constructor', `"constructor" ${protocols}, http/protobuf is used`],
    ['COMPRESSION', '__proto__', `"__proto__" ${compressions}, none is used`],
    ['COMPRESSION', 'br', `"br" ${compressions}, none is used`],
    ['TIMEOUT', '10s', '"10s" is not a whole number from 1 to 2147483647, 10000 is used'],
    ['TIMEOUT', '0', '"0" is not a whole number from 1 to 2147483647, 10000 is used'],
    ['ENDPOINT', 'http://', 'the value is not a URL of http or https, and is left out'],
    ['HEADERS', 'a', 'entry 1 is not key=value, percent-encoded, and is left out'],
  ])('has its default for OTEL_EXPORTER_OTLP_%s=%j, with a warning', (name, text, expected) => {
    for (const prefix of ['OTEL_EXPORTER_OTLP_', 'OTEL_EXPORTER_OTLP_TRACES_']) {
      const { configuration, warnings } = parse(opentelemetry({ [`${prefix}${name}`]: text }));
      expect(warnings).toEqual([`${prefix}${name}: ${expected}`]);
      expect(configuration?.exporter).toEqual(DEFAULTS);
    }
  });

  test('has the next source for a value that cannot be used, and the warning says which value', () => {
    const { configuration, warnings } = parse(
      opentelemetry(
        { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: 'a', OTEL_EXPORTER_OTLP_TIMEOUT: 'b' },
        { timeout: '5s' },
      ),
    );
    expect(configuration?.exporter.timeout).toBe(5000);
    const used = 'is not a whole number from 1 to 2147483647, 5000 is used';
    expect(warnings).toEqual([
      `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "a" ${used}`,
      `OTEL_EXPORTER_OTLP_TIMEOUT: "b" ${used}`,
    ]);
  });

  const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  const BASE = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  test.each<[protocol: string, source: string, text: string, expected: string]>([
    ['http/protobuf', BASE, 'http://c:4318', 'http://c:4318/v1/traces'],
    ['http/json', BASE, 'http://c:4318/', 'http://c:4318/v1/traces'],
    ['http/protobuf', BASE, 'https://c/otlp', 'https://c/otlp/v1/traces'],
    ['http/protobuf', BASE, 'https://c/otlp/?key=1', 'https://c/otlp/v1/traces?key=1'],
    ['http/protobuf', BASE, 'c:4318', 'http://c:4318/v1/traces'],
    ['http/protobuf', TRACES, 'http://c:4318', 'http://c:4318/'],
    ['http/protobuf', TRACES, 'http://c:4318/in', 'http://c:4318/in'],
    ['http/protobuf', 'context', 'http://c:4318', 'http://c:4318/v1/traces'],
    ['http/protobuf', 'context', 'http://c:4318/', 'http://c:4318/v1/traces'],
    ['http/protobuf', 'context', 'http://c:4318/in', 'http://c:4318/in'],
    ['http/protobuf', 'context', 'c', 'http://c:4318/v1/traces'],
    ['http/protobuf', 'context', 'c:80', 'http://c/v1/traces'],
    ['http/protobuf', 'context', 'c/in', 'http://c:4318/in'],
    ['http/protobuf', 'context', '[::1]', 'http://[::1]:4318/v1/traces'],
    ['http/protobuf', 'context', ' HTTPS://c ', 'https://c/v1/traces'],
    ['grpc', BASE, 'http://c:4317', 'http://c:4317'],
    ['grpc', BASE, 'https://c', 'https://c:443'],
    ['grpc', BASE, 'http://c', 'http://c:80'],
    ['grpc', BASE, 'c:4317', 'https://c:4317'],
    ['grpc', TRACES, 'c:4317', 'https://c:4317'],
    ['grpc', 'context', 'c:4317', 'http://c:4317'],
    ['grpc', 'context', 'c', 'http://c:4317'],
    ['grpc', 'context', 'https://c:4317/path', 'https://c:4317'],
  ])('over %s sends to the endpoint of %s, %j, as %s', (protocol, source, text, expected) => {
    const given =
      source === 'context'
        ? opentelemetry({}, { protocol, endpoint: text })
        : opentelemetry({ [source]: text, OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    expect(accepted(given).exporter.endpoint).toBe(expected);
  });

  const SECRET = 'hunter2';
  test.each([
    `http:/me:${SECRET}@c`,
    `http:me:${SECRET}@c`,
    `https//me:${SECRET}@c:4318`,
    `ht!tp://me:${SECRET}@c`,
    `://me:${SECRET}@c`,
    `me:${SECRET}@c`,
    `c:4318/${SECRET}@in`,
    `https//c/${SECRET}`,
    `c:${SECRET}`,
    `c?key=${SECRET}`,
    `c c/${SECRET}`,
  ])('takes nothing but a host in place of a URL, and shows nothing of %j', (text) => {
    for (const protocol of ['grpc', 'http/protobuf']) {
      for (const source of [TRACES, BASE]) {
        const env = { [source]: text, OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
        const { configuration, warnings } = parse(opentelemetry(env));
        expect(configuration?.exporter.endpoint).toBeUndefined();
        expect(warnings).toEqual([
          expect.stringMatching(`^${source}: the value is not .*left out$`),
        ]);
        expect(warnings.join()).not.toContain(SECRET);
      }
      const { configuration, warnings } = parse(opentelemetry({}, { protocol, endpoint: text }));
      expect(configuration?.exporter.endpoint).toBeUndefined();
      expect(warnings).toEqual([expect.not.stringContaining(SECRET)]);
    }
  });

  test.each<[env: Environment, expected: string]>([
    [{ OTEL_EXPORTER_OTLP_INSECURE: 'true' }, 'http://c:4317'],
    [{ OTEL_EXPORTER_OTLP_INSECURE: 'false' }, 'https://c:4317'],
    [
      { OTEL_EXPORTER_OTLP_INSECURE: 'true', OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'False' },
      'https://c:4317',
    ],
    [{ OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'TRUE' }, 'http://c:4317'],
  ])('over grpc takes an endpoint without a scheme by %j', (env, expected) => {
    const given = { [BASE]: 'c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', ...env };
    expect(accepted(opentelemetry(given)).exporter.endpoint).toBe(expected);
  });

  test('says once that OTEL_EXPORTER_OTLP_INSECURE is no boolean', () => {
    const { warnings } = parse(
      opentelemetry({ OTEL_EXPORTER_OTLP_INSECURE: '1', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
    );
    expect(warnings).toEqual([
      'OTEL_EXPORTER_OTLP_INSECURE: "1" is not true or false, false is used',
    ]);
  });

  test('has the headers of all sources, of which those for traces win by name in any letter case', () => {
    const { exporter } = accepted(
      opentelemetry(
        {
          OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'X-A=traces',
          OTEL_EXPORTER_OTLP_HEADERS: 'x-a=all,x-b=all',
        },
        { headers: 'x-a=context,x-b=context,X-C=context' },
      ),
    );
    expect(exporter.headers).toEqual({ 'x-a': 'traces', 'x-b': 'all', 'x-c': 'context' });
  });

  test('keeps a header that is named as a member of objects', () => {
    const { exporter } = accepted(opentelemetry({ OTEL_EXPORTER_OTLP_HEADERS: '__proto__=x' }));
    expect(Object.entries(exporter.headers)).toEqual([['__proto__', 'x']]);
  });

  test.each(['=v', 'a b=c', 'a=%0a', 'a=%', 'a=%C3%A4', '%=v'])(
    'leaves out the header %j, which cannot be sent',
    (pair) => {
      const env = { OTEL_EXPORTER_OTLP_HEADERS: `first=1,${pair},third=3` };
      const { configuration, warnings } = parse(opentelemetry(env));
      expect(configuration?.exporter.headers).toEqual({ first: '1', third: '3' });
      expect(warnings).toEqual([
        'OTEL_EXPORTER_OTLP_HEADERS: entry 2 is not key=value, percent-encoded, and is left out',
      ]);
    },
  );

  test.each(['a!=v', '*=v'])('over grpc leaves out the header %j too', (pair) => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: pair, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    const { configuration, warnings } = parse(opentelemetry(env));
    expect(configuration?.exporter.headers).toEqual({});
    expect(warnings).toHaveLength(1);
  });

  test('is not complained of when SkyWalking is chosen', () => {
    const given = skywalking(
      { OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' },
      { provider: { exporter: { timeout: 'soon' } } },
    );
    expect(parse(given).warnings).toEqual([]);
  });
});
