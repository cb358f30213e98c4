// Arguments and environment as frozen options: the only place that knows their spelling.
import { parseArgs } from 'node:util';
import { KedaError } from './errors.ts';
import { FLAGS } from './flags.ts';
import { parseCommand } from './instances/command.ts';
import { parseAddress } from './interceptor/dial.ts';
import { parseInterceptorEnvironment, type Environment } from './interceptor/environment.ts';
import { PROFILES, type InterceptorSettings, type ProfileName } from './profile.ts';

/** What the bin runs. */
export interface BinOptions {
  /** Files and folders of objects. */
  readonly paths: readonly string[];
  readonly profile: ProfileName;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  /** `undefined` for no external scaler. */
  readonly scalerPort: number | undefined;
  readonly settings: Partial<InterceptorSettings>;
  /** Commands by service; under '' the one of the only route. */
  readonly commands: ReadonlyMap<string, readonly [string, ...string[]]>;
  /** Addresses by service. */
  readonly backends: ReadonlyMap<string, readonly string[]>;
  /** `undefined` to be content with a port that accepts. */
  readonly readinessPath: string | undefined;
  readonly verbose: boolean;
  /** Variables of the add-on that are set and do nothing here. */
  readonly ignored: readonly string[];
}

/** What the arguments ask for: to run, or only to print. */
export type Command =
  | { readonly kind: 'run'; readonly options: BinOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

/**
 * Parses arguments and environment.
 *
 * @throws KedaError `OFN_KEDA_OPTION_INVALID`.
 */
export function parseOptions(args: readonly string[], env: Environment): Command {
  const { positionals, values } = parse(args);
  if (values['help'] === true) return { kind: 'help' };
  if (values['version'] === true) return { kind: 'version' };
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const list = (name: string): readonly string[] => (values[name] as string[] | undefined) ?? [];

  if (positionals.length === 0) {
    throw invalid(
      'a file or folder of objects is needed, such as httpscaledobject.yaml; see --help',
    );
  }
  const profile = PROFILES.find((name) => name === (text('profile') ?? 'current'));
  if (profile === undefined) {
    throw invalid(`--profile must be ${PROFILES.join(' or ')}, not "${text('profile')}"`);
  }
  const environment = parseInterceptorEnvironment(env, profile);
  const commands = new Map(list('run').map(parseRun));
  return {
    kind: 'run',
    options: Object.freeze({
      paths: positionals,
      profile,
      host: text('host') ?? '127.0.0.1',
      port: parsePort('port', text('port')) ?? environment.port ?? 8080,
      adminPort: parsePort('admin-port', text('admin-port')) ?? environment.adminPort ?? 9090,
      scalerPort: parsePort('scaler-port', text('scaler-port')),
      settings: environment.settings,
      commands,
      backends: new Map(list('backend').map(parseBackend)),
      readinessPath: parsePath(text('readiness-path'), commands.size > 0),
      verbose: values['verbose'] === true,
      ignored: environment.ignored,
    }),
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs> {
  const options: Record<
    string,
    { type: 'string' | 'boolean'; short?: string; multiple?: boolean }
  > = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  };
  for (const { flag, value } of FLAGS) {
    options[flag] = {
      type: value === 'boolean' ? 'boolean' : 'string',
      multiple: flag === 'run' || flag === 'backend',
    };
  }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    const [message = ''] = (cause as Error).message.split('. ', 1);
    throw invalid(`${message}; see --help`, cause);
  }
}

function parsePort(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw invalid(`--${flag} must be a port from 0 to 65535, not "${text}"`);
}

const SERVICE = /^([a-z0-9][-a-z0-9]*(?:\/[a-z0-9][-a-z0-9]*)?)=(.*)$/s;

function parseRun(text: string): [string, [string, ...string[]]] {
  const match = SERVICE.exec(text);
  if (match === null) return ['', parseCommand(text)];
  return [toService(match[1]), parseCommand(match[2] ?? '')];
}

function parseBackend(text: string): [string, readonly string[]] {
  const match = SERVICE.exec(text);
  const addresses = (match?.[2] ?? '').split(',');
  const isAddress = (address: string): boolean =>
    /^\S+:\d{1,5}$/.test(address) && parseAddress(address).port <= 65_535;
  if (match === null || !addresses.every(isAddress)) {
    throw invalid(`--backend must be service=host:port, not "${text}"`);
  }
  return [toService(match[1]), addresses];
}

function toService(name = ''): string {
  return name.includes('/') ? name : `default/${name}`;
}

function parsePath(text: string | undefined, runs: boolean): string | undefined {
  if (text === undefined) return runs ? '/readyz' : undefined;
  if (text === '') return undefined;
  if (text.startsWith('/')) return text;
  throw invalid(`--readiness-path must begin with "/", which "${text}" does not`);
}

function invalid(message: string, cause?: unknown): KedaError {
  return new KedaError('OFN_KEDA_OPTION_INVALID', message, cause === undefined ? {} : { cause });
}
