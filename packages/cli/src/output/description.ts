// An object in full, for people: as `kubectl describe` prints it.
import type { BuilderResource, FunctionResource, ServingResource } from '@ofn/resources';
import type { EventResource, InstanceResource } from '@ofn/platform';
import { toPrintable } from '../printable.ts';
import { ageOf, renderAge } from './age.ts';
import { firstLine, lastSeen } from './columns.ts';
import { createTable, type Row } from './table.ts';

/** A name and what it is; fields below it are indented. */
type Field = readonly [string, string | undefined | readonly Field[] | Block];

/** Lines as they are. */
interface Block {
  readonly lines: string;
}

/** Describes a Function, with its instances and all events that belong to it. */
export function describeFunction(
  { metadata, spec, status }: FunctionResource,
  instances: readonly InstanceResource[],
  events: readonly EventResource[],
  now: number,
): string {
  const { build, serving } = status ?? {};
  return renderFields([
    ...metadataFields(metadata),
    ['Image', spec.image],
    [
      'Build',
      [
        ['State', build?.state],
        ...troubleFields(build),
        ['Duration', build?.buildDuration],
        ['Builder', build?.resourceRef],
        ['Source', spec.build?.srcRepo.url],
      ],
    ],
    [
      'Serving',
      [
        ['State', serving?.state],
        ...troubleFields(serving),
        ['Serving', serving?.resourceRef],
        ['Timeout', spec.serving?.timeout],
      ],
    ],
    ['Triggers', { lines: indent(triggerLines(spec.serving)) }],
    ['Addresses', { lines: indent(status?.addresses?.map(({ value }) => value) ?? []) }],
    ['Instances', instanceTable(instances, now)],
    ['Events', eventTable(events, now)],
  ]);
}

/** Describes a Builder. */
export function describeBuilder(
  { metadata, spec, status }: BuilderResource,
  events: readonly EventResource[],
  now: number,
): string {
  return renderFields([
    ...metadataFields(metadata),
    ['Image', spec.image],
    ['Source', spec.srcRepo.url],
    ['Revision', spec.srcRepo.revision],
    ['State', status?.state],
    ...troubleFields(status),
    ['Duration', status?.buildDuration],
    ['Digest', status?.output?.digest],
    ['Events', eventTable(events, now)],
  ]);
}

/** Describes a Serving. */
export function describeServing(
  { metadata, spec, status }: ServingResource,
  instances: readonly InstanceResource[],
  events: readonly EventResource[],
  now: number,
): string {
  return renderFields([
    ...metadataFields(metadata),
    ['Image', spec.image],
    ['State', status?.state],
    ...troubleFields(status),
    ['Timeout', spec.timeout],
    ['Triggers', { lines: indent(triggerLines(spec)) }],
    ['Instances', instanceTable(instances, now)],
    ['Events', eventTable(events, now)],
  ]);
}

/** Describes an Instance. */
export function describeInstance({ metadata, status }: InstanceResource): string {
  return renderFields([
    ...metadataFields(metadata),
    ['State', status.state],
    ['PID', status.pid === undefined ? undefined : String(status.pid)],
    ['Address', status.address],
  ]);
}

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string | null;
}

function metadataFields(metadata: Metadata): readonly Field[] {
  const { annotations, creationTimestamp, labels, name, namespace = 'default' } = metadata;
  return [
    ['Name', name],
    ['Namespace', namespace],
    ['Labels', renderMap(labels)],
    ['Annotations', renderMap(annotations)],
    ['Created', creationTimestamp ?? undefined],
  ];
}

// What went well says its state again.
function troubleFields(
  condition: { readonly state?: string; readonly reason?: string; readonly message?: string } = {},
): readonly Field[] {
  const { message, reason, state } = condition;
  return [
    ['Reason', reason === state ? undefined : reason],
    ['Message', message === state ? undefined : message],
  ];
}

function renderMap(entries: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(entries).map(([name, value]) => `${name}=${value}`);
  return lines.length === 0 ? '<none>' : lines.join('\n');
}

function triggerLines(serving: Partial<ServingResource['spec']> = {}): readonly string[] {
  const { dapr = [], http, inputs = [] } = serving.triggers ?? {};
  const references = [...dapr, ...inputs.flatMap((input) => input.dapr ?? [])];
  return [
    ...(http === undefined ? [] : [`http: ${http.engine}`]),
    ...references.map(({ name, topic }) =>
      topic === undefined ? `binding: ${name}` : `topic: ${name}/${topic}`,
    ),
  ];
}

function instanceTable(instances: readonly InstanceResource[], now: number): Block {
  if (instances.length === 0) return { lines: indent([]) };
  const rows = instances.map(({ metadata, status }) => [
    metadata.name,
    status.state,
    String(status.pid ?? ''),
    status.address,
    ageOf(metadata.creationTimestamp, now),
  ]);
  return toBlock(['Name', 'State', 'PID', 'Address', 'Age'], rows);
}

function eventTable(events: readonly EventResource[], now: number): Block {
  if (events.length === 0) return { lines: indent([]) };
  const rows = events.map((event) => [
    event.type,
    event.reason,
    renderTimes(event, now),
    `${event.regarding.kind.toLowerCase()}/${event.regarding.name}`,
    firstLine(event.note),
  ]);
  return toBlock(['Type', 'Reason', 'Age', 'From', 'Message'], rows);
}

// Such as `5s (x3 over 2m)`.
function renderTimes(event: EventResource, now: number): string {
  const age = ageOf(lastSeen(event), now);
  if (event.series === undefined) return age;
  return `${age} (x${event.series.count} over ${renderAge(now - Date.parse(event.eventTime))})`;
}

function toBlock(head: Row, rows: readonly Row[]): Block {
  const ruler = head.map((cell) => '-'.repeat(cell.length));
  return {
    lines: indent(
      createTable(head)
        .render([ruler, ...rows])
        .trimEnd()
        .split('\n'),
    ),
  };
}

function indent(lines: readonly string[]): string {
  return (lines.length === 0 ? ['<none>'] : lines).map((line) => `  ${line}\n`).join('');
}

function renderFields(fields: readonly Field[], depth = 0): string {
  const margin = '  '.repeat(depth);
  const given = fields.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...given.map(([name]) => name.length)) + 3;
  return given
    .map(([name, value]) => {
      const head = `${margin}${name}:`;
      if (typeof value === 'string') {
        const [first = '', ...rest] = toPrintable(value).trimEnd().split('\n');
        const column = margin.length + width;
        return [
          `${head.padEnd(column)}${first}\n`,
          ...rest.map((line) => `${' '.repeat(column)}${line}\n`),
        ].join('');
      }
      if (value !== undefined && 'lines' in value) return `${head}\n${value.lines}`;
      return `${head}\n${renderFields(value ?? [], depth + 1)}`;
    })
    .join('');
}
