// The flags of the bin in one table, and the help text that it makes.

/** One flag as people write it. The help text is made from this table. */
interface Flag {
  readonly flag: string;
  readonly value: 'boolean' | 'text' | 'port' | 'number' | 'size' | 'path' | 'list';
  readonly default?: string;
  readonly description: string;
}

// The names are daprd's, so that one command line serves both.
export const FLAGS = [
  { flag: 'app-id', value: 'text', default: 'app', description: 'Name of the app' },
  { flag: 'app-port', value: 'port', description: 'Port of the app; none: nothing is delivered' },
  { flag: 'app-protocol', value: 'text', default: 'http', description: 'http or grpc' },
  {
    flag: 'app-channel-address',
    value: 'text',
    default: '127.0.0.1',
    description: 'Address of the app',
  },
  {
    flag: 'app-max-concurrency',
    value: 'number',
    default: '-1',
    description: 'Calls of the app at once; -1 for no limit',
  },
  {
    flag: 'dapr-http-port',
    value: 'port',
    default: '3500',
    description: 'Port of the HTTP API; 0 picks a free one',
  },
  {
    flag: 'dapr-grpc-port',
    value: 'port',
    default: '50001',
    description: 'Port of the gRPC API; 0 picks a free one',
  },
  {
    flag: 'dapr-listen-addresses',
    value: 'text',
    default: '127.0.0.1',
    description: 'Address that both APIs listen on; one',
  },
  {
    flag: 'resources-path',
    value: 'list',
    description: 'Folder of components, subscriptions and resiliency; may be repeated',
  },
  { flag: 'components-path', value: 'list', description: 'The same, by its older name' },
  {
    flag: 'enable-app-health-check',
    value: 'boolean',
    default: 'false',
    description: 'Pause delivery while the app is unhealthy',
  },
  {
    flag: 'app-health-check-path',
    value: 'path',
    default: '/healthz',
    description: 'Path of the probe; HTTP only',
  },
  {
    flag: 'app-health-probe-interval',
    value: 'number',
    default: '5',
    description: 'Seconds between two probes',
  },
  {
    flag: 'app-health-probe-timeout',
    value: 'number',
    default: '500',
    description: 'Milliseconds that a probe may take',
  },
  {
    flag: 'app-health-threshold',
    value: 'number',
    default: '3',
    description: 'Failures in a row that make the app unhealthy',
  },
  {
    flag: 'max-body-size',
    value: 'size',
    default: '4Mi',
    description: 'Largest body of a call of the APIs',
  },
  {
    flag: 'dapr-http-max-request-size',
    value: 'number',
    description: 'The same in MiB, by its older name',
  },
  {
    flag: 'dapr-graceful-shutdown-seconds',
    value: 'number',
    default: '5',
    description: 'Seconds that what is in flight gets to finish at a stop',
  },
  {
    flag: 'emulate',
    value: 'boolean',
    default: 'false',
    description: 'Play pubsub, state and bindings that are not here in memory; not of daprd',
  },
  {
    flag: 'log-level',
    value: 'text',
    default: 'info',
    description: 'debug, info, warn, error or fatal',
  },
] as const satisfies readonly Flag[];

// Flags of daprd for what this sidecar does not have.
export const IGNORED_VALUES = [
  'actors-disseminate-timeout',
  'actors-service',
  'allowed-origins',
  'app-binding-options-timeout',
  'config',
  'control-plane-address',
  'control-plane-namespace',
  'control-plane-trust-domain',
  'dapr-block-shutdown-duration',
  'dapr-http-read-buffer-size',
  'dapr-internal-grpc-listen-address',
  'dapr-internal-grpc-port',
  'dapr-public-listen-address',
  'dapr-public-port',
  'disable-init-endpoints',
  'hot-reload-reconcile-interval',
  'metrics-listen-address',
  'metrics-port',
  'mode',
  'placement-host-address',
  'profile-port',
  'read-buffer-size',
  'reminders-service',
  'scheduler-host-address',
  'scheduler-job-streams',
  'sentry-address',
  'sentry-request-jwt-audiences',
  'unix-domain-socket',
];
export const IGNORED_BOOLEANS = [
  'app-ssl',
  'disable-builtin-k8s-secret-store',
  'enable-api-logging',
  'enable-metrics',
  'enable-mtls',
  'enable-profiling',
  'log-as-json',
];

/** The name of a flag that does something here. */
export type FlagName = (typeof FLAGS)[number]['flag'];

/** The flags that take no value. */
export const BOOLEANS = [
  'help',
  'version',
  ...IGNORED_BOOLEANS,
  ...FLAGS.filter(({ value }) => value === 'boolean').map(({ flag }) => flag),
];

/** The text of `--help`. */
export function renderHelp(): string {
  const rows = FLAGS.map((flag): [string, string] => {
    const { value, description } = flag;
    const left = value === 'boolean' ? `--${flag.flag}` : `--${flag.flag} <${value}>`;
    return [left, 'default' in flag ? `${description} (default ${flag.default})` : description];
  });
  rows.push(['-h, --help', 'Print this help'], ['--version', 'Print the version']);
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    'A Dapr sidecar for development and tests: it runs in one process, and needs nothing else.',
    '',
    'Usage: ofn-sidecar [flags]',
    '  ofn-sidecar --app-id orders --app-port 8080 --resources-path ./components',
    '',
    "Flags, by daprd's names:",
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`),
    '',
    'Variables: DAPR_API_TOKEN, which callers must send then; APP_API_TOKEN, which the app gets;',
    'NAMESPACE, for the key prefix of state stores.',
    'Other flags of daprd are accepted, and do nothing.',
    '',
  ].join('\n');
}
