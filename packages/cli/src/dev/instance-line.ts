// A line that an instance prints becomes what a person wants to see of it.

/** What a line says. */
export interface InstanceLine {
  /** Of a line of the framework's log; absent for what else a function prints. */
  readonly level?: string;
  readonly text: string;
  /** Fields of user code, as `key=value`. */
  readonly fields?: string;
  /** Stack of an error, without what is not of the user. */
  readonly stack?: readonly string[];
}

/**
 * Creates what takes the lines of one instance, in their order.
 *
 * Lines of the framework's log, readable or JSON, lose their time, which each line has here anyway, and the
 * fields of the call, which its line of the request has. Those that tell of ports that are nobody's matter give
 * `undefined`, and so does what stands around a stack.
 */
export function createLineReader(): (line: string) => InstanceLine | undefined {
  // Inside the object of an error, as pino-pretty lays it out.
  let isInError = false;
  return (line) => {
    if (isInError) {
      isInError = !/^ {4}\}/.test(line);
      return isInError && !/^ {6}\S/.test(line) ? readFrame(line.replace(/^ {10}/, '')) : undefined;
    }
    isInError = /^ {4}(?:err|error): \{$/.test(line);
    if (isInError) return undefined;
    const read = readJson(line) ?? readReadable(line) ?? readFrame(line);
    return read === undefined || NOISE.some((pattern) => pattern.test(read.text))
      ? undefined
      : read;
  };
}

// What the start block and the platform say better.
const NOISE = [
  /^serving \S+ at http:\/\/localhost:\d+/,
  /^a Dapr sidecar delivers with --app-port /,
  /^stopping: calls in flight finish first$/,
  /^tracing calls as the service \S+, by SkyWalking at 127\.0\.0\.1:/,
  /^Debugger listening on ws:/,
  /^For help, see: https:\/\/nodejs\.org\/.*inspector$/,
];

const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);

// Of the call, or of each line.
const OMITTED = new Set([
  'level',
  'time',
  'msg',
  'err',
  'pid',
  'hostname',
  'invocation',
  'function',
  'signature',
  'traceId',
  'spanId',
  'signal',
]);

type Fields = Readonly<Record<string, unknown>>;

function readJson(line: string): InstanceLine | undefined {
  const entry = parseFields(line);
  const { err, level, msg } = entry ?? {};
  if (entry === undefined || typeof level !== 'string' || !LEVELS.has(level)) return undefined;
  const { stack } = (err ?? {}) as { readonly stack?: unknown };
  return {
    level,
    text: typeof msg === 'string' ? msg : '',
    ...fieldsOf(entry),
    ...(typeof stack === 'string' ? { stack: stack.split('\n').filter(isOfUser) } : {}),
  };
}

function readReadable(line: string): InstanceLine | undefined {
  // A field `name` stands in brackets behind the level.
  const [, level = '', name, rest] =
    /^\[[\d:.]+\] ([A-Z]+)(?: \(([^)]*)\))?: (.*)$/.exec(line) ?? [];
  if (rest === undefined || !LEVELS.has(level.toLowerCase())) return undefined;
  const named = name === undefined ? {} : { name };
  // The text may have such an object in it, too.
  for (let at = rest.indexOf(' {"'); at !== -1; at = rest.indexOf(' {"', at + 1)) {
    const fields = parseFields(rest.slice(at + 1));
    if (fields !== undefined)
      return {
        level: level.toLowerCase(),
        text: rest.slice(0, at),
        ...fieldsOf({ ...named, ...fields }),
      };
  }
  return { level: level.toLowerCase(), text: rest, ...fieldsOf(named) };
}

function readFrame(line: string): InstanceLine | undefined {
  return isOfUser(line) ? { text: line } : undefined;
}

// Frames of Node.js and of the framework are left out.
function isOfUser(line: string): boolean {
  return !/^\s*at .*(?:node:|[\\/](?:@ofn|packages)[\\/](?:core|tracing)[\\/]dist[\\/])/.test(line);
}

function fieldsOf(entry: Fields): Pick<InstanceLine, 'fields'> {
  const shown = Object.entries(entry).filter(([name]) => !OMITTED.has(name));
  if (shown.length === 0) return {};
  const texts = shown.map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return { fields: texts.join(' ') };
}

function parseFields(text: string): Fields | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Fields;
  } catch {
    return undefined;
  }
}
