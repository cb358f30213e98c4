// Functions and the function context become inputs: which function handles which topic or binding,
// and how it is subscribed. What code and context say is merged; a contradiction stops the start.
import type { CloudEvent } from 'cloudevents';
import { OfnError } from '../errors.ts';
import type { FunctionContext } from '../function/context.ts';
import type { FunctionDefinition } from '../function/signature.ts';
import { parseContextInputs, type ContextInput } from './context-input.ts';

/** How the events of one topic or binding reach one function; frozen. */
export interface Input {
  /** Name in the function context, else of the function. */
  readonly name: string;
  readonly kind: 'topic' | 'binding';
  readonly component: string;
  /** The topic; `undefined` for a binding. */
  readonly topic: string | undefined;
  /** Where the sidecar posts the events. */
  readonly path: string;
  readonly definition: FunctionDefinition;
  /** CEL expression that an event must satisfy; `undefined` for the rest of the topic. */
  readonly match: string | undefined;
  readonly deadLetterTopic: string | undefined;
  readonly bulk: Bulk | undefined;
  readonly rawPayload: boolean;
  /** Metadata of the subscription. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Events handled at a time; 0 for no limit. */
  readonly concurrency: number;
  /** The key of an event; those with the same one are handled one after the other. */
  readonly order: OrderKey | undefined;
}

/** Several events in one delivery: how many at most, and after how many milliseconds at the latest. */
export interface Bulk {
  readonly maxMessages: number;
  readonly maxWait: number;
}

/** What is known of an event before its function is called. */
interface Ordered {
  readonly event: CloudEvent<unknown> | undefined;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, string>>;
}

export type OrderKey = (ordered: Ordered) => string | undefined;

/** What becomes of functions and context. */
export interface ResolvedInputs {
  readonly inputs: readonly Input[];
  /** Names of inputs of the context that no function can receive, which a sync function may have. */
  readonly ignored: readonly string[];
}

/**
 * Resolves the inputs of functions.
 *
 * @throws OfnError `OFN_SIGNATURE_UNSUPPORTED` for an `http` function on an async runtime;
 *   `OFN_INPUT_CONFLICT` when code and context, or two functions, contradict each other, and when an
 *   input has no function; `OFN_CONTEXT_MALFORMED` for an input that lacks what it needs.
 */
export function resolveInputs(
  functions: readonly FunctionDefinition[],
  context: FunctionContext | undefined,
): ResolvedInputs {
  const isAsync = context?.runtime === 'async';
  const said = parseContextInputs(context?.inputs ?? {});
  if (isAsync) assertEventFunctions(functions);
  const taken = new Set<ContextInput>();
  const registered = functions.flatMap((definition) => {
    if (definition.trigger === undefined) return [];
    const match = findContextInput(definition, said);
    if (match !== undefined) taken.add(match);
    return [fromRegistration(definition, match)];
  });
  const left = said.filter((input) => !taken.has(input));
  const plain = functions.filter(({ trigger }) => trigger === undefined);
  const able = plain.filter(({ signature }) => signature !== 'http');
  const inputs = left.flatMap((input) => {
    const definition = able.length === 1 ? able[0] : able.find(({ name }) => name === input.name);
    if (definition !== undefined) return [fromContext(definition, input)];
    if (plain.length > 0 && able.length === 0) return [];
    throw conflict(
      `no function handles the input "${input.name}" of the function context; there is ` +
        `${functions.map(({ name }) => `"${name}"`).join(', ')}: register one with ` +
        `${input.kind}("${input.name}", …), or name one with --target`,
    );
  });
  const all = withPaths(settle([...registered, ...inputs]));
  const known = new Set(all.map(({ name }) => name));
  return {
    inputs: Object.freeze(all.map((input) => Object.freeze(input))),
    ignored: left.map(({ name }) => name).filter((name) => !known.has(name)),
  };
}

function conflict(message: string): OfnError {
  return new OfnError('OFN_INPUT_CONFLICT', message);
}

function assertEventFunctions(functions: readonly FunctionDefinition[]): void {
  const http = functions.find(({ signature }) => signature === 'http');
  if (http === undefined) return;
  throw new OfnError(
    'OFN_SIGNATURE_UNSUPPORTED',
    `function "${http.name}" answers HTTP requests, (req, res), but the function context asks for ` +
      `the async runtime, which delivers events: register it with openfunction(), cloudEvent(), ` +
      `topic() or binding(), set --signature-type, or name another with --target`,
  );
}

type Draft = Omit<Input, 'path' | 'rawPayload'> & {
  readonly route: string | undefined;
  readonly rawPayload: boolean | undefined;
};

function findContextInput(
  { name, trigger }: FunctionDefinition,
  said: readonly ContextInput[],
): ContextInput | undefined {
  const candidates = said.filter((input) => {
    if (trigger === undefined || input.kind !== trigger.kind) return false;
    if (trigger.kind === 'binding') return isNamed(input, trigger.component ?? name);
    if (trigger.pubsub !== undefined && !isNamed(input, trigger.pubsub)) return false;
    return input.topic === (trigger.topic ?? name);
  });
  if (candidates.length > 1) {
    throw conflict(
      `function "${name}" names no pub/sub component, and ${candidates.length} inputs of the ` +
        `function context have its topic: set pubsub to one of ` +
        candidates.map((input) => `"${input.name}"`).join(', '),
    );
  }
  return candidates[0];
}

function isNamed({ name, component }: ContextInput, given: string): boolean {
  return name === given || component === given;
}

function fromRegistration(definition: FunctionDefinition, said: ContextInput | undefined): Draft {
  const { name, trigger } = definition;
  if (trigger?.kind === 'binding') {
    const { component = name, concurrency, order } = trigger;
    return {
      ...NO_SUBSCRIPTION,
      name: said?.name ?? name,
      kind: 'binding',
      component: said?.component ?? component,
      topic: undefined,
      route: agree(name, 'route', trigger.route, said?.route),
      definition,
      concurrency: agree(name, 'concurrency', concurrency, said?.concurrency) ?? 0,
      order: order === undefined ? said?.order : ({ data, metadata }) => order(data, metadata),
    };
  }
  const component = said?.component ?? trigger?.pubsub;
  const topic = trigger?.topic ?? name;
  if (component === undefined) {
    throw new OfnError(
      'OFN_FUNCTION_INVALID',
      `function "${name}" names no pub/sub component, and no input of the function context has the ` +
        `topic "${topic}": topic("${name}", { pubsub: 'the name of the component' }, …)`,
    );
  }
  const order = trigger?.order;
  return {
    name: said?.name ?? name,
    kind: 'topic',
    component,
    topic,
    route: said?.route,
    definition,
    match: agree(name, 'match', trigger?.match, said?.match),
    deadLetterTopic: agree(
      name,
      'deadLetterTopic',
      trigger?.deadLetterTopic,
      said?.deadLetterTopic,
    ),
    bulk: agree(name, 'bulk', toBulk(trigger?.bulk), said?.bulk),
    rawPayload: agree(name, 'rawPayload', trigger?.rawPayload, said?.rawPayload),
    metadata: mergeMetadata(name, trigger?.metadata ?? {}, said?.metadata ?? {}),
    concurrency: agree(name, 'concurrency', trigger?.concurrency, said?.concurrency) ?? 0,
    order: order === undefined ? said?.order : ({ event }) => (event ? order(event) : undefined),
  };
}

const NO_SUBSCRIPTION = {
  match: undefined,
  deadLetterTopic: undefined,
  bulk: undefined,
  rawPayload: false,
  metadata: {},
} as const;

function fromContext(definition: FunctionDefinition, said: ContextInput): Draft {
  const { name, kind, component, topic, route, metadata, order } = said;
  const { match, deadLetterTopic, bulk, rawPayload, concurrency = 0 } = said;
  const base = { name, kind, component, topic, route, definition, concurrency, order };
  if (kind === 'binding') return { ...base, ...NO_SUBSCRIPTION };
  return { ...base, match, deadLetterTopic, bulk, rawPayload, metadata };
}

function toBulk(bulk: boolean | Partial<Bulk> | undefined): Bulk | undefined {
  if (bulk === undefined || bulk === false) return undefined;
  const given = bulk === true ? {} : bulk;
  // Dapr's own defaults.
  return { maxMessages: given.maxMessages ?? 100, maxWait: given.maxWait ?? 1000 };
}

// What one of both says, or what both say.
function agree<T>(name: string, field: string, code: T | undefined, context: T | undefined) {
  if (code === undefined || context === undefined) return code ?? context;
  if (JSON.stringify(code) === JSON.stringify(context)) return code;
  throw conflict(
    `function "${name}": ${field} is ${JSON.stringify(code)} in the code, but ` +
      `${JSON.stringify(context)} in the function context`,
  );
}

type Metadata = Readonly<Record<string, string>>;

function mergeMetadata(name: string, code: Metadata, context: Metadata): Metadata {
  const merged: Record<string, string> = { ...context };
  for (const [key, value] of Object.entries(code)) {
    merged[key] = agree(name, `metadata.${key}`, value, context[key]) ?? value;
  }
  return merged;
}

// Functions that share a topic share its subscription: what one of them says goes for all.
function settle(drafts: readonly Draft[]): readonly Draft[] {
  return drafts.map((draft, index) => {
    const others = drafts.filter((other) => other !== draft && isSameSource(other, draft));
    const earlier = others.find((other) => drafts.indexOf(other) < index);
    if (earlier !== undefined) assertDistinct(earlier, draft);
    return others.reduce(shareSubscription, draft);
  });
}

function isSameSource(one: Draft, other: Draft): boolean {
  return one.kind === other.kind && one.component === other.component && one.topic === other.topic;
}

function sourceOf({ kind, component, topic }: Draft): string {
  return kind === 'binding' ? `binding "${component}"` : `topic "${topic}" of "${component}"`;
}

function assertDistinct(one: Draft, other: Draft): void {
  if (one.kind === 'topic' && one.match !== other.match) return;
  const names = `functions "${one.definition.name}" and "${other.definition.name}"`;
  const reason =
    one.kind === 'binding'
      ? 'one alone can'
      : one.match === undefined
        ? 'give one of them a match'
        : `both match ${one.match}`;
  throw conflict(`${names} both take the ${sourceOf(one)}: ${reason}`);
}

function shareSubscription(draft: Draft, other: Draft): Draft {
  const share = <T>(field: string, mine: T | undefined, theirs: T | undefined): T | undefined => {
    if (mine === undefined || theirs === undefined) return mine ?? theirs;
    if (JSON.stringify(mine) === JSON.stringify(theirs)) return mine;
    const names = [draft, other].map(({ definition }) => `"${definition.name}"`).join(' and ');
    throw conflict(`functions ${names} share the ${sourceOf(draft)}, but not its ${field}`);
  };
  const metadata: Record<string, string> = { ...other.metadata };
  for (const [key, value] of Object.entries(draft.metadata)) {
    metadata[key] = share(`metadata.${key}`, value, metadata[key]) ?? value;
  }
  return {
    ...draft,
    metadata,
    deadLetterTopic: share('deadLetterTopic', draft.deadLetterTopic, other.deadLetterTopic),
    bulk: share('bulk', draft.bulk, other.bulk),
    rawPayload: share('rawPayload', draft.rawPayload, other.rawPayload),
  };
}

// Dapr takes a path for a method's name: what a URL would have to escape is left out of it. The path
// of a topic is told to the sidecar, and so may be any; that of a binding follows from its component.
function withPaths(drafts: readonly Draft[]): Input[] {
  const taken = new Set<string>();
  return drafts.map(({ route, rawPayload = false, ...draft }) => {
    const fallback =
      draft.kind === 'binding'
        ? `/${draft.component}`
        : `/dapr/topics/${slug(draft.component)}/${slug(draft.topic ?? '')}/${slug(draft.definition.name)}`;
    let path = route ?? fallback;
    if (draft.kind === 'binding' && taken.has(path)) {
      throw conflict(
        `the binding "${draft.component}" is delivered to ${path}, where another input is: ` +
          `give their components different routes`,
      );
    }
    for (let count = 2; taken.has(path); count += 1) path = `${fallback}-${count}`;
    taken.add(path);
    return { ...draft, rawPayload, path };
  });
}

function slug(text: string): string {
  return text.replace(/[^\w.-]+/g, '-');
}
