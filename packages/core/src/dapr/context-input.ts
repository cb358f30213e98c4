// The inputs of the function context as Dapr knows them: a topic of a component, or a binding. Their
// metadata holds settings of ours too, as strings; the rest is the subscription's own.
import { OfnError } from '../errors.ts';
import type { ContextComponent } from '../function/context.ts';
import type { Bulk, OrderKey } from './input.ts';

/** One input of the function context. */
export interface ContextInput {
  readonly name: string;
  readonly kind: 'topic' | 'binding';
  readonly component: string;
  readonly topic: string | undefined;
  readonly route: string | undefined;
  readonly match: string | undefined;
  readonly deadLetterTopic: string | undefined;
  readonly bulk: Bulk | undefined;
  readonly rawPayload: boolean | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly concurrency: number | undefined;
  readonly order: OrderKey | undefined;
}

/**
 * Parses the inputs of the function context.
 *
 * @throws OfnError `OFN_CONTEXT_MALFORMED`, naming the input and the field.
 */
export function parseContextInputs(
  inputs: Readonly<Record<string, ContextComponent>>,
): readonly ContextInput[] {
  return Object.entries(inputs).map(([name, component]) => parseContextInput(name, component));
}

function parseContextInput(name: string, given: ContextComponent): ContextInput {
  const malformed = (field: string, expected: string): OfnError =>
    new OfnError(
      'OFN_CONTEXT_MALFORMED',
      `the function context is malformed; inputs.${name}.${field}: ${expected}`,
      { issues: [{ message: expected, path: ['inputs', name, ...field.split('.')] }] },
    );
  const { componentName: component, componentType: type = '' } = given;
  if (component === undefined || component === '') {
    throw malformed('componentName', 'it names no Dapr component');
  }
  const said = given.topic ?? given.uri;
  const kind = kindOf(type, given.topic);
  if (kind === undefined) {
    throw malformed('componentType', `must begin with pubsub or bindings, not "${type}"`);
  }
  if (kind === 'topic' && (said === undefined || said === '')) {
    throw malformed('uri', 'it names no topic');
  }
  const { settings, rest } = splitMetadata(given.metadata ?? {});
  const count = (key: Setting): number | undefined => {
    const text = settings[key];
    if (text === undefined || /^[1-9]\d*$/.test(text))
      return text === undefined ? text : Number(text);
    throw malformed(`metadata.${key}`, `must be a whole number from 1 up, not "${text}"`);
  };
  const flag = (key: Setting): boolean | undefined => {
    const text = settings[key]?.toLowerCase();
    if (text === undefined || text === 'true' || text === 'false') return text && text === 'true';
    throw malformed(`metadata.${key}`, `must be true or false, not "${text}"`);
  };
  const maxMessages = count('bulkSubscribe.maxMessagesCount');
  const maxWait = count('bulkSubscribe.maxAwaitDurationMs');
  const isBulk = flag('bulkSubscribe.enabled') ?? (maxMessages ?? maxWait) !== undefined;
  return {
    name,
    kind,
    component,
    topic: kind === 'topic' ? said : undefined,
    route: toPath(settings['route']),
    match: settings['match'],
    deadLetterTopic: settings['deadLetterTopic'],
    bulk: isBulk ? { maxMessages: maxMessages ?? 100, maxWait: maxWait ?? 1000 } : undefined,
    rawPayload: flag('rawPayload'),
    metadata: rest,
    concurrency: count('maxConcurrency'),
    order: toOrderKey(settings['orderBy'], kind),
  };
}

// The type may be absent from the newer variable; a topic is then what tells them apart.
function kindOf(type: string, topic: string | undefined): 'topic' | 'binding' | undefined {
  const family = type.split('.', 1)[0]?.toLowerCase();
  if (family === 'pubsub') return 'topic';
  if (family === 'bindings') return 'binding';
  if (family !== '') return undefined;
  return topic === undefined ? 'binding' : 'topic';
}

// A component's metadata may name its route without the slash; the sidecar posts to it with one.
function toPath(route: string | undefined): string | undefined {
  return route === undefined || route.startsWith('/') ? route : `/${route}`;
}

const SETTINGS = [
  'route',
  'match',
  'deadLetterTopic',
  'bulkSubscribe.enabled',
  'bulkSubscribe.maxMessagesCount',
  'bulkSubscribe.maxAwaitDurationMs',
  'rawPayload',
  'maxConcurrency',
  'orderBy',
] as const;
type Setting = (typeof SETTINGS)[number];

function splitMetadata(metadata: Readonly<Record<string, string>>): {
  settings: Readonly<Partial<Record<Setting, string>>>;
  rest: Readonly<Record<string, string>>;
} {
  const isSetting = (key: string): boolean => (SETTINGS as readonly string[]).includes(key);
  const entries = Object.entries(metadata);
  return {
    settings: Object.fromEntries(entries.filter(([key]) => isSetting(key))),
    rest: Object.fromEntries(entries.filter(([key]) => !isSetting(key))),
  };
}

/** Orders events by one of their attributes, such as `subject`; bindings by their metadata. */
function toOrderKey(
  attribute: string | undefined,
  kind: ContextInput['kind'],
): OrderKey | undefined {
  if (attribute === undefined) return undefined;
  // Over HTTP, metadata comes as headers, whose names are lower-case.
  const lower = attribute.toLowerCase();
  return ({ event, metadata }) => {
    if (kind === 'binding') return metadata[attribute] ?? metadata[lower];
    const value: unknown = event?.[attribute];
    if (typeof value === 'string' || value === undefined || value === null) {
      return value ?? undefined;
    }
    return JSON.stringify(value);
  };
}
