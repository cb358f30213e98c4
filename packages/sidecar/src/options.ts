// Arguments and environment as frozen options: the only place that knows their spelling.
import { parseArgs } from 'node:util';
import { SidecarError } from './errors.ts';
import { BOOLEANS, FLAGS, IGNORED_BOOLEANS, IGNORED_VALUES, type FlagName } from './flags.ts';

/** What the bin starts a sidecar from; sizes in bytes. */
export interface BinOptions {
  readonly appId: string;
  /** `undefined` when there is no app to deliver to. */
  readonly appPort: number | undefined;
  readonly appProtocol: 'http' | 'grpc';
  readonly appChannelAddress: string;
  /** `undefined` for no limit. */
  readonly appMaxConcurrency: number | undefined;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly host: string;
  /** Folders or files of resources. */
  readonly resourcesPath: readonly string[];
  /** Whether component types that are not here are played in memory. */
  readonly emulate: boolean;
  /** Times in milliseconds. */
  readonly healthCheck: {
    readonly enabled: boolean;
    readonly path: string;
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly threshold: number;
  };
  readonly maxBodySize: number;
  readonly gracefulShutdownSeconds: number;
  readonly logLevel: LogLevel;
  /** What callers of the APIs must send. */
  readonly apiToken: string | undefined;
  /** What the app expects of the sidecar. */
  readonly appApiToken: string | undefined;
  /** For the key prefix `namespace` of state stores. */
  readonly namespace: string | undefined;
  /** Flags that were given and that do nothing here, without their dashes. */
  readonly ignored: readonly string[];
}

/** How much the bin tells. */
export type LogLevel = (typeof LOG_LEVELS)[number];

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/** What the arguments ask for: to run, or only to print. */
export type Command =
  | { readonly kind: 'run'; readonly options: BinOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

/** The environment that options are read from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses arguments and environment.
 *
 * @param args Arguments without node and script.
 * @throws SidecarError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`.
 */
export function parseOptions(args: readonly string[], env: Environment): Command {
  const given = parseFlags(args);
  if (given.has('help')) return { kind: 'help' };
  if (given.has('version')) return { kind: 'version' };
  return { kind: 'run', options: toOptions(given, env) };
}

type Given = ReadonlyMap<string, readonly string[]>;

function parseFlags(args: readonly string[]): Given {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: true; short?: string }> =
    Object.fromEntries(
      [...FLAGS.map(({ flag }) => flag), ...IGNORED_VALUES].map((flag) => [
        flag,
        { type: 'string', multiple: true },
      ]),
    );
  for (const flag of BOOLEANS) options[flag] = { type: 'boolean', multiple: true };
  options['help'] = { type: 'boolean', multiple: true, short: 'h' };
  const nodeArgs = args.flatMap(toNodeStyle);
  try {
    const { values } = parseArgs({ args: nodeArgs, options, strict: true });
    const entries = Object.entries(values).map(
      ([flag, list]) => [flag, [list].flat().map(String)] as const,
    );
    return new Map(entries);
  } catch (cause) {
    const [message] = (cause as Error).message.split(/\. |\n/, 1);
    const { code } = cause as NodeJS.ErrnoException;
    const kind = code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' ? 'INVALID' : 'UNKNOWN';
    throw new SidecarError(`ERR_OPTION_${kind}`, `${message}; see --help`, { cause });
  }
}

// Go takes a flag with one dash, and a boolean with a value; Node takes neither.
function toNodeStyle(arg: string): string | string[] {
  const dashed = /^-[a-z]{2}/.test(arg) ? `-${arg}` : arg;
  const [name = '', value] = dashed.split('=', 2);
  if (value === undefined || !BOOLEANS.includes(name.slice(2))) return dashed;
  if (['true', 't', '1'].includes(value.toLowerCase())) return name;
  if (['false', 'f', '0'].includes(value.toLowerCase())) return [];
  throw invalid(name, 'true or false', value);
}

function toOptions(given: Given, env: Environment): BinOptions {
  const last = (flag: FlagName): string | undefined => {
    const text = given.get(flag)?.at(-1) ?? DEFAULTS.get(flag);
    return text === '' ? undefined : text;
  };
  const read = <T>(flag: FlagName, parse: (flag: string, text: string) => T): T | undefined => {
    const text = last(flag);
    return text === undefined ? undefined : parse(flag, text);
  };
  const need = <T>(flag: FlagName, parse: (flag: string, text: string) => T): T =>
    parse(flag, last(flag) ?? '');
  const list = (flag: FlagName): readonly string[] =>
    (given.get(flag) ?? []).flatMap((text) => text.split(',')).filter((path) => path !== '');

  const concurrency = need('app-max-concurrency', parseNumber);
  const olderSize = given.has('max-body-size')
    ? undefined
    : read('dapr-http-max-request-size', parsePositive);
  return Object.freeze({
    appId: need('app-id', (flag, text) => parseFilled(flag, text)),
    appPort: read('app-port', parsePort),
    appProtocol: need('app-protocol', parseProtocol),
    appChannelAddress: need('app-channel-address', parseFilled),
    appMaxConcurrency: concurrency > 0 ? concurrency : undefined,
    httpPort: need('dapr-http-port', parsePort),
    grpcPort: need('dapr-grpc-port', parsePort),
    host: need('dapr-listen-addresses', parseAddress),
    resourcesPath: [...list('resources-path'), ...list('components-path')],
    emulate: last('emulate') === 'true',
    healthCheck: {
      enabled: last('enable-app-health-check') === 'true',
      path: need('app-health-check-path', parsePath),
      intervalMs: need('app-health-probe-interval', parsePositive) * 1000,
      timeoutMs: need('app-health-probe-timeout', parsePositive),
      threshold: need('app-health-threshold', parsePositive),
    },
    maxBodySize:
      olderSize === undefined ? need('max-body-size', parseSize) : olderSize * 1024 * 1024,
    gracefulShutdownSeconds: need('dapr-graceful-shutdown-seconds', parseNumber),
    logLevel: need('log-level', parseLogLevel),
    apiToken: fromEnv(env, 'DAPR_API_TOKEN'),
    appApiToken: fromEnv(env, 'APP_API_TOKEN'),
    namespace: fromEnv(env, 'NAMESPACE'),
    ignored: [...IGNORED_VALUES, ...IGNORED_BOOLEANS].filter((flag) => given.has(flag)),
  });
}

const DEFAULTS: ReadonlyMap<string, string> = new Map(
  FLAGS.map((flag) => [flag.flag, 'default' in flag ? flag.default : '']),
);

function fromEnv(env: Environment, name: string): string | undefined {
  const text = env[name];
  return text === undefined || text === '' ? undefined : text;
}

function invalid(flag: string, expected: string, text: string): SidecarError {
  const name = flag.startsWith('-') ? flag : `--${flag}`;
  return new SidecarError('ERR_OPTION_INVALID', `${name} must be ${expected}, not "${text}"`);
}

function parseFilled(flag: string, text: string): string {
  if (text !== '') return text;
  throw invalid(flag, 'a name', text);
}

function parseNumber(flag: string, text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw invalid(flag, 'a whole number', text);
}

function parsePositive(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw invalid(flag, 'a whole number from 1 up', text);
}

function parsePort(flag: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  throw invalid(flag, 'a port from 0 to 65535', text);
}

function parsePath(flag: string, text: string): string {
  if (text === '') throw invalid(flag, 'a path', text);
  return text.startsWith('/') ? text : `/${text}`;
}

function parseAddress(flag: string, text: string): string {
  const addresses = text.split(',').filter((one) => one !== '');
  const [only] = addresses;
  if (only !== undefined && addresses.length === 1) return only.replace(/^\[(.*)\]$/, '$1');
  throw invalid(flag, 'one address', text);
}

function parseProtocol(flag: string, text: string): 'http' | 'grpc' {
  const name = text.toLowerCase();
  if (name === 'http' || name === 'grpc') return name;
  throw invalid(flag, 'http or grpc (for others, run daprd)', text);
}

function parseLogLevel(flag: string, text: string): LogLevel {
  const found = LOG_LEVELS.find((level) => level === text.toLowerCase());
  if (found !== undefined) return found;
  throw invalid(flag, `one of ${LOG_LEVELS.join(', ')}`, text);
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
};

function parseSize(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(k|M|G|Ki|Mi|Gi)?$/.exec(text);
  const size = match === null ? 0 : Math.floor(Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0));
  // What a buffer of Node can hold.
  if (size > 0 && size < 2 ** 32) return size;
  throw invalid(flag, 'a size below 4Gi: bytes, or a number with k, M, G, Ki, Mi or Gi', text);
}
