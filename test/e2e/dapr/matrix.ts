// The matrix: every kind of handler × trigger × protocol × outcome, behind a sidecar. One process for
// each protocol and kind handles events of all outcomes; how the app acknowledged each is read from
// the wire.
import { readFileSync } from 'node:fs';
import type { JournalEntry } from '@ofn/sidecar';
import { startAppRelay, type Answer } from '@ofn-test/dapr/app-relay';
import { serving, startProcess, type Exit } from '@ofn-test/system/start-function';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  MAX_RETRIES,
  PUBSUB,
  type Protocol,
  type StartedSidecar,
  type StartSidecar,
} from './sidecar-process.ts';

type Acknowledgement = 'SUCCESS' | 'RETRY' | 'DROP';

interface Outcome {
  /** As function.js knows it. */
  readonly name: string;
  /** What the app says of the event, delivery by delivery. */
  readonly said: readonly Acknowledgement[];
  /** Whether its handler needs a context, which `cloudevent` and `event` handlers have not. */
  readonly needsContext?: boolean;
}

const EACH_TIME = Array.from({ length: 1 + MAX_RETRIES }, () => 'RETRY' as const);

const OUTCOMES: readonly Outcome[] = [
  { name: 'resolves', said: ['SUCCESS'] },
  { name: 'returns-a-status', said: ['SUCCESS'] },
  { name: 'rejects-once', said: ['RETRY', 'SUCCESS'] },
  { name: 'rejects-always', said: EACH_TIME },
  { name: 'throws-in-a-timer', said: ['RETRY', 'SUCCESS'] },
  { name: 'throws-a-drop-error', said: ['DROP'] },
  { name: 'throws-a-retry-error', said: ['RETRY', 'SUCCESS'] },
  { name: 'drops', said: ['DROP'], needsContext: true },
  { name: 'retries', said: ['RETRY', 'SUCCESS'], needsContext: true },
  { name: 'times-out', said: ['RETRY', 'SUCCESS'] },
];

const TRIGGERS = ['topic', 'bulk topic', 'binding'] as const;
type Trigger = (typeof TRIGGERS)[number];

const KINDS = {
  openfunction: { title: 'an openfunction handler', triggers: TRIGGERS },
  cloudevent: { title: 'a cloudevent handler', triggers: TRIGGERS },
  event: { title: 'an event handler', triggers: TRIGGERS },
  topic: { title: 'a handler of topic()', triggers: ['topic', 'bulk topic'] },
  binding: { title: 'a handler of binding()', triggers: ['binding'] },
} as const satisfies Record<string, { title: string; triggers: readonly Trigger[] }>;
type Kind = keyof typeof KINDS;

const PROTOCOLS = ['http', 'grpc'] as const;

const NEVER = 'never-settles';

/** What came of all events of one process. */
interface Run {
  readonly answers: readonly Answer[];
  readonly journal: readonly JournalEntry[] | undefined;
  /** Of the process, after SIGTERM. */
  readonly exit: Exit;
}

/**
 * Declares the tests of the matrix.
 *
 * @param options.isExact Whether the sidecar delivers no more often than its policy says; else an event may
 *   come again after all.
 */
export function describeMatrix(startSidecar: StartSidecar, { isExact = true } = {}): void {
  const runs = new Map<string, Promise<Run>>();

  // All at once: they spend their time on waiting for each other's clocks.
  beforeAll(async () => {
    const starts = PROTOCOLS.flatMap((protocol) =>
      (Object.keys(KINDS) as Kind[]).map((kind) => async () => {
        const run = runMatrix(startSidecar, protocol, kind);
        runs.set(`${protocol} ${kind}`, run);
        await run.catch(() => {});
      }),
    );
    const next = async (): Promise<void> => {
      for (let start = starts.shift(); start !== undefined; start = starts.shift()) await start();
    };
    await Promise.all([next(), next(), next(), next()]);
  }, 120_000);

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    describe.each(Object.entries(KINDS))('%s:', (kind, { title, triggers }) => {
      const runOf = (): Promise<Run> => runs.get(`${protocol} ${kind}`) as Promise<Run>;

      describe.each(triggers)(`${title}, with an event of a %s,`, (trigger) => {
        it.each(outcomesOf(kind as Kind))('that $name, says $said', async ({ name, said }) => {
          const { answers, journal } = await runOf();
          const id = idOf(answers, trigger, name);
          const seen = answers.filter((answer) => isOf(answer, trigger, name) && answer.id === id);
          const expected = said.map((word) => onWire(protocol, trigger, word));
          const told = seen.map((answer) => answer.said);
          expect(isExact ? told : told.slice(0, expected.length)).toEqual(expected);
          expect(seen.every(({ bulk }) => bulk === (trigger === 'bulk topic'))).toBe(true);
          const isDead = trigger !== 'binding' && said.at(-1) !== 'SUCCESS';
          const dead = answers.filter((answer) => isDeadLetter(answer) && answer.id === id);
          const most = isExact || !isDead ? dead.length : 1;
          expect(Math.min(dead.length, most)).toBe(isDead ? 1 : 0);
          const happened = journal
            ?.filter((entry) => isOfEntry(entry, trigger, id, name))
            .map(({ outcome }) => outcome);
          expect(happened).toEqual(journal && toJournal(trigger, said));
        });

        it('that never settles before SIGTERM, says RETRY', async () => {
          const { answers, exit, journal } = await runOf();
          const said = answers
            .filter((answer) => isOf(answer, trigger, NEVER))
            .map((answer) => answer.said)
            // What came when the process had gone.
            .filter((word) => word !== 'none');
          expect(said).not.toHaveLength(0);
          expect(new Set(said)).toEqual(new Set([onWire(protocol, trigger, 'RETRY')]));
          expect([exit.code, exit.signal]).toEqual([1, null]);
          expect(exit.stderr + exit.stdout).toContain('OFN_DRAIN_INCOMPLETE');
          const acked = journal?.filter(
            (entry) =>
              entry.outcome === 'acked' &&
              isOfEntry(entry, trigger, eventId(trigger, NEVER), NEVER),
          );
          expect(acked ?? []).toEqual([]);
        });
      });
    });
  });
}

function outcomesOf(kind: Kind): readonly Outcome[] {
  const hasContext = kind !== 'cloudevent' && kind !== 'event';
  return OUTCOMES.filter(({ needsContext }) => hasContext || needsContext !== true);
}

async function runMatrix(start: StartSidecar, protocol: Protocol, kind: Kind): Promise<Run> {
  const triggers: readonly Trigger[] = KINDS[kind].triggers;
  const outcomes = outcomesOf(kind);
  const names = [...outcomes.map(({ name }) => name), NEVER];
  const bindings = triggers.includes('binding') ? names.map(toBinding) : [];
  const app = startProcess({
    files: { 'index.mjs': SOURCE },
    args: ['--port', '0', '--timeout', '1s', '--drain-timeout', '100ms'],
    env: { APP_PROTOCOL: protocol, KIND: kind, ...toInputs(kind, bindings) },
  });
  const cleanUp: (() => Promise<void>)[] = [app.end];
  try {
    const { port } = await serving(app);
    const relay = await startAppRelay(protocol, port);
    cleanUp.unshift(() => relay.close());
    const sidecar = await start({ protocol, appPort: relay.port, bindings });
    cleanUp.unshift(() => sidecar.stop());

    for (const { name } of outcomes) await send(sidecar, triggers, name);
    await relay.until((answers) =>
      outcomes.every(({ name, said }) =>
        triggers.every((trigger) => isComplete(answers, trigger, name, said)),
      ),
    );
    await sidecar.idle();

    await send(sidecar, triggers, NEVER);
    await Promise.all(
      triggers.map((trigger) =>
        app.logged((line) => line['begun'] === NEVER && line['source'] === sourceOf(trigger)),
      ),
    );
    app.kill('SIGTERM');
    const exit = await app.exit;
    await sidecar.stop();
    return { answers: relay.answers, journal: sidecar.journal?.entries, exit };
  } finally {
    for (const end of cleanUp) await end();
  }
}

const SOURCE = readFileSync(new URL('function.js', import.meta.url), 'utf8');

function toBinding(outcome: string): string {
  return `on-${outcome}`;
}

function topicOf(trigger: Trigger): string {
  return trigger === 'topic' ? 'single' : 'bulk';
}

function eventId(trigger: Trigger, outcome: string): string {
  return `${topicOf(trigger)} ${outcome}`;
}

function sourceOf(trigger: Trigger): string {
  return trigger === 'binding' ? `/bindings/${toBinding(NEVER)}` : topicOf(trigger);
}

/** The inputs, in the function context or for the function's own registrations. */
function toInputs(kind: Kind, bindings: readonly string[]): Record<string, string> {
  const isRegistered = kind === 'topic' || kind === 'binding';
  if (kind === 'binding') {
    return { INPUTS: JSON.stringify(Object.fromEntries(bindings.map((name) => [name, {}]))) };
  }
  const options = { pubsub: PUBSUB, deadLetterTopic: 'dead' };
  const bulk = { maxMessages: 10, maxWait: 50 };
  if (isRegistered) {
    return { INPUTS: JSON.stringify({ single: options, bulk: { ...options, bulk } }) };
  }
  const metadata = { deadLetterTopic: 'dead' };
  const inMemory = { componentName: PUBSUB, componentType: 'pubsub.in-memory' };
  const many = {
    'bulkSubscribe.enabled': 'true',
    'bulkSubscribe.maxMessagesCount': '10',
    'bulkSubscribe.maxAwaitDurationMs': '50',
  };
  const inputs = {
    single: { ...inMemory, uri: 'single', metadata },
    bulk: { ...inMemory, uri: 'bulk', metadata: { ...metadata, ...many } },
    ...Object.fromEntries(
      bindings.map((name) => [name, { componentName: name, componentType: 'bindings.cron' }]),
    ),
  };
  return { FUNC_CONTEXT: JSON.stringify({ name: 'matrix', runtime: 'Async', inputs }) };
}

async function send(
  sidecar: StartedSidecar,
  triggers: readonly Trigger[],
  outcome: string,
): Promise<void> {
  for (const trigger of triggers) {
    if (trigger === 'binding') sidecar.trigger(toBinding(outcome));
    else await publish(sidecar, trigger, outcome);
  }
}

async function publish(
  { httpPort }: StartedSidecar,
  trigger: Trigger,
  outcome: string,
): Promise<void> {
  const topic = topicOf(trigger);
  const event = {
    specversion: '1.0',
    id: eventId(trigger, outcome),
    source: topic,
    type: 'matrix',
    datacontenttype: 'application/json',
    data: { outcome },
  };
  const { status } = await fetch(`http://127.0.0.1:${httpPort}/v1.0/publish/${PUBSUB}/${topic}`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(event),
  });
  if (status !== 204) throw new Error(`the sidecar answered ${status} to what was published`);
}

const isDeadLetter = ({ path }: Answer): boolean => path.split('/').includes('dead');

function isOf(answer: Answer, trigger: Trigger, outcome: string): boolean {
  if (trigger === 'binding') return answer.path === `/${toBinding(outcome)}`;
  return answer.id === eventId(trigger, outcome) && !isDeadLetter(answer);
}

/** The id of the event that is judged; of a binding that ticks for itself, the first tick's. */
function idOf(answers: readonly Answer[], trigger: Trigger, outcome: string): string | undefined {
  const [first] = answers
    .filter((answer) => isOf(answer, trigger, outcome))
    .map(({ id }) => id)
    .toSorted();
  return first;
}

function isComplete(
  answers: readonly Answer[],
  trigger: Trigger,
  outcome: string,
  said: readonly Acknowledgement[],
): boolean {
  const id = idOf(answers, trigger, outcome);
  const own = answers.filter((answer) => isOf(answer, trigger, outcome) && answer.id === id);
  if (own.length < said.length) return false;
  if (trigger === 'binding' || said.at(-1) === 'SUCCESS') return true;
  return answers.some((answer) => isDeadLetter(answer) && answer.id === id);
}

function onWire(protocol: Protocol, trigger: Trigger, said: Acknowledgement): string {
  const code = protocol === 'http' ? '200' : 'OK';
  if (trigger !== 'binding') return `${code} ${said}`;
  if (said !== 'RETRY') return code;
  return protocol === 'http' ? '500' : 'UNKNOWN';
}

function isOfEntry(
  entry: JournalEntry,
  trigger: Trigger,
  id: string | undefined,
  outcome: string,
): boolean {
  if (trigger === 'binding') return entry.binding === toBinding(outcome);
  return entry.outcome !== 'published' && entry.id === id && entry.topic === topicOf(trigger);
}

function toJournal(trigger: Trigger, said: readonly Acknowledgement[]): string[] {
  const isBinding = trigger === 'binding';
  return said.flatMap((word, index) => {
    if (word === 'SUCCESS') return ['delivered', 'acked'];
    if (word === 'DROP') return ['delivered', isBinding ? 'acked' : 'deadLettered'];
    if (index < MAX_RETRIES) return ['delivered', 'retried'];
    return ['delivered', isBinding ? 'lost' : 'deadLettered'];
  });
}
