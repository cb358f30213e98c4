// What an invocation goes to: the function over HTTP, a topic that it takes, or one of its bindings.
import type { FunctionResource } from '@ofn/resources';
import { CommandError } from '../terminal.ts';

/** What an invocation goes to. */
export type Target =
  | {
      readonly type: 'http';
      readonly name: string;
      /** By which it is found, and no other is: of several functions, two namespaces may have the same name. */
      readonly host: string;
    }
  | { readonly type: 'topic'; readonly pubsub: string; readonly topic: string }
  | {
      readonly type: 'binding';
      readonly namespace: string;
      readonly name: string;
      readonly binding: string;
    };

/** What the user says of it. */
export interface TargetFlags {
  /** A topic of the function, or `pubsub/topic`. */
  readonly topic?: string;
  readonly binding?: string;
}

/**
 * Chooses the target of a function.
 *
 * @throws CommandError when it has no such trigger, or several and none is chosen.
 */
export function targetOf(
  { metadata, spec, status }: FunctionResource,
  { binding, topic }: TargetFlags,
): Target {
  const { name, namespace = 'default' } = metadata;
  const { dapr = [], http, inputs = [] } = spec.serving?.triggers ?? {};
  const references = [...dapr, ...inputs.flatMap((input) => input.dapr ?? [])];
  const topics = references.flatMap((each): Target[] =>
    each.topic === undefined ? [] : [{ type: 'topic', pubsub: each.name, topic: each.topic }],
  );
  const bindings = references.flatMap((each): Target[] =>
    each.topic === undefined ? [{ type: 'binding', namespace, name, binding: each.name }] : [],
  );
  const choices = [...topics, ...bindings];
  const flags = choices.map(renderFlag);
  if (binding !== undefined || topic !== undefined) {
    const wanted = binding === undefined ? `--topic ${topic}` : `--binding ${binding}`;
    const found = choices.find(
      (choice) =>
        renderFlag(choice) === wanted || (choice.type === 'topic' && choice.topic === topic),
    );
    if (found !== undefined) return found;
    throw new CommandError(
      `${name} takes no ${wanted}; it takes ${flags.join(', ') || 'no events'}`,
    );
  }
  if (http !== undefined) return { type: 'http', name, host: hostOf(status, name) };
  const [only] = choices;
  if (only === undefined) throw new CommandError(`${name} has no trigger`);
  if (choices.length === 1) return only;
  throw new CommandError(`${name} has several triggers; choose one: ${flags.join(', ')}`);
}

// The last one is its own, also where it is at `localhost` too.
function hostOf(status: FunctionResource['status'], name: string): string {
  const url = status?.addresses?.at(-1)?.value;
  return url === undefined ? `${name}.localhost` : new URL(url).hostname;
}

/**
 * Parses `pubsub/topic`, of no function.
 *
 * @throws CommandError.
 */
export function parseTopic(text: string): Target {
  const slash = text.indexOf('/');
  if (slash > 0 && slash < text.length - 1) {
    return { type: 'topic', pubsub: text.slice(0, slash), topic: text.slice(slash + 1) };
  }
  throw new CommandError(`--topic must be <pubsub>/<topic> where no function is named`);
}

function renderFlag(target: Target): string {
  if (target.type === 'http') return '';
  return target.type === 'topic'
    ? `--topic ${target.pubsub}/${target.topic}`
    : `--binding ${target.binding}`;
}
