// The OTEL_EXPORTER_OTLP_* variables and the `exporter` of the function context → where and how the
// provider `opentelemetry` sends its spans.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
import type { Environment } from '@ofn/core';
import type { ExporterSettings } from '../configuration.ts';
import {
  BOOLEAN,
  LONGEST_TIMER,
  PRINTABLE,
  complaint,
  firstOf,
  oneOf,
  variable,
  wholeNumber,
  type Format,
  type Scalar,
  type Source,
  type Warn,
} from '../setting.ts';
import { PAIR, parsePairs } from './pairs.ts';

/** The `exporter` of the context, of which nothing is known; `undefined` for none. */
export type ContextExporter = Readonly<Record<string, unknown>> | undefined;

type Protocol = ExporterSettings['protocol'];

const PROTOCOL = oneOf(['grpc', 'http/protobuf', 'http/json'], { http: 'http/protobuf' });
const COMPRESSION = oneOf(['gzip', 'none']);
const NAME = oneOf(['otlp']);
const MILLISECONDS = wholeNumber(1, LONGEST_TIMER);

/**
 * Parses the settings. Of each, what the variable for traces says wins, then the one for all signals,
 * then the context. A value that cannot be used is warned of.
 */
export function parseExporterSettings(
  env: Environment,
  context: ContextExporter,
  warn: Warn,
): ExporterSettings {
  const said = (field: string): string | undefined => textOf(context, field, warn);
  const sources = <T extends Scalar>(
    setting: 'PROTOCOL' | 'COMPRESSION' | 'TIMEOUT',
    format: Format<T>,
    ofContext = format,
  ): Source<T>[] => [
    variable(env, `OTEL_EXPORTER_OTLP_TRACES_${setting}`, format),
    variable(env, `OTEL_EXPORTER_OTLP_${setting}`, format),
    {
      name: nameOf(setting.toLowerCase()),
      text: said(setting.toLowerCase()),
      format: ofContext,
    },
  ];
  // There is no other.
  firstOf([{ name: nameOf('name'), text: said('name'), format: NAME }], 'otlp', warn);
  const protocol = firstOf(sources('PROTOCOL', PROTOCOL), 'http/protobuf', warn);
  return Object.freeze({
    protocol,
    endpoint: readEndpoint(env, said('endpoint'), protocol, warn),
    headers: readHeaders(env, said('headers'), protocol, warn),
    compression: firstOf(sources('COMPRESSION', COMPRESSION), 'none', warn),
    timeout: firstOf(sources('TIMEOUT', MILLISECONDS, DURATION), 10_000, warn),
  });
}

function nameOf(field: string): string {
  return `Function context, tracing.provider.exporter.${field}`;
}

// The controller writes strings; one who writes a context by hand may write a number.
function textOf(context: ContextExporter, field: string, warn: Warn): string | undefined {
  const value = context?.[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  warn(`${nameOf(field)}: the value is not a text, and is left out`);
  return undefined;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

const DURATION: Format<number> = {
  expected: 'a number of milliseconds, or a number with ms, s, m or h, below 24 days',
  parse(text) {
    const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text.trim()) ?? [];
    const value = Math.ceil(Number(number) * (UNITS.get(unit) ?? NaN));
    return value >= 1 && value <= LONGEST_TIMER ? value : undefined;
  },
};

function readEndpoint(
  env: Environment,
  ofContext: string | undefined,
  protocol: Protocol,
  warn: Warn,
): string | undefined {
  const format = (toWhole: (url: URL) => URL, isPlain: boolean): Format<string> => ({
    expected:
      protocol === 'grpc' ? 'host:port, or a URL of http or https' : 'a URL of http or https',
    // It may hold a password.
    isSecret: true,
    parse(text) {
      const url = toUrl(text, protocol, isPlain);
      if (url === undefined) return undefined;
      if (protocol !== 'grpc') return toWhole(url).href;
      const port = url.port || (url.protocol === 'https:' ? '443' : '80');
      return `${url.protocol}//${url.hostname}:${port}`;
    },
  });
  // For gRPC alone the specification has TLS as the default.
  const isPlain =
    protocol !== 'grpc' ||
    firstOf(
      [
        variable(env, 'OTEL_EXPORTER_OTLP_TRACES_INSECURE', BOOLEAN),
        variable(env, 'OTEL_EXPORTER_OTLP_INSECURE', BOOLEAN),
      ],
      false,
      warn,
    );
  const asItStands = format((url) => url, isPlain);
  // Most often a service of the cluster, which has no certificate.
  const inContext = format((url) => (url.pathname === '/' ? addPath(url) : url), true);
  return firstOf(
    [
      variable(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', asItStands),
      variable(env, 'OTEL_EXPORTER_OTLP_ENDPOINT', format(addPath, isPlain)),
      { name: nameOf('endpoint'), text: ofContext, format: inContext },
    ],
    undefined,
    warn,
  );
}

// What may stand in place of a URL. Anything else is a URL with a mistake in it, and may hold a password.
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?<port>:\d+)?(?:\/(?!\/)[^@]*|)$/i;

/** An endpoint without a scheme is a host, with a port or on OTLP's own. */
function toUrl(text: string, protocol: Protocol, isPlain: boolean): URL | undefined {
  const trimmed = text.trim();
  if (/^https?:\/\//i.test(trimmed)) return URL.canParse(trimmed) ? new URL(trimmed) : undefined;
  const host = HOST.exec(trimmed);
  const given = `${isPlain ? 'http' : 'https'}://${trimmed}`;
  if (host === null || !URL.canParse(given)) return undefined;
  const url = new URL(given);
  if (host.groups?.['port'] === undefined) url.port = protocol === 'grpc' ? '4317' : '4318';
  return url;
}

function addPath(url: URL): URL {
  const longer = new URL(url);
  longer.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return longer;
}

function readHeaders(
  env: Environment,
  ofContext: string | undefined,
  protocol: Protocol,
  warn: Warn,
): Readonly<Record<string, string>> {
  const sources = [
    { name: nameOf('headers'), text: ofContext },
    ...(['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'] as const).map(
      (name) => ({ name, text: env[name] }),
    ),
  ];
  const headers = sources.flatMap(({ name, text = '' }) =>
    parsePairs(text).flatMap(({ position, pair }) => {
      const header = pair && toHeader(pair, protocol);
      if (header !== undefined) return [header];
      // Neither name nor value is shown: whoever forgets one of them has written a secret alone.
      warn(complaint(name, `entry ${position}`, PAIR));
      return [];
    }),
  );
  return Object.freeze(Object.fromEntries(headers));
}

const NAMES = { http: /^[!#$%&'*+.^_`|~\da-z-]+$/, grpc: /^[\da-z_.-]+$/ } as const;

function toHeader(
  [key, value]: readonly [string, string],
  protocol: Protocol,
): readonly [name: string, value: string] | undefined {
  const name = key.toLowerCase();
  const names = protocol === 'grpc' ? NAMES.grpc : NAMES.http;
  return names.test(name) && PRINTABLE.test(value) ? [name, value] : undefined;
}
