// The variables of the add-on's interceptor as settings: the only place that knows their spelling.
import { KedaError } from '../errors.ts';
import { parseGoDuration } from '../go-duration.ts';
import type { InterceptorSettings, ProfileName } from '../profile.ts';

/** The environment that settings are read from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says: settings, and the ports where they are given. */
export interface InterceptorEnvironment {
  readonly settings: Partial<InterceptorSettings>;
  readonly port: number | undefined;
  readonly adminPort: number | undefined;
  /** Variables that are set and do nothing here. */
  readonly ignored: readonly string[];
}

interface Variable {
  readonly name: string;
  readonly setting: keyof InterceptorSettings;
  readonly kind: 'duration' | 'count' | 'boolean';
  /** Versions that read it. */
  readonly profiles: readonly ProfileName[];
}

const BOTH: readonly ProfileName[] = ['v0.5', 'current'];

/** Variables that change something here; where two set the same, the one that stands later wins. */
export const VARIABLES: readonly Variable[] = [
  variable('KEDA_HTTP_CONNECT_TIMEOUT', 'connectTimeout', 'duration', BOTH),
  variable('KEDA_HTTP_RESPONSE_HEADER_TIMEOUT', 'responseHeaderTimeout', 'duration', ['current']),
  variable('KEDA_RESPONSE_HEADER_TIMEOUT', 'responseHeaderTimeout', 'duration', BOTH),
  variable('KEDA_HTTP_READINESS_TIMEOUT', 'readinessTimeout', 'duration', ['current']),
  variable('KEDA_CONDITION_WAIT_TIMEOUT', 'readinessTimeout', 'duration', BOTH),
  variable('KEDA_HTTP_REQUEST_TIMEOUT', 'requestTimeout', 'duration', ['current']),
  variable('KEDA_HTTP_IDLE_CONN_TIMEOUT', 'idleConnTimeout', 'duration', ['v0.5']),
  variable('KEDA_HTTP_MAX_IDLE_CONNS', 'maxIdleConns', 'count', BOTH),
  variable('KEDA_HTTP_MAX_IDLE_CONNS_PER_HOST', 'maxIdleConnsPerHost', 'count', ['current']),
  variable('KEDA_HTTP_ENABLE_COLD_START_HEADER', 'coldStartHeader', 'boolean', ['current']),
  variable('KEDA_HTTP_LOG_REQUESTS', 'logRequests', 'boolean', ['current']),
  variable('KEDA_HTTP_DRAIN_TIMEOUT', 'drainTimeout', 'duration', ['current']),
  variable('KEDA_HTTP_SHUTDOWN_DELAY', 'shutdownDelay', 'duration', ['current']),
];

const DEPRECATED = new Set(['KEDA_RESPONSE_HEADER_TIMEOUT', 'KEDA_CONDITION_WAIT_TIMEOUT']);

function variable(
  name: string,
  setting: keyof InterceptorSettings,
  kind: Variable['kind'],
  profiles: readonly ProfileName[],
): Variable {
  return { name, setting, kind, profiles };
}

const PORTS = ['KEDA_HTTP_PROXY_PORT', 'KEDA_HTTP_ADMIN_PORT'] as const;

/**
 * Parses the environment as an interceptor of that version does.
 *
 * @throws KedaError `OFN_KEDA_OPTION_INVALID`, naming the variable.
 * @example
 * parseInterceptorEnvironment({ KEDA_RESPONSE_HEADER_TIMEOUT: '2s' }, 'v0.5').settings;
 * // { responseHeaderTimeout: 2000 }
 */
export function parseInterceptorEnvironment(
  env: Environment,
  profile: ProfileName,
): InterceptorEnvironment {
  const settings: Record<string, number | boolean> = {};
  const known = VARIABLES.filter(({ profiles }) => profiles.includes(profile));
  for (const { kind, name, setting } of known) {
    const text = env[name] ?? '';
    if (text === '') continue;
    const value = PARSERS[kind](name, text);
    // The current add-on does not let an older name say 0.
    if (value === 0 && profile === 'current' && DEPRECATED.has(name)) continue;
    settings[setting] = value;
  }
  const [port, adminPort] = PORTS.map((name) => {
    const text = env[name] ?? '';
    return text === '' ? undefined : parsePort(name, text);
  });
  const read = new Set<string>([...known.map(({ name }) => name), ...PORTS]);
  const ignored = Object.keys(env).filter((name) => name.startsWith('KEDA_') && !read.has(name));
  return { settings, port, adminPort, ignored: ignored.toSorted() };
}

const PARSERS = {
  duration(name: string, text: string): number {
    const value = parseGoDuration(text);
    if (value !== undefined && value < 2 ** 31) return value;
    throw invalid(name, text, 'a duration such as 500ms, 2s or 1m30s');
  },
  count(name: string, text: string): number {
    if (/^\d+$/.test(text)) return Number(text);
    throw invalid(name, text, 'a whole number from 0 up');
  },
  boolean(name: string, text: string): boolean {
    if (/^(?:1|t|true)$/i.test(text)) return true;
    if (/^(?:0|f|false)$/i.test(text)) return false;
    throw invalid(name, text, 'true or false');
  },
} as const;

function parsePort(name: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw invalid(name, text, 'a port from 0 to 65535');
}

function invalid(name: string, text: string, expected: string): KedaError {
  const message = `${name} must be ${expected}, not "${text}"`;
  return new KedaError('OFN_KEDA_OPTION_INVALID', message, {
    issues: [{ field: name, message: `must be ${expected}` }],
  });
}
