// Arguments and environment as frozen Options: the only place that knows their spelling.
import { parseArgs } from 'node:util';
import { OfnError } from './errors.ts';
import { parseSidecarAddress, type SidecarAddress } from './outgoing/sidecar-address.ts';
import { parseFunctionContext, type FunctionContext } from './function/context.ts';
import {
  ADD_ONS,
  outlasting,
  parseInterceptorTimes,
  type AddOn,
  type KedaAdapter,
} from './keda/adapter.ts';
import { SIGNATURE_TYPES, type SignatureType } from './function/signature.ts';
import { TRACING_PROVIDERS, type TracingProvider } from './invocation/trace.ts';
import { LOG_LEVELS, type LogLevel } from './logger.ts';

/** What a runtime is made from; sizes in bytes, times in milliseconds. */
export interface Options {
  readonly port: number;
  /** Address to listen on; `undefined` for all. */
  readonly host: string | undefined;
  /** Function to serve; `undefined` for all that are registered. */
  readonly target: string | undefined;
  readonly signatureType: SignatureType;
  /** Folder or file of the functions. */
  readonly source: string;
  readonly context: FunctionContext | undefined;
  readonly timeout: number;
  readonly bodyLimit: number;
  readonly maxConcurrency: number;
  readonly drainDelay: number;
  readonly drainTimeout: number;
  /** Port of probes and metrics; `undefined` for none. */
  readonly adminPort: number | undefined;
  /** `undefined` for the default: on when there are Dapr inputs. */
  readonly healthRoutes: boolean | undefined;
  /** Paths answered 404; `undefined` for the default of the signature. */
  readonly ignoredRoutes: readonly string[] | undefined;
  readonly logLevel: LogLevel;
  readonly keepAliveTimeout: number;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly maxHeaderSize: number;
  readonly maxHeaders: number;
  /** How a Dapr sidecar delivers events. */
  readonly appProtocol: AppProtocol;
  /** What a Dapr sidecar must send as `dapr-api-token`; `undefined` for nothing. */
  readonly appApiToken: string | undefined;
  /** Where the Dapr sidecar is. */
  readonly sidecar: SidecarAddress;
  /** Milliseconds that a call of the Dapr sidecar may take. */
  readonly daprTimeout: number;
  /** `undefined` when nothing asks for tracing, or it is off. */
  readonly tracing: TracingWish | undefined;
  /** Whether what is sent goes in the envelope of OpenFunction's Go functions. */
  readonly traceEnvelope: boolean;
  /** What stands in front of the functions, for KEDA's http-add-on; `undefined` without it. */
  readonly keda: KedaAdapter | undefined;
  /** How many proxies in front are believed about the caller; `undefined` for all. */
  readonly trustedHops: number | undefined;
  /** What is stripped from paths before a function is looked for; `undefined` for nothing. */
  readonly pathPrefix: string | undefined;
  /** Namespace of the pod; `undefined` outside of Kubernetes. */
  readonly namespace: string | undefined;
  /** Readable logs, and messages of user errors in replies. */
  readonly development: boolean;
}

/** That tracing is wanted, and by which setting. */
interface TracingWish {
  /** The provider that `--tracing` names; `undefined` when environment and context decide. */
  readonly provider: TracingProvider | undefined;
  /** What asks for it, such as `SW_AGENT_COLLECTOR_BACKEND_SERVICES`. */
  readonly setting: string;
}

/** Protocols by which a Dapr sidecar delivers events. */
const APP_PROTOCOLS = ['http', 'grpc'] as const;
export type AppProtocol = (typeof APP_PROTOCOLS)[number];

/** One option as people write it. The help text and the reference are made from this table. */
export interface OptionSpec {
  readonly flag: string;
  readonly env: readonly string[];
  readonly value: string;
  readonly default: string;
  readonly description: string;
}

const spec = (
  flag: string,
  env: string | readonly string[],
  value: string,
  fallback: string,
  description: string,
): OptionSpec => ({
  flag,
  env: typeof env === 'string' ? [env] : env,
  value,
  default: fallback,
  description,
});

/** Every option, in the order of the help text. */
export const OPTION_TABLE = [
  spec(
    'target',
    'FUNCTION_TARGET',
    'name',
    'all registered functions, else `function`',
    'Function to serve; `a.b` reaches into an exported object',
  ),
  spec(
    'source',
    'FUNCTION_SOURCE',
    'path',
    'the working directory',
    'Folder or file that holds the functions',
  ),
  spec(
    'signature-type',
    'FUNCTION_SIGNATURE_TYPE',
    'type',
    'http; for async functions openfunction',
    'http, cloudevent, openfunction or event; a registered function knows its own',
  ),
  spec(
    'port',
    'PORT',
    'number',
    "the function context's port, else 8080",
    'Port to listen on; 0 picks a free one',
  ),
  spec('host', 'FUNCTION_HOST', 'address', 'all addresses', 'Address to listen on'),
  spec(
    'context',
    'FUNC_CONTEXT',
    'json',
    'none',
    'Function context; FUNC_CONTEXT_V1BETA2 is read and merged too',
  ),
  spec(
    'timeout',
    ['FUNCTION_TIMEOUT', 'CLOUD_RUN_TIMEOUT_SECONDS'],
    'duration',
    '0 (none)',
    'Time a call may take before it is answered 504 and its signal aborts',
  ),
  spec(
    'body-limit',
    'FUNCTION_BODY_LIMIT',
    'size',
    '32MiB',
    'Largest body that is read, after decompression; larger ones are answered 413',
  ),
  spec(
    'max-concurrency',
    'FUNCTION_MAX_CONCURRENCY',
    'number',
    '0 (none)',
    'Calls in flight beyond which new ones are answered 503',
  ),
  spec(
    'drain-delay',
    'FUNCTION_DRAIN_DELAY',
    'duration',
    '5s in Kubernetes, else 0',
    'Time after SIGTERM during which new calls are still served',
  ),
  spec(
    'drain-timeout',
    'FUNCTION_DRAIN_TIMEOUT',
    'duration',
    '10s',
    'Time calls in flight get to finish after the drain delay',
  ),
  spec(
    'admin-port',
    'FUNCTION_ADMIN_PORT',
    'number',
    'none',
    'Port for /healthz, /readyz and /metrics, and behind KEDA /queue',
  ),
  spec(
    'health-routes',
    'FUNCTION_HEALTH_ROUTES',
    'boolean',
    'on behind KEDA and for async functions, else off',
    'Serve /healthz and /readyz on the main port too',
  ),
  spec(
    'ignored-routes',
    'IGNORED_ROUTES',
    'paths',
    '/favicon.ico,/robots.txt for http',
    'Paths answered 404 without calling a function, separated by commas',
  ),
  spec(
    'log-level',
    'FUNCTION_LOG_LEVEL',
    'level',
    'info',
    'trace, debug, info, warn, error, fatal or silent',
  ),
  spec(
    'app-protocol',
    'APP_PROTOCOL',
    'protocol',
    'http',
    'Protocol by which a Dapr sidecar delivers events: http or grpc',
  ),
  spec(
    'dapr-timeout',
    'FUNCTION_DAPR_TIMEOUT',
    'duration',
    '10s',
    'Time that a call of the Dapr sidecar may take: sending, state, and all of ctx.dapr',
  ),
  spec(
    'tracing',
    'FUNCTION_TRACING',
    'provider',
    'what the environment and the function context say',
    'skywalking, opentelemetry or off; needs the package @ofn/tracing',
  ),
  spec(
    'trace-envelope',
    'FUNCTION_TRACE_ENVELOPE',
    'boolean',
    'off',
    "Send to topics and queues in the envelope of OpenFunction's Go functions, which carries the trace",
  ),
  spec(
    'keep-alive-timeout',
    'FUNCTION_KEEP_ALIVE_TIMEOUT',
    'duration',
    '95s',
    'Time an idle connection is kept',
  ),
  spec(
    'headers-timeout',
    'FUNCTION_HEADERS_TIMEOUT',
    'duration',
    '20s',
    'Time within which all headers must arrive',
  ),
  spec(
    'request-timeout',
    'FUNCTION_REQUEST_TIMEOUT',
    'duration',
    '300s',
    'Time within which the whole request must arrive; 0 for no limit',
  ),
  spec(
    'max-header-size',
    'FUNCTION_MAX_HEADER_SIZE',
    'size',
    '16KiB',
    'Largest size of all headers together',
  ),
  spec('max-headers', 'FUNCTION_MAX_HEADERS', 'number', '200', 'Largest number of headers'),
  spec(
    'trusted-hops',
    'FUNCTION_TRUSTED_HOPS',
    'number',
    'all',
    'Proxies in front whose X-Forwarded headers are believed, as the number in trust proxy of Express; 0 for none',
  ),
  spec(
    'path-prefix',
    'FUNCTION_PATH_PREFIX',
    'path',
    'none',
    'Stripped from paths that begin with it, before a function is looked for',
  ),
  spec(
    'keda',
    'FUNCTION_KEDA',
    'boolean',
    'on when the function context says engine keda, else off',
    "Whether KEDA's http-add-on is in front",
  ),
  spec(
    'keda-add-on',
    'FUNCTION_KEDA_ADD_ON',
    'version',
    '0.5 when the function context says engine keda, else current',
    'Version of the add-on: 0.5, or current for 0.14 and later',
  ),
  spec(
    'early-headers',
    'FUNCTION_EARLY_HEADERS',
    'boolean',
    'off',
    'Behind KEDA, send the headers of a slow call before the interceptor gives up on it',
  ),
] as const satisfies readonly OptionSpec[];

/** What the arguments ask for: to serve, or only to print. */
export type Command =
  | { readonly kind: 'serve'; readonly options: Options }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

/** The environment that options are read from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses arguments and environment. A flag wins over its variable; an empty variable is not set.
 *
 * @param args Arguments without node and script.
 * @throws OfnError `OFN_OPTION_UNKNOWN`, `OFN_OPTION_INVALID`, `OFN_CONTEXT_MALFORMED`.
 */
export function parseOptions(
  args: readonly string[],
  env: Environment,
  isTerminal = false,
): Command {
  const flags = parseFlags(args);
  if (flags['help'] === true) return { kind: 'help' };
  if (flags['version'] === true) return { kind: 'version' };
  return { kind: 'serve', options: toOptions(flags, env, isTerminal) };
}

type Flags = Readonly<Record<string, string | boolean | undefined>>;

function parseFlags(args: readonly string[]): Flags {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
  };
  for (const { flag, value } of OPTION_TABLE) {
    options[flag] = { type: value === 'boolean' ? 'boolean' : 'string' };
  }
  try {
    const config = { args: [...args], options, strict: true, allowNegative: true };
    return parseArgs(config).values;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const hint = 'see --help';
    if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') {
      throw new OfnError('OFN_OPTION_INVALID', `${message.split('\n', 1)[0]}; ${hint}`, { cause });
    }
    throw new OfnError('OFN_OPTION_UNKNOWN', `${message.split('. ', 1)[0] ?? message}; ${hint}`, {
      cause,
    });
  }
}

type Flag = (typeof OPTION_TABLE)[number]['flag'];

/** An option as given, with the name it was given under. */
interface Given {
  readonly name: string;
  readonly text: string;
}

function toOptions(flags: Flags, env: Environment, isTerminal: boolean): Options {
  const given = (flag: Flag): Given | undefined => {
    const value = flags[flag];
    if (value !== undefined) return { name: `--${flag}`, text: String(value) };
    const names = OPTION_TABLE.find((entry) => entry.flag === flag)?.env ?? [];
    for (const name of names) {
      const text = env[name];
      if (text !== undefined && text.trim() !== '') return { name, text };
    }
    return undefined;
  };
  const read = <T, F>(flag: Flag, parse: (given: Given) => T, fallback: F): T | F => {
    const found = given(flag);
    return found === undefined ? fallback : parse(found);
  };

  const older = given('context');
  const context = parseFunctionContext(older?.text, env['FUNC_CONTEXT_V1BETA2'], older?.name);
  const keda = parseKeda(read, context, env);
  const mode = env['NODE_ENV'] ?? '';
  return Object.freeze({
    context,
    port: read('port', parsePort, context?.port ?? 8080),
    host: read('host', ({ text }) => text, undefined),
    target: read('target', ({ text }) => text, undefined),
    // OpenFunction's async runtime takes every handler for one of its own.
    signatureType: read(
      'signature-type',
      parseSignatureType,
      context?.runtime === 'async' ? 'openfunction' : 'http',
    ),
    source: read('source', ({ text }) => text, '.'),
    timeout: read('timeout', parseDuration, 0),
    bodyLimit: read('body-limit', parseSize, 32 * 1024 * 1024),
    maxConcurrency: read('max-concurrency', parseCount, 0),
    drainDelay: read('drain-delay', parseDuration, env['KUBERNETES_SERVICE_HOST'] ? 5000 : 0),
    drainTimeout: read('drain-timeout', parseDuration, 10_000),
    adminPort: read('admin-port', parsePort, undefined),
    healthRoutes: read(
      'health-routes',
      parseBoolean,
      keda !== undefined || context?.runtime === 'async' ? true : undefined,
    ),
    ignoredRoutes:
      (flags['ignored-routes'] ?? env['IGNORED_ROUTES']) === ''
        ? []
        : read('ignored-routes', parsePaths, undefined),
    logLevel: read('log-level', parseLogLevel, 'info'),
    keepAliveTimeout: read(
      'keep-alive-timeout',
      parseDuration,
      outlasting(keda?.interceptor.idle) ?? 95_000,
    ),
    headersTimeout: read('headers-timeout', parseDuration, 20_000),
    requestTimeout: read(
      'request-timeout',
      parseDuration,
      outlasting(keda?.interceptor.request) ?? 300_000,
    ),
    maxHeaderSize: read('max-header-size', parseSize, 16 * 1024),
    maxHeaders: read('max-headers', parsePositive, 200),
    appProtocol: read('app-protocol', parseAppProtocol, 'http'),
    appApiToken: env['APP_API_TOKEN'] || undefined,
    sidecar: parseSidecarAddress(env),
    daprTimeout: read('dapr-timeout', parseDuration, 10_000),
    tracing: toTracingWish(read('tracing', parseTracing, undefined), context, env),
    traceEnvelope: read('trace-envelope', parseBoolean, false),
    keda,
    trustedHops: read('trusted-hops', parseCount, undefined),
    pathPrefix: read('path-prefix', parsePrefix, undefined),
    namespace: env['POD_NAMESPACE'] || undefined,
    development: mode === 'development' || (mode === '' && isTerminal),
  });
}

/** Reads one option by its flag or a variable of it. */
type Read = <T, F>(flag: Flag, parse: (given: Given) => T, fallback: F) => T | F;

function parseKeda(
  read: Read,
  context: FunctionContext | undefined,
  env: Environment,
): KedaAdapter | undefined {
  const isEngine = context?.engine === 'keda';
  // All are read, so that one which is malformed is told of whether or not it has an effect.
  const isOn = read('keda', parseBoolean, isEngine);
  const addOn = read('keda-add-on', parseAddOn, isEngine ? '0.5' : 'current');
  const earlyHeaders = read('early-headers', parseBoolean, false);
  if (!isOn) return undefined;
  return Object.freeze({ addOn, earlyHeaders, interceptor: parseInterceptorTimes(env, addOn) });
}

function invalid({ name, text }: Given, expected: string): OfnError {
  return new OfnError('OFN_OPTION_INVALID', `${name} must be ${expected}, not "${text}"`);
}

function parseCount(given: Given): number {
  const value = Number(given.text);
  if (/^\d+$/.test(given.text) && Number.isSafeInteger(value)) return value;
  throw invalid(given, 'a whole number from 0 up');
}

function parsePositive(given: Given): number {
  const value = /^\d+$/.test(given.text) ? Number(given.text) : 0;
  if (value > 0 && Number.isSafeInteger(value)) return value;
  throw invalid(given, 'a whole number from 1 up');
}

function parsePort(given: Given): number {
  if (/^\d{1,5}$/.test(given.text) && Number(given.text) <= 65535) return Number(given.text);
  throw invalid(given, 'a port from 0 to 65535');
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
// What a Node timer can wait for.
const LONGEST = 2 ** 31 - 1;

function parseDuration(given: Given): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(given.text.trim());
  const value = match === null ? NaN : Number(match[1]) * (UNITS[match[2] ?? ''] ?? NaN);
  if (value <= LONGEST) return Math.ceil(value);
  throw invalid(given, 'a duration below 24 days: seconds, or a number with ms, s, m or h');
}

const SIZES: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3 };

function parseSize(given: Given): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(given.text.trim());
  const power = SIZES[match?.[2]?.toLowerCase() ?? ''] ?? NaN;
  const value = match === null ? NaN : Math.floor(Number(match[1]) * 1024 ** power);
  if (value > 0 && Number.isSafeInteger(value)) return value;
  throw invalid(given, 'a size: bytes, or a number with KiB, MiB or GiB');
}

function parseBoolean(given: Given): boolean {
  const text = given.text.toLowerCase();
  if (['true', '1', 'on', 'yes'].includes(text)) return true;
  if (['false', '0', 'off', 'no'].includes(text)) return false;
  throw invalid(given, 'true or false');
}

function parseSignatureType(given: Given): SignatureType {
  const found = SIGNATURE_TYPES.find((type) => type === given.text.toLowerCase());
  if (found !== undefined) return found;
  throw invalid(given, `one of ${SIGNATURE_TYPES.join(', ')}`);
}

function parseAppProtocol(given: Given): AppProtocol {
  const found = APP_PROTOCOLS.find((protocol) => protocol === given.text.toLowerCase());
  if (found !== undefined) return found;
  throw invalid(given, 'http or grpc');
}

function parseAddOn(given: Given): AddOn {
  const found = ADD_ONS.find((version) => version === given.text.trim().toLowerCase());
  if (found !== undefined) return found;
  throw invalid(given, ADD_ONS.join(' or '));
}

function parsePrefix(given: Given): string {
  const path = given.text.trim().replace(/\/$/, '');
  if (/^\/[^?#]*[^/?#]$/.test(path)) return path;
  throw invalid(given, 'a path that begins with "/" and names something, such as /shop');
}

function parseTracing(given: Given): TracingWish | 'off' {
  const name = given.text.trim().toLowerCase();
  if (name === 'off') return 'off';
  const provider = TRACING_PROVIDERS.find((known) => known === name);
  if (provider !== undefined) return { provider, setting: given.name };
  throw invalid(given, `one of ${TRACING_PROVIDERS.join(', ')}, off`);
}

// Each of these is what its agent or SDK takes for being wanted.
const TRACING_VARIABLES = [
  'SW_AGENT_COLLECTOR_BACKEND_SERVICES',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
];

function toTracingWish(
  option: TracingWish | 'off' | undefined,
  context: FunctionContext | undefined,
  env: Environment,
): TracingWish | undefined {
  if (option === 'off') return undefined;
  if (option !== undefined) return option;
  const variable = TRACING_VARIABLES.find((name) => (env[name] ?? '').trim() !== '');
  if (variable !== undefined) return { provider: undefined, setting: variable };
  if (context?.tracing?.enabled !== true) return undefined;
  return { provider: undefined, setting: 'the function context' };
}

function parseLogLevel(given: Given): LogLevel {
  const found = LOG_LEVELS.find((level) => level === given.text.toLowerCase());
  if (found !== undefined) return found;
  throw invalid(given, `one of ${LOG_LEVELS.join(', ')}`);
}

function parsePaths(given: Given): readonly string[] {
  const paths = given.text
    .split(/[,|]/)
    .map((path) => path.trim())
    .filter((path) => path !== '');
  if (paths.every((path) => path.startsWith('/'))) {
    return Object.freeze(paths.map((path) => (path.length > 1 ? path.replace(/\/$/, '') : path)));
  }
  throw invalid(given, 'a list of paths that begin with "/"');
}

/** The text of `--help`. */
export function renderHelp(): string {
  const rows = OPTION_TABLE.map(({ flag, value, env, default: fallback, description }) => [
    value === 'boolean' ? `--[no-]${flag}` : `--${flag} <${value}>`,
    `${description}\n  [${env.join(', ')}] default: ${fallback}`,
  ]);
  rows.push(['-h, --help', 'Print this help'], ['-v, --version', 'Print the version']);
  const width = Math.max(...rows.map(([left]) => left?.length ?? 0)) + 4;
  const lines = rows.map(([left = '', right = '']) => {
    const indented = right.replaceAll('\n', `\n${' '.repeat(width)}`);
    return `  ${left.padEnd(width - 2)}${indented}`;
  });
  return [
    'Serves functions: requests over HTTP, and events that a Dapr sidecar delivers.',
    '',
    'Usage: functions-framework [options]',
    '  functions-framework --target hello --port 8080',
    '',
    'Options, with the variables that set them too:',
    ...lines,
    '',
    'Durations are seconds, or numbers with ms, s, m or h. Sizes are bytes, or numbers with KiB, MiB, GiB.',
    '',
  ].join('\n');
}
