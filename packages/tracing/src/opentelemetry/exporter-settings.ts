// The OTEL_EXPORTER_OTLP_* variables and the `exporter` of the function context → where and how the
// provider `opentelemetry` sends its spans.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
import type { Environment } from '@ofn/core';
import type { ExporterSettings } from '../configuration.ts';
import {
  BOOLEAN,
  LONGEST_TIMER,
  PRINTABLE,
  firstOf,
  oneOf,
  quote,
  variable,
  wholeNumber,
  type Format,
  type Scalar,
  type Source,
  type Warn,
} from '../setting.ts';

/** The `exporter` of the context, of which nothing is known; `undefined` for none. */
export type ContextExporter = Readonly<Record<string, unknown>> | undefined;

type Protocol = ExporterSettings['protocol'];

const PROTOCOL = oneOf({
  grpc: 'grpc',
  'http/protobuf': 'http/protobuf',
  'http/json': 'http/json',
  http: 'http/protobuf',
});
const COMPRESSION = oneOf({ gzip: 'gzip', none: 'none' });
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
  const name = said('name')?.trim();
  if (name !== undefined && !/^(?:otlp)?$/i.test(name)) {
    warn(`${nameOf('name')}: ${quote(name)} is not supported, otlp is used`);
  }
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

const UNITS: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const DURATION: Format<number> = {
  expected: 'a number of milliseconds, or a number with ms, s, m or h, below 24 days',
  parse(text) {
    const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text.trim()) ?? [];
    const value = Math.ceil(Number(number) * (UNITS[unit] ?? NaN));
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

/** An endpoint without a scheme is a host, with a port or on OTLP's own. */
function toUrl(text: string, protocol: Protocol, isPlain: boolean): URL | undefined {
  const trimmed = text.trim();
  const hasScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(trimmed);
  const given = hasScheme ? trimmed : `${isPlain ? 'http' : 'https'}://${trimmed}`;
  if (!URL.canParse(given)) return undefined;
  const url = new URL(given);
  if (!/^https?:$/.test(url.protocol)) return undefined;
  const [authority = ''] = trimmed.split(/[/?#]/, 1);
  if (!hasScheme && !/:\d+$/.test(authority)) url.port = protocol === 'grpc' ? '4317' : '4318';
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
    text.split(',').flatMap((pair, index) => {
      if (pair.trim() === '') return [];
      const header = toHeader(pair, protocol);
      if (header !== undefined) return [header];
      // Neither name nor value is shown: whoever forgets one of them has written a secret alone.
      warn(`${name}: entry ${index + 1} is not name=value, percent-encoded; it is left out`);
      return [];
    }),
  );
  return Object.freeze(Object.fromEntries(headers));
}

const NAMES = { http: /^[!#$%&'*+.^_`|~\da-z-]+$/, grpc: /^[\da-z_.-]+$/ } as const;

function toHeader(pair: string, protocol: Protocol): [name: string, value: string] | undefined {
  const end = pair.indexOf('=');
  if (end === -1) return undefined;
  const name = decode(pair.slice(0, end))?.toLowerCase();
  const value = decode(pair.slice(end + 1));
  const names = protocol === 'grpc' ? NAMES.grpc : NAMES.http;
  if (name === undefined || value === undefined || !names.test(name)) return undefined;
  return PRINTABLE.test(value) ? [name, value] : undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}
