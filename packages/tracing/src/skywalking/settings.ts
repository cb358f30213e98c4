// The SW_* variables → what the provider `skywalking` runs on. Formats and defaults are the agent's;
// what it would take for its default without a word is warned of.
import type { Environment } from '@ofn/core';
import type { SkyWalkingSettings } from '../configuration.ts';
import {
  BOOLEAN,
  LONGEST_TIMER,
  TEXT,
  TOKEN,
  complaint,
  firstOf,
  oneOf,
  quote,
  variable,
  wholeNumber,
  type Format,
  type Scalar,
  type Warn,
} from '../setting.ts';
import type { VariableName } from '../variables.ts';
import { parseAddresses } from './addresses.ts';

const DEFAULT_ADDRESS = '127.0.0.1:11800';
const DEFAULT_SUFFIXES = '.jpg,.jpeg,.js,.css,.png,.bmp,.gif,.ico,.mp3,.mp4,.html,.svg';

// The agent's log has npm's levels.
const LOG_LEVEL = oneOf(['error', 'warn', 'info', 'debug'], {
  http: 'info',
  verbose: 'info',
  silly: 'debug',
});

// Segments; as many wait in memory.
const LARGEST_BUFFER = 1_000_000;

/**
 * Parses the settings. A value that cannot be used is warned of, and its default holds.
 *
 * @param oapServer What the function context has for the address of the collector.
 */
export function parseSkyWalkingSettings(
  env: Environment,
  oapServer: string | undefined,
  warn: Warn,
): SkyWalkingSettings {
  const read = <T extends Scalar, F extends Scalar | undefined>(
    name: VariableName,
    format: Format<T>,
    fallback: F,
  ): T | F => firstOf([variable(env, name, format)], fallback, warn);
  for (const [name, format, fallback] of READ_BY_AGENT)
    read<Scalar, Scalar>(name, format, fallback);
  return Object.freeze({
    addresses: readAddresses(env, oapServer, warn),
    secure: read('SW_AGENT_SECURE', BOOLEAN, false),
    authentication: read('SW_AGENT_AUTHENTICATION', TOKEN, undefined),
    maxBufferSize: readBufferSize(env, warn),
    traceTimeout: read('SW_AGENT_TRACE_TIMEOUT', wholeNumber(1, LONGEST_TIMER), 10_000),
    keepTracing: read('SW_AGENT_KEEP_TRACING', BOOLEAN, true),
    disabledPlugins: Object.freeze(splitList(read('SW_AGENT_DISABLE_PLUGINS', TEXT, ''))),
    traceIgnorePath: shortenPatterns(read('SW_TRACE_IGNORE_PATH', TEXT, '')),
    // The one variable whose empty value says something: no suffix is ignored.
    ignoreSuffix: env['SW_IGNORE_SUFFIX']?.trim() ?? DEFAULT_SUFFIXES,
    httpIgnoreMethod: read('SW_HTTP_IGNORE_METHOD', TEXT, ''),
    coldEndpoint: read('SW_COLD_ENDPOINT', BOOLEAN, false),
    logLevel: read('SW_AGENT_LOGGING_LEVEL', LOG_LEVEL, 'error'),
  });
}

// As the agent reads them: a boolean without a trim, a length as any number from 1 on, cut to a whole one.
const AGENT_BOOLEAN: Format<boolean> = {
  ...BOOLEAN,
  parse: (text) => (text === text.trim() ? BOOLEAN.parse(text) : undefined),
};
const AGENT_LENGTH: Format<number> = {
  expected: 'a number from 1 up',
  parse: (text) => (Number(text) >= 1 ? Math.trunc(Number(text)) : undefined),
};
const AGENT_SECONDS: Format<number> = {
  expected: 'a number of seconds',
  parse: (text) => (Number.isNaN(Number(text)) ? undefined : Number(text)),
};

// What the hooks of the agent take from its own configuration, which it reads when it is loaded.
const READ_BY_AGENT = [
  ['SW_SQL_TRACE_PARAMETERS', AGENT_BOOLEAN, false],
  ['SW_SQL_PARAMETERS_MAX_LENGTH', AGENT_LENGTH, 512],
  ['SW_MONGO_TRACE_PARAMETERS', AGENT_BOOLEAN, false],
  ['SW_MONGO_PARAMETERS_MAX_LENGTH', AGENT_LENGTH, 512],
  ['SW_AWS_LAMBDA_CHAIN', AGENT_BOOLEAN, false],
  ['SW_AWS_SQS_CHECK_BODY', AGENT_BOOLEAN, false],
  ['SW_AWS_LAMBDA_FLUSH', AGENT_SECONDS, -1],
] as const satisfies readonly (readonly [VariableName, Format<Scalar>, Scalar])[];

function readBufferSize(env: Environment, warn: Warn): number {
  const name = 'SW_AGENT_MAX_BUFFER_SIZE';
  const size = firstOf([variable(env, name, wholeNumber(1, Infinity))], 1000, warn);
  if (size <= LARGEST_BUFFER) return size;
  warn(`${name}: ${size} is more than ${LARGEST_BUFFER}, ${LARGEST_BUFFER} is used`);
  return LARGEST_BUFFER;
}

// `/a/**/**/b` is `/a/**/b`. Each `**/` is a loop in the regular expression that the agent makes of a
// pattern, and loops one after the other try all ways to share a long path among them. At the beginning
// of a pattern one and two of them are different things to the agent, and further ones nothing more.
function shortenPatterns(patterns: string): string {
  return patterns
    .replace(/(?<=\/)(?:\*\*\/){2,}/g, '**/')
    .replace(/(?<!\/)(?:\*\*\/){3,}/g, '**/**/');
}

// A URL with more than scheme, host and port may hold a password or a key.
const SHOWABLE = /^(?:[a-z]+:\/\/)?[\w.:%[\],\s-]*\/?$/i;

function readAddresses(
  env: Environment,
  oapServer: string | undefined,
  warn: Warn,
): readonly string[] {
  const variableName = 'SW_AGENT_COLLECTOR_BACKEND_SERVICES';
  const sources = [
    { name: variableName, text: env[variableName] ?? '' },
    { name: 'Function context, tracing.provider.oapServer', text: oapServer ?? '' },
  ]
    .filter(({ text }) => text.trim() !== '')
    .map(({ name, text }) => ({ name, text, ...parseAddresses(text) }));
  const usable = sources.find(({ addresses }) => addresses.length > 0);
  const used = usable?.addresses ?? [DEFAULT_ADDRESS];
  for (const { name, text, addresses, rejected } of sources) {
    const isUsed = addresses.length > 0;
    const instead = isUsed ? undefined : used.join(',');
    // A list of commas has no entry that could be shown.
    for (const entry of isUsed || rejected.length > 0 ? rejected : [text]) {
      const shown = SHOWABLE.test(entry) && !text.includes('@') ? quote(entry) : 'an entry';
      warn(complaint(name, shown, 'host:port', instead));
    }
    if (isUsed) break;
  }
  return Object.freeze([...used]);
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
