// The environment variables of tracing in one table: the documentation has each row, and code reads
// settings by the names that stand here.

/** One variable as people set it. */
export interface Variable {
  readonly name: string;
  /** The provider that it is for. */
  readonly provider: 'skywalking' | 'opentelemetry' | 'both';
  readonly default: string;
  readonly effect: string;
}

const row =
  <const Provider extends Variable['provider']>(provider: Provider) =>
  <const Name extends string>(name: Name, fallback: string, effect: string) => ({
    name,
    provider,
    default: fallback,
    effect,
  });

const both = row('both');
const skywalking = row('skywalking');
const opentelemetry = row('opentelemetry');

/** Every variable, in the order of the documentation. */
export const VARIABLES = [
  both(
    'FUNCTION_TRACING',
    'what the variables and the function context say',
    'skywalking, opentelemetry or off; the variable of `--tracing`',
  ),
  both(
    'SW_AGENT_INSTANCE',
    "`instance` of the context's tags, else the host name",
    'Name of this instance',
  ),
  both(
    'SW_AGENT_NAMESPACE',
    '`POD_NAMESPACE`',
    'Namespace of the instance, and tag `namespace` of the spans of calls',
  ),
  both('POD_NAME', 'in Kubernetes the host name', 'Pod of the instance'),
  both('POD_NAMESPACE', 'none', 'Namespace when `SW_AGENT_NAMESPACE` is not set'),
  both('K_SERVICE', 'none', 'Name of the service when neither a variable nor the context has one'),
  both('KUBERNETES_SERVICE_HOST', 'none', 'Set in Kubernetes, where the host name is the pod'),

  skywalking(
    'SW_AGENT_COLLECTOR_BACKEND_SERVICES',
    "`oapServer` of the context's tracing, else 127.0.0.1:11800",
    'Collectors as `host:port`, separated by commas; turns tracing on',
  ),
  skywalking('SW_DISABLE', 'false', '`true` turns SkyWalking off'),
  skywalking(
    'SW_AGENT_NAME',
    "name of the context, `func` of its tags, `K_SERVICE`, the function's name",
    'Name of the service',
  ),
  skywalking('SW_AGENT_SECURE', 'false', '`true` connects with TLS'),
  skywalking('SW_AGENT_AUTHENTICATION', 'none', 'Token that the collector asks for'),
  skywalking(
    'SW_AGENT_MAX_BUFFER_SIZE',
    '1000',
    'Segments recorded in a second, and kept for a collector that cannot be reached; 1000000 at most',
  ),
  skywalking('SW_AGENT_TRACE_TIMEOUT', '10000', 'Milliseconds that a report may take'),
  skywalking(
    'SW_AGENT_KEEP_TRACING',
    'true',
    '`false` begins no traces while no collector is connected',
  ),
  skywalking(
    'SW_AGENT_DISABLE_PLUGINS',
    'none',
    "What is not hooked, by the agent's names, `http` and `fetch` among them: `mysql2,http`",
  ),
  skywalking(
    'SW_IGNORE_SUFFIX',
    '.jpg,.jpeg,.js,.css,.png,.bmp,.gif,.ico,.mp3,.mp4,.html,.svg',
    'Ends of operations that are not recorded; empty for none',
  ),
  skywalking(
    'SW_TRACE_IGNORE_PATH',
    'none',
    'Operations that are not recorded, as patterns: `/health/*,/static/**`',
  ),
  skywalking('SW_HTTP_IGNORE_METHOD', 'none', 'HTTP methods that are not recorded: `OPTIONS,HEAD`'),
  skywalking(
    'SW_COLD_ENDPOINT',
    'false',
    '`true` marks the first call of a process in its operation, as `<cold>`',
  ),
  skywalking('SW_SQL_TRACE_PARAMETERS', 'false', '`true` records the parameters of SQL statements'),
  skywalking('SW_SQL_PARAMETERS_MAX_LENGTH', '512', 'Characters of them that are recorded'),
  skywalking(
    'SW_MONGO_TRACE_PARAMETERS',
    'false',
    '`true` records the parameters of MongoDB commands',
  ),
  skywalking('SW_MONGO_PARAMETERS_MAX_LENGTH', '512', 'Characters of them that are recorded'),
  skywalking(
    'SW_AWS_LAMBDA_CHAIN',
    'false',
    '`true` adds the trace to the payload of AWS Lambdas that are called',
  ),
  skywalking(
    'SW_AWS_SQS_CHECK_BODY',
    'false',
    '`true` looks for the trace in the body of messages that SNS sent to SQS',
  ),
  skywalking(
    'SW_AWS_LAMBDA_FLUSH',
    '2',
    'None: it is for functions that run in AWS Lambda, and nothing is flushed in a call',
  ),
  skywalking(
    'SW_AGENT_LOGGING_LEVEL',
    'error',
    "Lowest level of the agent's own lines: error, warn, info or debug",
  ),
  skywalking('SW_LOGGING_TARGET', 'none', "None: the agent's lines go to the log of the function"),

  opentelemetry(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    '`exporter.endpoint` of the context, else port 4318 of localhost, 4317 for grpc',
    'Collector; for http `/v1/traces` is added; turns tracing on',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    '`OTEL_EXPORTER_OTLP_ENDPOINT`',
    'Collector, as it stands; turns tracing on',
  ),
  opentelemetry('OTEL_SDK_DISABLED', 'false', '`true` turns OpenTelemetry off'),
  opentelemetry(
    'OTEL_SERVICE_NAME',
    "`service.name` of `OTEL_RESOURCE_ATTRIBUTES`, name of the context, `func` of its tags, `K_SERVICE`, the function's name",
    'Name of the service',
  ),
  opentelemetry(
    'OTEL_RESOURCE_ATTRIBUTES',
    'none',
    'Attributes of the instance, percent-encoded: `team=shop,region=eu`',
  ),
  opentelemetry('OTEL_TRACES_EXPORTER', 'otlp', 'otlp, console or none'),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_PROTOCOL',
    '`exporter.protocol` of the context, else http/protobuf',
    'grpc, http/protobuf or http/json',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
    '`OTEL_EXPORTER_OTLP_PROTOCOL`',
    'The same, for traces',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_HEADERS',
    '`exporter.headers` of the context',
    'Headers of each export, percent-encoded: `api-key=secret,team=shop`',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    'none',
    'Further headers, which win over those of the same name',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_COMPRESSION',
    '`exporter.compression` of the context, else none',
    'gzip or none',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION',
    '`OTEL_EXPORTER_OTLP_COMPRESSION`',
    'The same, for traces',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TIMEOUT',
    '`exporter.timeout` of the context, else 10000',
    'Milliseconds that an export may take',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT',
    '`OTEL_EXPORTER_OTLP_TIMEOUT`',
    'The same, for traces',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_INSECURE',
    'false',
    '`true` connects without TLS when an endpoint for grpc has no scheme',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TRACES_INSECURE',
    '`OTEL_EXPORTER_OTLP_INSECURE`',
    'The same, for traces',
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_CERTIFICATE',
    'those of Node.js',
    "File with the authorities for the collector's certificate",
  ),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE',
    '`OTEL_EXPORTER_OTLP_CERTIFICATE`',
    'The same, for traces',
  ),
  opentelemetry('OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE', 'none', 'File with our certificate'),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE',
    '`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`',
    'The same, for traces',
  ),
  opentelemetry('OTEL_EXPORTER_OTLP_CLIENT_KEY', 'none', 'File with its private key'),
  opentelemetry(
    'OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY',
    '`OTEL_EXPORTER_OTLP_CLIENT_KEY`',
    'The same, for traces',
  ),
  opentelemetry(
    'OTEL_TRACES_SAMPLER',
    'parentbased_always_on',
    'always_on, always_off, traceidratio, or one of them after `parentbased_`',
  ),
  opentelemetry(
    'OTEL_TRACES_SAMPLER_ARG',
    '1',
    'Share of the traces for traceidratio, from 0 to 1',
  ),
  opentelemetry(
    'OTEL_PROPAGATORS',
    'tracecontext,baggage',
    'Headers by which a trace goes on: tracecontext, baggage or none',
  ),
  opentelemetry('OTEL_BSP_SCHEDULE_DELAY', '5000', 'Milliseconds between two exports'),
  opentelemetry('OTEL_BSP_EXPORT_TIMEOUT', '30000', 'Milliseconds after which one is given up'),
  opentelemetry('OTEL_BSP_MAX_QUEUE_SIZE', '2048', 'Spans that are kept; further ones are dropped'),
  opentelemetry('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '512', 'Spans of one export'),
  opentelemetry('OTEL_ATTRIBUTE_COUNT_LIMIT', '128', 'Attributes of a span'),
  opentelemetry(
    'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
    '`OTEL_ATTRIBUTE_COUNT_LIMIT`',
    'The same, by its other name',
  ),
  opentelemetry('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'no limit', 'Characters of an attribute'),
  opentelemetry(
    'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    '`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`',
    'The same, by its other name',
  ),
  opentelemetry('OTEL_SPAN_EVENT_COUNT_LIMIT', '128', 'Events of a span'),
  opentelemetry('OTEL_SPAN_LINK_COUNT_LIMIT', '128', 'Links of a span'),
  opentelemetry('OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', '128', 'Attributes of an event'),
  opentelemetry(
    'OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT',
    '128',
    'The same, by the name that the SDK for Node.js has',
  ),
  opentelemetry('OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', '128', 'Attributes of a link'),
  opentelemetry(
    'OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT',
    '128',
    'The same, by the name that the SDK for Node.js has',
  ),
  opentelemetry(
    'OTEL_LOG_LEVEL',
    'warn',
    "Lowest level of the libraries' own lines: none, error, warn, info, debug or verbose",
  ),
] as const satisfies readonly Variable[];

/** The name of a variable of the table. */
export type VariableName = (typeof VARIABLES)[number]['name'];
