// The flags of the bin in one table, and the help text that it makes.

/** One flag as people write it. */
interface Flag {
  readonly flag: string;
  readonly value: string;
  readonly default?: string;
  readonly description: string;
}

/** Every flag, in the order of the help text. */
export const FLAGS = [
  {
    flag: 'profile',
    value: 'version',
    default: 'current',
    description: 'The add-on that is followed: v0.5 or current',
  },
  {
    flag: 'port',
    value: 'port',
    default: 'KEDA_HTTP_PROXY_PORT, else 8080',
    description: 'Port of the proxy; 0 picks a free one',
  },
  {
    flag: 'admin-port',
    value: 'port',
    default: 'KEDA_HTTP_ADMIN_PORT, else 9090',
    description: 'Port of /queue, /readyz and /livez; 0 picks a free one',
  },
  {
    flag: 'scaler-port',
    value: 'port',
    default: 'none',
    description:
      "Port of KEDA's ExternalScaler over gRPC, for a KEDA that runs elsewhere; it listens at --host",
  },
  {
    flag: 'host',
    value: 'address',
    default: '127.0.0.1',
    description: 'Address of the proxy; the admin port is for this machine alone',
  },
  {
    flag: 'run',
    value: 'command',
    description:
      'Command of the function, which is started and ended as it scales; it finds its port in PORT. ' +
      'With several routes, `<service>=<command>`; may be repeated',
  },
  {
    flag: 'backend',
    value: 'service=host:port',
    description: 'Addresses of a service that runs already, separated by commas; may be repeated',
  },
  {
    flag: 'readiness-path',
    value: 'path',
    default: '/readyz with --run, else none',
    description: 'Path that a ready instance answers 2xx; "" to be content with its port',
  },
  {
    flag: 'verbose',
    value: 'boolean',
    default: 'false',
    description: 'Tell each request too',
  },
] as const satisfies readonly Flag[];

/** The text of `--help`. */
export function renderHelp(): string {
  const rows = FLAGS.map((flag): [string, string] => {
    const { description, value } = flag;
    const left = value === 'boolean' ? `--${flag.flag}` : `--${flag.flag} <${value}>`;
    return [left, 'default' in flag ? `${description} (default: ${flag.default})` : description];
  });
  rows.push(['-h, --help', 'Print this help'], ['--version', 'Print the version']);
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    "KEDA's http-add-on on this machine: routes, holds, counts, and scales functions from zero.",
    '',
    'Usage: ofn-interceptor <file or folder of objects…> [flags]',
    '  ofn-interceptor httpscaledobject.yaml --run "npx functions-framework --keda"',
    '',
    'Objects are HTTPScaledObjects, InterceptorRoutes and their ScaledObjects.',
    '',
    'Flags:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`),
    '',
    "The interceptor's own variables (KEDA_HTTP_CONNECT_TIMEOUT and the others) are read too.",
    '',
  ].join('\n');
}
